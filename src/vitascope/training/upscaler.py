"""Stage `upscaler`: pictures as they are decoded become those that the theatre would have shown at twice the size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from vitascope.nn.upscaler import SCALE, Upscaler, UpscalerConfig
from vitascope.nn.video_vae import VideoVAE
from vitascope.training.checkpoint import load_matching, save_tensors
from vitascope.training.clips import dead_leaves
from vitascope.training.learner import Learner
from vitascope.training.loop import LoopConfig, run
from vitascope.training.precision import autocast
from vitascope.training.redrawn import EVERY, Redrawn
from vitascope.training.sheets import save_sheet
from vitascope.training.vae import psnr


@dataclass(frozen=True)
class UpscalerTraining:
    """Settings of the stage; crops have `crop` pixels before they are scaled up."""

    returned: float = 0.25
    """Share of the clips that come in as the autoencoder returns them; the others are as they were drawn again."""
    leaves: float = 0.1
    """Share of the crops that are of dead leaves, so that photographs are borne."""
    batch: int = 24
    crop: int = 64
    rate: float = 1e-3
    ema: float = 0.995


@dataclass(frozen=True)
class Pairs:
    """The same pictures as they come in, and as they are to become; `pages` are those of the subjects over them."""

    small: UInt8[Tensor, "pictures 3 height width"]
    large: UInt8[Tensor, "pictures 3 height2 width2"]
    pages: UInt8[Tensor, "pictures 4 height2 width2"]

    def crops(
        self, rng: np.random.Generator, count: int, size: int
    ) -> tuple[
        Float[Tensor, "count 3 size size"],
        Float[Tensor, "count 4 size2 size2"],
        Float[Tensor, "count 3 size2 size2"],
    ]:
        """Cut windows of `size` pixels out of random pictures; the same of the pages and large ones at twice the size.

        They lie around a subject where the picture shows one.
        """
        cuts = []
        for index in rng.integers(len(self.small), size=count):
            y, x = self._corner(rng, int(index), size)
            large = slice(SCALE * y, SCALE * (y + size)), slice(SCALE * x, SCALE * (x + size))
            small = self.small[index, :, y : y + size, x : x + size]
            cuts.append((small, self.pages[index, :, *large], self.large[index, :, *large]))
        small, pages, large = (torch.stack(part).float() / 255 for part in zip(*cuts, strict=True))
        return small, pages, large

    def _corner(self, rng: np.random.Generator, index: int, size: int) -> tuple[int, int]:
        """Draw the upper left corner of a window, on even pixels, which the features need."""
        rooms = [n - size for n in self.small.shape[-2:]]
        covered = np.argwhere(self.pages[index, 3].numpy() > 128)
        if len(covered):
            middle = covered[rng.integers(len(covered))] // SCALE - size // 2
            corner = np.clip(middle + rng.integers(-size // 4, size // 4 + 1, 2), 0, rooms)
        else:
            corner = rng.integers(0, np.add(rooms, 1))
        y, x = (corner // 2 * 2).tolist()
        return y, x


@torch.no_grad()
def decoded(vae: VideoVAE, lot: Redrawn, returned: float) -> Pairs:
    """Decode clips that were drawn again; the first of them, a share `returned`, are encoded anew."""
    latents, count = lot.latents.float(), round(returned * len(lot.frames))
    if count:
        latents[:count] = vae.encode(lot.frames[:count].transpose(1, 2).float() / 255)
    made = torch.cat([vae.decode(part) for part in latents.split(4)])
    small = _bytes(made.transpose(1, 2)[:, ::EVERY])
    return Pairs(*(part.flatten(0, 1) for part in (small, lot.large, lot.warped)))


@torch.no_grad()
def leaves(vae: VideoVAE, rng: np.random.Generator, count: int, size: int) -> Pairs:
    """Make pairs of dead leaves of `size` pixels, the small ones as the autoencoder returns them."""
    large = torch.cat([dead_leaves(rng, 1, SCALE * size) for _ in range(count)])
    small = F.interpolate(large.float() / 255, scale_factor=1 / SCALE, mode="area")
    nobody = torch.zeros(count, 4, *large.shape[-2:], dtype=torch.uint8)
    return Pairs(_bytes(vae.decode(vae.encode(small[:, :, None]))[:, :, 0]), large, nobody)


def _bytes(pictures: Tensor) -> Tensor:
    return (pictures.clamp(0, 1) * 255).round().to(torch.uint8)


def sharp_loss(made: Float[Tensor, "n 3 h w"], true: Float[Tensor, "n 3 h w"]) -> Float[Tensor, ""]:
    """Return the mean error of the pixels, and that of their differences, which are what sharpness is."""
    loss = (made - true).abs().mean()
    for axis in (-1, -2):
        loss = loss + (made.diff(dim=axis) - true.diff(dim=axis)).abs().mean()
    return loss


def train(
    model: UpscalerConfig,
    config: UpscalerTraining,
    loop: LoopConfig,
    pool: Sequence[Pairs],
    other: Pairs,
    test: Pairs,
    out: Path,
    start: Mapping[str, Tensor] | None = None,
) -> Path:
    """Train for the loop's minutes and return the path of the averaged weights, `upscaler.safetensors` under `out`.

    `other` are the pairs that have no part in the theatre. Starts from the tensors of `start` that fit, or goes on from
    `out/state.safetensors` if a run was cut off there.
    """
    rng, state = np.random.default_rng(7), out / "state.safetensors"
    net = Upscaler(model)
    if start:
        load_matching(net, start)
    optimizer = torch.optim.AdamW(net.parameters(), config.rate, betas=(0.9, 0.99), weight_decay=0.0)
    learner = Learner(net, [optimizer], config.ema)
    first, seconds = learner.go_on(state)
    few = round(config.leaves * config.batch)

    def step(number: int, done: float) -> dict[str, float]:
        lots = rng.integers(len(pool), size=config.batch - few)
        parts = [pool[i].crops(rng, int((lots == i).sum()), config.crop) for i in np.unique(lots)]
        parts += [other.crops(rng, few, config.crop)] if few else []
        small, pages, large = (torch.cat(each) for each in zip(*parts, strict=True))
        with autocast("cpu"):
            made = net(small, pages)
        loss = sharp_loss(made.float(), large)
        learner.learn(loss)
        return {"loss": float(loss.detach()), "psnr": psnr(made.detach().float(), large)}

    def save(number: int, spent: float) -> None:
        results = evaluate(net, learner.averaged, test, out / "sheet.png")
        print("  ".join(f"{name} {value:.3f}" for name, value in results.items()), flush=True)
        facts = {"step": number, "minutes": spent / 60, "results": results}
        save_tensors(out / "upscaler.safetensors", learner.averaged, facts)
        learner.keep(state, number, spent)

    run(loop, out, [optimizer], step, save, first, seconds)
    return out / "upscaler.safetensors"


@torch.no_grad()
def evaluate(net: Upscaler, weights: dict[str, Tensor], test: Pairs, sheet: Path) -> dict[str, float]:
    """Return the PSNR in dB of the test's pictures, bicubic and scaled up with `weights`: whole, and at the subjects.

    "sharpness" is the gradient at the subjects against the true one. The sheet shows pictures: bicubic, ours, true.
    """
    own = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(weights)
    small, pages, large = (part.float() / 255 for part in (test.small, test.pages, test.large))
    made = torch.cat([net(*part) for part in zip(small.split(8), pages.split(8), strict=True)]).clamp(0, 1)
    net.load_state_dict(own)
    plain = F.interpolate(small, scale_factor=SCALE, mode="bicubic").clamp(0, 1)
    there = (pages[:, 3:] > 0.6).expand_as(large)
    edges = there[..., 1:]
    results = {"psnr": psnr(made, large), "bicubic": psnr(plain, large)}
    if there.any():
        results |= {
            "subject_psnr": psnr(made[there], large[there]),
            "subject_bicubic": psnr(plain[there], large[there]),
        }
        slopes = [float(each.diff(dim=-1).abs()[edges].sum()) for each in (made, plain, large)]
        results |= {"sharpness": slopes[0] / slopes[2], "bicubic_sharpness": slopes[1] / slopes[2]}
    chosen = range(0, len(small), max(1, len(small) // 12))
    rows = [torch.stack([each[i] for each in (plain, made, large)]) for i in chosen]
    save_sheet([_bytes(row).permute(0, 2, 3, 1).numpy() for row in rows], None, sheet, moments=3)
    return results
