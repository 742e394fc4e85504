"""`vitascope extend`: a clip goes on, or gets a beginning."""

from typing import Annotated

import typer

from vitascope.api import extending, make_shot
from vitascope.cli.option_types import Prompt, Video
from vitascope.cli.run import make
from vitascope.cli.shot_options import Making, command
from vitascope.types import Shot


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
    delivery, said = making.delivery, making.said

    def shot(model: str) -> Shot:
        told = extending(video, seconds, before=before, model=model, fit=making.fit)
        return make_shot(prompt, **told, **said, model=model)

    make(shot, making.models, delivery)
