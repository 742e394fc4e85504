"""`vitascope cast`: what Toybox can show, and your own subjects beside it."""

from pathlib import Path
from typing import Annotated

import typer

from vitascope.escaping import escaped, escaped_json

cast = typer.Typer(
    name="cast",
    help="List what Toybox has pictures of, and add your own subjects.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout.")]


@cast.command("ls")
def list_subjects(
    word: Annotated[str, typer.Argument(help="Only what has this in a name, in any language.")] = "",
    sheet: Annotated[
        Path | None, typer.Option(help="Also draw them into one picture (.png, .webp).", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the subjects that there are pictures of, your own first."""
    from vitascope.backends.registry import cast_library
    from vitascope.settings import settings

    rows, notes = cast_library().list_subjects(settings().home, word, sheet)
    _say(notes)
    if as_json:
        typer.echo(escaped_json([row.to_json() for row in rows]))
        return
    for row in rows:
        pictures = f"{row.phases} pictures" if row.phases > 1 else "still"
        kind = f"{row.kind}, yours" if row.own else row.kind
        synonyms = ", ".join(row.synonyms[:4])
        typer.echo(escaped(f"{row.name:28} {kind:16} {pictures:12} {synonyms}".rstrip()))


@cast.command("add")
def add_subject(
    name: Annotated[str, typer.Argument(help="What your subject is called, as in Rex.", show_default=False)],
    files: Annotated[
        list[Path],
        typer.Argument(
            help="A picture; several, or a short video or animation, for its movement.", show_default=False
        ),
    ],
    like: Annotated[
        str, typer.Option(help="What it moves and sounds like: dog, car …", show_default=False)
    ] = "",
    facing: Annotated[
        str, typer.Option(help="Which way it looks in the picture: left, right or front.")
    ] = "front",
    box: Annotated[
        str,
        typer.Option(
            help="Where it is in a photograph: LEFT,TOP,WIDTH,HEIGHT in shares of the picture.",
            show_default=False,
        ),
    ] = "",
    views: Annotated[
        bool,
        typer.Option("--views", help="The pictures are views from around it, not moments of a movement."),
    ] = False,
    consent: Annotated[
        bool,
        typer.Option(
            "--consent",
            help="Whoever the face belongs to has agreed, or it is nobody's. This is recorded.",
        ),
    ] = False,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Also draw what was cut out, to look at it (.png, .webp).", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Keep your own picture as a subject that prompts can name. Photographs are cut out of their ground."""
    from vitascope.backends.cast import NewSubject
    from vitascope.backends.registry import cast_library
    from vitascope.settings import settings

    subject = NewSubject(name, tuple(files), like, facing, box, views, consent)
    added = cast_library().add_subject(settings().home, subject, sheet)
    _say(added.notes)
    if as_json:
        typer.echo(escaped_json({**added.row.to_json(), "method": added.method, "notes": list(added.notes)}))
        return
    pictures = f"{added.row.phases} pictures" if added.row.phases > 1 else "one picture"
    typer.echo(escaped(f"{added.row.name} ({added.row.kind}): {pictures}, cut out by {added.method}"))


@cast.command("rm")
def remove_subject(
    name: Annotated[str, typer.Argument(help="What your subject is called.", show_default=False)],
) -> None:
    """Forget one of your own subjects, and delete its pictures."""
    from vitascope.backends.registry import cast_library
    from vitascope.settings import settings

    cast_library().remove_subject(settings().home, name)


def _say(notes: tuple[str, ...]) -> None:
    for note in notes:
        typer.echo(escaped(f"note: {note}"), err=True)
