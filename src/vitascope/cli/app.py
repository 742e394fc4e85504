"""The commands, gathered."""

import sys
from typing import Annotated

import typer

from vitascope import __version__
from vitascope.cli.edit import edit
from vitascope.cli.evaluate import evaluate
from vitascope.cli.explain import explain
from vitascope.cli.extend import extend
from vitascope.cli.film import film
from vitascope.cli.generate import generate
from vitascope.cli.inspect import inspect
from vitascope.cli.jobs import jobs
from vitascope.cli.models import models
from vitascope.cli.remake import remake
from vitascope.cli.serve import serve, tokens
from vitascope.cli.verify import verify
from vitascope.cli.webhooks import webhooks
from vitascope.cli.worker import worker

app = typer.Typer(
    name="vitascope",
    help="Words become a clip, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool | None) -> None:
    """Print the version and leave."""
    if wanted:
        sys.stdout.write(f"vitascope {__version__}\n")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool | None,
        typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and leave."),
    ] = None,
) -> None:
    """Words become a clip, on your own machine."""


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
app.command()(worker)
app.command()(serve)
app.add_typer(jobs)
app.add_typer(tokens)
app.add_typer(webhooks)
