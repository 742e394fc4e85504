"""What is known of the open-weight models: one TOML file each, read when first asked for.

What differs between models is data, not code: a new model is a new file here.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Task = Literal[
    "text", "image", "first-last", "keyframes", "reference", "source", "inpaint", "extend", "sound", "motion"
]
"""What a model can be given: words, a first frame, first and last frame, frames at times, pictures of who is meant,
a clip to change, a clip and a mask, a clip to go on from, a sound, a clip whose motion to copy."""


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FrameRule(_Facts):
    """Legal lengths in frames: `offset + step * k` up to `most`, or one of `choices`."""

    step: Annotated[int, Field(ge=1)] = 4
    offset: Annotated[int, Field(ge=0)] = 1
    default: int
    most: int
    choices: tuple[int, ...] = ()

    def snap(self, asked: float) -> int:
        """Return the nearest legal number of frames, the longer one on a tie."""
        if self.choices:
            return min(self.choices, key=lambda count: (abs(count - asked), -count))
        steps = max(0 if self.offset else 1, int((asked - self.offset) / self.step + 0.5))
        top = (self.most - self.offset) // self.step
        return self.offset + self.step * min(steps, top)


class SizeRule(_Facts):
    """Legal sizes: sides that are multiples of `multiple` with at most `most_pixels`, or one of `choices`."""

    multiple: int = 16
    default: tuple[int, int]
    most_pixels: int
    choices: tuple[tuple[int, int], ...] = ()


class Licence(_Facts):
    """Under what terms weights may be used: its text as a file of the repository (or an address elsewhere).

    `conditions` are the ones that bite, a line each.
    """

    name: str
    text: str = "LICENSE"
    conditions: tuple[str, ...] = ()


class Memory(_Facts):
    """Billions of parameters of the parts, as published; `experts` is how many transformers of that size there are."""

    transformer: float
    text_encoder: float
    decoder: float = 0.3
    experts: int = 1


class Entry(_Facts):
    """One open-weight model.

    `pipelines` maps each task to the diffusers class that does it; `arguments` maps our nouns (num_frames, fps, image,
    last_image, video, mask, references, sound …) to that class's argument names where they differ; `fixed` are
    arguments that are always passed. `repositories` overrides the repository for a task.
    """

    id: str
    title: str
    repository: str
    revision: str
    pipelines: dict[Task, str]
    repositories: dict[Task, str] = {}
    modular: bool = False
    arguments: dict[str, str] = {}
    fixed: dict[str, bool | int | float | str] = {}
    frames: FrameRule
    size: SizeRule
    fps: float
    steps: int
    guidance_scale: float
    sound: Literal["none", "out", "in", "both"] = "none"
    memory: Memory
    licence: Licence
    gated: bool = False
    needs: tuple[str, ...] = ()
    """Python packages beyond the [open-weights] extra that the pipeline cannot do without."""


@cache
def catalogue() -> dict[str, Entry]:
    """Return every entry by its id, in the order of the ids."""
    texts = (file.read_text("utf-8") for file in files(__package__).iterdir() if file.name.endswith(".toml"))
    entries = (Entry.model_validate(tomllib.loads(text)) for text in texts)
    return {entry.id: entry for entry in sorted(entries, key=lambda entry: entry.id)}


def entry_for(pipeline: str) -> Entry | None:
    """Return the first entry that uses a pipeline class, for a folder of weights that is in nobody's catalogue."""
    return next((entry for entry in catalogue().values() if pipeline in entry.pipelines.values()), None)
