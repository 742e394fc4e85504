"""Stage `distil`: an adapter with which the transformer does in a few steps, unguided, what takes it many guided ones.

Each of the few steps is taught apart: from a noisy clip the teacher, guided, goes the step's way in several small ones,
and the student is to predict the clean tokens that lead there at once (progressive distillation, arXiv 2202.00512, with
the guidance in the target, arXiv 2210.03142). Only low-rank additions to the blocks' matrices learn (LoRA, arXiv
2106.09685), which ship beside the weights they add to.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from vitascope.denoise.schedules import linear
from vitascope.nn.dit import DiTConfig
from vitascope.nn.text_encoder import TextEncoderConfig
from vitascope.training.checkpoint import load_matching, save_tensors
from vitascope.training.dit import Generator, Lesson, Pools, Words, draw_kind, draw_lesson
from vitascope.training.learner import Learner
from vitascope.training.loop import LoopConfig, run
from vitascope.training.precision import autocast


@dataclass(frozen=True)
class DistilTraining:
    """Settings of the stage: the student's `steps`, the teacher's small ones in each, and the adapter's rank."""

    steps: int = 4
    inner: int = 3
    guidance_scale: float = 3.0
    rank: int = 32
    rate: float = 1e-3
    ema: float = 0.98


class LowRank(nn.Module):
    """A matrix plus the product of two thin ones, which is zero at first."""

    def __init__(self, matrix: Float[Tensor, "out in"], rank: int):
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, matrix.shape[1]) * matrix.shape[1] ** -0.5)
        self.up = nn.Parameter(torch.zeros(matrix.shape[0], rank))

    def forward(self, matrix: Float[Tensor, "out in"]) -> Float[Tensor, "out in"]:
        """Return the matrix with the addition."""
        return matrix + self.up @ self.down


def adapt(net: nn.Module, rank: int) -> dict[str, LowRank]:
    """Give every matrix of a network's blocks a low-rank addition, the only thing that learns; return them."""
    net.requires_grad_(False)
    additions: dict[str, LowRank] = {}
    for name, module in list(net.named_modules()):
        if isinstance(module, nn.Linear) and name.startswith("blocks."):
            addition = LowRank(module.weight, rank).to(module.weight.device)
            parametrize.register_parametrization(module, "weight", addition)
            additions[f"{name}.weight"] = addition
    return additions


def train(
    dit_config: DiTConfig,
    text_config: TextEncoderConfig,
    table: Tensor,
    words: Words,
    config: DistilTraining,
    loop: LoopConfig,
    pools: Pools,
    weights: Float[Tensor, " latent"],
    teacher: Mapping[str, Tensor],
    out: Path,
    device: str = "cpu",
) -> Path:
    """Train an adapter for the loop's minutes; return its path, `adapter.safetensors` under `out`.

    Raises ValueError for a teacher that is not whole.
    """
    rng = np.random.default_rng(5)
    guide = Generator(dit_config, text_config, table).to(device)
    if missing := load_matching(guide, teacher):
        raise ValueError(f"the teacher's weights lack {missing[0]}")
    guide.requires_grad_(False)
    student = copy.deepcopy(guide.dit)
    additions = adapt(student.denoiser, config.rank)
    learning = nn.ModuleList(additions.values())
    optimizer = torch.optim.AdamW(learning.parameters(), config.rate, betas=(0.9, 0.95), weight_decay=0.0)
    learner = Learner(learning, [optimizer], config.ema)
    weights = weights.to(device)

    def step(number: int, done: float) -> dict[str, float]:
        kind = draw_kind(rng, pools)
        lesson = draw_lesson("take" if kind == "frame" else kind, pools, words, rng)
        loss = step_loss(guide, student, lesson, words, rng, config, weights)
        norm = learner.learn(loss)
        return {"loss": float(loss.detach()), "gradient": float(norm)}

    def save(number: int, spent: float) -> None:
        averaged = dict(zip(additions, _grouped(learner.ema.weights), strict=True))
        tensors = {f"{name}.{side}": part for name, pair in averaged.items() for side, part in pair.items()}
        save_tensors(out / "adapter.safetensors", tensors, {"step": number, "minutes": spent / 60})

    run(loop, out, [optimizer], step, save)
    return out / "adapter.safetensors"


def _grouped(weights: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Yield the averaged matrices of one addition after the other."""
    count = len(weights) // 2
    for i in range(count):
        yield {side: weights[f"{i}.{side}"] for side in ("down", "up")}


def step_loss(
    guide: Generator,
    student: nn.Module,
    lesson: Lesson,
    words: Words,
    rng: np.random.Generator,
    config: DistilTraining,
    weights: Float[Tensor, " latent"],
) -> Float[Tensor, ""]:
    """Return the error of the student's clean tokens against those that lead where the guided teacher arrives."""
    clean, wanted = lesson.clean, (~lesson.given).float()
    device, training = clean.device, words.config
    fine = linear(config.steps * config.inner, training.shift)
    which = rng.integers(config.steps, size=len(clean))
    levels = torch.from_numpy(np.stack([fine[k * config.inner :][: config.inner + 1] for k in which])).to(
        device
    )
    start, end = (levels[:, i, None] * wanted for i in (0, -1))
    noisy = clean + start[..., None] * (torch.randn_like(clean) - clean)
    with torch.no_grad(), autocast(device.type):
        ids, mask = (x.to(device) for x in words.ids([*lesson.texts, *[""] * len(clean)]))
        states, pooled = guide.text(ids, mask)
        ahead = noisy
        for i in range(config.inner):
            before, after = (levels[:, j, None] * wanted for j in (i, i + 1))
            free = guided(guide, ahead, before, lesson, (states, mask, pooled), config)
            ahead = stepped(ahead, free, before, after)
        target = leading(noisy, ahead, start, end)
    told = states[: len(clean)], mask[: len(clean)], pooled[: len(clean)]
    with autocast(device.type):
        made = student(noisy, start, lesson.channels, lesson.subjects, lesson.pages, lesson.positions, *told)
    error = ((made.float() - target).square() * weights).mean(-1)
    return (lesson.focus * wanted * error).sum() / wanted.sum()


Told = tuple[Float[Tensor, "twice words dim"], Bool[Tensor, "twice words"], Float[Tensor, "twice dim"]]


def guided(
    guide: Generator,
    noisy: Float[Tensor, "batch tokens latent"],
    levels: Float[Tensor, "batch tokens"],
    lesson: Lesson,
    told: Told,
    config: DistilTraining,
) -> Float[Tensor, "batch tokens latent"]:
    """Return the teacher's guided clean tokens; `told` is the words, and after them as many times none."""
    inputs = (noisy, levels, lesson.channels, lesson.subjects, lesson.pages)
    twice = [torch.cat([x, x]) for x in inputs]
    worded, free = guide.dit(*twice, lesson.positions, *told).float().chunk(2)
    return free + config.guidance_scale * (worded - free)


def stepped(
    noisy: Float[Tensor, "batch tokens latent"],
    clean: Float[Tensor, "batch tokens latent"],
    before: Float[Tensor, "batch tokens"],
    after: Float[Tensor, "batch tokens"],
) -> Float[Tensor, "batch tokens latent"]:
    """Return Euler's step, as the sampler of that name makes it; tokens of level 0 stay."""
    share = torch.where(before > 0, after / before.clamp(min=1e-6), torch.ones_like(before))[..., None]
    return share * noisy + (1 - share) * clean


def leading(
    noisy: Float[Tensor, "batch tokens latent"],
    arrived: Float[Tensor, "batch tokens latent"],
    start: Float[Tensor, "batch tokens"],
    end: Float[Tensor, "batch tokens"],
) -> Float[Tensor, "batch tokens latent"]:
    """Return the clean tokens with which one Euler step from `start` to `end` arrives: `stepped` turned round."""
    share = torch.where(start > 0, end / start.clamp(min=1e-6), torch.zeros_like(start))[..., None]
    return (arrived - share * noisy) / (1 - share)
