"""`vitascope verify`: what the marks of files say, in words."""

from pathlib import Path
from typing import Annotated

import typer

from vitascope.escaping import escaped, escaped_json


def verify(
    files: Annotated[
        list[Path], typer.Argument(help="Pictures, videos or sounds, from anywhere.", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list on stdout.")] = False,
) -> None:
    """Say whether files carry marks of origin, and what those prove.

    Exit status 0 when all are marked, 3 when one has no marks, 4 when marks are broken or contradict each other.
    """
    from vitascope.backends.registry import names
    from vitascope.deliver.provenance import verify as provenance
    from vitascope.deliver.provenance.anchors import trust_anchors, watermark_keys
    from vitascope.settings import settings

    anchors, keys = trust_anchors(settings()), watermark_keys(settings())
    reports = [provenance.verify(file, anchors, keys, names()) for file in files]
    if as_json:
        typer.echo(escaped_json([report.to_json() for report in reports]))
    else:
        for number, report in enumerate(reports):
            typer.echo(f"{'' if number == 0 else chr(10)}{report.file}")
            for line in report.lines:
                typer.echo(f"  {escaped(line)}")
    status = max(provenance.EXIT_STATUS[report.verdict] for report in reports)
    if status:
        raise typer.Exit(status)
