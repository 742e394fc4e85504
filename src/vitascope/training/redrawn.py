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
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from vitascope.denoise.schedules import linear
from vitascope.nn.video_vae import VideoVAE
from vitascope.toybox.cast.pages import Cast, premultiply
from vitascope.toybox.world import World
from vitascope.training.checkpoint import load_tensors, save_tensors
from vitascope.training.distil import stepped
from vitascope.training.dit import Generator, Words, lesson_of
from vitascope.training.latents import Encoded, LatentPool, encode
from vitascope.training.pages import cast_atlas, varied
from vitascope.training.rendered import Rendered, render_all
from vitascope.training.toytheatre.render import Theatre
from vitascope.training.toytheatre.take import sample_open_take

LOT = 8
"""Takes that are drawn at once."""
EVERY = 4
"""Of the large pictures every so manieth is kept."""


@dataclass(frozen=True)
class Redrawn:
    """Some takes: the latents that were drawn of them, and what they should show, at the model's size and twice it.

    `warped` are the pages of the subjects as they lie over the large pictures.
    """

    latents: Float[Tensor, "clips latent latent_frames rows columns"]
    frames: UInt8[Tensor, "clips frames 3 height width"]
    large: UInt8[Tensor, "clips some 3 height2 width2"]
    warped: UInt8[Tensor, "clips some 4 height2 width2"]


@dataclass(frozen=True)
class Drawing:
    """How takes are drawn again: in `steps` unguided ones, and every other lot in twice as many, guided."""

    steps: int = 4
    guidance_scale: float = 1.5
    temperature: float = 0.4


def warped_pages(
    rendered: Rendered, theatre: Theatre, size: tuple[int, int]
) -> UInt8[Tensor, "clips some 4 height width"]:
    """Return the pages of clips of a theatre as they lie over every `EVERY`-th frame, of `size` (height, width)."""
    grid = screen_grid(*size)
    out = torch.zeros(*rendered.loops.shape[::2][:1], len(range(0, rendered.loops.shape[2], EVERY)), 4, *size)
    for clip, cast in enumerate(rendered.casts):
        for slot, name in reversed(list(enumerate(cast))):
            loop = torch.from_numpy(premultiply(theatre.sprites(name))).float() / 255
            for place, frame in enumerate(range(0, rendered.loops.shape[2], EVERY)):
                turns = float(rendered.loops[clip, slot, frame])
                picture = loop[int(np.floor(turns * len(loop) + 1e-6)) % len(loop)]
                layer = warp(picture, rendered.maps[clip, slot, frame], grid)
                out[clip, place] = layer + (1 - layer[3:]) * out[clip, place]
    return (out * 255).round().to(torch.uint8)


def screen_grid(height: int, width: int) -> Float[Tensor, "height width 3"]:
    """Return x, y and 1 of the middle of each pixel, in picture widths and heights from the middle."""
    y, x = ((torch.arange(n) + 0.5) / n - 0.5 for n in (height, width))
    y, x = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)], dim=-1)


def warp(
    picture: Float[Tensor, "4 size size"], way: Float[Tensor, "2 3"], grid: Float[Tensor, "height width 3"]
) -> Float[Tensor, "4 height width"]:
    """Return a picture of a page where a map from the screen shows it."""
    return F.grid_sample(picture[None], (grid @ way.T)[None], align_corners=False)[0]


class Draughtsman:
    """Draws takes again with trained networks; `theatres` render them at the model's size and at twice it.

    They show any of the pages `names` of a memory; without names those that they have.
    """

    def __init__(
        self,
        theatres: tuple[Theatre, Theatre],
        world: World,
        vae: VideoVAE,
        net: Generator,
        norm: tuple[Float[Tensor, " latent"], Float[Tensor, " latent"]],
        words: Words,
        drawing: Drawing,
        cast: Cast,
        names: Sequence[str] = (),
    ):
        self.theatres, self.world, self.vae, self.net = theatres, world, vae, net
        self.mean, self.std = (x[None, :, None, None, None] for x in norm)
        self.words, self.drawing = words, drawing
        self.cast, self.names = cast, list(names)

    @torch.no_grad()
    def lot(self, rng: np.random.Generator, number: int) -> Redrawn:
        """Draw some takes, guided where the number is odd."""
        if self.names:
            atlas = varied(
                cast_atlas(self.cast, rng.choice(self.names, 2 * LOT, replace=False).tolist()), rng
            )
            for theatre in self.theatres:
                theatre.recast(atlas)
        takes = [sample_open_take(rng, self.world, self.theatres[0].atlas.ids) for _ in range(LOT)]
        small, (large, _) = render_all(self.theatres[0], takes), self.theatres[1].render(takes)
        latents = self.draw(encode(self.vae, small), guided=False)
        warped = warped_pages(small, self.theatres[0], (large.shape[-2], large.shape[-1]))
        return Redrawn(latents.half(), small.frames, large[:, ::EVERY].clone(), warped)

    def draw(self, told: Encoded, guided: bool) -> Float[Tensor, "clips latent latent_frames rows columns"]:
        """Return the latents of clips of which the transformer is told all that there is to tell."""
        drawing, shape = self.drawing, told.latents.shape
        pool = LatentPool(told, "cpu", norm=(self.mean.flatten(), self.std.flatten()))
        rows = np.arange(len(pool))
        lesson = lesson_of(pool, rows, tuple(range(shape[2])), torch.ones(len(rows)), self.words.config.fps)
        given = lesson.channels, lesson.subjects, lesson.pages, lesson.positions
        states, mask, pooled = self._read(lesson.texts)
        context = self.net.dit.context(*given, pooled)
        free_states, free_mask, free_pooled = self._read([""] * len(rows))
        free = self.net.dit.context(*given, free_pooled) if guided else context
        levels = linear((1 + guided) * drawing.steps, self.words.config.shift)
        noisy = drawing.temperature * torch.randn_like(lesson.clean)
        for before, after in pairwise(levels):
            now, then = (torch.full(noisy.shape[:2], float(level)) for level in (before, after))
            clean = self.net.dit.denoiser(noisy, now, *context, lesson.positions, states, mask).float()
            if guided:
                plain = self.net.dit.denoiser(
                    noisy, now, *free, lesson.positions, free_states, free_mask
                ).float()
                clean = plain + drawing.guidance_scale * (clean - plain)
            noisy = stepped(noisy, clean, now, then)
        made = rearrange(noisy, "b (t h w) c -> b c t h w", t=shape[2], h=shape[-2])
        return made * self.std + self.mean

    def _read(self, texts: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
        """Return states, mask and pooled words as the transformer takes them."""
        ids, mask = self.words.ids(list(texts))
        states, pooled = self.net.text(ids, mask)
        return states, mask, pooled


def draw_shards(draughtsman: Draughtsman, out: Path, shards: int, seed: int, kind: str = "redrawn") -> None:
    """Fill the folder `out` with shards of two lots, skipping those that are there. Safe to run again."""
    for number in range(shards):
        path = out / f"{kind}-{number:04d}.safetensors"
        if path.exists():
            continue
        torch.manual_seed(seed + number)
        rng = np.random.default_rng((seed, number))
        lots = [vars(draughtsman.lot(rng, i)) for i in range(2)]
        save_tensors(path, {name: torch.cat([lot[name] for lot in lots]) for name in lots[0]})
        print(f"drew {path.name}", flush=True)


def load_redrawn(folder: Path, kind: str = "redrawn") -> list[Redrawn]:
    """Read all shards of a kind in a folder; raises FileNotFoundError if it has none."""
    paths = sorted(folder.glob(f"{kind}-*.safetensors"))
    if not paths:
        raise FileNotFoundError(f"{folder} holds no redrawn clips")
    return [Redrawn(**load_tensors(path)[0]) for path in paths]
