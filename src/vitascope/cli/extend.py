"""`vitascope extend`: a clip goes on, or gets a beginning."""

from typing import Annotated

import typer

from vitascope.api import extending, make_shot
from vitascope.cli.making import Making, command
from vitascope.cli.options import Prompt, Video
from vitascope.cli.takes import make


@command
def extend(
    video: Video,
    prompt: Prompt,
    seconds: Annotated[float, typer.Option(help="How much longer it gets.")] = 2.0,
    before: Annotated[
        bool, typer.Option("--before", help="Make what came before, not what follows.")
    ] = False,
    *,
    making: Making,
) -> None:
    """Make a clip longer, keeping its motion."""
    delivery = making.delivery
    told = extending(video, seconds, before=before, model=making.model, fit=making.fit)
    make(make_shot(prompt, **told, **making.said), delivery)
