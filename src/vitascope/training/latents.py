"""Clips rendered and encoded ahead of the training that uses them, each several times over."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vitascope.conditioning.camera import camera_channels
from vitascope.nn.video_vae import VideoVAE
from vitascope.prompt.scene import Scene
from vitascope.training.checkpoint import load_tensors, save_tensors
from vitascope.training.rendered import Rendered, load_rendered


@dataclass(frozen=True)
class Encoded:
    """Clips as the transformer is taught them: latents, what they show, and how the camera moves."""

    latents: Float[Tensor, "clips channels frames height width"]
    camera: Float[Tensor, "clips frames 8"]
    scenes: tuple[Scene, ...]


@torch.no_grad()
def encode(vae: VideoVAE, rendered: Rendered) -> Encoded:
    """Encode rendered clips on the device where their frames are. Latents are float16."""
    frames, camera, scenes = rendered
    pictures = frames.transpose(1, 2).float() / 255
    with torch.autocast(pictures.device.type, torch.bfloat16):
        latents = vae.encode(pictures)
    channels = np.stack([camera_channels(path) for path in camera.numpy()])
    return Encoded(latents.half(), torch.from_numpy(channels), scenes)


def save_shard(path: Path, encoded: Encoded) -> None:
    """Write one shard of encoded clips."""
    facts = {"scenes": [astuple(scene) for scene in encoded.scenes]}
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


def encode_shards(vae: VideoVAE, clips: Path, out: Path, device: str, batch: int = 8) -> None:
    """Encode every rendered shard of the folder `clips` into one of the same name in `out`, where it is not yet."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(clips.glob("*.safetensors")):
        if (out / path.name).exists():
            continue
        frames, camera, scenes = load_rendered(path)
        lots = []
        for at in range(0, len(scenes), batch):
            part = slice(at, at + batch)
            lots.append(encode(vae, (frames[part].to(device), camera[part], scenes[part])))
        save_shard(out / path.name, join(lots))
        print(f"encoded {path.name}", flush=True)


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
