"""What is known of the open-weight models: one TOML file each, read when first asked for.

What differs between models is data, not code: a new model is a new file here.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from vitascope.planning.rules import FrameRule, RateRule, SizeRule

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
    tiles_only: bool = False
    """Whether the decoder can work in no other way."""


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

    def rate(self, task: Task) -> RateRule:
        """Return the frame rates of a task: up to twice its own, or half, where its pipeline is told the rate."""
        near = 2 if "fps" in self.names(task) else 1
        return RateRule(default=self.fps, least=self.fps / near, most=self.fps * near)

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
