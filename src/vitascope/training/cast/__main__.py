"""`python -m vitascope.training.cast`: build the memory of pages that ships with Toybox."""

from pathlib import Path
from typing import Annotated

import typer

from vitascope.toybox import cast
from vitascope.training.cast.build import build_cast, fetch, rename_cast
from vitascope.training.toytheatre.atlas import cache_folder


def main(
    out: Annotated[
        Path, typer.Option(help="Folder for cast.zip and cast.jsonl; by default the package's.")
    ] = Path(cast.__file__).parent,
    packages: Annotated[
        Path | None,
        typer.Option(help="Folder of unpacked npm packages; by default they are fetched with npm."),
    ] = None,
    words_only: Annotated[
        bool, typer.Option(help="Write the table anew, and leave the pictures as they are.")
    ] = False,
) -> None:
    """Build the memory of pages: choose the emoji, cut their loops, name them in twelve languages."""
    folder = packages or cache_folder() / "packages"
    if packages is None:
        fetch(folder)
    try:
        entries = (rename_cast if words_only else build_cast)(out, folder)
    except (OSError, KeyError, ValueError) as error:
        raise SystemExit(f"cast: {error}") from None
    moving = sum(entry.phases > 1 for entry in entries)
    size = (out / "cast.zip").stat().st_size / 2**20
    print(f"{len(entries)} pages, {moving} with a loop of their own, {size:.1f} MiB: {out / 'cast.zip'}")


if __name__ == "__main__":
    typer.run(main)
