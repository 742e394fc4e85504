"""What is known of the open-weight models: one TOML file each, read when first asked for.

What differs between models is data, not code: a new model is a new file here.
"""

import math
import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Task = Literal[
    "text", "image", "first-last", "keyframes", "reference", "source", "inpaint", "extend", "sound", "motion"
]
"""What a model can be given: words, a first frame, first and last frame, frames at times, pictures of who is meant,
a clip to change, a clip and a mask, a clip to go on from, a sound, clips of how a body and a face move."""

USUAL = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "width": "width",
    "height": "height",
    "num_frames": "num_frames",
    "steps": "num_inference_steps",
    "guidance_scale": "guidance_scale",
}
"""What a pipeline of diffusers usually calls our nouns; the seed always becomes its `generator`."""

GIVENS: dict[Task, dict[str, str]] = {
    "text": {},
    "image": {"image": "image"},
    "first-last": {"image": "image", "last_image": "last_image"},
    "keyframes": {"keyframes": "conditions"},
    "reference": {"references": "reference_images"},
    "source": {"video": "video", "strength": "strength"},
    "inpaint": {"video": "video", "mask": "mask"},
    "extend": {"video": "video"},
    "sound": {"sound": "audio"},
    "motion": {"image": "image", "pose": "pose_video", "face": "face_video"},
}
"""What a pipeline usually calls what it is given for a task."""


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FrameRule(_Facts):
    """Legal lengths in frames: `offset + step * k` from `least` to `most`, or one of `choices`."""

    step: Annotated[int, Field(ge=1)] = 4
    offset: Annotated[int, Field(ge=0)] = 1
    default: int
    most: int
    least: int = 1
    choices: tuple[int, ...] = ()

    @property
    def longest(self) -> int:
        """The most frames that are legal."""
        return self.snap(max((self.most, *self.choices)))

    def snap(self, asked: float | int) -> int:
        """Return the nearest legal number of frames, the longer one on a tie."""
        if self.choices:
            return min(self.choices, key=lambda count: (abs(count - asked), -count))
        bottom = -(-max(1, self.least - self.offset) // self.step) if self.least > self.offset else 0
        top = (self.most - self.offset) // self.step
        return self.offset + self.step * min(
            max(bottom, math.floor((asked - self.offset) / self.step + 0.5)), top
        )

    def __str__(self) -> str:
        """Say the rule as a person would."""
        if self.choices:
            return " or ".join(str(count) for count in self.choices)
        rule = "any number" if self.step == 1 else f"{self.step}k" + f"+{self.offset}" * bool(self.offset)
        return f"{rule}, at most {self.most}"


class SizeRule(_Facts):
    """Legal sizes: sides that are multiples of `multiple` with at most `most_pixels`, or one of `choices`."""

    multiple: int = 16
    default: tuple[int, int]
    most_pixels: int
    choices: tuple[tuple[int, int], ...] = ()

    def snap(self, asked: tuple[float | int, float | int]) -> tuple[int, int]:
        """Return the legal size nearest to (width, height): of the same shape as far as the multiple lets it be."""
        width, height = asked
        if self.choices:
            far = {
                size: abs(math.log(size[0] / width)) + abs(math.log(size[1] / height))
                for size in self.choices
            }
            return min(self.choices, key=lambda size: far[size])
        shrink = min(1.0, math.sqrt(self.most_pixels / (width * height)))
        sides = [max(1, round(side * shrink / self.multiple)) * self.multiple for side in asked]
        while sides[0] * sides[1] > self.most_pixels and max(sides) > self.multiple:
            sides[sides.index(max(sides))] -= self.multiple
        return sides[0], sides[1]

    def of_ratio(self, ratio: float | int) -> tuple[int, int]:
        """Return the size of a ratio of width to height that has about as many pixels as the default."""
        width, height = self.default
        high = math.sqrt(width * height / ratio)
        return self.snap((high * ratio, high))


class Licence(_Facts):
    """Under what terms weights may be used: its text as a file of the repository (or an address elsewhere).

    `conditions` are the ones that bite, a line each.
    """

    name: str
    text: str = "LICENSE"
    conditions: tuple[str, ...] = ()


class Memory(_Facts):
    """What a model needs of memory: its parts in billions of parameters, as published, and what it works with.

    `experts` is how many transformers of that size there are. `token` is what one token of the transformer stands for
    (frames, and pixels along each side), `token_kib` what it takes at the peak of one pass, `batch` how many clips one
    pass holds when it is guided. A decoder takes `decode_bytes` a pixel of the `decode_frames` that it decodes at once
    (0 = the whole clip). `benchmarks/memory_of_models.py` measures these.
    """

    transformer: float
    text_encoder: float
    decoder: float = 0.3
    experts: int = 1
    token: tuple[int, int] = (4, 16)
    token_kib: float = 100.0
    batch: int = 1
    window: int = 0
    """Frames that are denoised at once where a long clip is made piece by piece; 0 = all."""
    padded: bool = False
    """Whether as many are denoised for a shorter clip too."""
    decode_frames: int = 0
    decode_bytes: float = 2000.0
    tiles: bool = True
    """Whether the decoder can work tile by tile."""


class Part(_Facts):
    """A component that comes from a repository of its own: the class in diffusers that it is of, and where it lies."""

    component: str
    kind: str
    repository: str
    revision: str = "main"
    folder: str = ""


class Entry(_Facts):
    """One open-weight model.

    `pipelines` maps each task to the diffusers class that does it; `arguments` maps our nouns (those of `USUAL` and
    `GIVENS`, and "fps") to that class's argument names where they differ, "" where it has none; `task_arguments` does
    so for one task. `fixed` are arguments that are always passed, `repositories` overrides the repository for a task.
    """

    id: str
    title: str
    repository: str
    revision: str = "main"
    pipelines: dict[Task, str]
    repositories: dict[Task, str] = {}
    modular: bool = False
    arguments: dict[str, str] = {}
    task_arguments: dict[Task, dict[str, str]] = {}
    fixed: dict[str, bool | int | float | str | tuple[float, ...]] = {}
    frames: FrameRule
    size: SizeRule
    fps: float
    steps: int
    guidance_scale: float
    negative_prompt: str = ""
    """What to stay away from when nobody says; what its makers recommend."""
    sound: Literal["none", "out", "in", "both"] = "none"
    memory: Memory
    licence: Licence
    gated: bool = False
    needs: tuple[str, ...] = ()
    """Python packages beyond the [open-weights] extra that the pipeline cannot do without."""
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    decoder_dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    parts: tuple[Part, ...] = ()
    good_for: str = ""
    """What to take it for, in a few words."""
    notes: tuple[str, ...] = ()

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What it can be given, in the order in which tasks are told."""
        return tuple(task for task in GIVENS if task in self.pipelines)

    def repository_for(self, task: Task) -> str:
        """Return where the weights for a task lie."""
        return self.repositories.get(task, self.repository)

    def names(self, task: Task) -> dict[str, str]:
        """Return what the pipeline of a task calls each of our nouns that it takes.

        A noun of `GIVENS` that is missing here, while "video" and "mask" are there, is to be laid on that video.
        """
        names = {**USUAL, **GIVENS[task], **self.arguments, **self.task_arguments.get(task, {})}
        spoken = {*USUAL, *GIVENS[task], *self.task_arguments.get(task, {}), "fps"}
        return {noun: name for noun, name in names.items() if name and noun in spoken}


@cache
def catalogue() -> dict[str, Entry]:
    """Return every entry by its id, in the order of the ids."""
    texts = (file.read_text("utf-8") for file in files(__name__).iterdir() if file.name.endswith(".toml"))
    entries = (Entry.model_validate(tomllib.loads(text)) for text in texts)
    return {entry.id: entry for entry in sorted(entries, key=lambda entry: entry.id)}


def entry_for(pipeline: str) -> Entry | None:
    """Return the first entry that uses a pipeline class, for a folder of weights that is in nobody's catalogue.

    A modular class has the rules of the class that it is a rewriting of, when it has no entry of its own.
    """
    for name in dict.fromkeys((pipeline, pipeline.replace("Modular", ""))):
        for entry in catalogue().values():
            if name in entry.pipelines.values():
                return entry
    return None
