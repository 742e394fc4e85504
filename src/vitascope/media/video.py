"""Videos of any kind, frame rate and size to as many frames as a model takes, at its rate and size."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from vitascope.errors import RequestError
from vitascope.media.animation import opened_animation
from vitascope.media.ffmpeg import opened_movie
from vitascope.media.fit import Placement, fit_picture, place
from vitascope.media.image import ANIMATED, WHITE, Colour, opened_picture, picture_facts, to_rgb
from vitascope.media.info import MediaFacts, Pixels, Reel, Shown
from vitascope.media.limits import LIMITS, Limits, Source, opened

EARLY = 0.001
"""Seconds by which a frame may be late and still count as shown: containers round their times to milliseconds."""


@dataclass(frozen=True)
class Footage:
    """Frames of a video as a model takes them, where they lie in the source's own, and what was done to them."""

    frames: UInt8[np.ndarray, "frames height width 3"]
    fps: float
    facts: MediaFacts
    placement: Placement
    notes: tuple[str, ...] = ()


def probe(path: str | Path, argument: str = "file", *, limits: Limits = LIMITS) -> MediaFacts:
    """Return what a picture or video holds, after reading all of its times and decoding its first frame.

    Raises `RequestError` for `argument` when nothing in it can be decoded under `limits`.
    """
    with opened(argument, path, limits) as source:
        if source.picture:
            with opened_picture(source, limits) as image, source.decoding():
                facts = picture_facts(source, image)
                to_rgb(image, WHITE)
            if facts.num_frames < 2:
                return facts
        with _reel(source, limits, WHITE) as reel:
            return reel.facts


def read_video(
    path: str | Path,
    argument: str = "video",
    *,
    fps: float | int,
    size: tuple[int, int] | None = None,
    how: str = "crop",
    start: float | int = 0.0,
    max_frames: int | None = None,
    background: Colour = WHITE,
    limits: Limits = LIMITS,
) -> Footage:
    """Return what a video shows from second `start` on, at `fps`, fitted to `size` (width, height) as `how` says.

    Each frame is the one that the video shows at that time, whatever its own frame rate. Only the result is held in
    memory. Without `size` the video's own is kept, without `max_frames` all is read. Raises `RequestError` for
    `argument` when there is no video in the file that `limits` allow.
    """
    fps, start = float(fps), float(start)
    with opened_video(path, argument, background=background, limits=limits) as reel:
        facts = reel.facts
        count = _count(reel, argument, fps, start, max_frames)
        placement = place(facts.size, size or facts.size, how)
        width, height = placement.size
        if count * width * height * 3 > limits.memory:
            problem = f"{facts.name} makes {count} frames of {width}x{height}, more than memory is for"
            most = limits.memory // (width * height * 3)
            raise RequestError(
                argument, problem, f"nearest: {most} frames" if most else "ask for a smaller size"
            )
        frames = np.empty((count, height, width, 3), np.uint8)
        for number, picture in enumerate(sampled(reel.frames(), fps, start, count)):
            frames[number] = fit_picture(picture, placement)
        return Footage(frames, fps, facts, placement, notes(facts, placement, fps, start, count))


@contextmanager
def opened_video(
    path: str | Path, argument: str = "video", *, background: Colour = WHITE, limits: Limits = LIMITS
) -> Iterator[Reel]:
    """Yield a video that lies open, for what needs its frames one by one at their own size and times."""
    with opened(argument, path, limits) as source, _reel(source, limits, background) as reel:
        yield reel


@contextmanager
def _reel(source: Source, limits: Limits, background: Colour) -> Iterator[Reel]:
    if source.picture is None:
        with opened_movie(source, limits, background) as reel:
            yield reel
    elif source.picture in ANIMATED:
        with opened_animation(source, limits, background) as reel:
            yield reel
    else:
        raise source.refuse("is a still picture, not a video", "give it as an image")


def sampled(frames: Iterator[Shown], fps: float, start: float, count: int) -> Iterator[Pixels]:
    """Yield `count` pictures at `fps` from `start` on, each the last one shown at or before its time.

    A frame is only made into a picture if it is seen. Before the first frame that one is shown, after the last one
    that one.
    """
    held = next(frames, None)
    following = next(frames, None)
    picture: Pixels | None = None
    for number in range(count):
        time = start + number / fps + EARLY
        while following is not None and following.time <= time:
            held, following, picture = following, next(frames, None), None
        if held is None:
            return
        picture = held.pixels() if picture is None else picture
        yield picture


def notes(
    facts: MediaFacts, placement: Placement, fps: float | None = None, start: float = 0.0, count: int = 1
) -> tuple[str, ...]:
    """Return what was done to a picture or video (one with `fps`) on its way in, none if it came in as it is."""
    before, after = facts.num_frames, count
    remarks = [placement.about()]
    if start:
        remarks.append(f"from {start:g} s on")
    if fps and before != after:
        remarks.append(f"{_frames(before)} become{'s' if before == 1 else ''} {after}")
    if facts.alpha:
        remarks.append("what is transparent was filled")
    remarks = [remark for remark in [*remarks, *facts.remarks] if remark]
    if not (
        remarks
        or facts.turned
        or facts.size != placement.size
        or (fps and abs(fps - (facts.fps or 0)) > 0.01)
    ):
        return ()
    width, height = placement.size
    rate = f" at {fps:.4g} fps" if fps else ""
    changes = f": {', '.join(remarks)}" if remarks else ""
    about = facts.about() + ("," if "," in facts.about() else "")
    return (f"{facts.name}: {about} becomes {width}x{height}{rate}{changes}",)


def _frames(number: int) -> str:
    return f"{number} frame{'s' if number != 1 else ''}"


def _count(reel: Reel, argument: str, fps: float, start: float, max_frames: int | None) -> int:
    """Return how many frames there are from `start` on; raises `RequestError` when there is none."""
    facts = reel.facts
    if not (math.isfinite(fps) and fps > 0 and math.isfinite(start) and start >= 0):
        raise ValueError(f"{fps} frames a second from {start} s on are none")
    count = math.ceil((facts.seconds - start - EARLY) * fps)
    if count < 1 and start == 0:
        count = 1
    if count < 1:
        problem = f"{facts.name} lasts {facts.seconds:.4g} s: nothing is left from {start:g} s on"
        raise RequestError(argument, problem, f"nearest: {max(0.0, facts.seconds - 1 / fps):.4g}")
    return count if max_frames is None else min(count, max_frames)
