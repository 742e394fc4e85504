"""Takes of the theatre as the trained transformer draws them again when it is told all about them.

What decodes and what scales up is taught by these too, not only by what the autoencoder gives back: so it makes good
what the transformer leaves soft or uneven. The theatre shows the same takes at twice the size as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Float, UInt8
from torch import Tensor

from vitascope.denoise.schedules import linear
from vitascope.nn.video_vae import VideoVAE
from vitascope.toybox.language.captions import canonical
from vitascope.toybox.world import World
from vitascope.training.checkpoint import load_tensors, save_tensors
from vitascope.training.distil import stepped
from vitascope.training.dit import Generator, Words, grid_positions, tokens_of
from vitascope.training.givens import Grid
from vitascope.training.latents import Encoded, encode
from vitascope.training.rendered import render_all
from vitascope.training.toytheatre.render import Theatre
from vitascope.training.toytheatre.take import sample_take

LOT = 8
"""Takes that are drawn at once."""
EVERY = 2
"""Of the large pictures every so manieth is kept."""


@dataclass(frozen=True)
class Redrawn:
    """Some takes: the latents that were drawn of them, and what they should show, at the model's size and twice it."""

    latents: Float[Tensor, "clips latent latent_frames rows columns"]
    frames: UInt8[Tensor, "clips frames 3 height width"]
    large: UInt8[Tensor, "clips some 3 height2 width2"]


@dataclass(frozen=True)
class Drawing:
    """How takes are drawn again: in `steps` unguided ones, and every other lot in twice as many, guided."""

    steps: int = 4
    guidance_scale: float = 1.5
    temperature: float = 0.4


class Draughtsman:
    """Draws takes again with trained networks; `theatres` render them at the model's size and at twice it."""

    def __init__(
        self,
        theatres: tuple[Theatre, Theatre],
        world: World,
        vae: VideoVAE,
        net: Generator,
        norm: tuple[Float[Tensor, " latent"], Float[Tensor, " latent"]],
        words: Words,
        drawing: Drawing,
    ):
        self.theatres, self.world, self.vae, self.net = theatres, world, vae, net
        self.mean, self.std = (x[None, :, None, None, None] for x in norm)
        self.words, self.drawing = words, drawing

    @torch.no_grad()
    def lot(self, rng: np.random.Generator, number: int) -> Redrawn:
        """Draw some takes, guided where the number is odd."""
        takes = [sample_take(rng, self.world) for _ in range(LOT)]
        small, (large, _) = render_all(self.theatres[0], takes), self.theatres[1].render(takes)
        latents = self.drawn(encode(self.vae, small), guided=number % 2 == 1)
        return Redrawn(latents.half(), small.frames, large[:, ::EVERY])

    def drawn(self, told: Encoded, guided: bool) -> Float[Tensor, "clips latent latent_frames rows columns"]:
        """Return the latents of clips of which the transformer is told all that there is to tell."""
        drawing, shape = self.drawing, told.latents.shape
        positions = grid_positions(Grid(tuple(range(shape[2])), *shape[-2:]), self.words.config.fps)
        levels = linear((1 + guided) * drawing.steps, self.words.config.shift)
        subject = torch.cat([told.subject.any(-1, keepdim=True).float(), told.subject], dim=-1)
        numbers = torch.cat([told.camera, subject], dim=-1)
        numbers = repeat(numbers, "b t c -> b (t hw) c", hw=shape[-2] * shape[-1])
        extra = F.pad(numbers, (1 + shape[1], 0))
        worded = self._read([canonical(scene) for scene in told.scenes])
        free = self._read([""] * len(told.scenes))
        noisy = drawing.temperature * torch.randn_like(tokens_of(told.latents))
        for before, after in pairwise(levels):
            now, then = (torch.full(noisy.shape[:2], float(level)) for level in (before, after))
            clean = self.net.dit(noisy, now, extra, positions, *worded).float()
            if guided:
                plain = self.net.dit(noisy, now, extra, positions, *free).float()
                clean = plain + drawing.guidance_scale * (clean - plain)
            noisy = stepped(noisy, clean, now, then)
        made = rearrange(noisy, "b (t h w) c -> b c t h w", t=shape[2], h=shape[-2])
        return made * self.std + self.mean

    def _read(self, texts: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
        """Return states, mask and pooled words as the transformer takes them."""
        ids, mask = self.words.ids(list(texts))
        states, pooled = self.net.text(ids, mask)
        return states, mask, pooled


def draw_shards(draughtsman: Draughtsman, out: Path, shards: int, seed: int) -> None:
    """Fill the folder `out` with shards of two lots, skipping those that are there. Safe to run again."""
    for number in range(shards):
        path = out / f"redrawn-{number:04d}.safetensors"
        if path.exists():
            continue
        torch.manual_seed(seed + number)
        rng = np.random.default_rng((seed, number))
        lots = [vars(draughtsman.lot(rng, i)) for i in range(2)]
        save_tensors(path, {name: torch.cat([lot[name] for lot in lots]) for name in lots[0]})
        print(f"drew {path.name}", flush=True)


def load_redrawn(folder: Path) -> list[Redrawn]:
    """Read all shards of a folder; raises FileNotFoundError if it has none."""
    paths = sorted(folder.glob("redrawn-*.safetensors"))
    if not paths:
        raise FileNotFoundError(f"{folder} holds no redrawn clips")
    return [Redrawn(**load_tensors(path)[0]) for path in paths]
