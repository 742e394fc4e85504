"""`python -m vitascope.training STAGE --minutes N --out DIR [--smoke]`: one command trains one stage.

Run from a checkout (it reads `recipes/`). A stage starts from `--start`, else from the weights that ship, goes on
where an interrupted run in the same folder stopped, and leaves weights, `log.jsonl`, `curves.png` and a sample sheet in
the folder.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
import typer

from vitascope.training.checkpoint import load_matching, load_tensors
from vitascope.training.loop import LoopConfig
from vitascope.training.shipped import shipped

if TYPE_CHECKING:
    from recipes.toybox import Recipe
    from vitascope.nn.video_vae import VideoVAE
    from vitascope.training.latents import LatentPool
    from vitascope.training.toytheatre.render import Theatre

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

Minutes = Annotated[float, typer.Option(help="How long to train.")]
Out = Annotated[Path, typer.Option(help="Folder for weights, log, curves and sheets.")]
Smoke = Annotated[
    bool, typer.Option(help="Take every step of the road in seconds; the result is worth nothing.")
]
RecipeName = Annotated[str, typer.Option("--recipe", help="small, gpu or smoke; see recipes/toybox.py.")]
Atlas = Annotated[
    Path | None, typer.Option(help="Sprite atlas; by default the one in the cache, else the small one.")
]
Shards = Annotated[Path | None, typer.Option(help="Folder that `latents` filled.")]
Start = Annotated[Path | None, typer.Option(help="Weights to start from; by default those that ship.")]
Scratch = Annotated[bool, typer.Option("--from-scratch", help="Start from random weights.")]
Clips = Annotated[
    Path | None, typer.Option(help="Folder that `clips` filled; else clips are rendered on the way.")
]
Weights = Annotated[Path, typer.Option("--vae", help="The trained autoencoder's weights.")]
OptionalWeights = Annotated[
    Path | None, typer.Option("--vae", help="The trained autoencoder's weights; by default those that ship.")
]


def recipe_named(name: str, smoke: bool) -> "Recipe":
    """Return a recipe from the checkout's `recipes/`; exits with a line if run elsewhere."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        from recipes.toybox import RECIPES
    except ModuleNotFoundError:
        sys.exit("training: run this from the root of a checkout, where recipes/ is")
    if name not in RECIPES:
        sys.exit(f"training: --recipe {name}: there are {', '.join(RECIPES)}")
    return RECIPES["smoke" if smoke else name]()


def first_tensors(stage: str, start: Path | None, scratch: bool) -> dict[str, torch.Tensor]:
    """Return what a stage starts from: a file's tensors, those that ship, or none."""
    if scratch:
        return {}
    return load_tensors(start)[0] if start is not None else shipped(stage)


def device() -> str:
    """Return the device that trains: the first GPU where there is one."""
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
        return "cuda"
    return "cpu"


def stage_theatre(recipe: "Recipe", atlas: Path | None) -> "Theatre":
    """Build the theatre of a recipe."""
    from vitascope.training.toytheatre.atlas import find_atlas, load_atlas
    from vitascope.training.toytheatre.render import Theatre

    sprites = load_atlas(atlas or find_atlas())
    if missing := [name for name in recipe.world.subjects if name not in sprites.ids]:
        build = "python -m vitascope.training.toytheatre.atlas"
        sys.exit(
            f"training: --atlas: it lacks {missing[0]} and {len(missing) - 1} others; build the full one: {build}"
        )
    return Theatre(sprites, recipe.shape, device=device(), variants=recipe.variants)


def trained_vae(recipe: "Recipe", weights: Path | None) -> "VideoVAE":
    """Load the trained autoencoder, or the one that ships, ready to encode."""
    from vitascope.nn.video_vae import VideoVAE

    vae = VideoVAE(recipe.vae)
    missing = load_matching(vae, shipped("vae") if weights is None else load_tensors(weights)[0])
    if missing and not (weights is None and recipe.name == "smoke"):
        sys.exit(
            f"training: --vae {weights}: not the autoencoder of recipe {recipe.name} ({missing[0]} is missing)"
        )
    return vae.to(device()).eval()


@app.command()
def vae(
    minutes: Minutes, out: Out, smoke: Smoke = False, recipe: RecipeName = "small", atlas: Atlas = None,
    start: Start = None, from_scratch: Scratch = False, clips: Clips = None,
    decoder_only: Annotated[bool, typer.Option(help="Leave the encoder, and so all latents, as they are.")] = False,
    redrawn: Annotated[
        Path | None, typer.Option(help="Folder that `redraw` filled, for every other step of a decoder alone.")
    ] = None,
) -> None:  # fmt: skip
    """Train the video autoencoder on theatre clips and dead leaves."""
    from vitascope.training.clips import ClipPool, leaves_source
    from vitascope.training.redrawn import load_redrawn
    from vitascope.training.rendered import render_takes, shard_source
    from vitascope.training.vae import train

    plan = recipe_named(recipe, smoke)
    theatre, rng = stage_theatre(plan, atlas), np.random.default_rng(1)

    def live(rng: np.random.Generator, count: int) -> torch.Tensor:
        return render_takes(theatre, plan.world, rng, count).frames

    stage = live if clips is None else shard_source(clips)
    leaves = leaves_source(plan.shape.num_frames, plan.shape.height)
    pool = ClipPool({stage: 0.95, leaves: 0.05}, plan.vae_training.pool, rng)
    test = live(np.random.default_rng(2), 4 if smoke else 24).transpose(1, 2).float() / 255
    loop = LoopConfig(minutes=minutes, max_steps=4 if smoke else None)
    first = first_tensors("vae", start, from_scratch or smoke)
    training = plan.vae_training
    if decoder_only:
        training = replace(training, decoder_only=True, noise=0.02, ema=0.99)
    again = load_redrawn(redrawn) if redrawn else []
    print(train(plan.vae, training, loop, pool, test, out, first, device(), again))


@app.command()
def clips(
    out: Out, smoke: Smoke = False, recipe: RecipeName = "small", atlas: Atlas = None, seed: int = 0,
    per_shard: int = 256,
) -> None:  # fmt: skip
    """Render clips to disk, for `vae`, `latents` and `judge` to share on a machine without a GPU."""
    from vitascope.training.rendered import render_shards

    plan = recipe_named(recipe, smoke)
    render_shards(stage_theatre(plan, atlas), plan.world, out, plan.shards, 32 if smoke else per_shard, seed)


@app.command()
def latents(
    out: Out, vae: Weights, clips: Annotated[Path, typer.Option(help="Folder that `clips` filled.")],
    smoke: Smoke = False, recipe: RecipeName = "small",
) -> None:  # fmt: skip
    """Encode rendered clips for `dit`, for a machine that cannot render and train at once."""
    from vitascope.training.latents import encode_shards

    encode_shards(trained_vae(recipe_named(recipe, smoke), vae), clips, out, device())


@app.command()
def takes(
    out: Out, vae: OptionalWeights = None, smoke: Smoke = False, recipe: RecipeName = "small", seed: int = 0,
    shards: Annotated[int, typer.Option(help="How many shards of 128 clips.")] = 64,
    unseen: Annotated[bool, typer.Option(help="Show the pages that are never trained, and only those.")] = False,
    pages: Annotated[int, typer.Option(help="Pages of the memory that a shard shows, some dyed or mirrored.")] = 96,
    pairs: Annotated[bool, typer.Option(help="Make edits: every take as it was before, and after one change.")] = False,
) -> None:  # fmt: skip
    """Render takes of an open cast and encode them, for `field` and `dit`, which may learn from them meanwhile."""
    from vitascope.toybox.cast.pages import Cast
    from vitascope.training.latents import encode, join, save_shard
    from vitascope.training.pages import cast_atlas, varied
    from vitascope.training.rendered import LOT, render_open, render_open_pairs
    from vitascope.training.toytheatre.render import Theatre

    plan, cast = recipe_named(recipe, smoke), Cast.load()
    names = [entry.id for entry in cast if entry.held_out == unseen]
    net, theatre, kind = trained_vae(plan, vae), None, "pair" if pairs else "unseen" if unseen else "take"
    for number in range(1 if smoke else shards):
        path = out / f"{kind}-{number:04d}.safetensors"
        if path.exists():
            continue
        rng = np.random.default_rng((seed, unseen + 2 * pairs, number))
        chosen = rng.choice(names, min(len(names), 4 if smoke else pages), replace=False).tolist()
        atlas = cast_atlas(cast, chosen)
        atlas = atlas if unseen else varied(atlas, rng)
        if theatre is None:
            theatre = Theatre(atlas, plan.shape, device=device(), variants=plan.variants)
        theatre.recast(atlas)
        lots = []
        for _ in range(1 if smoke else 8):
            if pairs:
                called = {entry.id: entry.name for entry in cast}
                lot = render_open_pairs(theatre, plan.world, rng, LOT, called)
            else:
                lot = render_open(theatre, plan.world, rng, LOT)
            lots += [encode(net, lot.part(at, at + LOT // 2)) for at in (0, LOT // 2)]
        save_shard(path, join(lots))
        print(f"made {path.name}", flush=True)


@app.command()
def field(
    minutes: Minutes, out: Out, shards: Annotated[Path, typer.Option(help="Folder that `takes` fills.")],
    vae: OptionalWeights = None, smoke: Smoke = False, recipe: RecipeName = "small", start: Start = None,
    rate: float = 8e-4,
) -> None:  # fmt: skip
    """Train what the field draws of sets and pages, before the transformer."""
    from vitascope.training.dit import Words, channel_weights, train_field
    from vitascope.training.words import embedding_table, tokenizer

    plan = recipe_named(recipe, smoke)
    net, pools = trained_vae(plan, vae), folder_pools(shards, None if vae else shipped_norm(), plan)
    words = Words(tokenizer(), plan.text.max_words, replace(plan.dit_training, fps=plan.shape.fps))
    loop = LoopConfig(minutes=minutes, max_steps=4 if smoke else None, decay=0.3)
    first, weights = first_tensors("dit", start, smoke), channel_weights(net, pools["take"].std)
    configs = plan.dit, plan.text, embedding_table(), words
    print(train_field(*configs, rate, loop, pools, weights, out, first, device()))


def shipped_norm() -> "tuple[torch.Tensor, torch.Tensor]":
    """Return mean and standard deviation of the latents as the weights that ship know them."""
    from vitascope.weights.folder import WeightsFolder

    manifest = WeightsFolder.shipped().manifest
    return torch.tensor(manifest.latent_mean), torch.tensor(manifest.latent_std)


def folder_pools(
    folder: Path, norm: "tuple[torch.Tensor, torch.Tensor] | None", plan: "Recipe"
) -> "dict[str, LatentPool]":
    """Load the shards that `takes` made, by kind, in pools that take in what is made later."""
    from vitascope.training.latents import ShardFolder

    pools: dict[str, LatentPool] = {}
    for kind in ("take", "pair", "unseen"):
        pool = ShardFolder(folder, kind, plan.world).pool(
            device(), pools["take"].norm if "take" in pools else norm
        )
        if pool is not None:
            pools[kind] = pool
    if "take" not in pools:
        sys.exit(
            f"training: --shards {folder}: it holds no takes; make some: python -m vitascope.training takes"
        )
    return pools


@app.command()
def dit(
    minutes: Minutes, out: Out, shards: Annotated[Path, typer.Option(help="Folder that `takes` or `latents` filled.")],
    vae: OptionalWeights = None, smoke: Smoke = False, recipe: RecipeName = "small", start: Start = None,
    from_scratch: Scratch = False,
    clips_from: Annotated[
        float | None, typer.Option(help="Share of the time that goes to single frames first; by default the recipe's.")
    ] = None,
    tune: Annotated[
        float, typer.Option(help="Only fit the transformer to a field that is trained already, at this rate.")
    ] = 0.0,
) -> None:  # fmt: skip
    """Train the diffusion transformer with its text encoder."""
    from vitascope.training.dit import channel_weights, train
    from vitascope.training.words import embedding_table, tokenizer

    plan = recipe_named(recipe, smoke)
    net, norm = trained_vae(plan, vae), None if vae else shipped_norm()
    pools = folder_pools(shards, norm, plan)
    training = replace(plan.dit_training, fps=plan.shape.fps)
    if clips_from is not None:
        training = replace(training, clips_from=clips_from)
    if tune:
        training = replace(
            training,
            tune=tune,
            field_until=0,
            field_share=0,
            clips_from=0,
            clip_batch=8,
            frame_batch=32,
            ema=0.98,
        )
    loop = LoopConfig(minutes=minutes, max_steps=8 if smoke else None)
    first, weights = (
        first_tensors("dit", start, from_scratch or smoke),
        channel_weights(net, pools["take"].std),
    )
    words = embedding_table(), tokenizer()
    print(train(plan.dit, plan.text, *words, training, loop, pools, weights, out, first, device()))


@app.command()
def distil(
    minutes: Minutes, out: Out, vae: Weights,
    teacher: Annotated[Path, typer.Option(help="The trained transformer's weights.")],
    shards: Annotated[Path, typer.Option(help="Folder that `takes` or `latents` filled.")],
    smoke: Smoke = False, recipe: RecipeName = "small",
) -> None:  # fmt: skip
    """Train the adapter with which the transformer needs few steps and no guidance."""
    from vitascope.training.distil import DistilTraining, train
    from vitascope.training.dit import Words, channel_weights
    from vitascope.training.words import embedding_table, tokenizer

    plan = recipe_named(recipe, smoke)
    net = trained_vae(plan, vae)
    pools = folder_pools(shards, None, plan)
    words = Words(tokenizer(), plan.text.max_words, replace(plan.dit_training, fps=plan.shape.fps))
    loop = LoopConfig(minutes=minutes, max_steps=4 if smoke else None)
    weights = channel_weights(net, pools["take"].std)
    numbers, _ = load_tensors(teacher)
    numbers = {name: tensor for name, tensor in numbers.items() if not name.startswith("latent_")}
    config, table = DistilTraining(), embedding_table()
    print(train(plan.dit, plan.text, table, words, config, loop, pools, weights, numbers, out, device()))


@app.command()
def redraw(
    out: Out, dit: Annotated[Path, typer.Option(help="The trained transformer's weights.")],
    vae: OptionalWeights = None,
    shards: Annotated[int, typer.Option(help="How many shards of sixteen clips.")] = 24,
    smoke: Smoke = False, recipe: RecipeName = "small", seed: int = 0,
    unseen: Annotated[bool, typer.Option(help="Show the pages that are never trained, and only those.")] = False,
) -> None:  # fmt: skip
    """Let the trained networks draw takes of the theatre again, which `upscaler` and `vae --redrawn` learn from."""
    from vitascope.nn.upscaler import SCALE
    from vitascope.toybox.cast.pages import Cast
    from vitascope.training.dit import Generator, Words
    from vitascope.training.pages import cast_atlas
    from vitascope.training.redrawn import Draughtsman, Drawing, draw_shards
    from vitascope.training.toytheatre.render import Theatre
    from vitascope.training.words import embedding_table, tokenizer

    plan, cast = recipe_named(recipe, smoke), Cast.load()
    numbers, _ = load_tensors(dit)
    net = Generator(plan.dit, plan.text, embedding_table()).eval()
    if missing := load_matching(net, numbers):
        sys.exit(
            f"training: --dit {dit}: not the transformer of recipe {plan.name} ({missing[0]} is missing)"
        )
    names = [entry.id for entry in cast if entry.held_out == unseen]
    atlas = cast_atlas(cast, names[:1])
    large = replace(plan.shape, height=SCALE * plan.shape.height, width=SCALE * plan.shape.width)
    theatres = (
        Theatre(atlas, plan.shape, variants=plan.variants),
        Theatre(atlas, large, variants=plan.variants),
    )
    words = Words(tokenizer(), plan.text.max_words, replace(plan.dit_training, fps=plan.shape.fps))
    norm = numbers["latent_mean"], numbers["latent_std"]
    maker = Draughtsman(
        theatres, plan.world, trained_vae(plan, vae), net, norm, words, Drawing(), cast, names
    )
    draw_shards(maker, out, 1 if smoke else shards, seed, "unseen" if unseen else "redrawn")


@app.command()
def upscaler(
    minutes: Minutes, out: Out,
    redrawn: Annotated[Path, typer.Option(help="Folder that `redraw` filled, with and without --unseen.")],
    vae: OptionalWeights = None,
    smoke: Smoke = False, recipe: RecipeName = "small", start: Start = None, from_scratch: Scratch = False,
) -> None:  # fmt: skip
    """Train the upscaler, which makes pictures twice as large."""
    from vitascope.training.redrawn import load_redrawn
    from vitascope.training.upscaler import decoded, leaves, train

    plan = recipe_named(recipe, smoke)
    net, config = trained_vae(plan, vae), plan.upscaler_training
    pool = [decoded(net, lot, config.returned) for lot in load_redrawn(redrawn)]
    (test,) = [decoded(net, lot, 0) for lot in load_redrawn(redrawn, "unseen")[:1]]
    other = leaves(net, np.random.default_rng(2), 4 if smoke else 96, plan.shape.height)
    loop = LoopConfig(minutes=minutes, max_steps=8 if smoke else None)
    first = first_tensors("upscaler", start, from_scratch or smoke)
    print(train(plan.upscaler, config, loop, pool, other, test, out, first))


@app.command()
def judge(
    minutes: Minutes, out: Out, smoke: Smoke = False, recipe: RecipeName = "small", atlas: Atlas = None
) -> None:
    """Train the judge on rendered clips and their truth."""
    from vitascope.training.judge import train

    plan = recipe_named(recipe, smoke)
    print(train(stage_theatre(plan, atlas), plan.world, minutes, out, smoke))


@app.command()
def export(
    vae: Weights, dit: Annotated[Path, typer.Option(help="The trained transformer's weights.")], out: Out,
    judge: Annotated[Path | None, typer.Option(help="Folder of the trained judge.")] = None,
    adapter: Annotated[Path | None, typer.Option(help="What `distil` trained, for the preset draft.")] = None,
    upscaler: Annotated[Path | None, typer.Option(help="What `upscaler` trained, for clips of twice the size.")] = None,
    smoke: Smoke = False, recipe: RecipeName = "small", steps: int = 24, guidance: float = 3.0, sampler: str = "euler",
    temperature: float = 1.0,
    draft_steps: Annotated[
        int | None, typer.Option(help="Steps of the preset draft, which then has no guidance; 4 with an adapter.")
    ] = None,
    note: Annotated[str, typer.Option(help="One line on the run, for the manifest.")] = "",
) -> None:  # fmt: skip
    """Turn trained weights into the folder that ships."""
    from vitascope.training.export import export_all
    from vitascope.weights.manifest import Defaults, Preset, Stage

    plan = recipe_named(recipe, smoke)
    further = {"adapter": adapter, "upscaler": upscaler}
    files = {"vae": vae, "dit": dit} | {name: path for name, path in further.items() if path}
    facts = {name: load_tensors(path)[1] for name, path in files.items()}
    lineage = tuple(
        Stage(name, round(fact["minutes"], 1), fact.get("samples", 0), fact.get("results", {}), note)
        for name, fact in facts.items()
    )
    network, shift = "draft" if adapter else "dit", plan.dit_training.shift
    draft = Preset(draft_steps or 4, 1.0, "euler", shift, network, temperature)
    few = {"draft": draft} if adapter or draft_steps else {}
    defaults = Defaults(steps, guidance, sampler, shift, few, temperature)
    export_all(plan, vae, dit, judge, adapter, upscaler, out, lineage, defaults)


if __name__ == "__main__":
    app()
