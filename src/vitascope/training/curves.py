"""Curves of a run as a picture, drawn with Pillow alone so that a bare training machine can."""

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

PANEL = (360, 200)
MARGIN = 28


def draw_curves(rows: Sequence[dict[str, float | int]], path: Path, over: str = "minutes") -> None:
    """Draw every column of `rows` against `over`, a panel each, logarithmic where all values are positive."""
    names = [name for name in rows[-1] if name not in (over, "step")]
    columns = min(3, len(names))
    height = PANEL[1] * math.ceil(len(names) / columns)
    sheet = Image.new("RGB", (PANEL[0] * columns, height), "white")
    draw = ImageDraw.Draw(sheet)
    for i, name in enumerate(names):
        points = [(row[over], row[name]) for row in rows if name in row]
        _panel(draw, (i % columns * PANEL[0], i // columns * PANEL[1]), name, points)
    sheet.save(path)


def _panel(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], name: str, points: list[tuple[float, float | int]]
) -> None:
    logarithmic = all(y > 0 for _, y in points)
    values = [math.log(y) if logarithmic else y for _, y in points]
    low, high = min(values), max(values)
    first, last = points[0][0], points[-1][0]
    left, top = corner[0] + MARGIN, corner[1] + MARGIN
    width, height = PANEL[0] - 2 * MARGIN, PANEL[1] - 2 * MARGIN
    line = [
        (left + (x - first) / ((last - first) or 1) * width, top + (high - y) / ((high - low) or 1) * height)
        for (x, _), y in zip(points, values, strict=True)
    ]
    draw.rectangle((left, top, left + width, top + height), outline="#cccccc")
    if len(line) > 1:
        draw.line(line, fill="#1f6fd6", width=2)
    draw.text(
        (left, corner[1] + 8),
        f"{name}  now {points[-1][1]:.4g}  best {min(y for _, y in points):.4g}",
        "black",
    )
    draw.text((left, top + height + 6), f"{first:.3g} to {last:.3g} minutes", "#666666")
