"""Are two clips the same: frame by frame, and byte by byte before the signature, which has a time of its own?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vitascope.deliver.mux import Movie, read
from vitascope.deliver.provenance.boxes import unsigned


@dataclass(frozen=True)
class Comparison:
    """What a second making of a clip has in common with the first.

    `different` lists the frames that differ, `largest` is the largest difference of a pixel (0..255, None when the
    shapes differ), `changed` what differs between the two installations.
    """

    num_frames: int
    same_shape: bool
    different: tuple[int, ...]
    largest: int | None
    bytes_identical: bool
    changed: tuple[str, ...]

    @property
    def picture_identical(self) -> bool:
        """Whether every pixel of every frame is the same."""
        return self.same_shape and not self.different

    def sentence(self) -> str:
        """Return the outcome in one line."""
        if self.picture_identical and self.bytes_identical:
            return f"identical: all {self.num_frames} frames, and every byte of the file but its signature"
        because = f" (changed since: {', '.join(self.changed)})" if self.changed else ""
        if self.picture_identical:
            return f"identical picture: all {self.num_frames} frames; the files' bytes differ{because}"
        if not self.same_shape:
            return f"different: the clips have different sizes or lengths{because}"
        return (
            f"different: {len(self.different)} of {self.num_frames} frames, the first being {self.different[0]}, "
            f"by at most {self.largest} of 255{because}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as plain values."""
        return {
            "picture_identical": self.picture_identical,
            "bytes_identical": self.bytes_identical,
            "num_frames": self.num_frames,
            "different_frames": list(self.different),
            "largest_difference": self.largest,
            "changed": list(self.changed),
        }


def compare(file: Path, before: Movie, again: Path) -> Comparison:
    """Compare a file, already read as `before`, with the one made again; raises `InputFileError`."""
    after = read(again)
    same_shape = before.frames.shape == after.frames.shape
    apart = np.abs(before.frames.astype(np.int16) - after.frames).max(axis=(1, 2, 3)) if same_shape else None
    weights = {**before.record.weights}.items() ^ {**after.record.weights}.items()
    versions = {**before.record.versions}.items() ^ {**after.record.versions}.items()
    return Comparison(
        num_frames=len(before.frames),
        same_shape=same_shape,
        different=() if apart is None else tuple(int(i) for i in np.flatnonzero(apart)),
        largest=None if apart is None else int(apart.max()),
        bytes_identical=unsigned(file) == unsigned(again),
        changed=tuple(sorted({name for name, _ in weights | versions})),
    )
