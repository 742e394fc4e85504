"""The memory of pages: the table, and the pictures, each read from the file when it is asked for."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vitascope.errors import RequestError
from vitascope.toybox.cast.table import CastEntry, shipped_entries

OWN = "own"
"""The group of a person's own pages."""
MOST_OWN_BYTES = 8 * 1024 * 1024
MOST_PAGES_KEPT = 64
"""Strips that stay in memory once they are read: some 10 MiB."""

Page = UInt8[np.ndarray, "phases 4 size size"]
"""The pictures of a subject: premultiplied RGBA, stretched to squares, one for each phase of its loop."""


@dataclass(frozen=True)
class Cast:
    """A memory of pages: its entries by id, and the archive with their strips.

    Pages of the group "own" lie in `own_folder`.
    """

    entries: Mapping[str, CastEntry]
    archive: Path
    own_folder: Path | None = None

    @classmethod
    def load(cls) -> "Cast":
        """Return the memory that ships; only the table is read."""
        return cls(shipped_entries(), shipped_archive())

    def __iter__(self) -> Iterator[CastEntry]:
        return iter(self.entries.values())

    def __len__(self) -> int:
        return len(self.entries)

    def find(self, name: str) -> CastEntry:
        """Return the entry with an id. Raises KeyError if there is none."""
        return self.entries[name]

    def page(self, name: str, size: int) -> Page:
        """Return the page of an id at `size` pixels.

        Raises KeyError if there is none, RequestError for an own page whose file is missing or damaged.
        """
        entry = self.find(name)
        if entry.group == OWN and self.own_folder is not None:
            return resize_page(_own_page(self.own_folder / f"{entry.strip}.webp", entry), size)
        return resize_page(_read_strip(self.archive, entry.strip or entry.id), size)


@cache
def shipped_archive() -> Path:
    """Return the path of the shipped archive."""
    with as_file(files("vitascope.toybox.cast") / "cast.zip") as path:
        return path


@cache
def _open(archive: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)


@lru_cache(MOST_PAGES_KEPT)
def _read_strip(archive: Path, name: str) -> Page:
    return read_strip(_open(archive).read(f"{name}.webp"))


def _own_page(path: Path, entry: CastEntry) -> Page:
    try:
        return _read_own_strip(path, entry.size, entry.phases)
    except (OSError, ValueError, Image.DecompressionBombError):
        problem = f'the pictures of "{entry.id}" are damaged or gone'
        raise RequestError("prompt", problem, "add them again: vitascope cast add") from None


@lru_cache(MOST_PAGES_KEPT)
def _read_own_strip(path: Path, size: int, phases: int) -> Page:
    """Return the page in a file of a person's own, whose name is the digest of what is in it."""
    with path.open("rb") as file:
        webp = file.read(MOST_OWN_BYTES)
    with Image.open(io.BytesIO(webp), formats=["WEBP"]) as picture:
        if picture.size != (size * phases, size):
            raise ValueError("not the pictures of this entry")
    return read_strip(webp)


def read_strip(webp: bytes) -> Page:
    """Decode a strip of squares to a page. Raises OSError or ValueError for bytes that are no strip."""
    with Image.open(io.BytesIO(webp)) as picture:
        strip = np.asarray(picture.convert("RGBA"))
    size = strip.shape[0]
    page = strip.reshape(size, -1, size, 4).transpose(1, 3, 0, 2)
    page = premultiply(page)
    page.flags.writeable = False
    return page


def premultiply(
    page: UInt8[np.ndarray, "phases 4 height width"],
) -> UInt8[np.ndarray, "phases 4 height width"]:
    """Return a page of straight alpha as one of premultiplied alpha."""
    alpha = page[:, 3:].astype(np.uint16)
    colours = (page[:, :3] * alpha + 127) // 255
    return np.concatenate([colours, alpha], axis=1).astype(np.uint8)


def resize_page(
    page: UInt8[np.ndarray, "phases 4 side side"], size: int
) -> UInt8[np.ndarray, "phases 4 {size} {size}"]:
    """Return a page at another size: each pixel is the mean of those that it covers; enlarged smoothly."""
    if page.shape[-1] == size:
        return page
    method = Image.Resampling.BOX if page.shape[-1] % size == 0 else Image.Resampling.BICUBIC
    planes = [
        Image.fromarray(plane).resize((size, size), method) for plane in page.reshape(-1, *page.shape[-2:])
    ]
    resized = np.stack([np.asarray(plane) for plane in planes]).reshape(*page.shape[:2], size, size)
    # A resampled colour may exceed its alpha by rounding or overshoot; premultiplied colours never do.
    return np.minimum(resized, resized[:, 3:])
