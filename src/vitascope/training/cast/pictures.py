"""From emoji to strips: the frames of a loop, cropped to what is ever shown, turned to look right, side by side."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

OPAQUE = 24
"""Alpha above which a pixel belongs to the subject."""
ALPHA_QUALITY = 50
"""Alpha is a third of a strip at 80, and looks the same at 50."""
GROUND = 0.06
"""Share of a page's height, counted from its lowest pixel, that touches the ground."""


@dataclass(frozen=True)
class Strip:
    """A page's pictures, side by side in WebP, with what is known of them.

    `aspect` is the true width over the height, `feet` where the subject touches the ground: from the left and from
    the top, in shares of the page. `seconds` is how long the loop lasts.
    """

    webp: bytes
    phases: int
    seconds: float
    aspect: float
    feet: tuple[float, float]


def make_strip(
    path: Path,
    size: int,
    phases: int = 1,
    played: tuple[int, int] | None = None,
    mirrored: bool = False,
    quality: int = 80,
) -> Strip:
    """Read an emoji's picture or animation and return its strip of `phases` squares of `size` pixels.

    Raises FileNotFoundError, or OSError for a file that is no picture.
    """
    frames, seconds = read_frames(path, phases, played)
    pictures, aspect = crop(frames, size)
    if mirrored:
        pictures = [picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for picture in pictures]
    strip = Image.new("RGBA", (size * len(pictures), size))
    for place, picture in enumerate(pictures):
        strip.paste(picture, (place * size, 0))
    packed = io.BytesIO()
    strip.save(packed, "WEBP", quality=quality, alpha_quality=ALPHA_QUALITY, method=6)
    return Strip(packed.getvalue(), len(pictures), seconds, aspect, find_feet(pictures))


def read_frames(
    path: Path, phases: int, played: tuple[int, int] | None = None
) -> tuple[list[Image.Image], float]:
    """Return up to `phases` evenly spaced frames of an animation, and how long it lasts in seconds (0 for a still)."""
    with Image.open(path) as picture:
        frames = [
            (frame.convert("RGBA"), frame.info.get("duration", 0))
            for frame in ImageSequence.Iterator(picture)
        ]
    if len(frames) == 1 or phases == 1:
        return [frames[0][0]], 0.0
    frames = frames[slice(*played)] if played else frames
    places = np.linspace(0, len(frames), phases, endpoint=False).astype(int)
    return [frames[place][0] for place in places], round(sum(duration for _, duration in frames) / 1000, 3)


def crop(frames: list[Image.Image], size: int) -> tuple[list[Image.Image], float]:
    """Cut frames to what any of them shows, stretch them to squares; also return the aspect that they had."""
    alpha = np.max([np.asarray(frame)[..., 3] for frame in frames], axis=0) > OPAQUE
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    aspect = round((box[2] - box[0]) / (box[3] - box[1]), 3)
    squares = [frame.crop(box).resize((size, size), Image.Resampling.LANCZOS) for frame in frames]
    return squares, aspect


def find_feet(pictures: list[Image.Image]) -> tuple[float, float]:
    """Return where a subject stands in its pictures: the middle of what is lowest, and how far down that is.

    How far down is the median over the pictures, so that a hop does not lift the ground.
    """
    alpha = np.stack([np.asarray(picture)[..., 3] for picture in pictures]) > OPAQUE
    size = alpha.shape[1]
    shown = [frame for frame in alpha if frame.any()]
    bottoms = [int(np.flatnonzero(frame.any(1))[-1]) + 1 for frame in shown]
    feet = np.concatenate(
        [
            np.flatnonzero(frame[max(0, bottom - round(GROUND * size)) : bottom].any(0))
            for frame, bottom in zip(shown, bottoms, strict=True)
        ]
    )
    return round(float(feet.mean() + 0.5) / size, 3), round(float(np.median(bottoms)) / size, 3)
