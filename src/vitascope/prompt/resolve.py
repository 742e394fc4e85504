"""Stage 1: what the prompt says about the scene, the camera and the style is filled into the shot."""

import unicodedata
from dataclasses import replace

from vitascope.errors import RequestError
from vitascope.prompt.captions import canonical
from vitascope.prompt.nearest import Embed
from vitascope.prompt.parse import parse
from vitascope.prompt.world import World
from vitascope.types import Plan, Shot

MAX_PROMPT = 2000
"""Characters of the longest prompt."""

_DIRECTION_MARKS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F])


def clean(name: str, text: str) -> str:
    """Return the text in one line of single spaces, without marks that only turn the reading direction.

    Raises `RequestError` for control characters, for what is not Unicode, and for more than `MAX_PROMPT` characters.
    """
    if len(text) > MAX_PROMPT:
        raise RequestError(name, f"has {len(text):,} characters", f"at most {MAX_PROMPT:,} are read")
    text = " ".join(text.split())
    for place, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cs"):
            problem = f"has the control character U+{ord(character):04X} at position {place + 1}"
            raise RequestError(name, problem, "leave it out")
    return unicodedata.normalize("NFC", text.translate(_DIRECTION_MARKS)).strip()


def resolve(shot: Shot, world: World, embed: Embed | None = None) -> Plan:
    """Return the shot with caption, camera and style filled in from its prompt, and a line per thing guessed.

    A shot that has a caption is left as it is: it has been resolved before. What the shot says outright (camera,
    style) goes before what its prompt says; `embed` finds the nearest known thing to an unknown word.
    Raises `RequestError` for a prompt that cannot be read.
    """
    prompt = clean("prompt", shot.prompt)
    negative = clean("negative_prompt", shot.negative_prompt)
    if not prompt:
        raise RequestError("prompt", "is empty", 'say what to show, as in "a cat walking in a garden"')
    if shot.caption is not None:
        return Plan(shot)
    if shot.style is not None and shot.style not in world.styles:
        problem = f"{shot.style[:40]!r} is not a style of this model"
        raise RequestError("style", problem, f"it knows: {', '.join(world.styles)}")
    parsed = parse(prompt, world, embed)
    scene = replace(parsed.scene, style=shot.style or parsed.scene.style)
    camera = parsed.camera if shot.camera is None else shot.camera
    update = {
        "prompt": prompt,
        "negative_prompt": negative,
        "caption": canonical(scene),
        "style": scene.style,
        "camera": camera,
    }
    return Plan(shot.model_copy(update=update), tuple(parsed.notes))
