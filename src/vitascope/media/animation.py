"""Animated GIF, WebP, PNG and AVIF as videos, one frame in memory at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import accumulate

from PIL.ImageFile import ImageFile

from vitascope.media.image import Colour, opened_picture, picture_facts, quiet, to_rgb
from vitascope.media.info import Reel, Shown
from vitascope.media.limits import Limits, Source

SHORTEST = 0.02
"""Seconds below which a frame's time is not meant: as in browsers it lasts `USUAL` then."""
USUAL = 0.1


@contextmanager
def opened_animation(source: Source, limits: Limits, background: Colour) -> Iterator[Reel]:
    """Yield an animated picture as a video; raises `RequestError` for a still one."""
    with opened_picture(source, limits) as image:
        with source.decoding():
            facts = picture_facts(source, image)
        if facts.num_frames < 2:
            raise source.refuse("is a still picture, not a video", "give it as an image")
        if facts.num_frames > limits.frames:
            raise source.refuse(f"has {facts.num_frames} frames", f"at most {limits.frames} are read")
        with source.decoding():
            lasts = [_seconds(image, number) for number in range(facts.num_frames)]
        if sum(lasts) > limits.seconds:
            raise source.refuse(f"lasts {sum(lasts):g} s", f"at most {limits.seconds:g} s are read")
        facts = replace(
            facts,
            kind="video",
            seconds=sum(lasts),
            fps=len(lasts) / sum(lasts),
            variable=max(lasts) - min(lasts) > 0.0015,
        )
        yield Reel(facts, partial(_frames, source, image, lasts, background))


def _seconds(image: ImageFile, number: int) -> float:
    with quiet():
        image.seek(number)
        image.load()
    seconds = float(image.info.get("duration") or 0) / 1000
    return seconds if seconds >= SHORTEST else USUAL


def _frames(source: Source, image: ImageFile, lasts: list[float], background: Colour) -> Iterator[Shown]:
    for number, start in enumerate(accumulate(lasts[:-1], initial=0.0)):
        with source.decoding():
            with quiet():
                image.seek(number)
            pixels, _ = to_rgb(image, background)
        yield Shown(start, lambda pixels=pixels: pixels)
