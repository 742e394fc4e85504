from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vitascope.runtime.export import export
from vitascope.runtime.onnx import OnnxNetwork, usable_cores


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(256, 512), nn.SiLU(), nn.Linear(512, 256))
    example = {"x": torch.randn(2, 256)}
    return export(module, example, ["x"], ["y"], {"x": {0: "n"}}, tmp_path_factory.mktemp("net"), "net").graph


def test_the_same_inputs_give_the_same_bytes_with_any_number_of_threads(graph: Path):
    x = np.random.default_rng(0).standard_normal((300, 256)).astype(np.float32)
    first = OnnxNetwork(graph)(x=x)["y"]
    assert first.shape == (300, 256)
    for threads in (None, 1, 2):
        network = OnnxNetwork(graph, threads)
        assert all(np.array_equal(network(x=x)["y"], first) for _ in range(3))


def test_wrong_names_are_named(graph: Path):
    network = OnnxNetwork(graph)
    x = np.zeros((1, 256), np.float32)
    with pytest.raises(TypeError, match="also wants x"):
        network()
    with pytest.raises(TypeError, match="knows no z; it wants x"):
        network(x=x, z=x)


def test_at_least_one_core_is_usable():
    assert usable_cores() >= 1
