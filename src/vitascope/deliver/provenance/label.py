"""The visible label: two letters in a corner, inside the safe area, in the viewer's language."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]

WORDS = {
    "de": "KI",
    "fr": "IA",
    "es": "IA",
    "it": "IA",
    "pt": "IA",
    "ro": "IA",
    "ca": "IA",
    "pl": "SI",
    "nl": "AI",
}
"""What artificial intelligence is called for short; the European label's "AI" for all other languages."""
SAFE = 0.05
"""Share of each side that some screens do not show (EBU R 95: title safe area)."""
HEIGHT = 0.06
"""Of the letters, as a share of the shorter side; at least eight pixels."""


@dataclass(frozen=True)
class Label:
    """Letters on a dark ground in a corner of every frame."""

    corner: Corner
    language: str = "en"

    @property
    def text(self) -> str:
        """The letters that are shown."""
        return WORDS.get(self.language, "AI")

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return where the label lies: left, top, right and bottom, on even pixels, as codecs halve colours."""
        picture = drawn(self.text, _size(width, height))
        inset = round(width * SAFE) // 2 * 2, round(height * SAFE) // 2 * 2
        left = inset[0] if self.corner.endswith("left") else (width - inset[0] - picture.shape[1]) // 2 * 2
        top = inset[1] if self.corner.startswith("top") else (height - inset[1] - picture.shape[0]) // 2 * 2
        left, top = max(0, left), max(0, top)
        return left, top, min(width, left + picture.shape[1]), min(height, top + picture.shape[0])

    def draw(self, luma: UInt8[np.ndarray, "height width"], low: int = 0, high: int = 255) -> None:
        """Write the label into luma, whose black and white are `low` and `high`."""
        height, width = luma.shape
        left, top, right, bottom = self.box(width, height)
        letters = drawn(self.text, _size(width, height))[: bottom - top, : right - left]
        luma[top:bottom, left:right] = low + letters * ((high - low) / 255)


def _size(width: int, height: int) -> int:
    return max(8, round(min(width, height) * HEIGHT))


@cache
def drawn(text: str, size: int) -> UInt8[np.ndarray, "height width"]:
    """Return letters, white on black, with a margin around them; both sides are even."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    margin = max(2, size // 4)
    width, height = (round(side) + 2 * margin + 1 for side in (right - left, bottom - top))
    picture = Image.new("L", (width // 2 * 2, height // 2 * 2), 0)
    ImageDraw.Draw(picture).text((margin - left, margin - top), text, 255, font)
    return np.asarray(picture)
