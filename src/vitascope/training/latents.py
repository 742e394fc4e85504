"""Clips rendered and encoded ahead of the training that uses them, each several times over."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, Int16, UInt8
from torch import Tensor

from vitascope.camera.path import camera_channels, centred
from vitascope.nn.video_vae import TIME_STRIDE, VideoVAE
from vitascope.toybox.layout import SUBJECT_CHANNELS
from vitascope.toybox.motion.trajectory import subject_channels
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import World
from vitascope.training.checkpoint import load_tensors, save_tensors
from vitascope.training.precision import autocast
from vitascope.training.rendered import Rendered, load_rendered, shifted


@dataclass(frozen=True)
class Encoded:
    """Clips as the transformer is taught them: latents, how the camera moves, where the toys are, and what they show.

    `heat` is how near a toy each cell is, `subjects` the numbers of `subject_channels` for each slot, and `which` the
    places of their looks in the table of `pages` (-1 for none).
    Edited clips hold the latents of what they were made of as `sources`, and the words that asked for it.
    """

    latents: Float[Tensor, "clips channels frames height width"]
    camera: Float[Tensor, "clips frames 8"]
    heat: Float[Tensor, "clips frames height width"]
    subjects: Float[Tensor, "clips slots frames 34"]
    which: Int16[Tensor, "clips slots"]
    pages: UInt8[Tensor, "pages 4 phases size size"]
    scenes: tuple[Scene, ...]
    sources: Float[Tensor, "clips channels frames height width"] | None = None
    instructions: tuple[str, ...] = ()

    def chosen(self, rows: Sequence[int]) -> "Encoded":
        """Return some of the clips; the table of pages stays whole."""
        places = list(rows)
        return Encoded(
            self.latents[places],
            self.camera[places],
            self.heat[places],
            self.subjects[places],
            self.which[places],
            self.pages,
            tuple(self.scenes[i] for i in places),
            None if self.sources is None else self.sources[places],
            tuple(self.instructions[i] for i in places) if self.instructions else (),
        )


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
        with autocast(pictures.device.type):
            return vae.encode(pictures).half()

    made = latents(rendered.frames)
    camera = np.stack([camera_channels(centred(path)) for path in rendered.camera.numpy()])
    places = rendered.middles[:, :, ::TIME_STRIDE].numpy()
    heat = np.stack([np.max([heat_map(path, *made.shape[-2:]) for path in clip], axis=0) for clip in places])
    sources = None if rendered.sources is None else latents(rendered.sources)
    maps, loops = rendered.maps.numpy(), rendered.loops.numpy()
    pairs = zip(maps.reshape(-1, *maps.shape[2:]), loops.reshape(-1, loops.shape[-1]), strict=True)
    subjects = np.stack([subject_channels(*pair) for pair in pairs]).reshape(
        *maps.shape[:2], -1, SUBJECT_CHANNELS
    )
    return Encoded(
        made,
        torch.from_numpy(camera),
        torch.from_numpy(heat).half(),
        torch.from_numpy(subjects),
        rendered.which,
        rendered.pages,
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
        torch.cat([part.subjects for part in parts]),
        shifted([part.which for part in parts], [len(part.pages) for part in parts]),
        torch.cat([part.pages for part in parts]),
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
    """Encoded clips in memory, normalised per channel, at most `most` of them: new ones take the place of the oldest.

    The normalisation is that of the clips themselves, or what is given as `norm`.
    """

    def __init__(
        self,
        encoded: Encoded,
        device: str,
        renew: Callable[[], Encoded | None] | None = None,
        norm: tuple[Tensor, Tensor] | None = None,
        most: int = 4096,
    ):
        self.device, self.renewing, self.most = device, renew, most
        if norm is None:
            numbers = encoded.latents[:4096].float()
            norm = numbers.mean((0, 2, 3, 4)), numbers.std((0, 2, 3, 4)).clamp(min=1e-3)
        self.mean, self.std = norm
        self.scenes: list[Scene] = []
        self.instructions: list[str] = []
        self.next = 0
        self.sources: Tensor | None = None
        self.add(encoded)

    def __len__(self) -> int:
        return len(self.scenes)

    @property
    def norm(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation per channel, for another pool."""
        return self.mean, self.std

    def _normalised(self, latents: Tensor) -> Tensor:
        mean, std = (x[None, :, None, None, None] for x in (self.mean, self.std))
        lots = latents.split(512)
        return torch.cat([((lot.float().cpu() - mean) / std).half() for lot in lots]).to(self.device)

    def _columns(self, fresh: Encoded) -> dict[str, Tensor]:
        nobody = (
            torch.zeros_like(fresh.pages[:1]) if len(fresh.pages) else torch.zeros(1, 4, 8, 32, 32).byte()
        )
        table = torch.cat([fresh.pages, nobody])
        columns = {
            "latents": self._normalised(fresh.latents),
            "camera": fresh.camera,
            "heat": fresh.heat,
            "subjects": fresh.subjects,
            "pages": table[fresh.which.long()],
            "counts": (fresh.which >= 0).sum(1),
        }
        if fresh.sources is not None:
            columns["sources"] = self._normalised(fresh.sources)
        return {name: column.to(self.device) for name, column in columns.items()}

    def add(self, fresh: Encoded) -> None:
        """Take in new clips, the first of them while there is room, the rest in place of the oldest."""
        columns = self._columns(fresh)
        room = max(0, min(self.most - len(self), len(fresh.scenes)))
        for name, column in columns.items():
            old = getattr(self, name, None)
            setattr(self, name, column[:room] if old is None else torch.cat([old, column[:room]]))
        self.scenes += fresh.scenes[:room]
        self.instructions += fresh.instructions[:room]
        for i in range(room, len(fresh.scenes)):
            for name, column in columns.items():
                getattr(self, name)[self.next] = column[i]
            self.scenes[self.next] = fresh.scenes[i]
            if self.instructions:
                self.instructions[self.next] = fresh.instructions[i]
            self.next = (self.next + 1) % len(self)

    def renew(self) -> bool:
        """Take in what has been made since the last call, if anything has; say whether."""
        fresh = self.renewing() if self.renewing else None
        if fresh is not None:
            self.add(fresh)
        return fresh is not None

    latents: Tensor
    camera: Tensor
    heat: Tensor
    subjects: Tensor
    pages: Tensor
    counts: Tensor


def shows(world: World, scene: Scene) -> bool:
    """Say whether a clip of a scene teaches something about a world: its styles and weathers, wherever it is."""
    return scene.style in world.styles and scene.weather in world.weathers


class ShardFolder:
    """A folder that another process fills with shards of encoded clips: each is handed over once."""

    def __init__(self, folder: Path, kind: str, world: World | None = None, latest: int = 32):
        """Begin with the `latest` shards that are there; of a `world`'s clips only those, if one is given."""
        self.folder, self.kind, self.world = folder, kind, world
        self._taken: set[str] = {path.name for path in self._paths()[:-latest]}

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob(f"{self.kind}-*.safetensors"))

    def take(self) -> Encoded | None:
        """Return the next shard, or None where there is no new one."""
        for path in self._paths():
            if path.name not in self._taken:
                self._taken.add(path.name)
                shard = load_shard(path)
                world = self.world
                return (
                    shard
                    if world is None
                    else shard.chosen(np.flatnonzero([shows(world, s) for s in shard.scenes]).tolist())
                )
        return None

    def pool(
        self, device: str, norm: tuple[Tensor, Tensor] | None = None, most: int = 4096
    ) -> LatentPool | None:
        """Return a pool of all that is there, which renews itself; None where nothing is there."""
        first = self.take()
        if first is None:
            return None
        pool = LatentPool(first, device, self.take, norm, most)
        while pool.renew():
            pass
        return pool
