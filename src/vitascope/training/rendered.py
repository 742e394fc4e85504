"""Clips rendered ahead to disk, for a machine that cannot render and train at once; several stages share them."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from safetensors import safe_open
from torch import Tensor

from vitascope.prompt.scene import Scene
from vitascope.prompt.world import World
from vitascope.training.checkpoint import load_tensors, save_tensors
from vitascope.training.clips import Source
from vitascope.training.toytheatre.render import Theatre
from vitascope.training.toytheatre.take import sample_take

Rendered = tuple[
    UInt8[Tensor, "clips frames 3 height width"], Float32[Tensor, "clips frames 4"], tuple[Scene, ...]
]
"""Frames, camera paths and scenes of some clips."""


def render_takes(theatre: Theatre, world: World, rng: np.random.Generator, count: int) -> Rendered:
    """Draw and render `count` takes of a world."""
    frames, truths = theatre.render([sample_take(rng, world) for _ in range(count)])
    camera = torch.from_numpy(np.stack([truth.camera for truth in truths]).astype(np.float32))
    return frames, camera, tuple(truth.scene for truth in truths)


def render_shards(theatre: Theatre, world: World, out: Path, shards: int, per_shard: int, seed: int) -> None:
    """Fill the folder `out` with shards `0000.safetensors` …, skipping those that are there. Safe to run again."""
    out.mkdir(parents=True, exist_ok=True)
    for number in range(shards):
        path = out / f"{number:04d}.safetensors"
        if path.exists():
            continue
        rng = np.random.default_rng((seed, number))
        lots = [render_takes(theatre, world, rng, 16) for _ in range(per_shard // 16)]
        tensors = {
            "frames": torch.cat([lot[0] for lot in lots]),
            "camera": torch.cat([lot[1] for lot in lots]),
        }
        save_tensors(path, tensors, {"scenes": [astuple(scene) for lot in lots for scene in lot[2]]})
        print(f"rendered {path.name}", flush=True)


def load_rendered(path: Path) -> Rendered:
    """Read one shard."""
    tensors, facts = load_tensors(path)
    return tensors["frames"], tensors["camera"], tuple(Scene(*row) for row in facts["scenes"])


def shard_source(folder: Path) -> Source:
    """Return a source of clips that reads a few neighbours at a time from a random shard of the folder."""

    def draw(rng: np.random.Generator, count: int) -> Tensor:
        shards = sorted(folder.glob("*.safetensors"))
        with safe_open(shards[rng.integers(len(shards))], "pt") as file:
            frames = file.get_slice("frames")
            start = int(rng.integers(frames.get_shape()[0] - count + 1))
            return frames[start : start + count]

    return draw
