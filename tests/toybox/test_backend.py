from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vitascope.errors import WeightsError
from vitascope.nn.dit import DiT, DiTConfig
from vitascope.nn.text_encoder import TextEncoder, TextEncoderConfig
from vitascope.nn.video_vae import Decoder, VideoVAEConfig
from vitascope.pipeline import generate
from vitascope.progress import Progress
from vitascope.runtime.export import export
from vitascope.toybox.backend import VOCABULARY, Toybox
from vitascope.toybox.conditioning.tokenizer import Tokenizer
from vitascope.toybox.layout import LATENT_CHANNELS
from vitascope.toybox.world import FULL
from vitascope.training.export import export_transformer
from vitascope.types import Shot
from vitascope.weights.folder import WeightsFolder, seal
from vitascope.weights.manifest import Defaults, Manifest, NativeShape, Preset

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
PIECES = ["<unk>", "<s>", "</s>", *BYTES, "▁"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A whole folder of weights: the real networks at toy size with random numbers, exported as they ship."""
    out = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    Tokenizer(PIECES).save(out / VOCABULARY)
    config = TextEncoderConfig(vocabulary=len(PIECES), table_dim=8, dim=16, heads=2, depth=1, max_words=32)
    text = TextEncoder(config, torch.randn(len(PIECES), 8))
    ids, mask = torch.randint(3, 100, (2, 32)), torch.ones(2, 32, dtype=torch.bool)
    free = {0: "batch"}
    sentences = {"ids": ids, "mask": mask}
    export(
        text,
        sentences,
        list(sentences),
        ["states", "pooled"],
        dict.fromkeys(sentences, free),
        out,
        "text_encoder",
    )
    config = DiTConfig(dim=32, heads=2, depth=2, text_dim=16, hidden=32, modulation=16, axes=(2, 3, 3))
    dit = DiT(config)
    torch.nn.init.normal_(dit.denoiser.head.weight, std=0.2)
    numbers = {f"dit.{name}": value for name, value in dit.state_dict().items()}
    export_transformer(config, 32, numbers, out)
    decoder = Decoder(VideoVAEConfig(decoder_widths=(8, 12, 16)))
    torch.nn.init.normal_(decoder.head.weight, std=0.1)
    latents = torch.randn(2, LATENT_CHANNELS, 2, 2, 3)
    deep, shallow = decoder.state(latents)
    grid = {"latents": latents, "deep": deep, "shallow": shallow}
    cells, places = (
        {0: "batch", 2: "groups", 3: "rows", 4: "columns"},
        {0: "batch", 2: "rows2", 3: "columns2"},
    )
    axes = {"latents": cells, "deep": {0: "batch", 2: "rows", 3: "columns"}, "shallow": places}
    export(decoder, grid, list(grid), ["frames", "deep_out", "shallow_out"], axes, out, "decoder")
    manifest = Manifest(
        name="toybox",
        version="test",
        native=NativeShape(num_frames=9, height=32, width=48, fps=8.0),
        sizes=((48, 32),),
        latent_mean=(0.0,) * LATENT_CHANNELS,
        latent_std=(1.0,) * LATENT_CHANNELS,
        world={kind: tuple(labels) for kind, labels in FULL.to_json().items()},
        max_words=32,
        defaults=Defaults(steps=2, guidance_scale=2.0, sampler="ab2"),
    )
    seal(out, manifest)
    return out


@pytest.fixture
def toybox(folder) -> Toybox:
    return Toybox(WeightsFolder(folder), threads=1)


def test_the_card_comes_from_the_manifest(toybox):
    card = toybox.card
    assert (card.sizes, card.num_frames, card.fps, card.steps) == (((48, 32),), 9, 8.0, 2)
    assert card.max_frames == 4801
    assert toybox.world == FULL


def test_words_become_the_same_clip_each_time(toybox, folder):
    shot = Shot(prompt="a cat walks in a garden, zoom in", seed=3)
    clip = generate(shot, toybox, Progress())
    assert clip.frames.shape == (9, 32, 48, 3)
    assert clip.frames.std() > 1
    assert set(clip.record.weights) == {
        f"{name}.safetensors" for name in ("text_encoder", "briefing", "dit", "decoder")
    }
    again = generate(shot, Toybox(WeightsFolder(folder), threads=1), Progress())
    assert (again.frames == clip.frames).all()


def test_a_preset_has_its_own_sampler_and_network(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "dit.onnx").rename(tmp_path / "dit4.onnx")
    manifest = WeightsFolder(folder).manifest
    quick = Preset(steps=1, guidance_scale=1.0, sampler="euler", network="dit4")
    seal(tmp_path, replace(manifest, world=dict(manifest.world), defaults=Defaults(presets={"draft": quick})))
    toybox = Toybox(WeightsFolder(tmp_path), threads=1)
    clip = generate(Shot(prompt="a cat", seed=3, preset="draft"), toybox, Progress())
    assert (clip.record.shot.preset, clip.record.shot.steps) == ("draft", 1)
    assert toybox.model("draft").denoiser.sampler == "euler"
    with pytest.raises(WeightsError, match=r"dit\.onnx"):
        generate(Shot(prompt="a cat", seed=3), toybox, Progress())


def test_a_network_is_opened_once(toybox):
    draft, quality = toybox.model("draft"), toybox.model("quality")
    assert draft.denoiser.model.steps is quality.denoiser.model.steps
    assert draft.decoder.network is quality.decoder.network


def test_words_have_places(toybox):
    places = toybox.embed(["cat", "cat", ""])
    assert places.shape == (3, 8)
    assert np.allclose(places[0], places[1])
    assert np.allclose(np.linalg.norm(places, axis=1), [1, 1, 0], atol=1e-3)


@pytest.mark.parametrize("name", ["manifest.json", "dit.onnx", "decoder.safetensors", VOCABULARY])
@pytest.mark.parametrize("harm", ["missing", "changed", "cut"])
def test_damage_is_one_line_that_names_the_file(folder, tmp_path, name, harm):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    file = tmp_path / name
    data = file.read_bytes()
    match harm:
        case "missing":
            file.unlink()
        case "changed":
            file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        case "cut":
            file.write_bytes(data[: len(data) // 2])
    toybox = Toybox(WeightsFolder(tmp_path), threads=1)
    with pytest.raises(WeightsError) as caught:
        assert toybox.card.id == "toybox"
        generate(Shot(prompt="a cat", seed=3), toybox, Progress())
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
