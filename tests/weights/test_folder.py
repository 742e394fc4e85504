import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vitascope.errors import WeightsError
from vitascope.runtime.export import export
from vitascope.weights.folder import MANIFEST, WeightsFolder, seal
from vitascope.weights.manifest import Manifest, NativeShape, Stage

MANIFEST_OF_A_NET = Manifest(
    name="net",
    version="1",
    native=NativeShape(num_frames=17, height=128, width=128, fps=8.0),
    sizes=((128, 128),),
    latent_mean=(0.0, 0.5),
    latent_std=(1.0, 2.0),
    world={"subjects": ("cat", "dog")},
    max_words=48,
    lineage=(Stage("vae", minutes=10.0, samples=1000, results={"psnr": 31.5}, note="first"),),
)


@pytest.fixture
def folder(tmp_path: Path) -> WeightsFolder:
    torch.manual_seed(0)
    example = {"x": torch.randn(2, 32)}
    export(nn.Linear(32, 32), example, ["x"], ["y"], {"x": {0: "n"}}, tmp_path, "net")
    seal(tmp_path, MANIFEST_OF_A_NET)
    return WeightsFolder(tmp_path)


def change_a_byte(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_a_manifest_comes_back_as_it_was(folder: WeightsFolder):
    manifest = folder.manifest
    assert set(manifest.files) == {"net.onnx", "net.safetensors"}
    assert manifest.native == MANIFEST_OF_A_NET.native
    assert manifest.lineage == MANIFEST_OF_A_NET.lineage
    assert dict(manifest.world) == dict(MANIFEST_OF_A_NET.world)
    assert manifest.sizes == ((128, 128),)
    assert list(folder.checksums()) == ["net.safetensors"]


def test_whole_numbers_may_stand_for_fractions(folder: WeightsFolder):
    text = (folder.path / MANIFEST).read_text()
    (folder.path / MANIFEST).write_text(text.replace('"fps": 8.0', '"fps": 8'))
    assert folder.manifest.native == MANIFEST_OF_A_NET.native


def test_a_whole_folder_gives_networks(folder: WeightsFolder):
    assert folder.network("net")(x=np.zeros((3, 32), np.float32))["y"].shape == (3, 32)


@pytest.mark.parametrize("name", ["net.onnx", "net.safetensors"])
def test_one_wrong_bit_is_noticed(folder: WeightsFolder, name: str):
    folder.network("net")
    change_a_byte(folder.path / name, -1)
    with pytest.raises(
        WeightsError, match=rf"{name} is damaged \(its checksum is wrong\); install vitascope again"
    ):
        folder.network("net")


def test_a_cut_file_is_noticed(folder: WeightsFolder):
    os.truncate(folder.path / "net.safetensors", 100)
    with pytest.raises(WeightsError, match=r"net.safetensors is damaged \(100 bytes instead of"):
        folder.network("net")


@pytest.mark.parametrize("name", ["net.onnx", "net.safetensors", MANIFEST])
def test_a_missing_file_is_named(folder: WeightsFolder, name: str):
    (folder.path / name).unlink()
    with pytest.raises(WeightsError, match=f"{name} is missing; install vitascope again"):
        folder.network("net")


def test_a_network_that_is_not_listed_is_named(folder: WeightsFolder):
    with pytest.raises(WeightsError, match=r"lists no judge\.onnx"):
        folder.network("judge")


@pytest.mark.parametrize("text", ["", "{}", "[]", "{nonsense"])
def test_a_damaged_manifest_is_one_line(folder: WeightsFolder, text: str):
    (folder.path / MANIFEST).write_text(text)
    with pytest.raises(WeightsError, match=r"manifest.json is damaged") as caught:
        _ = folder.manifest
    assert "\n" not in str(caught.value)


def test_a_graph_that_is_none_is_one_line(folder: WeightsFolder):
    (folder.path / "net.onnx").write_bytes(b"no graph")
    seal(folder.path, MANIFEST_OF_A_NET)
    with pytest.raises(WeightsError, match=r"net.onnx cannot be loaded") as caught:
        WeightsFolder(folder.path).network("net")
    assert "\n" not in str(caught.value)
