"""The frames of a file from outside that a watermark is looked for in: key frames, and some between them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from jaxtyping import UInt8
from PIL import Image

from vitascope.media.ffmpeg import opened_frames
from vitascope.media.image import opened_picture, to_rgb
from vitascope.media.limits import Limits, opened

Luma = UInt8[np.ndarray, "height width"]

WHITE = (255, 255, 255)
PLACES = (0.0, 0.3, 0.6, 0.85)
"""Where in a long video frames are taken from, as shares of its length."""
DECODED, KEYS, EVERY = 72, 6, 5
"""Frames that are decoded at a place, how many key frames of them are looked at, and which of the others."""


def passages(path: Path, argument: str, limits: Limits) -> Iterator[list[tuple[Luma, bool]]]:
    """Yield frames of one passage of a file after another: luma, and whether it is a key frame (all of one size)."""
    with opened(argument, path, limits) as source:
        if source.picture is not None:
            with opened_picture(source, limits) as image, source.decoding():
                pixels, _ = to_rgb(image, WHITE)
            yield [(np.asarray(Image.fromarray(pixels).convert("L")), True)]
            return
        for share in PLACES:
            if frames := _chosen(opened_frames(source, limits, share, DECODED)):
                yield frames


def _chosen(frames: Iterable[VideoFrame]) -> list[tuple[Luma, bool]]:
    """Return the luma of some of many frames: key frames, since codecs leave most in them, and every fifth."""
    chosen: list[tuple[Luma, bool]] = []
    size: tuple[int, int] | None = None
    for number, frame in enumerate(frames):
        size = size or (frame.width, frame.height)
        is_key = bool(frame.key_frame) and sum(key for _, key in chosen) < KEYS
        if (is_key or number % EVERY == 0) and (frame.width, frame.height) == size:
            chosen.append((_luma(frame), is_key))
    return chosen


def _luma(frame: VideoFrame) -> Luma:
    return np.ascontiguousarray(frame.to_ndarray(format="gray"))
