"""`vitascope remake`: render a clip again from its own settings and say whether it is the same."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from vitascope.cli.progress_bar import Screen
from vitascope.escaping import escaped_json


def remake(
    file: Annotated[Path, typer.Argument(help="A clip made by vitascope.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File for the new clip (.mp4). [default: discard it]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Render a clip again and say whether the picture is identical. Exit status 1 when it is not."""
    from vitascope.backends.registry import backend
    from vitascope.deliver.compare import compare
    from vitascope.deliver.mux import read
    from vitascope.deliver.names import check_output, output_path
    from vitascope.director.make import make
    from vitascope.director.storyboard import storyboard_of
    from vitascope.errors import InputFileError
    from vitascope.pipeline import deliver, generate
    from vitascope.progress import Progress

    before = read(file)
    shot = before.record.shot
    if shot.seed is None:
        raise InputFileError(f"{file} says no seed, and so cannot be made again")
    if output is not None:
        output = output_path(output, shot.prompt, shot.seed)
        check_output(output, force=force)
    with Screen() as screen, tempfile.TemporaryDirectory() as folder:
        progress = Progress(screen)
        if shot.model.startswith("remote:"):
            screen.say("note: a server makes it, which cannot be promised to be the same")
        target = Path(folder) / "again.mp4" if output is None else output
        if before.record.film is not None:
            make(
                storyboard_of(before.record), backend(shot.model), Path(folder), target, progress, force=force
            )
        else:
            clip = generate(shot, backend(shot.model), progress)
            clip = replace(clip, record=replace(clip.record, notes=before.record.notes))
            deliver(clip, target, progress, force=force)
        result = compare(file, before, target)
    if as_json:
        typer.echo(escaped_json({"path": str(file), **result.to_json()}))
    else:
        typer.echo(result.sentence())
    if not result.picture_identical:
        raise typer.Exit(1)
