"""Pictures on their way to a server, and the clip that comes back: both through the door of `intake`."""

import io
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vitascope.errors import RemoteError, RequestError
from vitascope.media.fit import fit
from vitascope.media.image import read_picture
from vitascope.media.limits import LIMITS
from vitascope.media.video import opened_video
from vitascope.types import Given

LIMITS_OF_CLIPS = replace(LIMITS, memory=4 * 1024**3)


@dataclass(frozen=True)
class Footage:
    """What came back: frames with even sides, frames a second, and what was left out."""

    frames: UInt8[np.ndarray, "frames height width 3"]
    fps: float
    notes: tuple[str, ...] = ()


def picture(given: Given, size: tuple[int, int] | None) -> bytes:
    """Return a picture as a PNG of the size that was asked for, upright and without the file's other secrets."""
    pixels = read_picture(given.source, "image").pixels
    if size is not None:
        pixels = fit(pixels[None], size, given.fit)[0][0]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def footage(path: Path, server: str) -> Footage:
    """Return the frames of a clip that a server sent. Raises `RemoteError` for what is none, or too large."""
    try:
        with opened_video(path, "video", limits=LIMITS_OF_CLIPS) as reel:
            facts = reel.facts
            width, height = (side // 2 * 2 for side in facts.size)
            needed = facts.num_frames * width * height * 3
            if min(width, height) < 2 or needed > LIMITS_OF_CLIPS.memory:
                problem = f"{facts.num_frames} frames of {facts.size[0]}x{facts.size[1]}"
                raise RemoteError(f"{server} sent {problem}, which is more than memory is for, or nothing")
            frames = np.empty((facts.num_frames, height, width, 3), np.uint8)
            count = 0
            for count, frame in enumerate(reel.frames(), 1):
                if count > len(frames):
                    break
                frames[count - 1] = frame.pixels()[:height, :width]
    except RequestError as error:
        raise RemoteError(f"{server} sent what is no clip: {error.problem}") from None
    notes = ("sound: what came has some, which cannot be kept yet",) if facts.sound else ()
    if facts.size != (width, height):
        notes += (
            f"size: {facts.size[0]}x{facts.size[1]} is cut to {width}x{height}, as files need even sides",
        )
    fps = float(Fraction(facts.fps or 1.0).limit_denominator(1001))
    return Footage(frames[:count], fps, notes)
