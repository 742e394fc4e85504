"""The road of one request, for any model: plan, generate or stream, deliver.

What depends on the model is its backend's business: reading the words, filling in what a shot leaves open, and making
the frames. What is the same for all is here: words are cleaned, files are pinned by checksum, an edit of a part goes
back into its video, and all that was guessed or changed is told and recorded.
"""

from dataclasses import replace
from pathlib import Path

from vitascope import telemetry
from vitascope.backends.base import Backend, FrameStream, Streams, WorksInPasses
from vitascope.camera.subject_path import check_path
from vitascope.deliver.mux import save
from vitascope.errors import asking_the_model
from vitascope.givens import paste_back, soundtrack
from vitascope.givens.load import pinned
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.planning.prompt import clean_words
from vitascope.progress import Progress
from vitascope.types import Clip, Plan, Shot


def plan(shot: Shot, backend: Backend, inspector: Inspector = LOCAL) -> Plan:
    """Return the shot with nothing left open, before any work; raises `RequestError`.

    `inspector` opens the files that the shot names.
    """
    with telemetry.phase("plan", 1):
        if shot.path:
            check_path(shot.path)
        shot = clean_words(shot)
        with asking_the_model():
            planned = backend.plan(shot, inspector)
        shot = pinned(planned.shot, inspector)
        notes = paste_back.notes(shot, inspector) + soundtrack.notes(shot, inspector)
        return Plan(shot, planned.notes + notes)


def generate(
    shot: Shot,
    backend: Backend,
    progress: Progress,
    notes: tuple[str, ...] = (),
    resume_folder: Path | None = None,
) -> Clip:
    """Plan a shot and render it; `notes` are told and recorded before those of the plan.

    With a `resume_folder` every step is kept there, and a run that was broken off goes on from its last one.
    """
    planned = _plan_and_tell(shot, backend, progress, notes)
    with asking_the_model():
        clip = backend.render(planned.shot, progress, resume_folder)
    clip = _with_sound(paste_back.restored(clip, planned.shot), planned.shot)
    return replace(clip, record=replace(clip.record, notes=planned.notes + clip.record.notes))


def stream(
    shot: Shot,
    backend: Backend,
    progress: Progress,
    notes: tuple[str, ...] = (),
    resume_folder: Path | None = None,
) -> FrameStream:
    """Plan a shot and return its frames as they are made, the same as those of `generate`."""
    planned = _plan_and_tell(shot, backend, progress, notes)
    with asking_the_model():
        if isinstance(backend, Streams):
            made = backend.stream(planned.shot, progress, resume_folder)
        else:
            clip = backend.render(planned.shot, progress, resume_folder)
            made = FrameStream(iter((clip.frames,)), clip.fps, clip.record)
    if (restorer := paste_back.restorer(planned.shot)) is not None:
        made = replace(made, frames=restorer.restore(made.frames), fps=restorer.fps)
    if (track := soundtrack.soundtrack(planned.shot, _seconds_of(planned.shot, restorer))) is not None:
        made = replace(made, sound=track.sound, sample_rate=track.sample_rate)
    return replace(made, record=replace(made.record, notes=planned.notes + made.record.notes))


def deliver(clip: Clip, path: Path, progress: Progress, *, force: bool = False) -> Path:
    """Write a clip with its record; raises `OutputError`."""
    with progress.phase("write"):
        return save(clip, path, force=force)


def _with_sound(clip: Clip, shot: Shot) -> Clip:
    """Return a clip with the sound of what its shot was given, unless the model made some."""
    track = None if clip.sound is not None else soundtrack.soundtrack(shot, clip.seconds)
    return clip if track is None else replace(clip, sound=track.sound, sample_rate=track.sample_rate)


def _seconds_of(shot: Shot, restorer: paste_back.Restorer | None) -> float:
    if restorer is not None:
        return restorer.num_frames / restorer.fps
    return shot.video_shape().seconds


def _plan_and_tell(shot: Shot, backend: Backend, progress: Progress, notes: tuple[str, ...]) -> Plan:
    """Return the plan of a shot with the notes from before planning too; each is told as soon as it is known."""
    for note in notes:
        progress.note(note)
    planned = plan(shot, backend)
    progress.passes = backend.passes(planned.shot) if isinstance(backend, WorksInPasses) else 1
    for note in planned.notes:
        progress.note(note)
    return replace(planned, notes=notes + planned.notes)
