"""What the tasks are given: clips of the toy theatre where it is at hand, else clips that the model makes itself.

Rendered clips are true, so that a task is measured on its own and not on what came before it. They need a checkout with
torch. Without it the model makes its own first frames and sources, and the table says so: its mistakes count twice.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from vitascope.api import editing, make_shot
from vitascope.backends.base import Backend
from vitascope.pipeline import generate
from vitascope.progress import Progress
from vitascope.toybox.language.captions import canonical
from vitascope.toybox.language.instructions import removal
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import FULL, World
from vitascope.types import Clip, Record, Shot, VideoShape

Frames = UInt8[np.ndarray, "frames height width 3"]


@runtime_checkable
class Sources(Protocol):
    """Makes clips of scenes at the model's own shape."""

    @property
    def name(self) -> str:
        """Where the clips come from, in the words of a table."""
        ...

    def clip(self, scene: Scene, seed: int, empty: bool = False) -> Frames:
        """Return a clip of a scene, or of its set without the subject."""
        ...


class Rendered:
    """Clips of the toy theatre."""

    name = "rendered by the toy theatre"

    def __init__(self, theatre: Any):
        """Take clips from a `Theatre` of the model's shape (a class that is not installed)."""
        self._theatre = theatre

    def clip(self, scene: Scene, seed: int, empty: bool = False) -> Frames:
        """Render a take."""
        from vitascope.training.toytheatre.take import Take

        pictures, _ = self._theatre.render([Take(scene, seed, empty=empty)])
        return np.ascontiguousarray(pictures[0].numpy().transpose(0, 2, 3, 1))


class Made:
    """Clips of the model itself."""

    name = "made by the model itself"

    def __init__(self, backend: Backend, model: str, folder: Path, settings: Mapping[str, Any]):
        """Make clips with a backend of that name as `said` (steps, preset), and keep files in a folder."""
        self._backend, self._model, self._folder, self._said = backend, model, folder, settings

    def clip(self, scene: Scene, seed: int, empty: bool = False) -> Frames:
        """Make a clip from a scene's caption, and take the subject out of it again if the set is to be empty."""
        shot = make_shot(canonical(scene), seed=seed, model=self._model, **self._said)
        frames = generate(shot, self._backend, Progress()).frames
        if not empty:
            return frames
        file = save(frames, shape_of(self._backend).fps, self._folder / f"full-{seed}.mp4")
        edit_fields = editing(file, model=self._model)
        shot = make_shot(removal(scene.subject), seed=seed, model=self._model, **edit_fields, **self._said)
        return generate(shot, self._backend, Progress()).frames


def sources(backend: Backend, model: str, folder: Path, settings: Mapping[str, Any]) -> Sources:
    """Return the theatre's clips if it is at hand and knows the model's cast, else the model's own."""
    theatre = _theatre(shape_of(backend))
    subjects = world_of(backend).subjects
    if theatre is not None and set(subjects) <= set(theatre.atlas.ids):
        return Rendered(theatre)
    return Made(backend, model, folder, settings)


def _theatre(shape: VideoShape) -> Any:
    """Return the toy theatre, None where it is not at hand."""
    try:
        from vitascope.training.toytheatre.atlas import find_atlas, load_atlas
        from vitascope.training.toytheatre.render import Theatre
    except ImportError:
        return None
    return Theatre(load_atlas(find_atlas()), shape)


def world_of(backend: Backend) -> World:
    """Return what a model was taught to draw: the whole world of the theatre for one that reads free text."""
    world = getattr(backend, "world", None)
    if not isinstance(world, World):
        return FULL
    known = getattr(backend, "classified", {}).get("subject", world.subjects)
    # Any page can be drawn, but only those whom the judge knows can be judged.
    return replace(world, subjects=tuple(name for name in world.subjects if name in known))


def shape_of(backend: Backend) -> VideoShape:
    """Return the shape of a backend's usual clip."""
    width, height = backend.card.sizes[0]
    return VideoShape(backend.card.num_frames, height, width, backend.card.fps)


def save(frames: Frames, fps: float, path: Path) -> Path:
    """Write frames as a video file."""
    record = Record(Shot(prompt="a source"), "source")
    return Clip(frames, fps, record).save(path, force=True)
