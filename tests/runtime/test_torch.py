from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vitascope.runtime.torch import TorchNetwork, load_weights
from vitascope.weights.tensors import write_tensors


def test_a_module_is_called_by_names():
    network = TorchNetwork(nn.Bilinear(2, 3, 4), ["a", "b"], ["y"])
    arrays = {"a": np.ones((5, 2), np.float32), "b": np.ones((5, 3), np.float32)}
    assert network(**arrays)["y"].shape == (5, 4)
    with pytest.raises(TypeError, match="also wants b"):
        network(a=arrays["a"])


def test_weights_come_back_as_they_were_stored(tmp_path: Path):
    module = nn.Linear(3, 2)
    write_tensors(
        tmp_path / "w", {"weight": np.full((2, 3), 0.5, np.float16), "bias": np.ones(2, np.float32)}
    )
    load_weights(module, tmp_path / "w")
    assert module.weight.dtype == torch.float32
    assert torch.equal(module(torch.ones(1, 3)), torch.full((1, 2), 2.5))


def test_a_missing_tensor_is_named(tmp_path: Path):
    write_tensors(tmp_path / "w", {"weight": np.zeros((2, 3), np.float16)})
    with pytest.raises(KeyError, match="no tensor bias"):
        load_weights(nn.Linear(3, 2), tmp_path / "w")
