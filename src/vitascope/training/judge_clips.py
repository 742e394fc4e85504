"""Clips for the judge: rendered once, kept small on disk, read at random."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from vitascope.toybox.classifier import resample, resize
from vitascope.toybox.scene import Scene

SHARD = 128
"""Clips in one file."""


class Truth(Protocol):
    """What the judge wants to know of a rendered clip; the theatre's own truth holds it."""

    @property
    def scene(self) -> Scene: ...
    @property
    def boxes(self) -> Float32[np.ndarray, "frames 4"]: ...
    @property
    def camera(self) -> Float32[np.ndarray, "frames 4"]: ...


Source = Callable[[int], tuple[UInt8[torch.Tensor, "batch frames 3 height width"], Sequence[Truth]]]
"""Renders so many clips and tells the truth about each."""


@dataclass(frozen=True)
class JudgeClip:
    """A clip as the judge sees it, and its truth: boxes (x0 y0 x1 y1 in 0..1) and the camera's path."""

    frames: UInt8[np.ndarray, "frames 3 size size"]
    scene: Scene
    boxes: Float32[np.ndarray, "frames 4"]
    camera: Float32[np.ndarray, "frames 4"]


def shrink(source: Source, frames: int, size: int, at_once: int = 8) -> Iterator[JudgeClip]:
    """Render clips without end, each resampled and shrunk to what the judge takes."""
    while True:
        clips, truths = source(at_once)
        for clip, truth in zip(clips.cpu().numpy(), truths, strict=True):
            small = resize(resample(clip.transpose(0, 2, 3, 1), frames), size)
            boxes, camera = (
                resample(np.asarray(rows, np.float32), frames) for rows in (truth.boxes, truth.camera)
            )
            yield JudgeClip(small, truth.scene, boxes, camera)


def write_shards(clips: Iterator[JudgeClip], folder: Path, count: int, name: str = "clips") -> None:
    """Write `count` clips to `folder`, `SHARD` a file, keeping the shards that are there already."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, start in enumerate(range(0, count, SHARD)):
        path = folder / f"{name}-{index:04d}.npy"
        if path.exists():
            continue
        shard = [next(clips) for _ in range(min(SHARD, count - start))]
        np.savez(
            path.with_suffix(".npz"),
            boxes=np.stack([clip.boxes for clip in shard]),
            camera=np.stack([clip.camera for clip in shard]),
            scenes=np.array([json.dumps(asdict(clip.scene)) for clip in shard]),
        )
        frames = np.stack([clip.frames for clip in shard])
        np.save(path.with_suffix(".half.npy"), halved(frames))
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.save(file, frames)
        partial.replace(path)


def halved(
    frames: UInt8[np.ndarray, "clips frames 3 size size"],
) -> UInt8[np.ndarray, "clips frames 3 half half"]:
    """Return pictures at half their size, the mean of every 2x2 pixels."""
    rows = frames[..., ::2, :].astype(np.uint16) + frames[..., 1::2, :]
    return ((rows[..., ::2] + rows[..., 1::2] + 2) // 4).astype(np.uint8)


@dataclass(frozen=True)
class ClipStore:
    """Clips read back from shards; the pictures stay on disk until they are asked for."""

    frames: tuple[np.ndarray, ...]
    half: tuple[np.ndarray, ...]
    scenes: tuple[Scene, ...]
    boxes: Float32[np.ndarray, "clips frames 4"]
    camera: Float32[np.ndarray, "clips frames 4"]

    def __len__(self) -> int:
        return len(self.scenes)

    def pictures(self, indices: Sequence[int]) -> UInt8[torch.Tensor, "batch frames 3 size size"]:
        """Return the pictures of some clips."""
        return torch.from_numpy(np.stack([self.frames[i // SHARD][i % SHARD] for i in indices]))

    def stills(
        self, indices: Sequence[int], chosen: Sequence[int]
    ) -> UInt8[torch.Tensor, "batch stills 3 size size"]:
        """Return some frames of some clips."""
        return torch.from_numpy(np.stack([self.frames[i // SHARD][i % SHARD, list(chosen)] for i in indices]))

    def motion(self, indices: Sequence[int]) -> UInt8[torch.Tensor, "batch frames 3 half half"]:
        """Return all frames of some clips at half their size."""
        return torch.from_numpy(np.stack([self.half[i // SHARD][i % SHARD] for i in indices]))


def open_shards(folder: Path, name: str = "clips") -> ClipStore:
    """Open what `write_shards` wrote, as far as it has come. Only a last shard may be short."""
    paths = sorted(path for path in folder.glob(f"{name}-*.npy") if ".half" not in path.suffixes)
    if not paths:
        raise FileNotFoundError(f"no judge clips called {name} in {folder}")
    truths = [np.load(path.with_suffix(".npz")) for path in paths]
    return ClipStore(
        tuple(np.load(path, mmap_mode="r") for path in paths),
        tuple(np.load(path.with_suffix(".half.npy"), mmap_mode="r") for path in paths),
        tuple(Scene(**json.loads(str(scene))) for truth in truths for scene in truth["scenes"]),
        np.concatenate([truth["boxes"] for truth in truths]),
        np.concatenate([truth["camera"] for truth in truths]),
    )
