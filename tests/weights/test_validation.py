import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vitascope.errors import RequestError, WeightsError
from vitascope.weights.validation import checked_file, checked_folder, read_header

INDEX = {
    "_class_name": "WanPipeline",
    "_diffusers_version": "0.42.1",
    "transformer": ["diffusers", "WanTransformer3DModel"],
    "transformer_2": [None, None],
    "text_encoder": ["transformers", "UMT5EncoderModel"],
    "boundary_ratio": None,
    "image_encoder": ["transformers", None],
    "sizes": [[1, 2], [3, 4]],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in the layout of diffusers, with a component in two shards."""
    model = tmp_path / "model"
    write(model / "model_index.json", INDEX)
    for name in ("transformer", "text_encoder"):
        write(model / name / "config.json", {"_class_name": INDEX[name][1], "hidden": 4})
    save_file({"a": np.ones((2, 3), np.float32)}, model / "text_encoder" / "model.safetensors")
    for number in (1, 2):
        save_file(
            {f"w{number}": np.ones(4, np.float16), "b": np.zeros((), np.int64)},
            model / "transformer" / f"w-{number}-of-2.safetensors",
        )
    shards = {"w1": "w-1-of-2.safetensors", "w2": "w-2-of-2.safetensors"}
    write(model / "transformer" / "w.safetensors.index.json", {"metadata": {}, "weight_map": shards})
    return model


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def test_a_safe_folder_says_what_it_holds(folder: Path):
    facts = checked_folder(folder)
    assert (facts.pipeline, facts.modular, facts.elsewhere) == ("WanPipeline", False, ())
    assert facts.components == {
        "transformer": ("diffusers", "WanTransformer3DModel"),
        "text_encoder": ("transformers", "UMT5EncoderModel"),
    }
    assert [file.name for file in facts.files] == [
        "model.safetensors",
        "w-1-of-2.safetensors",
        "w-2-of-2.safetensors",
    ]


def test_a_header_says_kinds_shapes_and_bytes(folder: Path):
    tensors = checked_file(folder / "transformer" / "w-1-of-2.safetensors")
    assert (tensors["w1"].dtype, tensors["w1"].shape, tensors["w1"].size) == ("F16", (4,), 8)
    assert (tensors["b"].shape, tensors["b"].size) == ((), 8)


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "a.pt", "A.CKPT", "text_encoder/x.pth", "deep/er/x.pkl"]
)
def test_a_pickle_is_refused(folder: Path, name: str):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"\x80\x04")
    with pytest.raises(WeightsError, match=rf"{name} is not a safetensors file and could run code"):
        checked_folder(folder)


@pytest.mark.parametrize("name", ["pipeline.py", "transformer/modeling.py", "kernel.so"])
def test_code_is_refused(folder: Path, name: str):
    (folder / name).write_text("raise SystemExit")
    with pytest.raises(WeightsError, match=rf"{name} is code"):
        checked_folder(folder)


@pytest.mark.parametrize(
    "settings",
    [{"auto_map": {"AutoModel": "modeling.X"}}, {"deep": [{"auto_map": ["a"]}]}, {"trust_remote_code": True}],
)
def test_settings_that_ask_for_code_are_refused(folder: Path, settings: dict):
    write(folder / "text_encoder" / "config.json", settings)
    with pytest.raises(WeightsError, match=r"config\.json asks for code of its own"):
        checked_folder(folder)


@pytest.mark.parametrize("name", ["evil/kernel", "kernels-community/x@main", "https://host/x"])
def test_settings_that_ask_for_a_kernel_from_elsewhere_are_refused(folder: Path, name: str):
    write(folder / "text_encoder" / "config.json", {"deep": {"attn_implementation": name}})
    with pytest.raises(WeightsError, match=r"config\.json asks for a kernel from elsewhere"):
        checked_folder(folder)
    write(
        folder / "text_encoder" / "config.json", {"attn_implementation": "sdpa", "_attn_implementation": None}
    )
    checked_folder(folder)


def test_components_of_other_libraries_are_refused(folder: Path):
    write(folder / "model_index.json", {**INDEX, "vae": ["my_own_module", "Vae"]})
    with pytest.raises(WeightsError, match="takes its vae from 'my_own_module'; only classes of diffusers"):
        checked_folder(folder)


def test_components_of_a_pipelines_own_module_are_known(folder: Path):
    write(folder / "model_index.json", {**INDEX, "connectors": ["ltx2", "LTX2TextConnectors"]})
    assert checked_folder(folder).components["connectors"] == ("ltx2", "LTX2TextConnectors")


@pytest.mark.parametrize("name", [["pipeline", "Custom"], None, "../evil", ""])
def test_a_pipeline_with_code_of_its_own_is_refused(folder: Path, name: object):
    write(folder / "model_index.json", {**INDEX, "_class_name": name})
    with pytest.raises(WeightsError, match="names no pipeline of diffusers, or one with code of its own"):
        checked_folder(folder)


def test_a_modular_index_is_read_and_tells_what_lies_elsewhere(folder: Path):
    (folder / "model_index.json").unlink()
    parts = {
        "transformer": ["diffusers", "WanTransformer3DModel", {"pretrained_model_name_or_path": "a/b"}],
        "vae": [
            "diffusers",
            "AutoencoderKLWan",
            {"pretrained_model_name_or_path": "c/d", "subfolder": "vae"},
        ],
    }
    write(folder / "modular_model_index.json", {"_class_name": "WanModularPipeline", **parts})
    facts = checked_folder(folder)
    assert (facts.pipeline, facts.modular, facts.elsewhere) == ("WanModularPipeline", True, ("vae",))


def test_links_out_of_the_folder_are_refused(folder: Path):
    outside = folder.parent / "secret.json"
    outside.write_text("{}")
    (folder / "secret.json").symlink_to(outside)
    with pytest.raises(WeightsError, match=r"secret\.json leads out of its folder"):
        checked_folder(folder)


def test_links_to_folders_are_refused(folder: Path):
    (folder / "again").symlink_to(folder / "transformer", target_is_directory=True)
    with pytest.raises(WeightsError, match="again is a link to a folder"):
        checked_folder(folder)


def test_the_cache_of_a_hub_may_keep_the_bytes_beside_a_snapshot(folder: Path):
    cache = folder.parent / "models--a--b"
    (cache / "snapshots").mkdir(parents=True)
    (cache / "blobs").mkdir()
    snapshot = folder.rename(cache / "snapshots" / "0123")
    numbers = snapshot / "text_encoder" / "model.safetensors"
    numbers.rename(cache / "blobs" / "abc")
    numbers.symlink_to(cache / "blobs" / "abc")
    assert numbers in checked_folder(snapshot).files


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_what_is_no_file_is_refused(folder: Path):
    os.mkfifo(folder / "pipe")
    with pytest.raises(WeightsError, match="pipe is neither a file nor a folder"):
        checked_folder(folder)


@pytest.mark.parametrize(
    "name", ["../../model.safetensors", "/etc/passwd", "sub/w.safetensors", "w.bin", "..\\w"]
)
def test_a_map_of_shards_must_stay_in_its_folder(folder: Path, name: str):
    write(folder / "transformer" / "w.safetensors.index.json", {"weight_map": {"w": name}})
    with pytest.raises(WeightsError, match="which is not a safetensors file beside it"):
        checked_folder(folder)


def test_a_missing_shard_is_named(folder: Path):
    (folder / "transformer" / "w-2-of-2.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"w-2-of-2\.safetensors is missing"):
        checked_folder(folder)


def header(value: object, numbers: bytes = b"") -> bytes:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack("<Q", len(text)) + text + numbers


TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cut off"),
        (struct.pack("<Q", 2**60) + b"{}", "cut off"),
        (header(b"{nonsense"), "damaged"),
        (header([1]), "no JSON object"),
        (header(b"[" * 100_000), "damaged"),
        (header({"a": TENSOR}, b"1234"), "4 bytes of numbers instead of 8"),
        (header({"a": TENSOR}, bytes(9)), "9 bytes of numbers instead of 8"),
        (header({"a": {**TENSOR, "dtype": "F99"}}, bytes(8)), "unknown kind 'F99'"),
        (header({"a": {**TENSOR, "shape": [3]}}, bytes(8)), "does not lie where its shape says"),
        (header({"a": {**TENSOR, "shape": [-2]}}, bytes(8)), "does not lie"),
        (header({"a": TENSOR, "b": TENSOR}, bytes(8)), "does not lie"),
        (header({"a": {"dtype": "F32"}}, bytes(8)), "damaged"),
    ],
)
def test_a_damaged_header_is_one_line(folder: Path, data: bytes, reason: str):
    file = folder / "text_encoder" / "model.safetensors"
    file.write_bytes(data)
    with pytest.raises(WeightsError, match=rf"model\.safetensors is damaged \(.*{reason}|damaged") as caught:
        checked_folder(folder)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_was_cut_is_noticed_by_its_header(folder: Path):
    file = folder / "transformer" / "w-1-of-2.safetensors"
    os.truncate(file, file.stat().st_size - 1)
    with pytest.raises(WeightsError, match="bytes of numbers instead of"):
        read_header(file)


def test_what_is_no_folder_of_weights_is_refused(tmp_path: Path):
    with pytest.raises(RequestError, match=r"model: .* is not a folder"):
        checked_folder(tmp_path / "nowhere")
    with pytest.raises(RequestError, match=r"model: .* holds no model_index\.json"):
        checked_folder(tmp_path)
    with pytest.raises(WeightsError, match="is not a safetensors file"):
        (tmp_path / "x.ckpt").write_bytes(b"x")
        checked_file(tmp_path / "x.ckpt")
