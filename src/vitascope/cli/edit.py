"""`vitascope edit`: a clip is changed by an instruction, or a part of it is made anew."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from vitascope.api import editing, make_shot
from vitascope.cli.option_types import Prompt, References, Video
from vitascope.cli.run import make
from vitascope.cli.shot_options import Making, command
from vitascope.types import Plan


@command
def edit(
    video: Video,
    prompt: Prompt,
    mask: Annotated[
        Path | None, typer.Option(help="Picture whose white part is made anew, as the prompt says.")
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="In place of --mask: shares of the picture, or pixels."),
    ] = None,
    span: Annotated[str | None, typer.Option(metavar="1s-2s", help="Make only this span anew.")] = None,
    outpaint: Annotated[
        str | None, typer.Option(metavar="W:H", help="Make what lies beside the picture at this ratio.")
    ] = None,
    strength: Annotated[
        float | None, typer.Option(help="0 to 1: how far an edit by instruction may go from the clip.")
    ] = None,
    reference: References = None,
    *,
    making: Making,
) -> None:
    """Change a clip: "make it night", "add a dog", or something else in a part of it."""
    delivery, said = making.delivery, making.said
    told = partial(
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
        return Plan(make_shot(prompt, **told(model=model), **said, model=model))

    make(draft, making.models, delivery)
