"""The contact sheet of several clips: a few moments of each, side by side, under its seed."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from vitascope.deliver.mux import read
from vitascope.deliver.provenance.marks import save_picture
from vitascope.files import published

MOMENTS = 4
SIDE = 160
"""Pixels of a moment's longer side."""
GAP = 12
LINE = 26
"""Height of the line that a seed is written on."""
BACKGROUND, INK = (24, 24, 27), (228, 228, 231)
SHAPE = 4 / 3
"""Width to height of the sheet, as nearly as whole strips allow."""


def save_sheet(clips: Sequence[Path], path: Path, *, force: bool = False) -> Path:
    """Write the sheet of clips of ours, in their order, as a PNG; return its path.

    Raises `InputFileError` for a clip that cannot be read, `OutputError` and `OutputExistsError`.
    """
    strips, movie = [], None
    for clip in clips:
        movie = read(clip)
        strips.append(_strip(movie.frames, f"seed {movie.record.shot.seed}"))
    with published(path, force=force) as part:
        save_picture(sheet(strips), part, "PNG", clips=clips, record=None if movie is None else movie.record)
    return path


def sheet(strips: Sequence[Image.Image]) -> Image.Image:
    """Return strips in rows and columns on one ground, the first at the top left, the second beside it."""
    width, height = (max(size) + GAP for size in zip(*(strip.size for strip in strips), strict=True))
    columns = min(len(strips), max(1, round(math.sqrt(SHAPE * len(strips) * height / width))))
    rows = -(-len(strips) // columns)
    whole = Image.new("RGB", (columns * width + GAP, rows * height + GAP), BACKGROUND)
    for i, strip in enumerate(strips):
        whole.paste(strip, (GAP + i % columns * width, GAP + i // columns * height))
    return whole


def _strip(frames: UInt8[np.ndarray, "frames height width 3"], title: str) -> Image.Image:
    """Return a clip's moments, evenly spaced from the first frame to the last, under a title."""
    moments = sorted({round(share * (len(frames) - 1)) for share in np.linspace(0, 1, MOMENTS)})
    height, width = frames.shape[1:3]
    size = (round(SIDE * width / max(width, height)), round(SIDE * height / max(width, height)))
    strip = Image.new("RGB", (MOMENTS * size[0] + (MOMENTS - 1) * 4, LINE + size[1]), BACKGROUND)
    ImageDraw.Draw(strip).text((0, 2), title, INK, ImageFont.load_default(16))
    for i, moment in enumerate(moments):
        picture = Image.fromarray(frames[moment]).resize(size, Image.Resampling.LANCZOS)
        strip.paste(picture, (i * (size[0] + 4), LINE))
    return strip
