"""A task under judgement: rows of the table, cases to draw, and what a clip of a case measures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vitascope.api import editing, extension, make_shot
from vitascope.backends.base import Backend
from vitascope.evaluation.sources import Sources, save, shape_of, world_of
from vitascope.evaluation.suites import SuitePrompt
from vitascope.pipeline import generate
from vitascope.progress import Progress
from vitascope.tasks import Box
from vitascope.toybox.classifier import Judge, resize
from vitascope.toybox.language.captions import describe
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import World, sample_scene
from vitascope.types import CameraMove, Given

Frames = UInt8[np.ndarray, "frames height width 3"]


@dataclass(frozen=True)
class Case:
    """One thing asked of a task: words and seed, the scene that is given or described, and what goes with it."""

    text: str
    seed: int
    scene: Scene
    camera: tuple[CameraMove, ...] = ()
    path: tuple[tuple[float, float, float], ...] = ()
    field: str = ""
    label: str = ""
    box: Box | None = None


def described(rng: np.random.Generator, world: World, without: Sequence[str]) -> Case:
    """Draw a scene under a camera that stands still, `without` some actions, and words for it."""
    scene = replace(sample_scene(rng, world), camera="static")
    while scene.action in without:
        scene = replace(sample_scene(rng, world), camera="static")
    words, seed = describe(scene, rng), int(rng.integers(2**31))
    # What the words leave out is told to the model as its usual: a picture shows nothing that contradicts it.
    return Case(words.text, seed, SuitePrompt(words.text, scene, words.said, seed, "seen").asked())


@dataclass(frozen=True)
class Outcome:
    """A clip that was made of a case, and what was measured: an array per row that it counts for."""

    frames: Frames
    values: Mapping[str, np.ndarray]


SumUp = Callable[[Sequence[np.ndarray]], float]


def mean(values: Sequence[np.ndarray]) -> float:
    """Return the mean over all clips."""
    return float(np.mean(np.concatenate([array.reshape(-1) for array in values])))


def median(values: Sequence[np.ndarray]) -> float:
    """Return the median over all clips."""
    return float(np.median(np.concatenate([array.reshape(-1) for array in values])))


@dataclass(frozen=True)
class Row:
    """A row of the table: what is measured, what is to be reached (at least, or `at_most`), and how clips sum up."""

    key: str
    title: str
    goal: float | None = None
    at_most: bool = False
    percent: bool = True
    sum_up: SumUp = mean
    head: str | None = None
    """The judge's head whose word this is, if it is one's."""

    def reached(self, value: float) -> bool:
        """Say whether a value is as good as is to be reached."""
        return self.goal is None or (value <= self.goal if self.at_most else value >= self.goal)

    def written(self, value: float) -> str:
        """Return a value as it stands in the table."""
        return f"{value:.1%}" if self.percent else f"{value:.3f}"


@dataclass(frozen=True)
class Studio:
    """What cases are made with: a backend and its name, the judge, clips to start from, a folder for files.

    `said` is what every shot is told beside its case: steps and preset.
    """

    backend: Backend
    model: str
    judge: Judge
    sources: Sources
    folder: Path
    said: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)

    @property
    def world(self) -> World:
        """What the model was taught to draw."""
        return world_of(self.backend)

    @property
    def fps(self) -> float:
        """The model's frame rate."""
        return shape_of(self.backend).fps

    @property
    def seconds(self) -> float:
        """The time of the last frame of a usual clip."""
        return (shape_of(self.backend).num_frames - 1) / self.fps

    def make(self, case: Case, givens: tuple[Given, ...] = (), **fields: Any) -> Frames:
        """Make a clip as `vitascope generate` does."""
        shot = make_shot(case.text, seed=case.seed, model=self.model, givens=givens, **fields, **self.said)
        return generate(shot, self.backend, Progress(lambda _: self.progress.check())).frames

    def resize_for_judge(self, frames: Frames) -> UInt8[np.ndarray, "frames size size 3"]:
        """Return frames at the judge's own size, at which meters that count in pixels were tried."""
        return resize(frames, self.judge.card.size).transpose(0, 2, 3, 1)

    def edit(self, case: Case, source: Frames, **how: Any) -> Frames:
        """Change a clip by an instruction, or a part of it, as `vitascope edit` does."""
        file = save(source, self.fps, self.folder / "source.mp4")
        return self.make(case, **editing(file, model=self.model, **how))

    def extend(
        self, case: Case, source: UInt8[np.ndarray, "given height width 3"], seconds: float, *, before: bool
    ) -> Frames:
        """Make a clip longer as `vitascope extend` does."""
        file = save(source, self.fps, self.folder / "source.mp4")
        return self.make(case, **extension(file, seconds, before=before, model=self.model)[0])

    def picture(self, frame: UInt8[np.ndarray, "height width 3"], name: str = "given") -> Path:
        """Write a picture to be given."""
        path = self.folder / f"{name}.png"
        Image.fromarray(frame).save(path)
        return path


@runtime_checkable
class Task(Protocol):
    """One task: `draw` and `run` are all that differs between them."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def rows(self) -> tuple[Row, ...]:
        """What is measured of it."""
        ...

    def draw(self, rng: np.random.Generator, studio: Studio) -> Case:
        """Draw something to ask for."""
        ...

    def run(self, case: Case, studio: Studio) -> Outcome:
        """Make the clip of a case and measure it."""
        ...


def marked(right: bool) -> np.ndarray:
    """Return a mark as a measured value."""
    return np.array([float(right)])
