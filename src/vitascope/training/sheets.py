"""Contact sheets: some moments of each clip in a row, with its caption below."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

CAPTION = 14


def save_sheet(
    clips: Sequence[UInt8[np.ndarray, "frames height width 3"]],
    captions: Sequence[str] | None,
    path: Path,
    moments: int = 5,
) -> None:
    """Write a PNG with `moments` evenly spaced frames of every clip, one clip a row."""
    height, width = clips[0].shape[1:3]
    strip = height + (CAPTION if captions else 0)
    sheet = Image.new("RGB", (width * moments, strip * len(clips)), "white")
    draw = ImageDraw.Draw(sheet)
    for row, clip in enumerate(clips):
        chosen = np.linspace(0, len(clip) - 1, moments).round().astype(int)
        sheet.paste(Image.fromarray(np.concatenate(list(clip[chosen]), axis=1)), (0, row * strip))
        if captions:
            draw.text((3, row * strip + height + 1), captions[row][:150], "black")
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
