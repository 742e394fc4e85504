"""`vitascope edit`: a clip is changed by an instruction, or a part of it is made anew."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from vitascope.api import editing, make_shot
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
    References,
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
    """Change a clip: "make it night", "add a dog", or something else in a part of it."""
    delivery = Delivery(output, number, resume, stream, as_json, dry_run, force)
    delivery.check()
    seed = delivery.seed(seed)
    told = partial(
        editing,
        video,
        mask=mask,
        box=box,
        span=span,
        outpaint=outpaint,
        strength=strength,
        reference=reference or (),
        fit=fit,
    )

    def shot(model: str) -> Shot:
        return make_shot(
            prompt,
            **told(model=model),
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
