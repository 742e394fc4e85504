"""`vitascope explain`: what is understood of a prompt, and what is guessed."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from vitascope.cli.progress_bar import Screen
from vitascope.escaping import escaped_json


def explain(
    prompt: Annotated[str, typer.Argument(help="What the clip shows, in words.", show_default=False)],
    negative_prompt: Annotated[
        str, typer.Option(help="What the clip must not show, in words.", show_default=False)
    ] = "",
    enhance: Annotated[
        bool, typer.Option("--enhance", help="Expand a short prompt first, by rules or by a chat model.")
    ] = False,
    image: Annotated[
        Path | None,
        typer.Option(help="Picture to use as the first frame; it fills in what the prompt leaves open."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
    model: Annotated[str, typer.Option(help="Model to read the prompt for.")] = "toybox",
) -> None:
    """Print how a prompt is understood, and where each value comes from."""
    from vitascope.api import given_pictures
    from vitascope.backends.base import ReadsPrompts
    from vitascope.backends.registry import backend
    from vitascope.types import Shot

    reader, notes = backend(model), ()
    if not isinstance(reader, ReadsPrompts):
        reader, notes = backend("toybox"), (f"{model} reads free text: this is how toybox reads it",)
    assert isinstance(reader, ReadsPrompts)
    if enhance:
        enhanced = reader.enhance(prompt, pictured=image is not None)
        prompt, notes = enhanced.prompt, (*notes, *enhanced.notes)
    givens = given_pictures(image=image)
    shot = Shot(prompt=prompt, negative_prompt=negative_prompt, model=model, givens=givens)
    explanation = reader.explain(shot)
    notes += explanation.notes
    if as_json:
        typer.echo(escaped_json({**explanation.values, "notes": list(notes)}))
        return
    if enhance:
        typer.echo(explanation.prompt)
    _print([(row.field, row.value, row.how) for row in explanation.rows])
    for note in notes:
        Screen().say(f"note: {note}")


def _print(lines: list[tuple[str, str, str]]) -> None:
    """Print three columns; the last one is the narrowest word that tells how the value was come by."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for style in ("bold", None, "dim"):
        table.add_column(style=style, overflow="fold")
    for line in lines:
        table.add_row(*line)
    Console(
        file=sys.stdout,
        width=None if sys.stdout.isatty() else 120,
        markup=False,
        highlight=False,
        emoji=False,
    ).print(table)
