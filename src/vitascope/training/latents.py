"""Clips rendered and encoded ahead of the training that uses them, each several times over."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vitascope.conditioning.camera import camera_channels
from vitascope.nn.video_vae import VideoVAE
from vitascope.prompt.scene import Scene
from vitascope.prompt.world import World
from vitascope.training.checkpoint import load_tensors, save_tensors
from vitascope.training.toytheatre.render import Theatre
from vitascope.training.toytheatre.take import sample_take


@dataclass(frozen=True)
class Encoded:
    """Clips as the transformer is taught them: latents, what they show, and how the camera moves."""

    latents: Float[Tensor, "clips channels frames height width"]
    camera: Float[Tensor, "clips frames 8"]
    scenes: tuple[Scene, ...]


@torch.no_grad()
def encode_takes(
    theatre: Theatre, vae: VideoVAE, world: World, rng: np.random.Generator, count: int
) -> Encoded:
    """Render `count` new takes and encode them, on the theatre's device. Latents are float16."""
    takes = [sample_take(rng, world) for _ in range(count)]
    frames, truths = theatre.render(takes)
    pictures = frames.transpose(1, 2).to(torch.float32) / 255
    with torch.autocast(pictures.device.type, torch.bfloat16):
        latents = vae.encode(pictures)
    camera = np.stack([camera_channels(truth.camera) for truth in truths])
    return Encoded(latents.half(), torch.from_numpy(camera), tuple(truth.scene for truth in truths))


def save_shard(path: Path, encoded: Encoded) -> None:
    """Write one shard of encoded clips."""
    facts = {"scenes": [list(asdict(scene).values()) for scene in encoded.scenes]}
    save_tensors(path, {"latents": encoded.latents, "camera": encoded.camera}, facts)


def load_shard(path: Path) -> Encoded:
    """Read one shard of encoded clips."""
    tensors, facts = load_tensors(path)
    return Encoded(tensors["latents"], tensors["camera"], tuple(Scene(*row) for row in facts["scenes"]))


def join(parts: Sequence[Encoded]) -> Encoded:
    """Put several lots of encoded clips together."""
    return Encoded(
        torch.cat([part.latents for part in parts]),
        torch.cat([part.camera for part in parts]),
        tuple(scene for part in parts for scene in part.scenes),
    )


def produce(
    theatre: Theatre, vae: VideoVAE, world: World, out: Path, shards: int, per_shard: int = 256, seed: int = 0
) -> None:
    """Fill the folder `out` with shards `0000.safetensors` …, skipping those that are there. Safe to run again."""
    out.mkdir(parents=True, exist_ok=True)
    for number in range(shards):
        path = out / f"{number:04d}.safetensors"
        if path.exists():
            continue
        rng = np.random.default_rng((seed, number))
        lots = [encode_takes(theatre, vae, world, rng, 16) for _ in range(per_shard // 16)]
        save_shard(path, join(lots))
        print(json.dumps({"shard": number, "clips": per_shard}), flush=True)


class LatentPool:
    """Encoded clips in memory, normalised per channel; grows with new shards, renews itself where it can render."""

    def __init__(self, encoded: Encoded, device: str, renew: Callable[[int], Encoded] | None = None):
        self.device, self.renewing = device, renew
        numbers = encoded.latents.float()
        self.mean = numbers.mean((0, 2, 3, 4))
        self.std = numbers.std((0, 2, 3, 4)).clamp(min=1e-3)
        self.latents = self._normalised(encoded.latents)
        self.camera = encoded.camera.to(device)
        self.scenes = list(encoded.scenes)
        self.next = 0

    def __len__(self) -> int:
        return len(self.scenes)

    def _normalised(self, latents: Tensor) -> Tensor:
        mean, std = (x[None, :, None, None, None] for x in (self.mean, self.std))
        return ((latents.float().cpu() - mean) / std).half().to(self.device)

    def add(self, encoded: Encoded) -> None:
        """Take in more clips; the normalisation stays what it was."""
        self.latents = torch.cat([self.latents, self._normalised(encoded.latents)])
        self.camera = torch.cat([self.camera, encoded.camera.to(self.device)])
        self.scenes += encoded.scenes

    def renew(self, count: int) -> None:
        """Replace the `count` oldest clips by newly rendered ones, if this pool can render."""
        if self.renewing is None:
            return
        fresh = self.renewing(count)
        places = [(self.next + i) % len(self) for i in range(len(fresh.scenes))]
        self.latents[places] = self._normalised(fresh.latents)
        self.camera[places] = fresh.camera.to(self.device)
        for place, scene in zip(places, fresh.scenes, strict=True):
            self.scenes[place] = scene
        self.next = (self.next + len(places)) % len(self)
