"""The storyboard of a film as a picture: one frame of each shot, under its number, its time and its words."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from vitascope.deliver.mux import frames_of, read_record
from vitascope.deliver.provenance.marks import save_picture
from vitascope.deliver.sheet import BACKGROUND, INK, sheet
from vitascope.director.storyboard import storyboard_of
from vitascope.errors import InputFileError
from vitascope.files import published

SIDE = 256
"""Pixels of a frame's longer side."""
LINE, LETTERS = 20, 14


def save_storyboard(film: Path, path: Path, *, force: bool = False) -> Path:
    """Write the middle frame of each shot of a finished film as one PNG and return its path.

    Raises `InputFileError` for a file that is no film, `OutputError` and `OutputExistsError`.
    """
    record = read_record(film)
    board = storyboard_of(record)
    spans = board.spans()
    if spans is None:
        raise InputFileError(f"file: {film} does not say how long its shots are")
    middles = [(start + end) // 2 for start, end in spans]
    needed, frames_by_number = set(middles), {}
    for number, frame in enumerate(frames_of(film)):
        if number in needed:
            frames_by_number[number] = frame
    fps = record.shot.fps or 1.0
    panels = []
    for number, (take, (start, end)) in enumerate(zip(board.takes, spans, strict=True)):
        joint = _joined(take.continues, take.overlap)
        caption = f"{number + 1}   {max(0, start) / fps:.1f} to {end / fps:.1f} s{joint}"
        panels.append(_panel(frames_by_number[middles[number]], caption, take.shot.prompt))
    with published(path, force=force, argument="storyboard") as part:
        save_picture(sheet(panels), part, "PNG", clips=[film], record=record)
    return path


def _joined(continues: bool, overlap: int) -> str:
    return ", goes on" if continues else ", crossfade" if overlap else ""


def _panel(frame: UInt8[np.ndarray, "height width 3"], caption: str, words: str) -> Image.Image:
    """Return a frame under two lines of text."""
    picture = Image.fromarray(frame)
    scale = SIDE / max(picture.size)
    picture = picture.resize(
        (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS
    )
    panel = Image.new("RGB", (picture.width, picture.height + 2 * LINE), BACKGROUND)
    draw, font = ImageDraw.Draw(panel), ImageFont.load_default(LETTERS)
    words = " ".join(words.split())
    while words and draw.textlength(words, font) > panel.width:
        words = words[:-2].rstrip("… ") + "…" if len(words) > 2 else ""
    draw.text((0, 0), caption, INK, font)
    draw.text((0, LINE), words, INK, font)
    panel.paste(picture, (0, 2 * LINE))
    return panel
