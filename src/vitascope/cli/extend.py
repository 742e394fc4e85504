"""`vitascope extend`: a clip goes on, or gets a beginning."""

from typing import Annotated

import typer

from vitascope.api import extending, make_shot
from vitascope.cli.options import (
    AsJson,
    Camera,
    DryRun,
    Fallback,
    FitOption,
    Force,
    GuidanceScale,
    Model,
    NegativePrompt,
    Number,
    Output,
    Prompt,
    Resume,
    Seed,
    Steps,
    Stream,
    Style,
    SubjectPath,
    Video,
)
from vitascope.cli.takes import Delivery, make
from vitascope.types import Shot


def extend(
    video: Video,
    prompt: Prompt,
    seconds: Annotated[float, typer.Option(help="How much longer it gets.")] = 2.0,
    before: Annotated[
        bool, typer.Option("--before", help="Make what came before, not what follows.")
    ] = False,
    output: Output = None,
    seed: Seed = None,
    steps: Steps = None,
    guidance_scale: GuidanceScale = None,
    negative_prompt: NegativePrompt = "",
    camera: Camera = None,
    path: SubjectPath = None,
    fit: FitOption = "crop",
    style: Style = None,
    model: Model = "toybox",
    fallback: Fallback = None,
    number: Number = 1,
    resume: Resume = None,
    stream: Stream = False,
    as_json: AsJson = False,
    dry_run: DryRun = False,
    force: Force = False,
) -> None:
    """Make a clip longer, keeping its motion."""
    delivery = Delivery(output, number, resume, stream, as_json, dry_run, force)
    delivery.check()
    seed = delivery.seed(seed)

    def shot(model: str) -> Shot:
        return make_shot(
            prompt,
            **extending(video, seconds, before=before, model=model, fit=fit),
            seed=seed,
            steps=steps,
            guidance_scale=guidance_scale,
            negative_prompt=negative_prompt,
            camera=camera,
            path=path,
            style=style,
            model=model,
        )

    make(shot, (model, *(fallback or ())), delivery)
