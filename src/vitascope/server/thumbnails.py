"""What a finished clip looks like at a glance: its middle frame, and a sheet of frames from beginning to end."""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from PIL import Image

from vitascope.deliver.mux import read_record
from vitascope.deliver.provenance.marks import save_picture
from vitascope.errors import InputFileError
from vitascope.files import published
from vitascope.jobs.job import Output

Glance = Literal["thumbnail", "spritesheet"]
TYPES: dict[Glance, tuple[str, str]] = {
    "thumbnail": ("webp", "image/webp"),
    "spritesheet": ("jpg", "image/jpeg"),
}
SPRITES, COLUMNS, SPRITE_SIDE = 25, 5, 240
THUMBNAIL_SIDE = 640


def glance(clip: Path, output: Output, kind: Glance) -> Path:
    """Return the file of a picture of a clip, made beside it when first asked for. Raises `InputFileError`."""
    path = clip.with_suffix(f".{kind}.{TYPES[kind][0]}")
    if not path.exists():
        picture = (thumbnail if kind == "thumbnail" else spritesheet)(clip, output.num_frames)
        with published(path, force=True) as part:
            still = kind == "thumbnail"
            marks = partial(save_picture, clips=[clip], record=read_record(clip), still=still)
            if still:
                marks(picture, part, "WEBP", quality=85)
            else:
                marks(picture, part, "JPEG", quality=88)
    return path


def thumbnail(clip: Path, num_frames: int) -> Image.Image:
    """Return the middle frame."""
    (picture,) = _frames(clip, [num_frames // 2], THUMBNAIL_SIDE)
    return picture


def spritesheet(clip: Path, num_frames: int) -> Image.Image:
    """Return up to 25 frames, evenly spaced from the first to the last, in rows of up to five."""
    count = min(SPRITES, num_frames)
    moments = sorted({round(i * (num_frames - 1) / max(1, count - 1)) for i in range(count)})
    pictures = _frames(clip, moments, SPRITE_SIDE)
    width, height = pictures[0].size
    columns = min(COLUMNS, len(pictures))
    sheet = Image.new("RGB", (columns * width, math.ceil(len(pictures) / columns) * height))
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number % columns * width, number // columns * height))
    return sheet


def _frames(clip: Path, moments: Sequence[int], side: int) -> list[Image.Image]:
    """Return the frames of those numbers, none larger than `side`; one at a time is held."""
    import av

    frames: list[Image.Image] = []
    numbers = set(moments)
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in numbers:
                picture = frame.to_image()
                picture.thumbnail((side, side))
                frames.append(picture)
            if number >= max(numbers):
                break
    if not frames:
        raise InputFileError(f"{clip.name} has no frames")
    return frames
