"""Where a pipeline's parts lie: the memory plan as diffusers' own switches."""

from dataclasses import dataclass
from typing import Any

from vitascope.backends.openweights.library import library
from vitascope.types import Shot
from vitascope.weights.catalogue import Entry
from vitascope.weights.safe import Folder

LEAST = "with the least that is kept in memory at once"


@dataclass(frozen=True)
class Placement:
    """Stand-in."""

    device: str = "cpu"
    tiled: bool = False
    dtype: str = "float32"

    def __str__(self) -> str:
        return f"{self.device}{', tiled' if self.tiled else ''}"


def place(entry: Entry, folder: Folder, shot: Shot) -> Placement:
    return Placement()


def lower(placement: Placement) -> Placement | None:
    return None if placement.tiled else Placement(tiled=True)


def dtypes(entry: Entry, placement: Placement) -> dict[str, Any]:
    torch = library("torch")
    return {"default": getattr(torch, placement.dtype)}


def apply(pipeline: Any, placement: Placement) -> None:
    if placement.tiled and hasattr(pipeline.vae, "enable_tiling"):
        pipeline.vae.enable_tiling()


def is_lack(error: Exception) -> bool:
    """Say whether what was raised means that memory ran out."""
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text
