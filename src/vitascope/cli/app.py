"""The commands, gathered."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.completion import completion_init  # pyright: ignore[reportPrivateImportUsage]
from typer.main import get_command

from vitascope import __version__
from vitascope.cli.cast import cast
from vitascope.cli.completion import VARIABLE, completion
from vitascope.cli.edit import edit
from vitascope.cli.evaluate import evaluate
from vitascope.cli.explain import explain
from vitascope.cli.extend import extend
from vitascope.cli.film import film
from vitascope.cli.generate import generate
from vitascope.cli.help_panels import add_panels
from vitascope.cli.inspect import inspect
from vitascope.cli.jobs import jobs
from vitascope.cli.mcp import mcp
from vitascope.cli.models import models
from vitascope.cli.remake import remake
from vitascope.cli.serve import serve, tokens
from vitascope.cli.verify import verify
from vitascope.cli.webhooks import webhooks
from vitascope.cli.worker import worker
from vitascope.limits import LENGTHS, MAX_FILE_NAME, MAX_TEXT, check_text

app = typer.Typer(
    name="vitascope",
    help="Make video clips from words, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(is_set: bool | None) -> None:
    """Print the version and exit."""
    if is_set:
        sys.stdout.write(f"vitascope {__version__}\n")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool | None,
        typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and exit."),
    ] = None,
) -> None:
    """Make video clips from words, on your own machine."""


app.command()(generate)
app.command()(explain)
app.command()(extend)
app.command()(edit)
app.command()(film)
app.command()(inspect)
app.command()(remake)
app.command()(verify)
app.command()(evaluate)
app.add_typer(models)
app.add_typer(cast)
app.command()(worker)
app.command()(serve)
app.command()(mcp)
app.add_typer(jobs)
app.add_typer(tokens)
app.add_typer(webhooks)
app.command()(completion)


@cache
def command_line() -> Any:
    """Return the command that all others hang from; each of its texts has a maximum length."""
    if VARIABLE in os.environ:
        # A shell asks for completions: only now are the shells' ways of asking needed.
        completion_init()
    root = get_command(app)
    add_panels(root)
    for parameter in parameters(root):
        parameter.callback = _checked(parameter)
    return root


def parameters(command: Any) -> Iterator[Any]:
    """Yield the flags and arguments of a command, and of the commands below it."""
    yield from command.params
    for subcommand in getattr(command, "commands", {}).values():
        yield from parameters(subcommand)


def _checked(parameter: Any) -> Callable[..., Any]:
    """Return what checks the length of a value, or of each of several, and then calls the parameter's own callback."""
    callback, most = parameter.callback, LENGTHS.get(parameter.name, MAX_TEXT)
    name = next((flag for flag in parameter.opts if flag.startswith("--")), parameter.name.upper())

    def check(context: Any, parameter: Any, value: Any) -> Any:
        for item in value if isinstance(value, list | tuple) else (value,):
            is_path = isinstance(item, Path)
            check_text(name, str(item) if is_path else item, MAX_FILE_NAME if is_path else most)
        return value if callback is None else callback(context, parameter, value)

    return check
