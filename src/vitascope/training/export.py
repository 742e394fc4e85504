"""Stage `export`: trained weights become the folder that ships, one graph and one file of numbers per network."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitascope.nn.dit import Briefing, DiTConfig, Steps
from vitascope.nn.text_encoder import TextEncoder
from vitascope.nn.upscaler import Upscaler
from vitascope.nn.video_vae import TIME_STRIDE, Decoder, Encoder, VideoVAE
from vitascope.runtime.export import export
from vitascope.toybox.conditioning.tokenizer import Tokenizer
from vitascope.toybox.motion.trajectory import BlockingLibrary, through_camera
from vitascope.training.checkpoint import load_matching, load_tensors
from vitascope.training.latents import join, load_shard
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
    shards: Path | None,
    out: Path,
    lineage: tuple[Stage, ...],
    defaults: Defaults,
) -> Manifest:
    """Write graphs, numbers, vocabulary and manifest of a model to the folder `out`, emptied first.

    `judge` is the folder of a trained judge, whose `judge.*` files are taken as they are; `adapter` is what `distil`
    trained, and becomes the network "draft"; with an `upscaler` the model makes clips of twice its size too; `shards`
    is the folder of encoded clips whose toys' ways are taken over. Matrices and convolutions are stored as int8 rows
    (which costs the autoencoder 0.02 dB). Raises ValueError for weights of other networks.
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
    if shards:
        blocking_library(shards, recipe.shape.width / recipe.shape.height).save(out / "blocking.safetensors")
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
        defaults=defaults,
        adapters={"draft": "dit"} if adapter else {},
        lineage=lineage,
    )
    return seal(out, manifest)


def blocking_library(shards: Path, aspect: float, most: int = 1400) -> BlockingLibrary:
    """Return the ways of the toys of at most so many encoded takes, free of the camera that filmed them."""
    clips = join([load_shard(path) for path in sorted(shards.glob("take-*.safetensors"))[: 1 + most // 256]])
    rows = np.flatnonzero(clips.subject.numpy().any((1, 2)))[:most]
    names = [(scene.subject, scene.action, scene.set) for scene in clips.scenes]
    kinds = sorted({names[row] for row in rows})
    place = {name: i for i, name in enumerate(kinds)}
    which = np.array([divmod(place[names[row]], 256)[::-1] for row in rows], np.uint8)
    told, filmed = clips.subject[rows].numpy().astype(float), clips.camera[rows, :, :4].numpy()
    between = told[..., 15:33].reshape(*told.shape[:2], TIME_STRIDE - 1, 6)
    every = np.concatenate([between, told[:, :, None, :6]], axis=2).reshape(len(rows), -1, 2, 3)
    screen = every[:, TIME_STRIDE - 1 :]
    back = [np.linalg.inv(through_camera(_between(path), aspect)) for path in filmed]
    turns = np.cumsum(told[..., 14], axis=1) + np.arctan2(told[:, :1, 13], told[:, :1, 12]) / (2 * np.pi)
    loops = np.stack([_between(turn[:, None])[:, 0] for turn in turns])
    return BlockingLibrary(tuple(kinds), which, screen @ np.stack(back), np.mod(loops, 1.0))


def _between(values: Float[np.ndarray, "latent_frames n"]) -> Float[np.ndarray, "frames n"]:
    """Return the values of every frame, from those of each latent frame's last one."""
    times = np.arange(1 + TIME_STRIDE * (len(values) - 1)) / TIME_STRIDE
    return np.stack([np.interp(times, np.arange(len(values)), column) for column in values.T], axis=1)


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
        {"pictures": torch.rand(2, 3, 16, 24)},
        ["pictures"],
        ["large"],
        {"pictures": {0: "pictures", 2: "height", 3: "width"}},
        out,
        "upscaler",
        int8=["*.weight"],
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
    channels = {"channels": torch.randn(2, tokens, config.channels)}
    inputs = channels | places | {"pooled": torch.randn(2, config.text_dim)}
    axes = {"channels": both, "positions": {0: "tokens"}, "pooled": first}
    briefing = _loaded(Briefing(config), numbers, "dit.briefing.")
    export(
        briefing,
        inputs,
        list(inputs),
        list(told),
        axes,
        out,
        "briefing",
        int8=["*.weight", "textures.planes"],
    )
    inputs = {"video": torch.randn(2, tokens, config.latent_channels), "levels": torch.rand(2, tokens)}
    inputs |= told | places | {"states": torch.randn(2, max_words, config.text_dim)}
    inputs |= {"mask": torch.ones(2, max_words, dtype=torch.bool)}
    axes = dict.fromkeys(("video", "levels", *told), both) | {"positions": {0: "tokens"}}
    axes |= {"states": first, "mask": first}
    steps = _loaded(Steps(config), numbers, "dit.steps.")
    export(
        steps, inputs, list(inputs), ["clean"], axes, out, "dit", int8=["blocks.*.weight", "modulate.weight"]
    )


def _save_vocabulary(path: Path) -> None:
    vocabulary = tokenizer().get_vocab()
    Tokenizer(sorted(vocabulary, key=vocabulary.__getitem__)).save(path)
