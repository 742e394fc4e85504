"""The road of one request: the stages in order, on one screen.

`plan` and `generate` are the road for any backend; `render` is the middle of it for a backend whose model makes
latents on this machine; `deliver` is its end. (6 audio/ comes between when it holds something.)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from vitascope import telemetry
from vitascope.backends.base import Backend, Showing, Shows
from vitascope.camera.subject_path import check_path
from vitascope.deliver.mux import save
from vitascope.errors import VitascopeError, asking_the_model
from vitascope.givens import paste_back
from vitascope.givens.load import Frames, pinned
from vitascope.progress import Progress
from vitascope.toybox.language.image_labels import NOTHING, Seen, seen_in, source_in
from vitascope.toybox.language.resolve import resolve
from vitascope.toybox.scene import Scene
from vitascope.types import Clip, Plan, Shot, VideoShape

Made = TypeVar("Made")


@runtime_checkable
class Sees(Protocol):
    """A backend that knows what pictures show of its world."""

    def see(self, pictures: Frames) -> Mapping[str, Mapping[str, float]]:
        """Return how likely each label of each field is; nothing at all where there is no eye."""
        ...


@runtime_checkable
class Watches(Protocol):
    """A backend that knows what clips show of its world, what moves included."""

    def watch(self, frames: Frames) -> Mapping[str, Mapping[str, float]]:
        """Return how likely each label of each field is; nothing at all where there is no eye."""
        ...


def plan(shot: Shot, backend: Backend) -> Plan:
    """Return the shot with nothing left unsaid, before any work; raises `RequestError`."""
    with telemetry.phase("plan", 1):
        if shot.path:
            check_path(shot.path)
        with asking_the_model():
            world = backend.card.world
        # 1 prompt/: words -> Shot
        said = resolve(shot, world, backend.embed, looking(shot, backend), watching(shot, backend))
        with asking_the_model():
            planned = backend.plan(said.shot)
        shot = pinned(planned.shot)
        return Plan(shot, said.notes + planned.notes + paste_back.notes(shot))


def looking(shot: Shot, backend: Backend) -> Callable[[], Seen]:
    """Return what looks at the pictures of a shot with a backend's eye, if it has one."""
    if not isinstance(backend, Sees):
        return lambda: NOTHING
    return partial(seen_in, shot.givens, backend.see, backend.card.drawing(shot.size))


def watching(shot: Shot, backend: Backend) -> Callable[[], Scene | None]:
    """Return what watches the video that an edit starts from with a backend's eye, if it has one."""
    if not isinstance(backend, Watches):
        return lambda: None
    card = backend.card
    width, height = card.drawing(shot.size)
    shape = VideoShape(card.num_frames, height, width, card.fps)
    return partial(source_in, shot.givens, backend.watch, shape, card.world)


def first_able(models: Sequence[str], make: Callable[[str, tuple[str, ...]], Made]) -> Made:
    """Return what `make(model, notes)` makes with the first of the models that can; notes say why those before cannot.

    A model cannot when it refuses or fails (`VitascopeError.by_model`); what the one who asks got wrong is raised at
    once. When none can, the error of the first, the one that was asked for, is raised.
    """
    notes: tuple[str, ...] = ()
    errors: list[VitascopeError | MemoryError] = []
    for model, following in zip(models, (*models[1:], None), strict=True):
        try:
            return make(model, notes)
        except (VitascopeError, MemoryError) as error:
            if not getattr(error, "by_model", False):
                raise
            errors.append(error)
            why = " ".join(str(error).split()) or "the memory of this machine is not enough"
            notes += (f"model: {model} cannot ({why}): {following} is used",)
    raise errors[0]


def generate(shot: Shot, backend: Backend, progress: Progress, notes: tuple[str, ...] = ()) -> Clip:
    """Plan a shot and render it; what was guessed or changed on the way, and before, is told and recorded."""
    planned = _told(shot, backend, progress, notes)
    with asking_the_model():
        clip = backend.render(planned.shot, progress)
    clip = paste_back.restored(clip, planned.shot)  # 5 finish/: an edit of a part -> the whole
    return replace(clip, record=replace(clip.record, notes=planned.notes + clip.record.notes))


def show(shot: Shot, backend: Backend, progress: Progress, notes: tuple[str, ...] = ()) -> Showing:
    """Plan a shot and return its frames as they are made, the same as those of `generate`."""
    planned = _told(shot, backend, progress, notes)
    with asking_the_model():
        if isinstance(backend, Shows):
            showing = backend.show(planned.shot, progress)
        else:
            clip = backend.render(planned.shot, progress)
            showing = Showing(iter((clip.frames,)), clip.fps, clip.record)
    if (restorer := paste_back.restorer(planned.shot)) is not None:
        showing = replace(showing, frames=restorer.restore(showing.frames), fps=restorer.fps)
    return replace(showing, record=replace(showing.record, notes=planned.notes + showing.record.notes))


def _told(shot: Shot, backend: Backend, progress: Progress, notes: tuple[str, ...]) -> Plan:
    for note in notes:
        progress.note(note)
    planned = plan(shot, backend)
    for note in planned.notes:
        progress.note(note)
    return replace(planned, notes=notes + planned.notes)


def deliver(clip: Clip, path: Path, progress: Progress, *, force: bool = False) -> Path:
    """Write a clip with its record; raises `OutputError`."""
    with progress.phase("write"):
        return save(clip, path, force=force)  # 7 deliver/: Clip -> file
