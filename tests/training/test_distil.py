from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vitascope.nn.dit import Denoiser, DiTConfig
from vitascope.runtime.export import export
from vitascope.runtime.onnx import OnnxNetwork
from vitascope.training.distil import adapt, leading, stepped
from vitascope.weights.tensors import adapted, write_tensors

TINY = DiTConfig(
    latent_channels=6, channels=30, dim=32, heads=2, depth=2, text_dim=16, hidden=48, modulation=16, axes=(2, 3, 3)
)  # fmt: skip


def awake(module: nn.Module) -> nn.Module:
    """Give a network's silent layers something to say."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.2)
    return module.eval()


def test_the_step_that_leads_there_arrives_there():
    torch.manual_seed(0)
    noisy, arrived = torch.randn(2, 2, 5, 3)
    start = torch.tensor([[0.9, 0.9, 0.9, 0.9, 0.9], [0.5, 0.5, 0.5, 0.5, 0.5]])
    end = start * torch.tensor([[0.6], [0.0]])
    clean = leading(noisy, arrived, start, end)
    torch.testing.assert_close(stepped(noisy, clean, start, end), arrived)


def test_given_tokens_stay_in_a_step():
    noisy, clean = torch.zeros(1, 2, 3), torch.ones(1, 2, 3)
    moved = stepped(noisy, clean, torch.tensor([[0.8, 0.0]]), torch.tensor([[0.4, 0.0]]))
    torch.testing.assert_close(moved[0, :, 0], torch.tensor([0.5, 0.0]))


def test_an_adapter_changes_nothing_at_first_and_only_it_learns():
    torch.manual_seed(0)
    net = awake(Denoiser(TINY))
    inputs = example(2, 6)
    before = net(**inputs).detach()
    additions = adapt(net, rank=4)
    torch.testing.assert_close(net(**inputs), before)
    net(**inputs).square().sum().backward()
    learned = {name for name, p in net.named_parameters() if p.grad is not None}
    assert learned == {
        name for name, p in net.named_parameters() if "parametrizations" in name and "original" not in name
    }
    assert "blocks.1.attention.qkv.weight" in additions


def test_the_shipped_graph_with_an_adapter_is_the_adapted_network(tmp_path: Path):
    torch.manual_seed(0)
    net = awake(Denoiser(TINY))
    exported = export(
        net, example(2, 6), list(example(2, 6)), ["clean"],
        {name: {0: "batch"} for name in ("video", "levels", "base", "view", "field", "text", "mask")},
        tmp_path, "dit", int8=["blocks.*.weight"],
    )  # fmt: skip
    plain = OnnxNetwork(exported.graph)
    additions = adapt(net, rank=4)
    for addition in additions.values():
        nn.init.normal_(addition.up, std=0.05)
    thin = {
        f"{name}.{side}": getattr(one, side).detach().half().numpy()
        for name, one in additions.items()
        for side in ("up", "down")
    }
    write_tensors(tmp_path / "draft.safetensors", thin)
    changed = OnnxNetwork(exported.graph, None, adapted(exported.numbers, tmp_path / "draft.safetensors"))
    inputs = example(3, 6)
    arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
    wanted = net(**inputs).detach().numpy()
    near, far = (np.abs(one(**arrays)["clean"] - wanted).mean() for one in (changed, plain))
    assert near < 0.1 * far


def test_an_adapter_of_another_network_is_refused(tmp_path: Path):
    write_tensors(tmp_path / "base", {"a.weight": np.ones((2, 3), np.float16)})
    write_tensors(
        tmp_path / "other",
        {"b.weight.up": np.ones((2, 1), np.float16), "b.weight.down": np.ones((1, 3), np.float16)},
    )
    with pytest.raises(ValueError, match=r"b\.weight"):
        adapted(tmp_path / "base", tmp_path / "other")


def example(batch: int, tokens: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(batch)
    return {
        "video": torch.randn(batch, tokens, 6),
        "levels": torch.rand(batch, tokens),
        "base": torch.randn(batch, tokens, 32),
        "view": torch.randn(batch, tokens, TINY.modulation),
        "field": torch.randn(batch, tokens, 6),
        "positions": torch.randn(tokens, 3),
        "text": torch.randn(batch, 5, 16),
        "mask": torch.ones(batch, 5, dtype=torch.bool),
    }
