"""Draws pages side by side with their names, to be looked at."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from vitascope.errors import RequestError
from vitascope.files import published
from vitascope.toybox.cast.pages import Cast, Page
from vitascope.toybox.cast.table import CastEntry

GROUND = (140, 165, 175)
COLUMNS = 16
SMALL, LARGE = 64, 128
"""Pixels of a page on a sheet of many, and of few."""
FEW = 12
"""Pages up to which each is shown large, at four moments where it moves."""
GAP, LINE = 20, 13
MOST_LETTERS = 13
ENDINGS = (".png", ".webp")


def check_sheet(path: Path) -> None:
    """Raise RequestError for what no sheet can be written to."""
    if path.suffix.lower() not in ENDINGS:
        raise RequestError("sheet", f"{path.name[:60]!r} ends in neither .png nor .webp", "name it cast.png")
    if not path.parent.is_dir():
        raise RequestError("sheet", f"there is no folder {path.parent}", "make it first")


def draw_sheet(cast: Cast, entries: Sequence[CastEntry], path: Path) -> None:
    """Draw the pages of entries into a picture; what moves at four moments where there are few."""
    check_sheet(path)
    few = len(entries) <= FEW
    side, columns = (LARGE, 4) if few else (SMALL, COLUMNS)
    cells = [
        (entry, moment)
        for entry in entries
        for moment in (range(4) if few and entry.phases > 1 else (0 if few else 1,))
    ]
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (min(columns, len(cells)) * (side + GAP), rows * (side + LINE + 3)), GROUND)
    draw = ImageDraw.Draw(sheet)
    for number, (entry, moment) in enumerate(cells):
        page = cast.page(entry.id, side)
        left, top = number % columns * (side + GAP), number // columns * (side + LINE + 3)
        picture = _picture(page, moment * len(page) // 4, entry.aspect)
        sheet.paste(picture, (left + (side + GAP - picture.width) // 2, top + side - picture.height), picture)
        name = entry.id.encode("ascii", "replace").decode()[: MOST_LETTERS * side // SMALL]
        draw.text((left + 1, top + side + 1), name, "black")
    with published(path, force=True, argument="sheet") as part:
        sheet.save(part, path.suffix[1:].upper())


def _picture(page: Page, phase: int, aspect: float) -> Image.Image:
    """Return one phase of a page in its true shape."""
    alpha = page[phase, 3:].astype(np.float32)
    colours = (page[phase, :3] * 255.0 / np.maximum(alpha, 1)).clip(0, 255)
    straight = np.concatenate([colours, alpha]).astype(np.uint8).transpose(1, 2, 0)
    side = page.shape[-1]
    size = (side, max(1, round(side / aspect))) if aspect > 1 else (max(1, round(side * aspect)), side)
    return Image.fromarray(np.ascontiguousarray(straight)).resize(size)
