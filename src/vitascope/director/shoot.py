"""Storyboard -> clips: one shot after the other, each kept as soon as it is whole, so that none is made twice.

A folder holds, by a checksum of all that decides a shot: `KEY.mp4`, the shot, hardly compressed; `KEY/`, its last
denoising step while it is made; `KEY.png`, its last frame where the next shot goes on from it. So a film that was
killed goes on in the step where it was, and a film of which one shot was changed needs that one only.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vitascope import pipeline
from vitascope.backends.base import Backend
from vitascope.checksum import checksum
from vitascope.deliver.mux import ENCODER, encode, frames_of, read_record
from vitascope.deliver.provenance.marks import marks_of
from vitascope.deliver.record import versions
from vitascope.director.storyboard import Storyboard, Take, shot_named
from vitascope.errors import InputFileError, RequestError
from vitascope.files import published
from vitascope.givens.load import pinned
from vitascope.media.limits import printable
from vitascope.progress import Progress
from vitascope.resume import ARGUMENT as STATE
from vitascope.types import Clip, Given, Record, Shot

BARELY = ENCODER | {"crf": "2"}
"""A shot is compressed once more when the film is cut: this much less before that is not seen."""
BEFORE = "the last frame of the shot before"


@runtime_checkable
class Weighed(Protocol):
    """A backend that knows its weights before it makes anything with them."""

    def checksums(self) -> Mapping[str, str]:
        """Return the checksum of each file of weights."""
        ...


@dataclass(frozen=True)
class Made:
    """A shot that is there: its file, the take as planned, what was noted, and whether it was there `before`."""

    path: Path
    take: Take
    record: Record
    before: bool


def shoot(board: Storyboard, renderer: Backend, folder: Path, progress: Progress) -> Iterator[Made]:
    """Make the shots of a film that are not in its folder yet, and yield each once it is there.

    Raises what `pipeline.generate` does, naming the shot.
    """
    last: Path | None = None
    for number, take in enumerate(board.takes):
        with shot_named(number):
            shot_file = _make_shot(take, last, renderer, folder, progress)
        last = shot_file.path
        yield shot_file


def rendered(shot: Shot, renderer: Backend, progress: Progress, resume_folder: Path) -> Clip:
    """Render a shot, and begin anew where what was kept of it cannot be used any more."""
    try:
        return pipeline.generate(shot, renderer, progress, resume_folder=resume_folder)
    except RequestError as error:
        # What was kept is of other weights or another version: those were replaced while it waited.
        if error.argument != STATE:
            raise
        progress.note(f"{error.problem}: the clip starts over")
        shutil.rmtree(resume_folder)
        return pipeline.generate(shot, renderer, progress, resume_folder=resume_folder)


def last_frame(clip: Path) -> UInt8[np.ndarray, "height width 3"]:
    """Return the last frame of a clip of ours."""
    for frame in frames_of(clip):
        last = frame
    return last  # pyright: ignore[reportPossiblyUnboundVariable]  a clip has a frame


def _make_shot(take: Take, last: Path | None, renderer: Backend, folder: Path, progress: Progress) -> Made:
    going_on = _going_on(take, last)
    shot = take.shot.model_copy(update={"givens": (*going_on, *take.shot.givens)})
    key = _key(shot, renderer.checksums() if isinstance(renderer, Weighed) else {})
    path, record = folder / f"{key}.mp4", None
    if path.is_file():
        try:
            record = read_record(path)
        except InputFileError:
            record = None
    before = record is not None
    if record is None:
        clip = rendered(shot, renderer, progress, folder / key)
        with progress.phase("write"), published(path, force=True, argument="shots") as part:
            encode(clip, part, BARELY)
            if (marks := marks_of(clip.record, take=True)) is not None:
                marks.seal(part)
        record = clip.record
    shutil.rmtree(folder / key, ignore_errors=True)
    return Made(path, *_plain(take, record, going_on), before)


def _going_on(take: Take, last: Path | None) -> tuple[Given, ...]:
    """Return the first frame of a shot that continues, if it does: a picture beside the clip that it is the last of."""
    if not take.continues or last is None:
        return ()
    picture = last.with_suffix(".png")
    if not picture.is_file():
        with published(picture, force=True, argument="shots") as part:
            Image.fromarray(last_frame(last)).save(part, "PNG")
    return (Given(kind="image", source=str(picture), shows=take.shows),)


def _plain(take: Take, record: Record, going_on: tuple[Given, ...]) -> tuple[Take, Record]:
    """Return a take as planned and its record, neither of which knows where the frame before lay."""
    shot, notes, shows = record.shot, record.notes, None
    for given in going_on:
        (first, *rest_givens) = shot.givens
        shot, shows = shot.model_copy(update={"givens": tuple(rest_givens)}), first.shows
        notes = tuple(note.replace(printable(given.source), BEFORE) for note in notes)
    planned = take.model_copy(update={"shot": shot, "shows": shows})
    return planned, replace(record, shot=shot, notes=notes)


def _key(shot: Shot, weights: Mapping[str, str]) -> str:
    """Return a checksum of all that decides a shot, whatever its files are called."""
    shot_json = pinned(shot).model_dump(mode="json", exclude_none=True)
    for given in shot_json["givens"]:
        given["source"] = ""
    return checksum([json.dumps([shot_json, versions(), dict(weights)], sort_keys=True).encode()])[:24]
