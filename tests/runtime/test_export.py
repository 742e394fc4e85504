"""Every network of ours, tiny, in both runtimes: the same numbers, the same answers, at sizes tracing never saw."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from vitascope.nn.dit import DiT, DiTConfig
from vitascope.nn.text_encoder import TextEncoder, TextEncoderConfig
from vitascope.nn.video_vae import Decoder, Encoder, VideoVAEConfig
from vitascope.runtime.export import Exported, difference, export, store
from vitascope.runtime.onnx import OnnxNetwork
from vitascope.weights.tensors import read_tensors

VAE = VideoVAEConfig(latent_channels=6, encoder_widths=(8, 12, 16), decoder_widths=(8, 12, 16))
CLIP = {0: "batch", 2: "frames", 3: "height", 4: "width"}
PARITY = 1e-4
"""Largest difference allowed between the runtimes, where outputs are of order one."""


def awake(module: nn.Module) -> nn.Module:
    """Give every weight a value, since layers that start at zero would hide a mistake."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.1)
    return module.eval()


def context_inputs(batch: int, tokens: int, slots: int) -> dict[str, Tensor]:
    return {
        "channels": torch.randn(batch, tokens, 15),
        "subjects": torch.randn(batch, tokens, slots, 34),
        "pages": torch.rand(batch, slots, 4, 2, 8, 8),
        "positions": torch.randn(tokens, 3),
        "pooled": torch.randn(batch, 16),
    }


def step_inputs(batch: int, tokens: int, words: int) -> dict[str, Tensor]:
    return {
        "video": torch.randn(batch, tokens, 6),
        "levels": torch.rand(batch, tokens),
        "base": torch.randn(batch, tokens, 32),
        "view": torch.randn(batch, tokens, 16),
        "field": torch.randn(batch, tokens, 6),
        "positions": torch.randn(tokens, 3),
        "states": torch.randn(batch, words, 16),
        "mask": torch.arange(words).expand(batch, words) < words - 2,
    }


def text_inputs(batch: int, words: int) -> dict[str, Tensor]:
    ids = torch.randint(0, 300, (batch, words))
    return {"ids": ids, "mask": torch.arange(words).expand(batch, words) < words - 1}


def decoder_inputs(batch: int, groups: int, height: int, width: int) -> dict[str, Tensor]:
    latents = torch.randn(batch, 6, groups, height, width)
    deep, shallow = Decoder(VAE).state(latents)
    return {"latents": latents, "deep": torch.randn_like(deep), "shallow": torch.randn_like(shallow)}


def test_the_transformer_is_the_same_in_both_runtimes(tmp_path: Path):
    config = DiTConfig(
        latent_channels=6,
        channels=15,
        page=8,
        phases=2,
        dim=32,
        heads=2,
        depth=2,
        text_dim=16,
        hidden=48,
        modulation=16,
        axes=(2, 3, 3),
    )
    whole = awake(DiT(config))
    assert isinstance(whole, DiT)
    steps = whole.denoiser
    tokens, words = {0: "batch", 1: "tokens"}, {0: "batch", 1: "words"}
    told, both = (
        ["base", "view", "field"],
        {
            "channels": tokens,
            "subjects": tokens | {2: "slots"},
            "pages": {0: "batch", 1: "slots"},
            "positions": {0: "tokens"},
            "pooled": {0: "batch"},
        },
    )
    given = context_inputs(2, 12, 2)
    context = export(whole.context, given, list(given), told, both, tmp_path, "briefing")
    for batch, count, slots in ((1, 20, 1), (3, 8, 3)):
        apart = difference(whole.context, context, context_inputs(batch, count, slots))
        assert max(apart.values()) < PARITY
    axes = dict.fromkeys(("video", "levels", *told), tokens) | {"states": words, "mask": words}
    given = step_inputs(2, 12, 5)
    exported = export(
        steps, given, list(given), ["clean"], axes | {"positions": {0: "tokens"}}, tmp_path, "dit"
    )
    assert difference(steps, exported, step_inputs(1, 20, 7))["clean"] < PARITY
    assert difference(steps, exported, step_inputs(3, 8, 3))["clean"] < PARITY


def test_the_text_encoder_is_the_same_in_both_runtimes(tmp_path: Path):
    config = TextEncoderConfig(vocabulary=300, table_dim=8, dim=16, heads=2, depth=1, max_words=9)
    module, words = awake(TextEncoder(config, torch.randn(300, 8))), {0: "batch", 1: "words"}
    given = text_inputs(2, 5)
    outputs = ["states", "pooled"]
    exported = export(
        module, given, list(given), outputs, {"ids": words, "mask": words}, tmp_path, "text", int8=["table"]
    )
    assert max(difference(module, exported, text_inputs(1, 9)).values()) < PARITY
    table = next(each for each in onnx.load(exported.graph).graph.initializer if each.name == "table")
    assert table.data_type == onnx.TensorProto.INT8


def test_the_decoder_is_the_same_in_both_runtimes(tmp_path: Path):
    module, given = awake(Decoder(VAE)), decoder_inputs(2, 3, 4, 5)
    state = {0: "batch", 2: "height", 3: "width"}
    axes = {"latents": CLIP, "deep": state, "shallow": {0: "batch", 2: "twice height", 3: "twice width"}}
    outputs = ["frames", "deep_out", "shallow_out"]
    exported = export(module, given, list(given), outputs, axes, tmp_path, "decoder")
    assert max(difference(module, exported, decoder_inputs(1, 1, 2, 3)).values()) < PARITY


def test_the_encoder_is_the_same_in_both_runtimes(tmp_path: Path):
    module, given = awake(Encoder(VAE)), {"frames": torch.rand(2, 3, 5, 32, 48)}
    exported = export(module, given, ["frames"], ["latents"], {"frames": CLIP}, tmp_path, "encoder")
    assert difference(module, exported, {"frames": torch.rand(1, 3, 9, 48, 32)})["latents"] < PARITY


@pytest.mark.parametrize("affine", [True, False])
def test_torchs_own_rms_norm_is_the_same_in_both_runtimes(tmp_path: Path, affine: bool):
    module = awake(nn.Sequential(nn.Linear(8, 24), nn.RMSNorm(24, eps=1e-5, elementwise_affine=affine)))
    exported = export(module, {"x": torch.randn(2, 8)}, ["x"], ["y"], {"x": {0: "n"}}, tmp_path, "norm")
    assert difference(module, exported, {"x": torch.randn(5, 8)})["y"] < PARITY


@pytest.fixture
def layers() -> nn.Module:
    return awake(nn.Sequential(nn.Linear(64, 96), nn.SiLU(), nn.Linear(96, 40, bias=False)))


def export_layers(module: nn.Module, folder: Path, **how: object) -> Exported:
    return export(
        module, {"x": torch.randn(2, 5, 64)}, ["x"], ["y"], {"x": {0: "batch", 1: "n"}}, folder, "net", **how
    )  # pyright: ignore[reportArgumentType]


def test_the_numbers_are_stored_once_and_outside_the_graph(layers: nn.Module, tmp_path: Path):
    exported = export_layers(layers, tmp_path)
    assert exported.graph.stat().st_size < 4096
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx", "net.safetensors"]
    assert set(read_tensors(exported.numbers)) == set(layers.state_dict())
    numbers = sum(
        2 * value.numel() if value.ndim > 1 else 4 * value.numel() for value in layers.state_dict().values()
    )
    assert numbers < exported.numbers.stat().st_size < numbers + 512


def test_exporting_twice_gives_the_same_bytes(layers: nn.Module, tmp_path: Path):
    first, second = export_layers(layers, tmp_path / "a"), export_layers(layers, tmp_path / "b")
    assert first.graph.read_bytes() == second.graph.read_bytes()
    assert first.numbers.read_bytes() == second.numbers.read_bytes()


def test_int8_rows_are_stored_only_or_multiplied_too(layers: nn.Module, tmp_path: Path):
    stored = export_layers(layers, tmp_path / "stored", int8=["*.weight"])
    assert difference(layers, stored, {"x": torch.randn(1, 3, 64)})["y"] < PARITY
    x = torch.randn(4, 9, 64)
    exact = layers(x).detach().numpy()
    for how in ({}, {"integer_products": True}):
        exported = export_layers(layers, tmp_path / str(len(how)), int8=["*.weight"], **how)
        error = OnnxNetwork(exported.graph)(x=x.numpy())["y"] - exact
        assert 0 < np.abs(error).max() < 0.03 * np.abs(exact).max()
    operations = {node.op_type for node in onnx.load(tmp_path / "1" / "net.onnx").graph.node}
    assert "MatMulInteger" in operations
    assert "MatMul" not in operations


def test_an_axis_of_one_cannot_be_exported_as_free(layers: nn.Module, tmp_path: Path):
    with pytest.raises(ValueError, match="axis 0 of the example input x"):
        export(layers, {"x": torch.randn(1, 64)}, ["x"], ["y"], {"x": {0: "batch"}}, tmp_path, "net")


def test_numbers_beyond_float16_are_refused():
    with pytest.raises(ValueError, match="big does not fit"):
        store({"big": np.full((4, 4), 1e6, np.float32)})
