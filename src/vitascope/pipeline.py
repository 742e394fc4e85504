"""The road of one request: the stages in order, on one screen.

`plan` and `generate` are the road for any backend; `render` is the middle of it for a backend whose model makes
latents on this machine; `deliver` is its end. (6 audio/ comes between when it holds something.)
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np

from vitascope import telemetry
from vitascope.backends.base import Backend
from vitascope.camera.subject_path import check_path
from vitascope.decode.video import Decoder, decode, glimpse
from vitascope.deliver.mux import save
from vitascope.deliver.record import make_record
from vitascope.denoise.run import Denoiser, denoise
from vitascope.errors import VitascopeError, asking_the_model
from vitascope.givens import paste_back
from vitascope.givens.canvas import Canvas
from vitascope.givens.load import Frames, Known, gather, looped, pinned
from vitascope.progress import Progress
from vitascope.resume import StateFile, StateFolder
from vitascope.toybox.conditioning.build import condition
from vitascope.toybox.conditioning.encoders import Encoders
from vitascope.toybox.conditioning.still_image import photographed, retouched
from vitascope.toybox.conditioning.windows import windows
from vitascope.toybox.language.image_labels import NOTHING, Seen, seen_in, source_in
from vitascope.toybox.language.resolve import resolve
from vitascope.toybox.motion.plan import Choreography, choreograph
from vitascope.toybox.scene import Scene
from vitascope.toybox.upscale import Network, enlarged
from vitascope.types import TIME_STRIDE, Clip, Plan, Record, Shot, VideoShape

Made = TypeVar("Made")


@dataclass(frozen=True)
class LatentModel:
    """The networks of a model that works in latents, the longest clip they see at once, and their checksums.

    Clips of the sizes in `drawn` are made at the size that stands there, and scaled up by `upscale`.
    """

    encoders: Encoders
    denoiser: Denoiser
    decoder: Decoder
    longest: int
    weights: dict[str, str]
    drawn: Mapping[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    upscale: Network | None = None


@dataclass(frozen=True)
class Showing:
    """A clip that can be watched while it is made: its frames come chunk by chunk, once, and are nowhere kept."""

    frames: Iterator[Frames]
    fps: float
    record: Record


@runtime_checkable
class Shows(Protocol):
    """A backend that can hand over frames before the last one exists."""

    def show(self, shot: Shot, progress: Progress) -> Showing:
        """Render a planned shot as `Backend.render` does, frame for frame, a chunk at a time."""
        ...


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


def render(shot: Shot, load: Callable[[], LatentModel], progress: Progress) -> Clip:
    """Render a planned shot with a model that works in latents."""
    showing = render_stream(shot, load, progress)
    frames = np.concatenate(list(showing.frames))
    record = replace(showing.record, seconds_spent=dict(progress.seconds_spent))
    return Clip(frames, showing.fps, record)


def render_stream(shot: Shot, load: Callable[[], LatentModel], progress: Progress) -> Showing:
    """Load a model and what the shot is given, and say where all goes; the rest happens as the frames are taken."""
    with progress.phase("load"):
        model = load()
        kept = None if progress.states is None else StateFolder(progress.states).open(shot, model.weights)
        known = drawn = gather(shot)  # 2 conditioning/: files -> what is known in pixels
        small, size = shot, model.drawn.get(shot.size) if shot.size and model.upscale else None
        if size is not None:
            small = shot.model_copy(update={"size": size})
            drawn = gather(small)
        choreography = choreograph(small, drawn, model.encoders)
    notes = known.notes + choreography.notes
    for note in notes:
        progress.note(note)
    make = render_loop if shot.loop else render_windows
    frames = make(small, drawn, choreography, model, progress, kept)
    if size is not None and model.upscale is not None:
        frames = enlarged(frames, small, drawn, known, model.upscale, progress)  # 5 finish/
    record = replace(make_record(shot, model.weights, progress), notes=notes)
    return Showing(frames, shot.video_shape().fps, record)


def render_windows(
    shot: Shot,
    known: Known,
    choreography: Choreography,
    model: LatentModel,
    progress: Progress,
    kept: StateFile | None = None,
) -> Iterator[Frames]:
    """Make what is not known, window by window, each from what is there by then, and yield frames that are final.

    What is made is laid on the canvas of `known`, which is whole at the end.
    """
    canvas, shown = known.canvas, 0
    for number, window in enumerate(windows(canvas.whole, model.longest)):
        with progress.phase("encode"):
            # 2 conditioning/: -> Conditioning
            conditioning = condition(shot, known, window, model.encoders, choreography)
        state = None if kept is None else kept.part(number)
        look = partial(glimpse, decoder=model.decoder)
        latents = denoise(shot, conditioning, model.denoiser, progress, state, look)  # 3 denoise/: -> Latents
        frames = decode(latents, model.decoder, progress)  # 4 decode/: Latents -> frames
        if photographed(shot) and known.source is not None:
            before = model.encoders.video(known.source[window.frames])
            back = decode(replace(latents, video=before), model.decoder, progress)
            frames = retouched(frames, back, known.source[window.frames])
        canvas.fill(window.start, canvas.part(window.frames).composite(frames))
        ready = canvas.ready_after(shown)
        if ready > shown:
            yield canvas.frames[shown:ready]
        shown = ready
    if shown < len(canvas.frames):
        yield canvas.frames[shown:]


def render_loop(
    shot: Shot,
    known: Known,
    choreography: Choreography,
    model: LatentModel,
    progress: Progress,
    kept: StateFile | None = None,
) -> Iterator[Frames]:
    """Make a clip once, to see how it begins, and once more to end there; its last frames are its first again."""
    first = replace(known, canvas=Canvas(known.canvas.frames.copy(), known.canvas.known.copy()))
    freely = np.concatenate(list(render_windows(shot, first, choreography, model, progress)))
    again = looped(known, freely)
    back = choreograph(shot, again, model.encoders)
    frames = render_windows(shot, again, back, model, progress, kept)
    yield np.concatenate(list(frames))[:-TIME_STRIDE]


def deliver(clip: Clip, path: Path, progress: Progress, *, force: bool = False) -> Path:
    """Write a clip with its record; raises `OutputError`."""
    with progress.phase("write"):
        return save(clip, path, force=force)  # 7 deliver/: Clip -> file
