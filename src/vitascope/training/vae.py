"""Stage `vae`: the video autoencoder learns to give back what it sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from vitascope.nn.video_vae import CELL, VideoVAE, VideoVAEConfig, fold
from vitascope.training.checkpoint import load_matching, save_tensors
from vitascope.training.clips import ClipPool
from vitascope.training.learner import Learner
from vitascope.training.loop import LoopConfig, run
from vitascope.training.optim import split_optimizers
from vitascope.training.precision import autocast
from vitascope.training.redrawn import Redrawn
from vitascope.training.sheets import save_sheet


@dataclass(frozen=True)
class VAETraining:
    """Settings of the stage. Crops of `crop` pixels until `whole_from` of the time is over, whole pictures then."""

    batch: int = 8
    frames: int = 9
    crop: int = 64
    whole_from: float = 0.0
    whole_batch: int = 3
    rate: float = 1e-3
    noise: float = 0.05
    pool: int = 256
    renew: int = 1
    ema: float = 0.98
    decoder_only: bool = False
    """Leave the encoder as it is, so that a transformer's latents stay what they are."""


def reconstruction_loss(
    made: Float[Tensor, "batch 3 frames h w"], true: Float[Tensor, "batch 3 frames h w"]
) -> Float[Tensor, ""]:
    """L1 and squared error of the pixels, plus L1 of their differences over space and time."""
    error = made - true
    loss = 0.5 * error.abs().mean() + 10 * error.square().mean()
    loss = loss + 0.25 * (error[..., 1:] - error[..., :-1]).abs().mean()
    loss = loss + 0.25 * (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return loss + 0.125 * (error[:, :, 1:] - error[:, :, :-1]).abs().mean()


@torch.no_grad()
def fit_linear(vae: VideoVAE, clips: Float[Tensor, "batch 3 frames h w"], spread: float = 0.7) -> None:
    """Set an untrained autoencoder's linear code to the principal components of its cells' pixels.

    Each latent gets the standard deviation `spread`. The clips must hold more cells than a cell has numbers (3,072).
    """
    groups = torch.cat([fold(clip[None]) for clip in clips])
    cells = rearrange(groups, "b t c (h p) (w q) -> (b t h w) (c p q)", p=CELL, q=CELL)
    mean = cells.mean(0)
    variances, basis = torch.linalg.eigh((cells - mean).T @ (cells - mean) / len(cells))
    channels = vae.config.latent_channels
    basis, deviations = basis[:, -channels:].flip(1).T, variances[-channels:].flip(0).clamp(min=1e-6).sqrt()
    there = basis * (spread / deviations)[:, None]
    code, back = vae.encoder.linear, vae.decoder.linear
    code.weight.copy_(there.view_as(code.weight))
    code.bias.copy_(-there @ mean)
    back.weight.copy_((basis * (deviations / spread)[:, None]).view_as(back.weight))
    back.bias.copy_(mean.view(-1, CELL, CELL).mean((1, 2)))


def psnr(made: Tensor, true: Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB of pictures in 0..1."""
    return float(-10 * torch.log10((made.clamp(0, 1) - true).square().mean() + 1e-10))


def train(
    model_config: VideoVAEConfig,
    config: VAETraining,
    loop: LoopConfig,
    pool: ClipPool,
    test: Float[Tensor, "batch 3 frames h w"],
    out: Path,
    start: Mapping[str, Tensor] | None = None,
    device: str = "cpu",
    redrawn: Sequence[Redrawn] = (),
) -> Path:
    """Train for the loop's minutes and return the path of the averaged weights, `vae.safetensors` under `out`.

    With `redrawn` clips the decoder learns in every other step from what the transformer made of them; the first lot
    is kept to be tried on. Starts from the tensors of `start` that fit, or goes on from `out/state.safetensors` if a
    run was cut off there.
    """
    rng, state = np.random.default_rng(0), out / "state.safetensors"
    vae = VideoVAE(model_config).to(device)
    if start:
        load_matching(vae, start)
    elif not state.exists():
        fit_linear(vae, pool.clips.transpose(1, 2).float() / 255)
    vae.encoder.requires_grad_(not config.decoder_only)
    learning = vae.decoder if config.decoder_only else vae
    optimizers = split_optimizers([learning], config.rate, config.rate, weight_decay=0.0)
    learner = Learner(vae, optimizers, config.ema)
    first, seconds = learner.go_on(state)

    def step(number: int, done: float) -> dict[str, float]:
        if number % 2 == 0 and config.renew:
            pool.renew(config.renew)
        if redrawn and number % 2:
            lot = redrawn[int(rng.integers(min(1, len(redrawn) - 1), len(redrawn)))]
            made, latents, true = again(
                vae, lot, rng.permutation(len(lot.frames))[: config.whole_batch], device
            )
        else:
            true = drawn(pool, config, done).to(device)
            made, latents = through(vae, true, float(rng.uniform(0, config.noise)))
        loss = reconstruction_loss(made, true) + 5e-3 * latents.square().mean()
        learner.learn(loss)
        return {
            "loss": float(loss.detach()),
            "psnr": psnr(made.detach(), true),
            "spread": float(latents.detach().std()),
        }

    def save(number: int, spent: float) -> None:
        averaged = learner.averaged
        quality = evaluate(vae, averaged, test.to(device), out / "sheet.png")
        print(f"test psnr {quality:.2f} dB", flush=True)
        if redrawn:
            print(f"redrawn psnr {evaluate_redrawn(vae, averaged, redrawn[0], device):.2f} dB", flush=True)
        facts = {"step": number, "minutes": spent / 60, "psnr": quality}
        save_tensors(out / "vae.safetensors", averaged, facts)
        learner.keep(state, number, spent)

    run(loop, out, optimizers, step, save, first, seconds)
    return out / "vae.safetensors"


def drawn(pool: ClipPool, config: VAETraining, done: float) -> Float[Tensor, "batch 3 frames h w"]:
    """Draw the clips of a step: parts of pictures, and whole ones when so much of the time is over."""
    if done > config.whole_from:
        return pool.crops(config.whole_batch, config.frames, 0)
    return pool.crops(config.batch, config.frames, config.crop)


def through(
    vae: VideoVAE, true: Float[Tensor, "batch 3 frames h w"], noise: float
) -> tuple[Float[Tensor, "batch 3 frames h w"], Float[Tensor, "batch latent t y x"]]:
    """Return clips as they come back from their latents, to which `noise` was added, and the latents without it."""
    with autocast(true.device.type):
        latents = vae.encode(true)
        made = vae.decode(latents + noise * torch.randn_like(latents))
    return made.float(), latents.float()


def again(
    vae: VideoVAE, lot: Redrawn, rows: np.ndarray, device: str
) -> tuple[Float[Tensor, "batch 3 frames h w"], Tensor, Float[Tensor, "batch 3 frames h w"]]:
    """Return clips decoded from the latents that the transformer drew of them, those latents, and the true clips."""
    latents = lot.latents[rows].float().to(device)
    with autocast(device):
        made = vae.decode(latents)
    return made.float(), latents, lot.frames[rows].to(device).transpose(1, 2).float() / 255


@torch.no_grad()
def evaluate_redrawn(vae: VideoVAE, weights: dict[str, Tensor], lot: Redrawn, device: str) -> float:
    """Return the mean PSNR in dB of redrawn clips decoded with `weights`."""
    own = {name: value.clone() for name, value in vae.state_dict().items()}
    vae.load_state_dict(weights)
    parts = [again(vae, lot, np.array([row]), device) for row in range(len(lot.frames))]
    vae.load_state_dict(own)
    return float(np.mean([psnr(made, true) for made, _, true in parts]))


@torch.no_grad()
def evaluate(
    vae: VideoVAE, weights: dict[str, Tensor], test: Float[Tensor, "batch 3 frames h w"], sheet: Path | None
) -> float:
    """Return the mean PSNR in dB of the clips of `test` through `weights`, and draw some beside their originals."""
    own = {name: value.clone() for name, value in vae.state_dict().items()}
    vae.load_state_dict(weights)
    made = torch.cat([vae.decode(vae.encode(clip[None])) for clip in test]).clamp(0, 1)
    vae.load_state_dict(own)
    if sheet is not None:
        rows = [torch.cat([true, back], dim=-1) for true, back in zip(test[:6], made[:6], strict=True)]
        save_sheet(
            [(row.permute(1, 2, 3, 0).cpu().numpy() * 255).astype(np.uint8) for row in rows], None, sheet
        )
    return float(np.mean([psnr(a, b) for a, b in zip(made, test, strict=True)]))
