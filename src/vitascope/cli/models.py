"""`vitascope models`: the open-weight models, what they can do, need and cost, and those on this machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from vitascope.escaping import escaped_json

models = typer.Typer(
    name="models",
    help="List, pull, check and remove open-weight models.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Id = Annotated[str, typer.Argument(help="A model of the catalogue.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Accept = Annotated[bool, typer.Option("--accept-licence", help="Accept the licence of the model.")]


@models.command("list")
def list_(
    as_json: AsJson = False,
    only_local: Annotated[bool, typer.Option("--here", help="Only models on this machine.")] = False,
    fits: Annotated[bool, typer.Option("--fits", help="Only models that fit this machine.")] = False,
    task: Annotated[
        str | None, typer.Option(help="Only models that can do this task.", show_default=False)
    ] = None,
) -> None:
    """List the models with their tasks, size, fit and licence.

    How a model fits is how its usual clip would be placed on this machine: see docs/models.md.
    """
    from vitascope.weights.catalogue import GIVENS, catalogue
    from vitascope.weights.listing import rows
    from vitascope.weights.machine import machine

    if task is not None and task not in GIVENS:
        from vitascope.errors import RequestError

        raise RequestError("task", f"{task[:40]!r} is not a task", f"it may be: {', '.join(GIVENS)}")
    computer = machine()
    entries = [entry for entry in catalogue().values() if task is None or task in entry.tasks]
    listed = [row for row in rows(_library(), computer, entries) if row.here or not only_local]
    listed = [row for row in listed if not fits or row.fits != "no"]
    if as_json:
        row_json = {
            "machine": {"gpu": computer.gpu, "ram": computer.ram},
            "models": [row.to_json() for row in listed],
        }
        typer.echo(escaped_json(row_json))
        return
    _print(listed)
    typer.echo(f"{computer}; * has conditions: vitascope models info ID", err=True)


@models.command()
def info(model: Id, as_json: AsJson = False) -> None:
    """Print the details of a model."""
    from vitascope.cli.inspect import show
    from vitascope.weights.library import entry_named
    from vitascope.weights.listing import Row
    from vitascope.weights.machine import machine

    row = Row(entry_named(model), _library(), machine())
    row_json = row.to_json()
    if as_json:
        typer.echo(escaped_json(row_json))
    else:
        show({name.replace("_", " "): value for name, value in {**row_json, "fits": row.placement}.items()})


@models.command()
def pull(model: Id, accept_licence: Accept = False) -> None:
    """Download a model once its licence is accepted.

    A pull that was interrupted goes on where it stopped.
    """
    from vitascope.weights.library import entry_named

    library, entry = _library(), entry_named(model)
    if library.has(entry):
        typer.echo(f"{entry.id} is here already: {library.path(entry)}", err=True)
        return
    _agree(library, entry, accept_licence)
    with _room(library):
        pulled = library.pull(entry, lambda line: typer.echo(line, err=True))
    typer.echo(f"{library.path(entry)}")
    typer.echo(f"{entry.id}: {len(pulled.files)} files, {pulled.size / 2**30:.1f} GiB", err=True)


@models.command()
def add(
    model: Id,
    folder: Annotated[
        Path, typer.Argument(help="Its folder, in the layout of diffusers.", show_default=False)
    ],
    accept_licence: Accept = False,
) -> None:
    """Copy the folder of a model from elsewhere.

    It is then found by its name, as if it had been pulled.
    """
    from vitascope.weights.library import entry_named

    library, entry = _library(), entry_named(model)
    _agree(library, entry, accept_licence)
    with _room(library):
        library.add(entry, folder)
    typer.echo(f"{library.path(entry)}")


@models.command()
def verify(
    model: Annotated[str | None, typer.Argument(help="A model on this machine. [default: all]")] = None,
) -> None:
    """Compare files with their checksums when pulled."""
    from vitascope.errors import WeightsError
    from vitascope.weights.catalogue import catalogue
    from vitascope.weights.library import entry_named

    library = _library()
    entries = (
        [entry_named(model)] if model else [entry for entry in catalogue().values() if library.has(entry)]
    )
    damaged = []
    for entry in entries:
        wrong = library.verify(entry)
        for line in wrong:
            typer.echo(f"{entry.id}: {line}", err=True)
        typer.echo(f"{entry.id}: {'damaged' if wrong else 'whole'}")
        damaged += [entry.id] * bool(wrong)
    if damaged:
        raise WeightsError(f"damaged: {', '.join(damaged)}; vitascope models rm ID, then pull it again")
    if not entries:
        typer.echo("no models are on this machine", err=True)


@models.command()
def rm(model: Id) -> None:
    """Delete a model from this machine.

    What an interrupted pull left of it goes too.
    """
    from vitascope.weights.library import entry_named

    entry = entry_named(model)
    freed = _library().remove(entry)
    typer.echo(f"{entry.id}: {freed / 2**30:.1f} GiB freed", err=True)


def _library() -> Any:
    from vitascope.settings import settings
    from vitascope.weights.library import Library

    return Library(settings().home)


def _agree(library: Any, entry: Any, accept: bool) -> None:
    """Show the licence before anything is downloaded, and record that it is accepted, once."""
    if library.accepted(entry) is not None:
        return
    typer.echo(f"{entry.id} is under this licence: {entry.licence.name}", err=True)
    for condition in entry.licence.conditions:
        typer.echo(f"  {condition}", err=True)
    typer.echo(f"  its text: {entry.licence.text} in {entry.repository}", err=True)
    if accept or (sys.stdin.isatty() and typer.confirm("Do you accept it?", err=True)):
        library.accept(entry)


@contextmanager
def _room(library: Any) -> Iterator[None]:
    """Turn what the system refuses into one line."""
    from vitascope.errors import WeightsError

    try:
        yield
    except OSError as error:
        raise WeightsError(f"{library.folder} cannot be written ({error.strerror or error})") from None


def _print(rows: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("model", "here", "given", "sound", "GiB", "fits", "licence"):
        table.add_column(
            name,
            justify="right" if name == "GiB" else "left",
            overflow="fold",
            no_wrap=name in ("model", "fits"),
        )
    for row in rows:
        entry = row.entry
        table.add_row(
            entry.id,
            "yes" if row.here else "",
            " ".join(entry.tasks),
            entry.sound if entry.sound != "none" else "",
            f"{row.parts.total / 2**30:.0f}",
            row.fits,
            row.terms + " (gated)" * entry.gated,
        )
    width = None if sys.stdout.isatty() else 160
    Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False).print(table)
