"""Pixels for the autoencoder: a pool of rendered clips that is renewed while it is used."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

Source = Callable[[np.random.Generator, int], UInt8[Tensor, "batch frames 3 height width"]]


def dead_leaves(
    rng: np.random.Generator, frames: int, size: int, leaves: int = 40
) -> UInt8[Tensor, "frames 3 size size"]:
    """Paint moving discs and boxes over each other, shaded and textured: edges of every kind and no meaning.

    Natural pictures share the statistics of dead leaves (Lee, Mumford and Huang, 2001), so an autoencoder that has seen
    them bears what the theatre never shows.
    """
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32) / size
    grain = rng.normal(0, 1, (size, size)).astype(np.float32)
    base = rng.uniform(0, 1, (2, 3, 1, 1)).astype(np.float32)
    clip = np.repeat((base[0] + (base[1] - base[0]) * rows)[None], frames, 0)
    for _ in range(leaves):
        radius = float(np.clip(0.03 / rng.uniform(0.08, 1.0), 0.02, 0.35))
        start, speed = rng.uniform(0, 1, 2), rng.normal(0, 0.015, 2) * (rng.random() < 0.7)
        colour, other = rng.uniform(0, 1, (2, 3, 1, 1)).astype(np.float32)
        slope, rough, round_ = (
            rng.normal(0, 1.5),
            rng.uniform(0, 0.15) * (rng.random() < 0.3),
            rng.random() < 0.6,
        )
        for t in range(frames):
            y, x = (start + speed * t).astype(np.float32)
            dy, dx = np.abs(rows - y), np.abs(columns - x)
            distance = np.hypot(dx, dy) if round_ else np.maximum(dx, dy)
            cover = np.clip((radius - distance) * size + 0.5, 0, 1)
            shade = np.clip(0.5 + slope * (columns - x) / radius * 0.5, 0, 1) + rough * grain
            clip[t] += cover * (colour + (other - colour) * shade - clip[t])
    return torch.from_numpy((np.clip(clip, 0, 1) * 255).astype(np.uint8))


def leaves_source(frames: int, size: int) -> Source:
    """Return a source of dead-leaves clips."""
    return lambda rng, count: torch.stack([dead_leaves(rng, frames, size) for _ in range(count)])


class ClipPool:
    """Some hundred clips in memory, from several sources by share, a few of them renewed at every step."""

    def __init__(self, sources: dict[Source, float], size: int, rng: np.random.Generator):
        self.sources, self.rng = list(sources), rng
        weights = np.array(list(sources.values()))
        self.weights = weights / weights.sum()
        self.clips = torch.cat([self._draw(8) for _ in range(max(1, size // 8))])
        self.next = 0

    def _draw(self, count: int) -> Tensor:
        return self.sources[self.rng.choice(len(self.sources), p=self.weights)](self.rng, count)

    def renew(self, count: int) -> None:
        """Replace the `count` oldest clips by new ones."""
        fresh = self._draw(count)
        places = (torch.arange(count) + self.next) % len(self.clips)
        self.clips[places] = fresh.to(self.clips.device)
        self.next = (self.next + count) % len(self.clips)

    def crops(self, batch: int, frames: int, size: int) -> Float[Tensor, "batch 3 frames size size"]:
        """Cut random windows in space and time out of random clips, values 0..1; `size` 0 keeps whole pictures."""
        _, length, _, height, width = self.clips.shape
        cuts = []
        for index in self.rng.integers(len(self.clips), size=batch):
            t = self.rng.integers(length - frames + 1)
            y, x = (self.rng.integers(edge - size + 1) if size else 0 for edge in (height, width))
            high, wide = (size, size) if size else (height, width)
            cuts.append(self.clips[index, t : t + frames, :, y : y + high, x : x + wide])
        return torch.stack(cuts).transpose(1, 2).float() / 255
