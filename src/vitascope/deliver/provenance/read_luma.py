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
DECODED, CHOSEN = 72, 30
"""Frames that are decoded at a place, and how many of them are looked at."""


def passages(path: Path, argument: str, limits: Limits) -> Iterator[list[tuple[Luma, int]]]:
    """Yield passages of a file, each frames of one size: luma, and how far before it the last key frame is."""
    with opened(argument, path, limits) as source:
        if source.picture is not None:
            with opened_picture(source, limits) as image, source.decoding():
                pixels, _ = to_rgb(image, WHITE)
            yield [(np.asarray(Image.fromarray(pixels).convert("L")), 0)]
            return
        for share in PLACES:
            if frames := _chosen(opened_frames(source, limits, share, DECODED)):
                yield frames


def _chosen(frames: Iterable[VideoFrame]) -> list[tuple[Luma, int]]:
    """Return the luma of key frames, of two after each and of every fourth, and how long ago its key frame was."""
    chosen: list[tuple[Luma, int]] = []
    size: tuple[int, int] | None = None
    since = 0
    for frame in frames:
        size = size or (frame.width, frame.height)
        since = 0 if frame.key_frame else since + 1
        if (since < 3 or since % 4 == 0) and (frame.width, frame.height) == size and len(chosen) < CHOSEN:
            chosen.append((_luma(frame), since))
    return chosen


def _luma(frame: VideoFrame) -> Luma:
    return np.ascontiguousarray(frame.to_ndarray(format="gray"))
