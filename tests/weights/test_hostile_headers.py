"""Headers of weights that strangers wrote: refused in a line and at once, whatever they announce."""

import json
import struct
import time
from pathlib import Path

import pytest

from vitascope.errors import WeightsError
from vitascope.weights.gguf_header import read_gguf_header
from vitascope.weights.validation import checked_folder, read_header


def text(words: str) -> bytes:
    return struct.pack("<Q", len(words)) + words.encode()


def gguf(
    keys: bytes = b"", number: int = 0, tensors: bytes = b"", several: int = 0, version: int = 3
) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, several, number) + keys + tensors


def array(kind: int, number: int, values: bytes = b"") -> bytes:
    return text("a") + struct.pack("<IIQ", 9, kind, number) + values


def tensor(name: str, *sides: int, offset: int = 0) -> bytes:
    return text(name) + struct.pack("<I", len(sides)) + struct.pack(f"<{len(sides)}QIQ", *sides, 0, offset)


def nested(depth: int) -> bytes:
    return (
        text("a") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * depth + struct.pack("<IQ", 0, 1) + b"1"
    )


HOSTILE = {
    "an array of 2**60": gguf(array(0, 2**60), 1),
    "texts without end": gguf(array(8, 2**60), 1),
    "an array of ten million": gguf(array(0, 10_000_000, b"1" * 10_000_000), 1),
    "many arrays": gguf(array(0, 900_000, b"1" * 900_000) * 3, 3),
    "nested arrays": gguf(nested(5000), 1),
    "more keys than bytes": gguf(b"", 2**63),
    "more tensors than bytes": gguf(several=2**63),
    "a name without end": gguf(struct.pack("<Q", 2**62) + b"a", 1),
    "a side of 2**63": gguf(tensors=tensor("a", 2**63), several=1),
    "a thousand axes": gguf(tensors=tensor("a", *[1] * 1000), several=1),
    "a tensor behind the end": gguf(tensors=tensor("a", 2, offset=2**40), several=1),
    "two of one name": gguf(tensors=tensor("a", 2) * 2, several=2),
    "a later version": gguf(version=4),
    "half a header": gguf(several=1)[:13],
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_gguf_is_refused_at_once(tmp_path, name):
    file = tmp_path / "x.gguf"
    file.write_bytes(HOSTILE[name])
    began = time.thread_time()
    with pytest.raises(WeightsError, match=r"x\.gguf is no GGUF file, or is damaged \(") as refused:
        read_gguf_header(file)
    assert "\n" not in str(refused.value)
    assert time.thread_time() - began < 1


def test_a_sound_gguf_says_what_it_holds(tmp_path):
    file = tmp_path / "x.gguf"
    keys = (
        text("general.architecture") + struct.pack("<I", 8) + text("wan") + array(8, 2, text("a") + text("b"))
    )
    keys += text("b") + struct.pack("<If", 6, 0.5)
    file.write_bytes(gguf(keys, 3, tensor("blk.0.weight", 32, 4) + tensor("bias", 4, offset=8), 2))
    assert read_gguf_header(file) == {"blk.0.weight": (4, 32), "bias": (4,)}


def safetensors(header: str | bytes, numbers: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(raw)) + raw + numbers


def entry(shape: str = "[1]", offsets: str = "[0, 4]") -> str:
    return f'{{"a": {{"dtype": "F32", "shape": {shape}, "data_offsets": {offsets}}}}}'


@pytest.mark.parametrize(
    "header",
    [
        entry("[" + ", ".join(["9" * 4000] * 3000) + "]"), entry("[" + "1, " * 5000 + "1]"), entry("[1e999]"),
        entry("[Infinity]"), entry("[1.0]"), entry("[-1]"), entry(offsets="[0, 1e999]"), entry(offsets="[NaN, 4]"),
        entry(offsets="[0, " + "9" * 4000 + "]"), entry(offsets="[]"), entry('"x"'), "[" * 100_000,
        "{", '{"a": 1}', "\xff" * 9,
        json.dumps({str(number): 1 for number in range(250_000)}),
    ],
    ids=range(16),
)  # fmt: skip
def test_a_hostile_header_of_safetensors_is_refused_at_once(tmp_path, header):
    file = tmp_path / "x.safetensors"
    file.write_bytes(safetensors(header, bytes(4)))
    began = time.thread_time()
    with pytest.raises(WeightsError, match="is damaged"):
        read_header(file)
    assert time.thread_time() - began < 2


def test_links_that_lead_in_a_circle_are_one_line(tmp_path):
    (tmp_path / "model_index.json").write_text('{"_class_name": "WanPipeline"}')
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(WeightsError, match="lead"):
        checked_folder(Path(tmp_path))
