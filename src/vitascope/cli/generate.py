"""`vitascope generate`: words in, a clip out."""

from functools import partial

from vitascope import tasks
from vitascope.api import given_pictures, make_shot
from vitascope.backends.registry import backend
from vitascope.cli.options import (
    AsJson,
    AspectRatio,
    At,
    Camera,
    DryRun,
    Enhance,
    Fallback,
    FitOption,
    Force,
    Fps,
    GuidanceScale,
    Image,
    Keyframes,
    LastImage,
    Loop,
    Loras,
    Memory,
    Model,
    NegativePrompt,
    Number,
    Output,
    Prompt,
    QualityOption,
    References,
    Resume,
    Seconds,
    Seed,
    Size,
    Steps,
    Stream,
    Style,
    SubjectPath,
)
from vitascope.cli.screen import Screen
from vitascope.cli.takes import Delivery, make
from vitascope.prompt.enhance import enhance as rewrite
from vitascope.prompt.resolve import clean
from vitascope.prompt.stages import parse_at
from vitascope.prompt.world import FULL
from vitascope.settings import settings
from vitascope.types import Shot


def generate(
    prompt: Prompt,
    output: Output = None,
    seconds: Seconds = None,
    fps: Fps = None,
    size: Size = None,
    aspect_ratio: AspectRatio = None,
    seed: Seed = None,
    steps: Steps = None,
    guidance_scale: GuidanceScale = None,
    negative_prompt: NegativePrompt = "",
    camera: Camera = None,
    path: SubjectPath = None,
    at: At = None,
    image: Image = None,
    last_image: LastImage = None,
    keyframe: Keyframes = None,
    reference: References = None,
    fit: FitOption = "crop",
    loop: Loop = False,
    style: Style = None,
    quality: QualityOption = None,
    memory: Memory = None,
    lora: Loras = None,
    enhance: Enhance = False,
    model: Model = "toybox",
    fallback: Fallback = None,
    number: Number = 1,
    resume: Resume = None,
    stream: Stream = False,
    as_json: AsJson = False,
    dry_run: DryRun = False,
    force: Force = False,
) -> None:
    """Make a clip from words."""
    delivery = Delivery(output, number, resume, stream, as_json, dry_run, force)
    delivery.check()
    givens = given_pictures(
        image=image,
        last_image=last_image,
        keyframes=tasks.parse_keyframes(keyframe),
        reference=reference or (),
        fit=fit,
    )
    told = partial(
        make_shot,
        seconds=seconds,
        fps=fps,
        size=size,
        aspect_ratio=aspect_ratio,
        seed=delivery.seed(seed),
        steps=steps,
        guidance_scale=guidance_scale,
        negative_prompt=negative_prompt,
        camera=camera,
        path=path,
        at=dict(parse_at(text) for text in at or ()),
        givens=givens,
        loop=loop,
        style=style,
        quality=quality,
        memory=memory,
        lora=lora or (),
    )

    def shot(model: str) -> Shot:
        return told(enhanced(prompt, model) if enhance else prompt, model=model)

    make(shot, (model, *(fallback or ())), delivery)


def enhanced(prompt: str, model: str) -> str:
    """Return a fuller prompt, and say what it is and who wrote it."""
    fuller = rewrite(clean("prompt", prompt), backend(model).card.world or FULL, settings())
    for line in (f'prompt, enhanced by {fuller.by}: "{fuller.prompt}"', *fuller.notes):
        Screen().say(line)
    return fuller.prompt
