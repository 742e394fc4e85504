"""Stage `export`: trained weights become the folder that ships, one graph and one file of numbers per network."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitascope.nn.dit import ContextEmbedder, Denoiser, DiTConfig
from vitascope.nn.text_encoder import TextEncoder
from vitascope.nn.upscaler import Upscaler
from vitascope.nn.video_vae import Decoder, Encoder, VideoVAE
from vitascope.runtime.export import export
from vitascope.toybox.conditioning.tokenizer import Tokenizer
from vitascope.toybox.layout import SUBJECT_CHANNELS
from vitascope.toybox.motion.trajectory import USUAL_HEIGHT, BlockingLibrary
from vitascope.toybox.scene import Scene, seasons_of, sets_of, times_of
from vitascope.training.checkpoint import load_matching, load_tensors
from vitascope.training.toytheatre.atlas import Atlas
from vitascope.training.toytheatre.render import Theatre
from vitascope.training.toytheatre.take import Role, Take
from vitascope.training.words import embedding_table, tokenizer
from vitascope.weights.folder import seal
from vitascope.weights.manifest import Defaults, Manifest, NativeShape, Stage
from vitascope.weights.tensors import write_tensors

if TYPE_CHECKING:
    from recipes.toybox import Recipe

VOCABULARY = "tokens.txt"


class NormalisedDecoder(nn.Module):
    """The decoder for latents as the transformer makes them: mean 0, standard deviation 1 per channel."""

    mean: Tensor
    std: Tensor

    def __init__(self, decoder: Decoder, mean: Float[Tensor, " c"], std: Float[Tensor, " c"]):
        super().__init__()
        self.decoder = decoder
        self.register_buffer("mean", mean[:, None, None, None])
        self.register_buffer("std", std[:, None, None, None])

    def forward(self, latents: Tensor, deep: Tensor, shallow: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Decode normalised latents; see `Decoder.forward`."""
        return self.decoder(latents * self.std + self.mean, deep, shallow)


class NormalisedEncoder(nn.Module):
    """The encoder for frames in 0..1 to latents of mean 0 and standard deviation 1 per channel."""

    mean: Tensor
    std: Tensor

    def __init__(self, encoder: Encoder, mean: Float[Tensor, " c"], std: Float[Tensor, " c"]):
        super().__init__()
        self.encoder = encoder
        self.register_buffer("mean", mean[:, None, None, None])
        self.register_buffer("std", std[:, None, None, None])

    def forward(self, frames: Tensor) -> Tensor:
        """Encode frames; see `Encoder.forward`."""
        return (self.encoder(frames) - self.mean) / self.std


def export_all(
    recipe: "Recipe",
    vae: Path,
    dit: Path,
    judge: Path | None,
    adapter: Path | None,
    upscaler: Path | None,
    out: Path,
    lineage: tuple[Stage, ...],
    defaults: Defaults,
) -> Manifest:
    """Write graphs, numbers, vocabulary and manifest of a model to the folder `out`, emptied first.

    `judge` is the folder of a trained judge, whose `judge.*` files are taken as they are; `adapter` is what `distil`
    trained, and becomes the network "draft"; with an `upscaler` the model makes clips of twice its size too. Matrices
    and convolutions are stored as int8 rows (which costs the autoencoder 0.02 dB). Raises ValueError for weights of
    other networks.
    """
    numbers, _ = load_tensors(dit)
    mean, std = numbers["latent_mean"], numbers["latent_std"]
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    _export_video(recipe, vae, mean, std, out)
    _export_generator(recipe, numbers, out)
    if upscaler:
        _export_upscaler(recipe, upscaler, out)
    _save_vocabulary(out / VOCABULARY)
    if adapter:
        additions = {name: tensor.half().numpy() for name, tensor in load_tensors(adapter)[0].items()}
        write_tensors(out / "draft.safetensors", additions)
    blocking_library(recipe).save(out / "blocking.safetensors")
    for path in sorted(judge.glob("judge.*")) if judge else ():
        shutil.copy(path, out / path.name)
    shape = recipe.shape
    manifest = Manifest(
        name="toybox",
        version=recipe.name,
        native=NativeShape(shape.num_frames, shape.height, shape.width, shape.fps),
        sizes=((shape.width, shape.height),),
        latent_mean=tuple(np.round(mean.numpy().astype(float), 6).tolist()),
        latent_std=tuple(np.round(std.numpy().astype(float), 6).tolist()),
        world={kind: tuple(ids) for kind, ids in recipe.world.to_json().items()},
        max_words=recipe.text.max_words,
        open_cast=True,
        defaults=defaults,
        adapters={"draft": "dit"} if adapter else {},
        lineage=lineage,
    )
    return seal(out, manifest)


def blocking_library(recipe: "Recipe", each: int = 14) -> BlockingLibrary:
    """Return `each` ways in which the theatre lets a square subject of usual height do each action in each set.

    At run time they are shaped for the page that is shown; see `Blocking.shaped`.
    """
    nobody = np.zeros((1, 4, 8, 8), np.uint8)
    nobody[:, 3] = 255
    one = np.ones(1, np.float32)
    atlas = Atlas(("",), (nobody,), one, USUAL_HEIGHT * one, np.ones(1, int), one)
    theatre, rng = Theatre(atlas, recipe.shape, variants=recipe.variants), np.random.default_rng(11)
    world, kinds, which, maps, loops = recipe.world, [], [], [], []
    unmoved = np.broadcast_to(np.eye(3), (recipe.shape.num_frames, 3, 3))
    for place in world.sets:
        scenery = theatre.scenery(place, times_of(place)[0], seasons_of(place)[0], 0)
        for action in (action for action in world.actions if place in sets_of(action)):
            kinds.append(("", action, place))
            for _ in range(each):
                seed = int(rng.integers(2**62))
                role = Role("", action, seed)
                played = theatre.play(Take(Scene("", action, place), seed), role, scenery)
                there = theatre.toy(role, *played, scenery, unmoved).appearance
                which.append(divmod(len(kinds) - 1, 256)[::-1])
                maps.append(there.maps)
                loops.append(np.mod(there.loops, 1.0))
    return BlockingLibrary(tuple(kinds), np.array(which, np.uint8), np.stack(maps), np.stack(loops))


def _loaded(module: nn.Module, tensors: dict[str, Tensor], prefix: str = "") -> nn.Module:
    missing = load_matching(module, tensors, prefix)
    if missing:
        raise ValueError(f"the weights hold no {prefix}{missing[0]} of the right shape")
    return module.eval()


def _export_video(recipe: "Recipe", weights: Path, mean: Tensor, std: Tensor, out: Path) -> None:
    vae = VideoVAE(recipe.vae)
    _loaded(vae, load_tensors(weights)[0])
    latents = torch.randn(2, recipe.vae.latent_channels, 2, 2, 3)
    deep, shallow = vae.decoder.state(latents)
    free = {0: "batch", 3: "rows", 4: "columns"}
    export(
        NormalisedDecoder(vae.decoder, mean, std),
        {"latents": latents, "deep": deep, "shallow": shallow},
        ["latents", "deep", "shallow"],
        ["frames", "deep_out", "shallow_out"],
        {
            "latents": {**free, 2: "groups"},
            "deep": {0: "batch", 2: "rows", 3: "columns"},
            "shallow": {0: "batch", 2: "rows2", 3: "columns2"},
        },
        out,
        "decoder",
        int8=["decoder.*.weight"],
    )
    export(
        NormalisedEncoder(vae.encoder, mean, std),
        {"frames": torch.rand(2, 3, 9, 32, 48)},
        ["frames"],
        ["latents"],
        {"frames": {0: "batch", 2: "frames", 3: "height", 4: "width"}},
        out,
        "encoder",
        int8=["encoder.*.weight"],
    )


def _export_upscaler(recipe: "Recipe", weights: Path, out: Path) -> None:
    export(
        _loaded(Upscaler(recipe.upscaler), load_tensors(weights)[0]),
        {"pictures": torch.rand(2, 3, 16, 24), "pages": torch.rand(2, 4, 32, 48)},
        ["pictures", "pages"],
        ["large"],
        {
            "pictures": {0: "pictures", 2: "height", 3: "width"},
            "pages": {0: "pictures", 2: "height2", 3: "width2"},
        },
        out,
        "upscaler",
        # The layers at the full size are small, and what int8 rows round in them would colour every pixel.
        int8=["stem.weight", "guide.weight", "blocks.*.weight"],
    )


def _export_generator(recipe: "Recipe", numbers: dict[str, Tensor], out: Path) -> None:
    text = _loaded(TextEncoder(recipe.text, embedding_table()), numbers, "text.")
    ids, mask = (
        torch.randint(3, 100, (2, recipe.text.max_words)),
        torch.ones(2, recipe.text.max_words, dtype=torch.bool),
    )
    words = {0: "batch"}
    export(
        text, {"ids": ids, "mask": mask}, ["ids", "mask"], ["states", "pooled"], {"ids": words, "mask": words}, out,
        "text_encoder", int8=["table", "blocks.*.weight"],
    )  # fmt: skip
    export_transformer(recipe.dit, recipe.text.max_words, numbers, out)


def export_transformer(config: DiTConfig, max_words: int, numbers: dict[str, Tensor], out: Path) -> None:
    """Write the transformer as two networks: what is told before the first step, and the step."""
    tokens, both, first = 10, {0: "batch", 1: "tokens"}, {0: "batch"}
    places = {"positions": torch.randn(tokens, 3)}
    told = {
        "base": torch.randn(2, tokens, config.dim),
        "view": torch.randn(2, tokens, config.modulation),
        "field": torch.randn(2, tokens, config.latent_channels),
    }
    inputs = {
        "channels": torch.randn(2, tokens, config.channels),
        "subjects": torch.randn(2, tokens, 2, SUBJECT_CHANNELS),
        "pages": torch.rand(2, 2, 4, config.phases, config.page, config.page),
        **places,
        "pooled": torch.randn(2, config.text_dim),
    }
    axes = {
        "channels": both,
        "subjects": both | {2: "slots"},
        "pages": first | {1: "slots"},
        "positions": {0: "tokens"},
        "pooled": first,
    }
    context = _loaded(ContextEmbedder(config), numbers, "dit.context.")
    export(context, inputs, list(inputs), list(told), axes, out, "briefing", int8=["*.weight"])
    inputs = {"video": torch.randn(2, tokens, config.latent_channels), "levels": torch.rand(2, tokens)}
    inputs |= told | places | {"states": torch.randn(2, max_words, config.text_dim)}
    inputs |= {"mask": torch.ones(2, max_words, dtype=torch.bool)}
    axes = dict.fromkeys(("video", "levels", *told), both) | {"positions": {0: "tokens"}}
    axes |= {"states": first, "mask": first}
    denoiser = _loaded(Denoiser(config), numbers, "dit.denoiser.")
    export(
        denoiser,
        inputs,
        list(inputs),
        ["clean"],
        axes,
        out,
        "dit",
        int8=["blocks.*.weight", "modulate.weight"],
    )


def _save_vocabulary(path: Path) -> None:
    vocabulary = tokenizer().get_vocab()
    Tokenizer(sorted(vocabulary, key=vocabulary.__getitem__)).save(path)
