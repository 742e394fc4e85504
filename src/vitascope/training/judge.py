"""Stage `judge`: one small network learns, from the theatre's truth, to say what a clip shows.

Rendered pictures are cleaner than those of a model, so the judge is shown blurred, noisy, discoloured and
coarsely quantised ones too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from vitascope.camera.path import AMOUNTS
from vitascope.evaluation.judge import matters, reference_key
from vitascope.evaluation.report import METRICS, temporal_metrics
from vitascope.nn.judge import Judge, JudgeConfig, JudgeGraph, Judgement, fold_norms
from vitascope.runtime.base import Network
from vitascope.runtime.export import export
from vitascope.runtime.onnx import OnnxNetwork
from vitascope.toybox.classifier import CARD, JudgeCard
from vitascope.toybox.classifier import Judge as EvaluationJudge
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import World, compositions
from vitascope.training.checkpoint import load_matching, load_tensors, save_tensors
from vitascope.training.judge_clips import ClipStore, Source, open_shards, shrink, write_shards
from vitascope.training.loop import LoopConfig, run
from vitascope.training.optim import Muon
from vitascope.training.precision import autocast

if TYPE_CHECKING:
    from vitascope.training.toytheatre.render import Theatre

WEIGHTS = "trained.safetensors"

MIRRORED = {"pan-left": "pan-right", "roll-left": "roll-right"}
MIRRORED |= {right: left for left, right in MIRRORED.items()}

PATH_SCALE = (AMOUNTS["pan"], AMOUNTS["tilt"], AMOUNTS["zoom"], AMOUNTS["roll"])


@dataclass(frozen=True)
class JudgeTraining:
    """Settings of the stage.

    `clips` are rendered to train on and `test_clips` of seen and of held-out compositions each to be measured
    on; `stills` is the number of frames that the stills trunk sees of each clip in training.
    """

    clips: int = 6144
    test_clips: int = 512

    batch: int = 24
    stills: int = 2
    muon_rate: float = 3e-3
    rate: float = 2e-3
    weight_decay: float = 0.02
    smoothing: float = 0.02
    where_weight: float = 0.3
    path_weight: float = 1.0


SMALL = JudgeTraining()


def judge_config(world: World) -> JudgeConfig:
    """Return the judge's configuration for the labels of a world."""
    return JudgeConfig(tuple((head, len(labels)) for head, labels in head_labels(world).items()))


def head_labels(world: World) -> dict[str, tuple[str, ...]]:
    """Return head -> labels for a world; heads are named after the fields of a scene."""
    return {
        "subject": world.subjects,
        "action": world.actions,
        "set": world.sets,
        "season": world.seasons,
        "time": world.times,
        "weather": world.weathers,
        "camera": world.cameras,
        "style": world.styles,
    }


def targets(scenes: Sequence[Scene], labels: dict[str, tuple[str, ...]]) -> dict[str, Int[Tensor, " clips"]]:
    """Return the class of each clip per head, -1 where the place cannot show it."""
    rows = [(scene, matters(scene)) for scene in scenes]
    return {
        head: torch.tensor(
            [names.index(getattr(scene, head)) if counts[head] else -1 for scene, counts in rows]
        )
        for head, names in labels.items()
    }


def cover(boxes: Float[Tensor, "... 4"], side: int) -> Float[Tensor, "... side side"]:
    """Return the share of each of side x side cells that a box (x0 y0 x1 y1 in 0..1) covers."""
    start = torch.arange(side, device=boxes.device) / side
    ends = torch.minimum(boxes[..., 2:, None], start + 1 / side)
    x, y = (side * (ends - torch.maximum(boxes[..., :2, None], start)).clamp(min=0)).unbind(-2)
    return y[..., :, None] * x[..., None, :]


def flip(
    boxes: Float[Tensor, "batch frames 4"],
    way: Float[Tensor, "batch 4"],
    camera: Int[Tensor, " batch"],
    cameras: tuple[str, ...],
    which: Bool[Tensor, " batch"],
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the boxes, camera's ways (x and roll turn round) and camera classes of a batch, some of it mirrored."""
    turned = torch.tensor([cameras.index(MIRRORED.get(name, name)) for name in cameras], device=camera.device)
    other = torch.stack([1 - boxes[..., 2], boxes[..., 1], 1 - boxes[..., 0], boxes[..., 3]], dim=-1)
    return (
        torch.where(which[:, None, None], other, boxes),
        torch.where(which[:, None], way * way.new_tensor([-1, 1, 1, -1]), way),
        torch.where(which, turned[camera], camera),
    )


def spoil(
    pictures: UInt8[Tensor, "batch frames 3 size size"],
    mirrored: Bool[Tensor, " batch"],
    generator: torch.Generator,
    moving: bool = True,
) -> Float[Tensor, "batch frames 3 size size"]:
    """Return clips in 0..1, some mirrored, made to look like a model's: softer, noisier, off in colour.

    Frames that do not follow one another are not `moving`: nothing of one is seen in the next.
    """
    device = pictures.device
    clips = pictures.float().div_(255)
    clips[mirrored] = clips[mirrored].flip(-1)

    def draw(low: float, high: float) -> Tensor:
        return torch.empty(len(clips), 1, 1, 1, 1, device=device).uniform_(low, high, generator=generator)

    some = draw(0.0, 1.0).flatten() < 0.4
    clips[some] = soften(clips[some], float(draw(0.0, 1.0)[0]) < 0.5)
    some = draw(0.0, 1.0).flatten() < (0.4 if moving else 0.0)
    slow = lingering(clips[some])
    slow = lingering(slow) if float(draw(0.0, 1.0)[0]) < 0.5 else slow
    clips[some] += (slow - clips[some]).mul_(draw(0.3, 1.0)[some])
    some = draw(0.0, 1.0).flatten() < 0.15
    clips[some] = quantise(clips[some], float(draw(0.03, 0.15)[0]))
    colour, contrast = draw(0.85, 1.15), draw(0.85, 1.15)
    grey = clips.mean(2, keepdim=True).mul_((1 - colour) * contrast)
    clips.mul_(colour * contrast).add_(grey.add_((1 - contrast) / 2 + draw(-0.06, 0.06)))
    some = draw(0.0, 1.0).flatten() < 0.4
    grain = torch.randn(clips[some].shape, generator=generator, device=device)
    clips[some] += grain.mul_(draw(0.0, 0.03)[some])
    return clips.clamp_(0, 1)


def lingering(clips: Float[Tensor, "batch frames 3 size size"]) -> Float[Tensor, "batch frames 3 size size"]:
    """Return the mean of every frame and its neighbours in time: a video autoencoder forgets fast motion first."""
    padded = torch.cat([clips[:, :1], clips, clips[:, -1:]], dim=1)
    return (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3


def soften(clips: Float[Tensor, "batch frames 3 size size"], coarse: bool) -> Tensor:
    """Blur clips a little, or take them through half their size."""
    flat = clips.flatten(0, 1)
    if coarse:
        small = F.avg_pool2d(flat, 2)
        flat = F.interpolate(small, size=clips.shape[-2:], mode="bilinear", align_corners=False)
    else:
        flat = (flat + F.avg_pool2d(F.pad(flat, (1, 1, 1, 1), mode="replicate"), 3, 1)) / 2
    return flat.reshape(clips.shape)


def quantise(clips: Float[Tensor, "batch frames 3 size size"], step: float) -> Tensor:
    """Round the cosine transform of 8x8 blocks, coarser the finer the wave, as JPEG does."""
    n = torch.arange(8, device=clips.device)
    basis = torch.cos(math.pi * (2 * n[None] + 1) * n[:, None] / 16) * math.sqrt(2 / 8)
    basis[0] /= math.sqrt(2)
    coarse = step * (0.3 + (n[:, None] + n[None]) / 4)
    blocks = rearrange(clips, "b t c (h p) (w q) -> b t c h w p q", p=8, q=8)
    waves = torch.round(basis @ blocks @ basis.T / coarse) * coarse
    return rearrange(basis.T @ waves @ basis, "b t c h w p q -> b t c (h p) (w q)")


def judge_loss(
    judgement: Judgement,
    truth: dict[str, Int[Tensor, " batch"]],
    still_boxes: Float[Tensor, "batch stills 4"],
    step_boxes: Float[Tensor, "batch steps 4"],
    path: Float[Tensor, "batch 4"],
    config: JudgeTraining,
) -> tuple[Tensor, dict[str, float]]:
    """Return the loss, and the batch's share of right answers per head.

    Besides the heads, both attentions are to lie within the subject's box, and the camera's way is to be
    named.
    """
    loss, right = path.new_zeros(()), {}
    for head, logits in judgement.logits.items():
        known = truth[head] >= 0
        if known.any():
            answers, labels = logits[known], truth[head][known]
            loss = loss + F.cross_entropy(answers, labels, label_smoothing=config.smoothing)
            right[head] = float((answers.argmax(-1) == labels).float().mean())
    for where, boxes in ((judgement.still_where, still_boxes), (judgement.motion_where, step_boxes)):
        covered = cover(boxes, where.shape[-1])
        inside = (where * covered).sum((-2, -1))
        seen = covered.sum((-2, -1)) > 0.5
        if where is judgement.still_where:
            inside, seen = inside.sum(1), seen.any(1)
        if seen.any():
            loss = loss - config.where_weight * torch.log(inside[seen] + 1e-3).mean()
    error = F.smooth_l1_loss(judgement.path.float(), path / path.new_tensor(PATH_SCALE), beta=0.2)
    return loss + config.path_weight * error, {**right, "path": float(error.detach())}


def optimizers_of(judge: Judge, config: JudgeTraining) -> list[torch.optim.Optimizer]:
    """Return Muon over the convolutions, which learns more from fewer clips, and AdamW over the rest."""
    names = dict(judge.named_parameters())
    hidden = [p for name, p in names.items() if p.ndim == 4 and "where" not in name]
    rest = [p for name, p in names.items() if p.ndim != 4 or "where" in name]
    return [
        Muon(hidden, lr=config.muon_rate, weight_decay=config.weight_decay),
        torch.optim.AdamW(rest, lr=config.rate, betas=(0.9, 0.98), weight_decay=config.weight_decay),
    ]


def learn(
    config: JudgeTraining,
    world: World,
    clips: ClipStore,
    loop: LoopConfig,
    out: Path,
    start: Path | None = None,
    device: str = "cpu",
    seed: int = 0,
) -> Path:
    """Train for the loop's minutes and return the path of the weights, `trained.safetensors` under `out`."""
    torch.manual_seed(seed)
    generator, rng = torch.Generator(device).manual_seed(seed), np.random.default_rng(seed)
    labels, model_config = head_labels(world), judge_config(world)
    judge = Judge(model_config).to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    if start is not None:
        load_matching(judge, load_tensors(start)[0])
    optimizers = optimizers_of(judge, config)
    classes = {head: rows.to(device) for head, rows in targets(clips.scenes, labels).items()}
    boxes, camera = torch.from_numpy(clips.boxes).to(device), torch.from_numpy(clips.camera).to(device)
    order: list[int] = []

    def step(number: int, done: float) -> dict[str, float]:
        nonlocal order
        if len(order) < config.batch:
            order = order + rng.permutation(len(clips)).tolist()
        chosen, order = order[: config.batch], order[config.batch :]
        truth = {head: rows[chosen] for head, rows in classes.items()}
        mirrored = torch.rand(len(chosen), generator=generator, device=device) < 0.5
        way = camera[chosen, -1] - camera[chosen, 0]
        here, way, truth["camera"] = flip(boxes[chosen], way, truth["camera"], labels["camera"], mirrored)
        which = sorted(rng.choice(model_config.frames, config.stills, replace=False).tolist())
        stills = spoil(clips.stills(chosen, which).to(device), mirrored, generator, moving=False)
        frames = spoil(clips.motion(chosen).to(device), mirrored, generator)
        judge.train()
        with autocast(device):
            judgement = judge.look(stills, frames)
        loss, right = judge_loss(judgement, truth, here[:, which], here[:, :-1:2], way, config)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(judge.parameters(), 5.0)
        for optimizer in optimizers:
            optimizer.step()
        return {"loss": float(loss.detach()), **right}

    def save(number: int, spent: float) -> None:
        facts = {"step": number, "minutes": spent / 60, "clips": len(clips), "world": world.to_json()}
        save_tensors(out / WEIGHTS, judge.state_dict(), facts)

    run(loop, out, optimizers, step, save)
    return out / WEIGHTS


def load_judge(path: Path) -> tuple[Judge, World]:
    """Return a trained judge, ready to judge, and the world whose labels it knows."""
    tensors, facts = load_tensors(path)
    world = World.from_json(facts["world"])
    judge = Judge(judge_config(world))
    judge.load_state_dict(tensors)
    return judge.eval(), world


def export_judge(judge: Judge, folder: Path) -> None:
    """Write `judge.onnx` and its numbers: input `clip`, outputs named after the heads, `embedding` and `where`."""
    config = judge.config
    example = torch.rand(2, config.frames, 3, config.size, config.size)
    outputs = [*(head for head, _ in config.heads), "embedding", "where"]
    folder.mkdir(parents=True, exist_ok=True)
    export(
        JudgeGraph(fold_norms(judge)),
        {"clip": example},
        ["clip"],
        outputs,
        {"clip": {0: "batch"}},
        folder,
        "judge",
    )


def standing(network: Network, world: World, test: Sequence[ClipStore], metrics_of: int = 400) -> JudgeCard:
    """Measure an exported judge on rendered clips that it was not trained on, and return its card.

    The reference values of the temporal metrics are taken from the first `metrics_of` clips of each store.
    """
    labels = head_labels(world)
    blank = JudgeCard(test[0].frames[0].shape[1], test[0].frames[0].shape[-1], labels, {}, {})
    judge = EvaluationJudge(network, blank)
    right: dict[str, list[bool]] = {head: [] for head in labels}
    values: dict[str, dict[str, list[float]]] = {name: {} for name in METRICS}
    for store in test:
        for index, scene in enumerate(store.scenes):
            frames = store.pictures([index])[0].numpy().transpose(0, 2, 3, 1)
            seen, counts = judge.judge(frames).labels, matters(scene)
            for head in (head for head in labels if counts[head]):
                right[head].append(seen[head] == getattr(scene, head))
            if index < metrics_of:
                for name, value in temporal_metrics(judge, frames).items():
                    values[name].setdefault(reference_key(scene), []).append(value)
    accuracy = {head: round(float(np.mean(marks)), 4) for head, marks in right.items() if marks}
    reference = {
        name: {key: round(float(np.mean(v)), 4) for key, v in rows.items()} for name, rows in values.items()
    }
    return replace(blank, accuracy=accuracy, reference=reference, held_back=sum(map(len, test)))


def train(
    theatre: "Theatre",
    world: World,
    minutes: float,
    out: Path,
    smoke: bool = False,
    clips: Path | None = None,
    start: Path | None = None,
    config: JudgeTraining = SMALL,
    device: str = "cpu",
) -> Path:
    """Render clips (as far as the folder `clips`, `out/clips` if None, does not hold them yet), train for so
    many minutes, export to `out`, and measure the exported judge. Returns the path of its card.

    Training draws from seen compositions only; the judge is measured on seen and held-out ones alike, so that
    it cannot pass by knowing what goes with what.
    """
    if smoke:
        config = replace(config, batch=4, clips=16, test_clips=8)
    folder = clips or out / "clips"
    shape = judge_config(world)
    stores = []
    for name, count, held_out, seed in (
        ("train", config.clips, False, 100),
        ("seen", config.test_clips, False, 101),
        ("held-out", config.test_clips, True, 102),
    ):
        if compositions(world, held_out):
            source = takes(theatre, world, np.random.default_rng(seed), held_out)
            write_shards(shrink(source, shape.frames, shape.size), folder, count, name)
            stores.append(open_shards(folder, name))
    loop = LoopConfig(minutes=minutes, max_steps=2 if smoke else None)
    judge, _ = load_judge(learn(config, world, stores[0], loop, out, start, device))
    export_judge(judge, out)
    card = standing(OnnxNetwork(out / "judge.onnx"), world, stores[1:])
    card.save(out / CARD)
    print("  ".join(f"{head} {share:.4f}" for head, share in card.accuracy.items()), flush=True)
    return out / CARD


def takes(theatre: "Theatre", world: World, rng: np.random.Generator, held_out: bool) -> Source:
    """Return a source of rendered clips of a world, of seen or of held-out compositions."""
    from vitascope.training.toytheatre.take import sample_take

    return lambda count: theatre.render([sample_take(rng, world, held_out) for _ in range(count)])
