"""Order in time: a prompt that changes ("it walks // it jumps", "it walks, then jumps") as stages in a row."""

import re
from dataclasses import dataclass

from vitascope.camera.language import read_camera
from vitascope.limits import MAX_STAGES
from vitascope.toybox.language.image_labels import NOTHING, Seen
from vitascope.toybox.language.match import match, tokenize
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.language.parse import Parsed, parse_english, translate
from vitascope.toybox.language.translate import Translation
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import FULL, World

MOST_STAGES = MAX_STAGES
"""Stages of one prompt; what comes after belongs to the last."""

_MARK = "//"
_THEN = re.compile(
    r"[,;.]? ?\b(?:and |but )?(?:then|afterwards|after that|next(?! to\b)|finally|later on|later)\b,? ?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Stage:
    """One stretch of a prompt in time: its words in English, and the scene that it leads to.

    What a stage does not say (who, where, when) is as in the stage before. `start` and `end` are shares of the
    whole length; the moves in `parsed.camera` are counted within the stage. `caption` is what the model reads.
    """

    text: str
    parsed: Parsed
    caption: str
    start: float
    end: float

    @property
    def scene(self) -> Scene:
        """The scene of this stage."""
        return self.parsed.scene


def stages(
    prompt: str, world: World = FULL, embed: Embed | None = None, seen: Seen = NOTHING
) -> tuple[Stage, ...]:
    """Return the stages of a prompt in order, each as long as the others; one for a prompt without change.

    What the first does not say is as it was `seen` in pictures.

    Stages are set apart by " // ", by "then" and its like in any language. A "then" between two moves of the
    camera sets no stages apart: the camera has times of its own (see `camera.read_camera`).
    """
    translation = translate(prompt, world)
    texts = stage_texts(translation.text)
    found: list[Stage] = []
    parsed: Parsed | None = None
    for i, text in enumerate(texts):
        parsed = parse_english(Translation(text, translation.language), world, embed, parsed, seen)
        found.append(Stage(text, parsed, parsed.caption, i / len(texts), (i + 1) / len(texts)))
    return tuple(found)


def stage_texts(english: str) -> list[str]:
    """Return the words of each stage; what speaks of the camera alone stays with the stage before it."""
    texts: list[str] = []
    for marked in english.split(_MARK, MOST_STAGES):
        parts: list[str] = []
        for part in _THEN.split(" ".join(marked.split()), MOST_STAGES):
            words = part.strip(" ,;.")
            if parts and (not words or _camera_alone(words)):
                parts[-1] += f", then {words}" if words else ""
            elif words and parts and _camera_alone(parts[-1]):
                parts[-1] += f", then {words}"
            elif words:
                parts.append(words)
        texts += parts
    kept, rest = texts[:MOST_STAGES], texts[MOST_STAGES:]
    return [*kept[:-1], ", ".join([*kept[-1:], *rest])] if kept else [english]


def _camera_alone(words: str) -> bool:
    """Say whether words speak of the camera and of nothing in the scene."""
    camera = read_camera(" ".join(tokenize(words)))
    return camera.label is not None and not match(camera.rest.split())
