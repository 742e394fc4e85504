"""`vitascope extend`: a clip goes on, or gets a beginning."""

from typing import Annotated

import typer

from vitascope.api import extension, make_shot
from vitascope.cli.run import make
from vitascope.cli.shot_options import Making, Prompt, Video, command
from vitascope.shot_fields import field_help
from vitascope.types import Plan


@command
def extend(
    video: Video,
    prompt: Prompt,
    seconds: Annotated[float, typer.Option(help=field_help("seconds") + " Here: how much to add.")] = 2.0,
    before: Annotated[bool, typer.Option("--before", help=field_help("before"))] = False,
    *,
    making: Making,
) -> None:
    """Make a clip longer and continue its motion."""
    delivery, options = making.delivery, making.shot_fields

    def draft(model: str) -> Plan:
        fields, notes = extension(video, seconds, before=before, model=model, fit=making.fit)
        return Plan(make_shot(prompt, **fields, **options, model=model), notes)

    make(draft, making.models, delivery)
