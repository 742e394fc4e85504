"""The middle of the road for a model that works in latents: pictures, conditioning, denoising, decoding, upscaling."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from vitascope.backends.base import FrameStream
from vitascope.decode.video import Decoder, decode, glimpse
from vitascope.deliver.record import make_record
from vitascope.denoise.run import Denoiser, denoise
from vitascope.givens.canvas import Canvas
from vitascope.givens.load import Frames, Known, gather, looped
from vitascope.progress import Progress
from vitascope.resume import StateFile, StateFolder
from vitascope.toybox.brief import Briefs
from vitascope.toybox.conditioning.build import condition
from vitascope.toybox.conditioning.still_image import retouched, with_film
from vitascope.toybox.conditioning.windows import windows
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.layout import TIME_STRIDE
from vitascope.toybox.motion.encoders import Encoders
from vitascope.toybox.motion.plan import Choreography, choreograph
from vitascope.toybox.upscale import Appearances, Network, Pages, enlarged, no_pages
from vitascope.toybox.world import FULL, World
from vitascope.types import Clip, PlannedShot, Shot


@dataclass(frozen=True)
class LatentModel:
    """The networks of a model that works in latents, the longest clip they see at once, and their checksums.

    Clips of the sizes in `drawn` are made at the size that stands there, and scaled up by `upscale`. `world` is what
    the words are read for, and `embed` places words that it does not know. `overlay` lays the pages of subjects over
    some frames of the size that `upscale` makes.
    """

    encoders: Encoders
    denoiser: Denoiser
    decoder: Decoder
    longest: int
    weights: dict[str, str]
    drawn: Mapping[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    upscale: Network | None = None
    world: World = FULL
    embed: Embed | None = None
    overlay: Callable[[Appearances, slice], Pages | None] = no_pages


def render(
    shot: Shot, load: Callable[[], LatentModel], progress: Progress, resume_folder: Path | None = None
) -> Clip:
    """Render a planned shot with a model that works in latents."""
    stream = render_stream(shot, load, progress, resume_folder)
    frames = np.concatenate(list(stream.frames))
    record = replace(stream.record, seconds_spent=dict(progress.seconds_spent))
    return Clip(frames, stream.fps, record)


def render_stream(
    shot: Shot, load: Callable[[], LatentModel], progress: Progress, resume_folder: Path | None = None
) -> FrameStream:
    """Load a model and what the shot is given, and say where all goes; the rest happens as the frames are taken."""
    planned = PlannedShot.of(shot)
    with progress.phase("load"):
        model = load()
        kept = None if resume_folder is None else StateFolder(resume_folder).open(shot, model.weights)
        known = drawn = _pixels(planned)
        small, size = planned, model.drawn.get((planned.shape.width, planned.shape.height))
        if size is not None and model.upscale is not None:
            small = PlannedShot.of(shot.model_copy(update={"size": size}))
            drawn = _pixels(small)
        briefs = Briefs.of(planned, model.world, model.embed)
        job = Job(small, briefs, model, progress)
        choreography = choreograph(small, briefs, drawn, model.encoders)
        if _returns(shot):
            choreography = choreography.returning(TIME_STRIDE)
        job.overlaid.append(choreography)
    notes = known.notes + choreography.notes
    for note in notes:
        progress.note(note)
    make = render_loop if shot.loop else render_windows
    frames = make(job, drawn, choreography, kept)
    if size is not None and model.upscale is not None:
        frames = enlarged(frames, small.shot, drawn, known, model.upscale, progress, job.overlay)
    record = replace(make_record(shot, model.weights, progress), notes=notes)
    return FrameStream(frames, planned.shape.fps, record)


def _pixels(planned: PlannedShot) -> Known:
    """Return what the pictures of a shot make known in pixels."""
    return with_film(gather(planned.shot, TIME_STRIDE), planned.shot)


@dataclass(frozen=True)
class Job:
    """One clip in the making: the shot, what the network is told of it, the model, and who is told how far it is."""

    planned: PlannedShot
    briefs: Briefs
    model: LatentModel
    progress: Progress
    overlaid: list[Choreography] = field(default_factory=list)
    """The ways of the subjects whose pages lie over the frames: the last that was worked out counts."""

    def overlay(self, frames: slice) -> Pages | None:
        """Return the pages of the subjects as they lie over some frames."""
        return self.model.overlay(self.overlaid[-1].appearances, frames)


def _returns(shot: Shot) -> bool:
    """Say whether a shot is a loop in which everybody's way is known, so that none has to be looked for."""
    return shot.loop and shot.cast is not None and not shot.givens


def render_windows(
    job: Job, known: Known, choreography: Choreography, kept: StateFile | None = None
) -> Iterator[Frames]:
    """Make what is not known, window by window, each from what is there by then, and yield frames that are final.

    What is made is laid on the canvas of `known`, which is whole at the end.
    """
    canvas, shown, model, progress = known.canvas, 0, job.model, job.progress
    for number, window in enumerate(windows(canvas.whole, model.longest)):
        with progress.phase("encode"):
            conditioning = condition(job.planned, job.briefs, known, window, model.encoders, choreography)
        state = None if kept is None else kept.part(number)
        look = partial(glimpse, decoder=model.decoder)
        latents = denoise(job.planned, conditioning, model.denoiser, progress, state, look)
        frames = decode(latents, model.decoder, progress)
        if job.briefs.photograph is not None and known.source is not None:
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
    job: Job, known: Known, choreography: Choreography, kept: StateFile | None = None
) -> Iterator[Frames]:
    """Make a clip once, to see how it begins, and once more to end there; its last frames are its first again."""
    first = replace(known, canvas=Canvas(known.canvas.frames.copy(), known.canvas.known.copy()))
    freely = np.concatenate(list(render_windows(job, first, choreography)))
    again = looped(known, freely, TIME_STRIDE)
    if _returns(job.planned.shot):
        back = choreography
    else:
        back = choreograph(job.planned, job.briefs, again, job.model.encoders)
        job.overlaid.append(back)
    frames = render_windows(job, again, back, kept)
    yield np.concatenate(list(frames))[:-TIME_STRIDE]
