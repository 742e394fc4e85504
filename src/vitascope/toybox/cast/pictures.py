"""Reads the pictures that a person gives for a page of their own: stills with alpha, photographs, short videos."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from vitascope.errors import RequestError
from vitascope.media.image import read_picture
from vitascope.media.video import probe, read_video
from vitascope.toybox.cast.cutout import WORKING_SIZE, cut_out, shrink

Pixels = UInt8[np.ndarray, "height width 4"]
Shares = tuple[float, float, float, float]
"""A box in a picture: left, top, width and height as shares of the picture's."""
MOST_PHASES = 16
RATE = 8.0
"""Phases a second that are taken from a video."""
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


@dataclass(frozen=True)
class SubjectPictures:
    """Pictures of straight alpha, all of one size, the seconds that they last together, and how they were cut out."""

    pictures: tuple[Pixels, ...]
    seconds: float
    method: str
    notes: tuple[str, ...] = ()


def read_box(text: str) -> Shares | None:
    """Return a box from "left,top,width,height" in shares of a picture, None for ""."""
    if not text:
        return None
    example = "four shares of the picture, as in 0.2,0.1,0.6,0.8: left, top, width, height"
    try:
        left, top, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise RequestError("box", f'"{text[:40]}" is no box', example) from None
    inside = 0 <= left < 1 and 0 <= top < 1 and 0 < width <= 1.001 - left and 0 < height <= 1.001 - top
    if not inside:
        raise RequestError("box", f"{text[:40]} is not inside the picture", example)
    return left, top, width, height


def read_pictures(files: Sequence[Path], box: Shares | None = None) -> SubjectPictures:
    """Return what is in files as the phases of a page.

    Raises RequestError where a file cannot be read, holds nothing, or has another size than the first.
    """
    if len(files) > MOST_PHASES:
        raise RequestError(
            "FILES", f"{len(files)} pictures are too many", f"at most {MOST_PHASES} make a page"
        )
    frames: list[Pixels] = []
    seconds, notes = 0.0, []
    for file in files:
        if (facts := probe(file, "FILES")).num_frames > 1:
            moving = _read_moving(file, facts.size, with_alpha=facts.kind == "picture" or facts.alpha)
            if facts.seconds > (len(moving) + 1) / RATE:
                notes.append(f"{facts.name}: its first {len(moving) / RATE:g} seconds are taken")
        else:
            moving = [_read_still(file)]
        frames += moving
        seconds += len(moving) / RATE
    if len(frames) > MOST_PHASES:
        notes.append(f"the first {MOST_PHASES} of {len(frames)} pictures are taken")
        frames, seconds = frames[:MOST_PHASES], MOST_PHASES / RATE
    if len({frame.shape for frame in frames}) > 1:
        raise RequestError("FILES", "are not all of one size", "give pictures of the same size")
    _check_content(frames)
    cutouts = [cut_out(frame, box) for frame in frames]
    method = cutouts[0][1]
    return SubjectPictures(
        tuple(picture for picture, _ in cutouts), seconds if len(frames) > 1 else 0.0, method, tuple(notes)
    )


def _check_content(frames: Sequence[Pixels]) -> None:
    height, width = frames[0].shape[:2]
    if min(height, width) < 2:
        raise RequestError("FILES", f"hold a picture of {width}x{height} pixels", "at least 16x16 are needed")
    if not any(frame[..., 3].any() for frame in frames):
        raise RequestError("FILES", "are transparent everywhere", "give a picture that shows something")


def _read_still(file: Path) -> Pixels:
    picture = read_picture(file, "FILES", background=BLACK)
    height, width = picture.pixels.shape[:2]
    alpha = picture.alpha if picture.alpha is not None else np.full((height, width), 255, np.uint8)
    return shrink(_straight(picture.pixels, alpha))


def _read_moving(file: Path, size: tuple[int, int], with_alpha: bool) -> list[Pixels]:
    """Return the frames of a video or an animation, at most `MOST_PHASES`, at the size at which they are cut out.

    Where parts may be transparent, what differs by the background is: it is read on black and on white.
    """
    scale = min(1.0, WORKING_SIZE / max(size))
    small = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    grounds = [
        read_video(
            file, "FILES", fps=RATE, max_frames=MOST_PHASES, size=small, how="stretch", background=ground
        ).frames
        for ground in ((BLACK, WHITE) if with_alpha else (BLACK,))
    ]
    on_black, on_white = grounds[0], grounds[-1]
    if not with_alpha:
        return [np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]) for pixels in on_black]
    alpha = 255 - np.abs(on_white.astype(np.int16) - on_black).max(axis=-1).astype(np.uint8)
    return [_straight(pixels, clear) for pixels, clear in zip(on_black, alpha, strict=True)]


def _straight(
    pixels: UInt8[np.ndarray, "height width 3"], alpha: UInt8[np.ndarray, "height width"]
) -> Pixels:
    """Return a picture of straight alpha from its pixels on black."""
    colours = pixels.astype(np.float32) * 255.0 / np.maximum(alpha, 1)[..., None]
    return np.dstack([colours.clip(0, 255).astype(np.uint8), alpha])
