"""`vitascope generate`: words in, a clip out."""

from functools import partial

from vitascope import tasks
from vitascope.api import given_pictures, make_shot
from vitascope.backends.registry import backend
from vitascope.cli import options
from vitascope.cli.making import Making, command
from vitascope.cli.screen import Screen
from vitascope.cli.takes import make
from vitascope.prompt.enhance import enhance as rewrite
from vitascope.prompt.resolve import clean
from vitascope.prompt.stages import parse_at
from vitascope.prompt.world import FULL
from vitascope.settings import settings
from vitascope.types import Shot


@command
def generate(
    prompt: options.Prompt,
    seconds: options.Seconds = None,
    fps: options.Fps = None,
    size: options.Size = None,
    aspect_ratio: options.AspectRatio = None,
    at: options.At = None,
    image: options.Image = None,
    last_image: options.LastImage = None,
    keyframe: options.Keyframes = None,
    reference: options.References = None,
    loop: options.Loop = False,
    quality: options.QualityOption = None,
    memory: options.Memory = None,
    lora: options.Loras = None,
    enhance: options.Enhance = False,
    *,
    making: Making,
) -> None:
    """Make a clip from words."""
    delivery = making.delivery
    givens = given_pictures(
        image=image,
        last_image=last_image,
        keyframes=tasks.parse_keyframes(keyframe),
        reference=reference or (),
        fit=making.fit,
    )
    told = partial(
        make_shot,
        seconds=seconds,
        fps=fps,
        size=size,
        aspect_ratio=aspect_ratio,
        at=dict(parse_at(text) for text in at or ()),
        givens=givens,
        loop=loop,
        quality=quality,
        memory=memory,
        lora=lora or (),
        **making.said,
    )

    def shot(model: str) -> Shot:
        return told(enhanced(prompt, model) if enhance else prompt, model=model)

    make(shot, making.models, delivery)


def enhanced(prompt: str, model: str) -> str:
    """Return a fuller prompt, and say what it is and who wrote it."""
    fuller = rewrite(clean("prompt", prompt), backend(model).card.world or FULL, settings())
    for line in (f'prompt, enhanced by {fuller.by}: "{fuller.prompt}"', *fuller.notes):
        Screen().say(line)
    return fuller.prompt
