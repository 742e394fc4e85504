"""Stage `dit`: the diffusion transformer and its text encoder learn to make clips from words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int
from tokenizers import Tokenizer
from torch import Tensor, nn

from vitascope.nn.dit import DiT, DiTConfig
from vitascope.nn.text_encoder import TextEncoder, TextEncoderConfig
from vitascope.nn.video_vae import TIME_STRIDE, VideoVAE
from vitascope.toybox.language.captions import canonical
from vitascope.toybox.language.lexicon import inflect
from vitascope.toybox.scene import Scene
from vitascope.training.checkpoint import load_matching, save_tensors
from vitascope.training.givens import Grid, given_mask
from vitascope.training.latents import LatentPool
from vitascope.training.learner import Learner
from vitascope.training.loop import LoopConfig, run
from vitascope.training.optim import split_optimizers
from vitascope.training.precision import autocast

TOLD = {"take": 0.95, "pair": 0.8, "frame": 0.95, "field": 1.0}
"""How often each kind of lesson says where the toys are."""

LESSONS = {"take": 0.75, "pair": 0.10, "frame": 0.15}
"""What whole clips are taught by, and how often: words or edits; "frame" is one latent frame alone."""

ALONE = 0.5
"""Share of the steps whose clips have one subject at most, which costs less than three."""


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
    tune: float = 0.0
    """Where it is not 0, words and field stay as they are, and AdamW changes the rest at this rate."""
    ema: float = 0.995
    text_dropout: float = 0.1
    shift: float = 4.0
    least_level: float = 0.3
    fps: float = 8.0


@dataclass(frozen=True)
class Lesson:
    """What is drawn for one step: `extra` are a token's source latents and camera, `focus` its weight."""

    clean: Float[Tensor, "batch tokens latent"]
    given: Bool[Tensor, "batch tokens"]
    extra: Float[Tensor, "batch tokens more"]
    subjects: Float[Tensor, "batch tokens slots 34"]
    pages: Float[Tensor, "batch slots 4 phases size size"]
    focus: Float[Tensor, "batch tokens"]
    positions: Float[Tensor, "tokens 3"]
    texts: list[str]

    @property
    def channels(self) -> Float[Tensor, "batch tokens channels"]:
        """What is told of each token but for the subjects: whether it is given, its source latents, the camera."""
        return torch.cat([self.given[..., None].float(), self.extra], dim=-1)


Pools = Mapping[str, LatentPool]


class Words:
    """Captions to padded token ids."""

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
    out: Path,
    start: Mapping[str, Tensor] | None = None,
    device: str = "cpu",
) -> Path:
    """Train for the loop's minutes and return the path of the averaged weights, `dit.safetensors` under `out`.

    `pools` are clips by the kind of their lesson; `weights` says how much each latent channel counts. Starts from the
    tensors of `start` that fit, or goes on from `out/state.safetensors` if a run was cut off there.
    """
    rng = np.random.default_rng(0)
    net = Generator(dit_config, text_config, table).to(device)
    if start:
        load_matching(net, start)
    if config.tune:
        for part in (net.text, net.dit.context.field, net.dit.context.pages):
            part.requires_grad_(False)
        learning = [p for p in net.parameters() if p.requires_grad]
        optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(learning, config.tune, betas=(0.9, 0.98), weight_decay=0.0)
        ]
    else:
        optimizers = split_optimizers([net], config.muon_rate, config.adam_rate)
    learner, state = Learner(net, optimizers, config.ema), out / "state.safetensors"
    first, seconds = learner.go_on(state)
    words = Words(tokenizer, text_config.max_words, config)
    pool, weights = pools["take"], weights.to(device)

    def step(number: int, done: float) -> dict[str, float]:
        kind, field = draw_step(rng, pools, config, done)
        if number % RENEW_EVERY == 0:
            pools.get(kind, pool).renew()
        lesson = draw_lesson("field" if field else kind, pools, words, rng)
        if field:
            loss = field_loss(net, lesson, words, config, weights)
        else:
            route = kind != "frame" and done < config.keep_until
            loss = flow_loss(net, lesson, words, rng, config, weights, route)
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


RENEW_EVERY = 40
"""Steps after which it is looked whether new clips have been made."""


def draw_kind(rng: np.random.Generator, pools: Pools, lessons: Mapping[str, float] = LESSONS) -> str:
    """Draw what the next step teaches, among what there are clips for."""
    kinds = [kind for kind in lessons if kind in pools or kind == "frame"]
    shares = np.array([lessons[kind] for kind in kinds])
    return kinds[rng.choice(len(kinds), p=shares / shares.sum())]


def draw_step(rng: np.random.Generator, pools: Pools, config: DiTTraining, done: float) -> tuple[str, bool]:
    """Draw what the next step teaches at a share `done` of the time, and whether it is the field that learns it."""
    field = done < config.field_until or rng.random() < config.field_share
    kind = "take" if field else draw_kind(rng, pools)
    return ("frame" if not field and done < config.clips_from else kind), field


def draw_lesson(kind: str, pools: Pools, words: Words, rng: np.random.Generator) -> Lesson:
    """Draw the clips, the task and the words of one step."""
    config, pool = words.config, pools.get(kind, pools["take"])
    frames = pool.latents.shape[2]
    chosen = (int(rng.integers(frames)),) if kind == "frame" else tuple(range(frames))
    fitting = np.arange(len(pool))
    if rng.random() < ALONE:
        fitting = np.flatnonzero(pool.counts.cpu().numpy() <= 1)
    rows = rng.choice(fitting, size=config.frame_batch if kind == "frame" else config.clip_batch)
    known = torch.from_numpy(rng.random(len(rows)) < TOLD[kind]).float()
    lesson = lesson_of(pool, rows, chosen, known, config.fps)
    given = np.stack([given_mask(rng, Grid(chosen, *pool.latents.shape[-2:])) for _ in rows])
    given &= kind != "pair"
    texts = [lesson_text(kind, pool, row, config.text_dropout, rng) for row in rows.tolist()]
    return replace(lesson, given=torch.from_numpy(given).to(lesson.clean.device), texts=texts)


def lesson_of(
    pool: LatentPool,
    rows: Int[np.ndarray, " batch"],
    frames: tuple[int, ...],
    known: Float[Tensor, " batch"],
    fps: float,
) -> Lesson:
    """Return some clips with all that there is to tell of them, nothing given, under their captions.

    Where `known` is 0 nothing is told of the subjects.
    """
    _, _, _, height, width = pool.latents.shape
    clean = tokens_of(pool.latents[rows][:, :, list(frames)])
    cells = height * width
    camera = repeat(pool.camera[rows][:, list(frames)], "b t c -> b (t hw) c", hw=cells)
    source = torch.zeros_like(clean) if pool.sources is None else tokens_of(pool.sources[rows])
    near = rearrange(pool.heat[rows][:, list(frames)], "b t h w -> b (t h w)").float()
    slots = max(1, int(pool.counts[rows].max()))
    subjects = pool.subjects[rows][:, :slots, list(frames)] * known.to(clean.device)[:, None, None, None]
    return Lesson(
        clean,
        torch.zeros(clean.shape[:2], dtype=torch.bool, device=clean.device),
        torch.cat([source, camera], dim=-1),
        repeat(subjects, "b s t c -> b (t hw) s c", hw=cells),
        pool.pages[rows][:, :slots].float() / 255,
        1 + FOCUS * near.sqrt(),
        grid_positions(Grid(frames, height, width), fps).to(clean.device),
        [toy_caption(pool.scenes[row], int(pool.counts[row])) for row in rows],
    )


FOCUS = 6.0
"""How much more the tokens of the toys count than those of the set, which is learned long before them."""


def tokens_of(latents: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b tokens c"]:
    """Return latents as tokens in the order (frames height width)."""
    return rearrange(latents.float(), "b c t h w -> b (t h w) c")


def toy_caption(scene: Scene, count: int = 1) -> str:
    """Return a scene in words that name nobody, since pages say what the subjects look like.

    A scene without subjects says so: "nobody, in a garden in spring, day, clear, clay style".
    """
    words = canonical(scene, without=frozenset({"subject"}))
    action = f"a toy {inflect(scene.action)[1]}"
    return words if count else words.replace(action, "nobody,", 1)


def lesson_text(kind: str, pool: LatentPool, row: int, dropout: float, rng: np.random.Generator) -> str:
    """Return a caption or an instruction; now and then none."""
    if rng.random() < dropout:
        return ""
    if kind == "pair" and rng.random() < 0.6:
        return pool.instructions[row]
    return toy_caption(pool.scenes[row], int(pool.counts[row]))


def flow_loss(
    net: Generator,
    lesson: Lesson,
    words: Words,
    rng: np.random.Generator,
    config: DiTTraining,
    weights: Float[Tensor, " latent"],
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
    keep = None
    if route and config.keep < 1:
        keep = torch.from_numpy(np.sort(rng.permutation(tokens)[: int(config.keep * tokens)])).to(device)
    with autocast(device.type):
        states, pooled = net.text(ids, mask)
        context = net.dit.context(lesson.channels, lesson.subjects, lesson.pages, lesson.positions, pooled)
        made = net.dit.denoiser(noisy, levels, *context, lesson.positions, states, mask, keep)
    weight = lesson.focus * (~given).float() / level.clamp(min=config.least_level) ** 2
    error = ((made.float() - clean).square() * weights).mean(-1)
    blurred = ((context[2].float() - clean).square() * weights).mean(-1)
    return (weight * error).sum() / (~given).sum() + FIELD_WEIGHT * (lesson.focus * blurred).mean()


FIELD_WEIGHT = 0.2
"""What the field's own error counts beside the transformer's."""


def field_loss(
    net: Generator,
    lesson: Lesson,
    words: Words,
    config: DiTTraining,
    weights: Float[Tensor, " latent"],
) -> Float[Tensor, ""]:
    """Return the field's error at some places of each clip, mostly where the toys are."""
    ids, mask = (x.to(lesson.clean.device) for x in words.ids(lesson.texts))
    count = min(config.field_tokens, lesson.clean.shape[1])
    chosen = torch.multinomial(lesson.focus - 0.4, count)
    with autocast(lesson.clean.device.type):
        _, pooled = net.text(ids, mask)
        given = lesson.channels, lesson.subjects, lesson.pages, lesson.positions
        _, drawn = net.dit.context.draw_field(*given, pooled, chosen)
    clean = lesson.clean.gather(1, chosen[..., None].expand(-1, -1, lesson.clean.shape[-1]))
    return ((drawn.float() - clean).square() * weights).mean()


@torch.no_grad()
def field_error(
    net: Generator, pool: LatentPool, words: Words, weights: Float[Tensor, " latent"], clips: int = 64
) -> tuple[float, float]:
    """Return the field's mean error at the toys' tokens and at all others, over the first clips of a pool."""
    errors: list[tuple[float, float]] = []
    for at in range(0, min(clips, len(pool)), 8):
        rows = np.arange(at, min(at + 8, clips, len(pool)))
        lesson = lesson_of(
            pool, rows, tuple(range(pool.latents.shape[2])), torch.ones(len(rows)), words.config.fps
        )
        ids, mask = words.ids(lesson.texts)
        _, pooled = net.text(ids, mask)
        given = lesson.channels, lesson.subjects, lesson.pages, lesson.positions
        _, drawn = net.dit.context.draw_field(*given, pooled)
        error = ((drawn.float() - lesson.clean).square() * weights).mean(-1)
        toy = lesson.focus > 1 + FOCUS * 0.5**0.5
        errors.append((float(error[toy].mean()), float(error[~toy].mean())))
    toys, sets = np.nanmean(errors, axis=0)
    return float(toys), float(sets)


def train_field(
    dit_config: DiTConfig,
    text_config: TextEncoderConfig,
    table: Tensor,
    words: Words,
    rate: float,
    loop: LoopConfig,
    pools: Pools,
    weights: Float[Tensor, " latent"],
    out: Path,
    start: Mapping[str, Tensor],
    device: str = "cpu",
) -> Path:
    """Train the field and the words alone, which is ten times cheaper than the transformer; see `train`.

    The pool "unseen" holds clips of subjects that are never trained, which are measured now and then.
    """
    rng = np.random.default_rng(int(np.frombuffer(np.random.default_rng().bytes(4), np.uint32)[0]))
    net = Generator(dit_config, text_config, table).to(device)
    load_matching(net, start)
    net.dit.denoiser.requires_grad_(False)
    groups = [
        {"params": list(net.dit.context.parameters()), "lr": rate},
        {"params": list(net.text.parameters()), "lr": rate / 4},
    ]
    optimizers: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0)]
    learner, state = Learner(net, optimizers, words.config.ema), out / "state.safetensors"
    first, seconds = learner.go_on(state)
    pool, weights = pools["take"], weights.to(device)

    def step(number: int, done: float) -> dict[str, float]:
        if number % RENEW_EVERY == 0:
            pool.renew()
        row: dict[str, float] = {}
        if number % MEASURE_EVERY == 0:
            for name, measured in pools.items():
                row[f"{name}_toys"], row[f"{name}_sets"] = field_error(net, measured, words, weights)
        lesson = draw_lesson("field", pools, words, rng)
        loss = field_loss(net, lesson, words, words.config, weights)
        learner.learn(loss)
        return row | {"field": float(loss.detach()), "clips": float(len(pool))}

    def save(number: int, spent: float) -> None:
        facts = {"step": number, "minutes": spent / 60}
        norm = {"latent_mean": pool.mean, "latent_std": pool.std}
        save_tensors(out / "dit.safetensors", learner.averaged | norm, facts)
        learner.keep(state, number, spent)

    run(loop, out, optimizers, step, save, first, seconds)
    return out / "dit.safetensors"


MEASURE_EVERY = 200
"""Steps of the field after which its errors are measured."""
