"""Clips rendered and encoded ahead of the training that uses them, each several times over."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from vitascope.camera.path import camera_channels, centred
from vitascope.nn.video_vae import TIME_STRIDE, VideoVAE
from vitascope.toybox.motion.trajectory import subject_channels
from vitascope.toybox.scene import Scene
from vitascope.training.checkpoint import load_tensors, save_tensors
from vitascope.training.rendered import Rendered, load_rendered


@dataclass(frozen=True)
class Encoded:
    """Clips as the transformer is taught them: latents, how the camera moves, where the toy is, and what they show.

    `heat` is how near the toy each cell is, `subject` the numbers of `toybox/motion/trajectory.py` but for the first.
    Edited clips hold the latents of what they were made of as `sources`, and the words that asked for it.
    """

    latents: Float[Tensor, "clips channels frames height width"]
    camera: Float[Tensor, "clips frames 8"]
    heat: Float[Tensor, "clips frames height width"]
    subject: Float[Tensor, "clips frames 33"]
    scenes: tuple[Scene, ...]
    sources: Float[Tensor, "clips channels frames height width"] | None = None
    instructions: tuple[str, ...] = ()


def heat_map(
    centre: Float[np.ndarray, "frames 2"], height: int, width: int, spread: float = 1.0
) -> Float32[np.ndarray, "frames height width"]:
    """Return a bump of deviation `spread` cells around the centre (x, y) of each latent frame; 0 where that is NaN."""
    x = np.arange(width) + 0.5 - centre[:, :1] * width
    y = np.arange(height) + 0.5 - centre[:, 1:] * height
    squares = y[:, :, None] ** 2 + x[:, None, :] ** 2
    return np.nan_to_num(np.exp(squares / (-2 * spread**2))).astype(np.float32)


@torch.no_grad()
def encode(vae: VideoVAE, rendered: Rendered) -> Encoded:
    """Encode rendered clips on the device where their frames are. Latents are float16."""

    def latents(frames: Tensor) -> Tensor:
        pictures = frames.transpose(1, 2).float() / 255
        with torch.autocast(pictures.device.type, torch.bfloat16):
            return vae.encode(pictures).half()

    made = latents(rendered.frames)
    camera = np.stack([camera_channels(centred(path)) for path in rendered.camera.numpy()])
    places = rendered.middles[:, ::TIME_STRIDE].numpy()
    heat = np.stack([heat_map(path, *made.shape[-2:]) for path in places])
    sources = None if rendered.sources is None else latents(rendered.sources)
    maps, loops = rendered.maps.numpy(), rendered.loops.numpy()
    subject = np.stack([subject_channels(*pair)[:, 1:] for pair in zip(maps, loops, strict=True)])
    return Encoded(
        made,
        torch.from_numpy(camera),
        torch.from_numpy(heat).half(),
        torch.from_numpy(subject),
        rendered.scenes,
        sources,
        rendered.instructions,
    )


def save_shard(path: Path, encoded: Encoded) -> None:
    """Write one shard of encoded clips."""
    values = {field.name: getattr(encoded, field.name) for field in fields(Encoded)}
    tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    facts = {"scenes": [astuple(scene) for scene in encoded.scenes], "instructions": encoded.instructions}
    save_tensors(path, tensors, facts)


def load_shard(path: Path) -> Encoded:
    """Read one shard of encoded clips."""
    tensors, facts = load_tensors(path)
    scenes = tuple(Scene(*row) for row in facts["scenes"])
    return Encoded(**tensors, scenes=scenes, instructions=tuple(facts["instructions"]))


def join(parts: Sequence[Encoded]) -> Encoded:
    """Put several lots of encoded clips together, either all edited or none."""
    sources = [part.sources for part in parts if part.sources is not None]
    return Encoded(
        torch.cat([part.latents for part in parts]),
        torch.cat([part.camera for part in parts]),
        torch.cat([part.heat for part in parts]),
        torch.cat([part.subject for part in parts]),
        tuple(scene for part in parts for scene in part.scenes),
        torch.cat(sources) if sources else None,
        tuple(words for part in parts for words in part.instructions),
    )


def encode_shards(vae: VideoVAE, clips: Path, out: Path, device: str, batch: int = 8) -> None:
    """Encode every rendered shard of the folder `clips` into one of the same name in `out`, where it is not yet."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(clips.glob("*.safetensors")):
        if (out / path.name).exists():
            continue
        rendered = load_rendered(path)
        starts = range(0, len(rendered.scenes), batch)
        save_shard(
            out / path.name,
            join([encode(vae, rendered.part(at, at + batch).to(device)) for at in starts]),
        )
        print(f"encoded {path.name}", flush=True)


class LatentPool:
    """Encoded clips in memory, normalised per channel; renews itself where it can render.

    The normalisation is that of the clips themselves, or of an `other` pool.
    """

    def __init__(
        self,
        encoded: Encoded,
        device: str,
        renew: Callable[[int], Encoded] | None = None,
        other: "LatentPool | None" = None,
    ):
        self.device, self.renewing = device, renew
        if other is None:
            numbers = encoded.latents[:4096].float()
            self.mean = numbers.mean((0, 2, 3, 4))
            self.std = numbers.std((0, 2, 3, 4)).clamp(min=1e-3)
        else:
            self.mean, self.std = other.mean, other.std
        self.latents = self._normalised(encoded.latents)
        self.sources = None if encoded.sources is None else self._normalised(encoded.sources)
        self.camera, self.heat = encoded.camera.to(device), encoded.heat.to(device)
        self.subject = encoded.subject.to(device)
        self.scenes, self.instructions = list(encoded.scenes), list(encoded.instructions)
        self.next = 0

    def __len__(self) -> int:
        return len(self.scenes)

    def _normalised(self, latents: Tensor) -> Tensor:
        mean, std = (x[None, :, None, None, None] for x in (self.mean, self.std))
        lots = latents.split(512)
        return torch.cat([((lot.float().cpu() - mean) / std).half() for lot in lots]).to(self.device)

    def renew(self, count: int) -> None:
        """Replace the `count` oldest clips by newly rendered ones, if this pool can render."""
        if self.renewing is None:
            return
        fresh = self.renewing(count)
        places = [(self.next + i) % len(self) for i in range(len(fresh.scenes))]
        self.latents[places] = self._normalised(fresh.latents)
        self.camera[places], self.heat[places] = fresh.camera.to(self.device), fresh.heat.to(self.device)
        self.subject[places] = fresh.subject.to(self.device)
        if self.sources is not None and fresh.sources is not None:
            self.sources[places] = self._normalised(fresh.sources)
        for i, place in enumerate(places):
            self.scenes[place] = fresh.scenes[i]
            if self.instructions:
                self.instructions[place] = fresh.instructions[i]
        self.next = (self.next + len(places)) % len(self)
