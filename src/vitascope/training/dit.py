"""Stage `dit`: the diffusion transformer and its text encoder learn to make clips from words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int
from tokenizers import Tokenizer
from torch import Tensor, nn

from vitascope.nn.dit import DiT, DiTConfig
from vitascope.nn.text_encoder import TextEncoder, TextEncoderConfig
from vitascope.nn.video_vae import TIME_STRIDE, VideoVAE
from vitascope.toybox.language.captions import canonical, caption
from vitascope.toybox.layout import REFERENCE_SECONDS
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import cast
from vitascope.training.checkpoint import load_matching, save_tensors
from vitascope.training.givens import Grid, given_mask
from vitascope.training.latents import LatentPool
from vitascope.training.learner import Learner
from vitascope.training.loop import LoopConfig, run
from vitascope.training.optim import split_optimizers

TOLD = {"take": 0.8, "pair": 0.6, "route": 1.0, "reference": 0.6, "frame": 0.8}
"""How often each kind of lesson says where the toy is."""

LESSONS = {"take": 0.63, "pair": 0.10, "route": 0.08, "reference": 0.04, "frame": 0.15}
"""What whole clips are taught by, and how often: words, edits, a path to follow, a picture of the toy; "frame" is
one latent frame alone."""


FIELD_LESSONS = {"take": 0.9, "route": 0.1}
"""What the field is taught by: clips that their captions say all about."""


@dataclass(frozen=True)
class DiTTraining:
    """Settings of the stage. Single latent frames until `clips_from` of the time is over, mostly whole clips then."""

    frame_batch: int = 64
    clip_batch: int = 20
    clips_from: float = 0.25
    field_until: float = 0.2
    """Until this share of the time only the field learns, and then in `field_share` of the steps, which are cheap."""
    field_share: float = 0.5
    field_tokens: int = 112
    keep: float = 0.5
    keep_until: float = 0.85
    muon_rate: float = 2.5e-3
    adam_rate: float = 2e-3
    ema: float = 0.995
    text_dropout: float = 0.1
    canonical_share: float = 0.5
    focus: float = 6.0
    """How much more the tokens of the toy count than those of the set, which is learned long before it."""
    shift: float = 4.0
    least_level: float = 0.3
    fps: float = 8.0
    renew: int = 0


@dataclass(frozen=True)
class Lesson:
    """What is drawn for one step: `extra` are a token's source latents, camera and subject, `focus` its weight.

    `named` are the subjects that the texts name, "" where they name none.
    """

    clean: Float[Tensor, "batch tokens latent"]
    given: Bool[Tensor, "batch tokens"]
    extra: Float[Tensor, "batch tokens more"]
    focus: Float[Tensor, "batch tokens"]
    positions: Float[Tensor, "tokens 3"]
    texts: list[str]
    named: list[str]


Pools = Mapping[str, LatentPool]


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

    def of(self, scene: Scene, rng: np.random.Generator) -> str:
        """Caption a scene, in canonical or natural phrasing."""
        return canonical(scene) if rng.random() < self.config.canonical_share else caption(scene, rng)


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
    pools: Pools,
    weights: Float[Tensor, " latent"],
    subjects: Sequence[str],
    out: Path,
    start: Mapping[str, Tensor] | None = None,
    device: str = "cpu",
) -> Path:
    """Train for the loop's minutes and return the path of the averaged weights, `dit.safetensors` under `out`.

    `pools` are clips by the kind of their lesson; `weights` says how much each latent channel counts, and `subjects`
    are those whose looks the network remembers, in its order. Starts from the
    tensors of `start` that fit, or goes on from `out/state.safetensors` if a run was cut off there.
    """
    rng = np.random.default_rng(0)
    net = Generator(dit_config, text_config, table).to(device)
    if start:
        load_matching(net, start)
    optimizers = split_optimizers([net], config.muon_rate, config.adam_rate)
    learner, state = Learner(net, optimizers, config.ema), out / "state.safetensors"
    first, seconds = learner.go_on(state)
    words = Words(tokenizer, text_config.max_words, config)
    pool, weights = pools["take"], weights.to(device)

    def step(number: int, done: float) -> dict[str, float]:
        kind, field = draw_step(rng, pools, config, done)
        if config.renew:
            pools.get(kind, pool).renew(config.renew)
        lesson = draw_lesson(kind, pools, words, rng)
        if field:
            loss = field_loss(net, lesson, words, config, weights, subjects)
        else:
            route = kind != "frame" and done < config.keep_until
            loss = flow_loss(net, lesson, words, rng, config, weights, subjects, route)
        norm = learner.learn(loss)
        return {"field" if field else "loss": float(loss.detach()), "gradient": float(norm)}

    def save(number: int, spent: float) -> None:
        facts = {"step": number, "minutes": spent / 60}
        norm = {"latent_mean": pool.mean, "latent_std": pool.std}
        save_tensors(out / "dit.safetensors", learner.averaged | norm, facts)
        learner.keep(state, number, spent)

    run(loop, out, optimizers, step, save, first, seconds)
    return out / "dit.safetensors"


def channel_weights(vae: VideoVAE, std: Float[Tensor, " latent"]) -> Float[Tensor, " latent"]:
    """Return how much each normalised latent channel counts: the root of the pixels' variance it stands for, mean 1.

    Without it the fine texture of the last channels, of which there are many, outweighs the picture.
    """
    pixels = vae.decoder.linear.weight.flatten(1).square().sum(1).cpu() * std.cpu() ** 2
    weights = pixels.sqrt() + 1e-3 * pixels.sqrt().mean() + 1e-9
    return weights / weights.mean()


def draw_kind(rng: np.random.Generator, pools: Pools, lessons: Mapping[str, float] = LESSONS) -> str:
    """Draw what the next step teaches, among what there are clips for."""
    kinds = [kind for kind in lessons if kind in pools or kind in ("frame", "reference")]
    shares = np.array([lessons[kind] for kind in kinds])
    return kinds[rng.choice(len(kinds), p=shares / shares.sum())]


def draw_step(rng: np.random.Generator, pools: Pools, config: DiTTraining, done: float) -> tuple[str, bool]:
    """Draw what the next step teaches at a share `done` of the time, and whether it is the field that learns it."""
    field = done < config.field_until or rng.random() < config.field_share
    kind = draw_kind(rng, pools, FIELD_LESSONS if field else LESSONS)
    return ("frame" if not field and done < config.clips_from else kind), field


def draw_lesson(kind: str, pools: Pools, words: Words, rng: np.random.Generator) -> Lesson:
    """Draw the clips, the task and the words of one step."""
    config, pool = words.config, pools.get(kind, pools["take"])
    _, _, frames, height, width = pool.latents.shape
    chosen = (int(rng.integers(frames)),) if kind == "frame" else tuple(range(frames))
    grid = Grid(chosen, height, width)
    rows = rng.integers(len(pool), size=config.frame_batch if kind == "frame" else config.clip_batch)
    clean = tokens_of(pool.latents[rows][:, :, list(chosen)])
    camera = repeat(pool.camera[rows][:, list(chosen)], "b t c -> b (t hw) c", hw=height * width)
    source = torch.zeros_like(clean) if pool.sources is None else tokens_of(pool.sources[rows])
    near = rearrange(pool.heat[rows][:, list(chosen)], "b t h w -> b (t h w)").float()
    known = torch.from_numpy(rng.random(len(rows)) < TOLD[kind]).float()
    known = known[:, None, None].expand(-1, len(chosen), -1).to(clean.device)
    numbers = pool.subject[rows][:, list(chosen)]
    subject = torch.cat([known * numbers.any(-1, keepdim=True), known * numbers], dim=-1)
    subject = repeat(subject, "b t c -> b (t hw) c", hw=height * width)
    given = np.stack([given_mask(rng, grid) for _ in rows]) & (kind != "pair")
    texts = [lesson_text(kind, pool, row, words, rng) for row in rows.tolist()]
    lesson = Lesson(
        clean,
        torch.from_numpy(given).to(clean.device),
        torch.cat([source, camera, subject], dim=-1),
        1 + config.focus * near.sqrt(),
        grid_positions(grid, config.fps).to(clean.device),
        texts,
        [named(kind, text, pool.scenes[row]) for text, row in zip(texts, rows, strict=True)],
    )
    return with_reference(lesson, pool, rows, rng) if kind == "reference" else lesson


def tokens_of(latents: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b tokens c"]:
    """Return latents as tokens in the order (frames height width)."""
    return rearrange(latents.float(), "b c t h w -> b (t h w) c")


def lesson_text(kind: str, pool: LatentPool, row: int, words: Words, rng: np.random.Generator) -> str:
    """Return a caption or an instruction; now and then none, and with a picture of the toy often not its name."""
    scene = pool.scenes[row]
    if rng.random() < words.config.text_dropout:
        return ""
    if kind == "pair" and rng.random() < 0.6:
        return pool.instructions[row]
    text = words.of(scene, rng)
    return (
        text.replace(cast()[scene.subject].name, "toy")
        if kind == "reference" and rng.random() < 0.5
        else text
    )


def named(kind: str, text: str, scene: Scene) -> str:
    """Return the subject that a lesson's text names, or "": instructions name few, and captions all."""
    subject = cast()[scene.subject]
    told = kind not in ("pair", "reference") or any(
        name in text for name in (subject.name, *subject.synonyms)
    )
    return scene.subject if text and told else ""


def with_reference(lesson: Lesson, pool: LatentPool, rows: np.ndarray, rng: np.random.Generator) -> Lesson:
    """Put the first frame of another clip of the same toy in front of each clip's tokens, long before them in time."""
    same = [
        np.flatnonzero([scene.subject == pool.scenes[row].subject for scene in pool.scenes]) for row in rows
    ]
    others = [int(rng.choice(places)) for places in same]
    picture = tokens_of(pool.latents[others][:, :, :1])
    count = picture.shape[1]
    positions = lesson.positions[:count] - torch.tensor([REFERENCE_SECONDS, 0.0, 0.0], device=picture.device)
    return Lesson(
        torch.cat([picture, lesson.clean], dim=1),
        F.pad(lesson.given, (count, 0), value=True),
        F.pad(lesson.extra, (0, 0, count, 0)),
        F.pad(lesson.focus, (count, 0)),
        torch.cat([positions, lesson.positions]),
        lesson.texts,
        lesson.named,
    )


def flow_loss(
    net: Generator,
    lesson: Lesson,
    words: Words,
    rng: np.random.Generator,
    config: DiTTraining,
    weights: Float[Tensor, " latent"],
    subjects: Sequence[str],
    route: bool,
) -> Float[Tensor, ""]:
    """Noise what is wanted of a lesson, and return the velocity-weighted error of the clean tokens.

    `x_t = (1 - t) x + t noise`; the loss is |x_hat - x|^2 / max(t, least)^2, that is the squared error of the velocity
    (JiT, arXiv 2511.13720), over the wanted tokens. With `route` some tokens skip the middle blocks.
    """
    clean, given = lesson.clean, lesson.given
    batch, tokens, _ = clean.shape
    device = clean.device
    ids, mask = (x.to(device) for x in words.ids(lesson.texts))
    level = torch.sigmoid(torch.from_numpy(rng.normal(0, 1, (batch, 1))).float().to(device))
    level = config.shift * level / (1 + (config.shift - 1) * level)
    levels = level * ~given
    noisy = clean + levels[..., None] * (torch.randn_like(clean) - clean)
    extra = torch.cat([given[..., None].float(), lesson.extra], dim=-1)
    keep = None
    if route and config.keep < 1:
        keep = torch.from_numpy(np.sort(rng.permutation(tokens)[: int(config.keep * tokens)])).to(device)
    with torch.autocast(device.type, torch.bfloat16):
        states, pooled = net.text(ids, mask)
        told = net.dit.briefing(extra, lesson.positions, pooled)
        made = net.dit.steps(noisy, levels, *told, lesson.positions, states, mask, keep)
        whose = net.dit.briefing.textures.whose(pooled)
    weight = lesson.focus * (~given).float() / level.clamp(min=config.least_level) ** 2
    error = ((made.float() - clean).square() * weights).mean(-1)
    blurred = ((told[2].float() - clean).square() * weights).mean(-1)
    loss = (weight * error).sum() / (~given).sum() + FIELD_WEIGHT * (lesson.focus * blurred).mean()
    return loss + NAMED_WEIGHT * naming_loss(whose, lesson, subjects)


FIELD_WEIGHT = 0.2
"""What the field's own error counts beside the transformer's."""


def field_loss(
    net: Generator,
    lesson: Lesson,
    words: Words,
    config: DiTTraining,
    weights: Float[Tensor, " latent"],
    subjects: Sequence[str],
) -> Float[Tensor, ""]:
    """Return the field's error at some places of each clip, mostly where the toy is, and that of whose toy it is."""
    ids, mask = (x.to(lesson.clean.device) for x in words.ids(lesson.texts))
    extra = F.pad(lesson.extra, (1, 0))
    count = min(config.field_tokens, lesson.clean.shape[1])
    chosen = torch.multinomial(lesson.focus - 0.4, count)
    with torch.autocast(lesson.clean.device.type, torch.bfloat16):
        _, pooled = net.text(ids, mask)
        _, made = net.dit.briefing.drawn(extra, lesson.positions, pooled, chosen)
        whose = net.dit.briefing.textures.whose(pooled)
    clean = lesson.clean.gather(1, chosen[..., None].expand(-1, -1, lesson.clean.shape[-1]))
    return ((made.float() - clean).square() * weights).mean() + NAMED_WEIGHT * naming_loss(
        whose, lesson, subjects
    )


def naming_loss(
    whose: Float[Tensor, "batch subjects_and_nobody"], lesson: Lesson, subjects: Sequence[str]
) -> Float[Tensor, ""]:
    """Return the error of whose looks the words are taken to mean; nobody's comes after all `subjects`."""
    right = [subjects.index(name) if name else len(subjects) for name in lesson.named]
    return F.cross_entropy(whose.float(), torch.tensor(right, device=whose.device))


NAMED_WEIGHT = 0.02
"""What it counts to know whose looks the words mean."""
