"""Stage `dit`: the diffusion transformer and its text encoder learn to make clips from words."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int
from tokenizers import Tokenizer
from torch import Tensor, nn

from vitascope.nn.dit import DiT, DiTConfig
from vitascope.nn.text_encoder import TextEncoder, TextEncoderConfig
from vitascope.nn.video_vae import TIME_STRIDE
from vitascope.prompt.captions import canonical, caption
from vitascope.prompt.scene import Scene
from vitascope.training.checkpoint import (
    load_matching,
    load_tensors,
    optimizer_tensors,
    restore_optimizers,
    save_tensors,
)
from vitascope.training.ema import EMA
from vitascope.training.givens import Grid, given_mask
from vitascope.training.latents import LatentPool
from vitascope.training.loop import LoopConfig, run
from vitascope.training.optim import split_optimizers


@dataclass(frozen=True)
class DiTTraining:
    """Settings of the stage. Single latent frames until `clips_from` of the time is over, mostly whole clips then."""

    frame_batch: int = 64
    clip_batch: int = 20
    clips_from: float = 0.35
    frame_share: float = 0.15
    keep: float = 0.5
    keep_until: float = 0.85
    muon_rate: float = 3e-3
    adam_rate: float = 2e-3
    ema: float = 0.995
    text_dropout: float = 0.1
    canonical_share: float = 0.5
    shift: float = 1.5
    least_level: float = 0.05
    fps: float = 8.0
    renew: int = 0


class Words:
    """Captions to padded token ids, with the caption's phrasing drawn anew each time."""

    def __init__(self, tokenizer: Tokenizer, max_words: int, config: DiTTraining):
        self.tokenizer, self.max_words, self.config = tokenizer, max_words, config

    def ids(self, texts: list[str]) -> tuple[Int[Tensor, "batch words"], Bool[Tensor, "batch words"]]:
        """Return ids and mask; an empty text is all padding."""
        rows = [self.tokenizer.encode(text).ids[: self.max_words] if text else [1] for text in texts]
        ids = torch.zeros(len(rows), max(2, max(map(len, rows))), dtype=torch.long)
        mask = torch.zeros(ids.shape, dtype=torch.bool)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = True
        return ids, mask

    def of(self, scenes: list[Scene], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Caption the scenes (canonical or natural phrasing, sometimes none) and return ids and mask."""
        texts = []
        for scene in scenes:
            draw = rng.random()
            if draw < self.config.text_dropout:
                texts.append("")
            elif rng.random() < self.config.canonical_share:
                texts.append(canonical(scene))
            else:
                texts.append(caption(scene, rng))
        return self.ids(texts)


class Generator(nn.Module):
    """Text encoder and transformer together, as they are trained."""

    def __init__(self, dit: DiTConfig, text: TextEncoderConfig, table: Tensor):
        super().__init__()
        self.text = TextEncoder(text, table)
        self.dit = DiT(dit)


def grid_positions(grid: Grid, fps: float) -> Float[Tensor, "tokens 3"]:
    """Return seconds, y and x of every token, as `LatentShape.positions` does for a whole clip."""
    seconds = torch.tensor(grid.frames) * TIME_STRIDE / fps
    y, x = (torch.arange(n) - (n - 1) / 2 for n in (grid.height, grid.width))
    return torch.stack(torch.meshgrid(seconds, y, x, indexing="ij"), dim=-1).reshape(-1, 3).float()


def train(
    dit_config: DiTConfig,
    text_config: TextEncoderConfig,
    table: Tensor,
    tokenizer: Tokenizer,
    config: DiTTraining,
    loop: LoopConfig,
    pool: LatentPool,
    out: Path,
    start: Mapping[str, Tensor] | None = None,
    device: str = "cpu",
) -> Path:
    """Train for the loop's minutes and return the path of the averaged weights, `dit.safetensors` under `out`.

    Starts from the tensors of `start` that fit, or goes on from `out/state.safetensors` if a run was cut off there.
    """
    rng = np.random.default_rng(0)
    net = Generator(dit_config, text_config, table).to(device)
    if start:
        load_matching(net, start)
    optimizers = split_optimizers([net], config.muon_rate, config.adam_rate)
    ema = EMA(net, config.ema)
    state, first, seconds = out / "state.safetensors", 0, 0.0
    if state.exists():
        tensors, facts = load_tensors(state)
        load_matching(net, tensors)
        restore_optimizers(optimizers, tensors)
        ema.weights = {name: tensors[f"ema.{name}"].to(device) for name in ema.weights}
        first, seconds, ema.steps = facts["step"], facts["seconds"], facts["step"]
    words = Words(tokenizer, text_config.max_words, config)

    def step(number: int, done: float) -> dict[str, float]:
        if config.renew:
            pool.renew(config.renew)
        single = done < config.clips_from or rng.random() < config.frame_share
        loss = flow_loss(net, pool, words, rng, config, single, done < config.keep_until)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        ema.update(net)
        return {"loss": float(loss.detach()), "gradient": float(norm)}

    def save(number: int, spent: float) -> None:
        facts = {"step": number, "minutes": spent / 60}
        norm = {"latent_mean": pool.mean, "latent_std": pool.std}
        save_tensors(out / "dit.safetensors", ema.state(net) | norm, facts)
        everything = (
            net.state_dict() | optimizer_tensors(optimizers) | {f"ema.{k}": v for k, v in ema.weights.items()}
        )
        save_tensors(state, everything, {"step": number, "seconds": spent})

    run(loop, out, optimizers, step, save, first, seconds)
    return out / "dit.safetensors"


def flow_loss(
    net: Generator,
    pool: LatentPool,
    words: Words,
    rng: np.random.Generator,
    config: DiTTraining,
    single: bool,
    route: bool,
) -> Float[Tensor, ""]:
    """Draw a batch, noise what is wanted, and return the velocity-weighted error of the clean tokens.

    `x_t = (1 - t) x + t noise`; the loss is |x_hat - x|^2 / max(t, least)^2, that is the squared error of the velocity
    (JiT, arXiv 2511.13720), over the wanted tokens. With `single` one latent frame of each clip is trained alone.
    """
    device = pool.latents.device
    _, _, frames, height, width = pool.latents.shape
    chosen = (int(rng.integers(frames)),) if single else tuple(range(frames))
    grid, batch = Grid(chosen, height, width), config.frame_batch if single else config.clip_batch
    rows = rng.integers(len(pool), size=batch)
    clean = rearrange(pool.latents[rows][:, :, list(chosen)].float(), "b c t h w -> b (t h w) c")
    camera = repeat(pool.camera[rows][:, list(chosen)], "b t c -> b (t hw) c", hw=height * width)
    given = torch.from_numpy(np.stack([given_mask(rng, grid) for _ in rows])).to(device)
    ids, mask = (x.to(device) for x in words.of([pool.scenes[row] for row in rows], rng))

    level = torch.sigmoid(torch.from_numpy(rng.normal(0, 1, (batch, 1))).float().to(device))
    level = config.shift * level / (1 + (config.shift - 1) * level)
    levels = level * ~given
    noisy = clean + levels[..., None] * (torch.randn_like(clean) - clean)
    extra = torch.cat([given[..., None].float(), torch.zeros_like(clean), camera], dim=-1)
    keep = None
    if route and not single and config.keep < 1:
        tokens = clean.shape[1]
        keep = torch.from_numpy(np.sort(rng.permutation(tokens)[: int(config.keep * tokens)])).to(device)
    with torch.autocast(device.type, torch.bfloat16):
        states, pooled = net.text(ids, mask)
        made = net.dit(
            noisy, levels, extra, grid_positions(grid, config.fps).to(device), states, mask, pooled, keep
        )
    weight = (~given).float() / level.clamp(min=config.least_level) ** 2
    error = (made.float() - clean).square().mean(-1)
    return (weight * error).sum() / (~given).sum()
