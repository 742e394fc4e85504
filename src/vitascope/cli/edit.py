"""`vitascope edit`: a clip is changed by an instruction, or a part of it is made anew."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from vitascope.api import editing, make_shot
from vitascope.cli.run import make
from vitascope.cli.shot_options import Making, Prompt, References, Video, command
from vitascope.shot_fields import field_help
from vitascope.types import Plan


@command
def edit(
    video: Video,
    prompt: Prompt,
    mask: Annotated[Path | None, typer.Option(help=field_help("mask"))] = None,
    box: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help=field_help("box")),
    ] = None,
    span: Annotated[str | None, typer.Option(metavar="1s-2s", help=field_help("span"))] = None,
    outpaint: Annotated[str | None, typer.Option(metavar="W:H", help=field_help("outpaint"))] = None,
    strength: Annotated[float | None, typer.Option(help=field_help("strength"))] = None,
    reference: References = None,
    *,
    making: Making,
) -> None:
    """Change a clip by an instruction ("make it night"), or replace a part of it."""
    delivery, options = making.delivery, making.shot_fields
    plan_fields = partial(
        editing,
        video,
        mask=mask,
        box=box,
        span=span,
        outpaint=outpaint,
        strength=strength,
        reference=reference or (),
        fit=making.fit,
    )

    def draft(model: str) -> Plan:
        return Plan(make_shot(prompt, **plan_fields(model=model), **options, model=model))

    make(draft, making.models, delivery)
