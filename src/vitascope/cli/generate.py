"""`vitascope generate`: words in, a clip out."""

from collections.abc import Mapping

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
    FitOption,
    Force,
    Fps,
    GuidanceScale,
    Image,
    Keyframes,
    LastImage,
    Loop,
    Model,
    NegativePrompt,
    NoWait,
    Number,
    Output,
    Prompt,
    References,
    Resume,
    Seconds,
    Seed,
    Server,
    Size,
    Steps,
    Stream,
    Style,
    SubjectPath,
)
from vitascope.cli.screen import Screen
from vitascope.cli.takes import Delivery, kept_seed, make
from vitascope.errors import RequestError
from vitascope.prompt.enhance import enhance as rewrite
from vitascope.prompt.resolve import clean
from vitascope.prompt.stages import parse_at
from vitascope.prompt.world import FULL
from vitascope.settings import settings


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
    enhance: Enhance = False,
    model: Model = "toybox",
    number: Number = 1,
    resume: Resume = None,
    stream: Stream = False,
    as_json: AsJson = False,
    dry_run: DryRun = False,
    force: Force = False,
    server: Server = None,
    no_wait: NoWait = False,
) -> None:
    """Make a clip from words."""
    delivery = Delivery(output, number, resume, stream, as_json, dry_run, force)
    delivery.check()
    check_place(server, {"stream": stream, "resume": resume, "dry_run": dry_run}, no_wait)
    if enhance:
        prompt = enhanced(prompt, model)
    givens = given_pictures(
        image=image,
        last_image=last_image,
        keyframes=tasks.parse_keyframes(keyframe),
        reference=reference or (),
        fit=fit,
    )
    shot = make_shot(
        prompt,
        seconds=seconds,
        fps=fps,
        size=size,
        aspect_ratio=aspect_ratio,
        seed=kept_seed(resume) if seed is None else seed,
        steps=steps,
        guidance_scale=guidance_scale,
        negative_prompt=negative_prompt,
        camera=camera,
        path=path,
        at=dict(parse_at(text) for text in at or ()),
        givens=givens,
        loop=loop,
        style=style,
        model=model,
    )
    if server is None:
        make(shot, delivery)
        return
    from vitascope.cli.far import generate_there

    generate_there(
        shot,
        server,
        number=number,
        output=output,
        wait=not no_wait,
        seeded=seed is not None,
        as_json=as_json,
        force=force,
    )


def check_place(server: str | None, here: Mapping[str, object], no_wait: bool) -> None:
    """Raise `RequestError` for what only makes sense here, or only there."""
    for name, said in here.items():
        if server is not None and said:
            raise RequestError(name, "does not go together with --server", "leave one out")
    if server is None and no_wait:
        raise RequestError("no_wait", "needs a server", "say --server URL, or: vitascope jobs submit")


def enhanced(prompt: str, model: str) -> str:
    """Return a fuller prompt, and say what it is and who wrote it."""
    fuller = rewrite(clean("prompt", prompt), backend(model).card.world or FULL, settings())
    for line in (f'prompt, enhanced by {fuller.by}: "{fuller.prompt}"', *fuller.notes):
        Screen().say(line)
    return fuller.prompt
