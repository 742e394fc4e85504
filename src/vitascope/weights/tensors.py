"""Safetensors in and out: one copy of each number, in few bits, that ONNX graphs and torch modules share.

Big tensors are float16; a tensor `x` may also be int8, beside a float32 `x.row_scale` by which each of its rows (its
first axis) is multiplied.
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int8
from safetensors.numpy import load_file, save_file

SCALE = ".row_scale"


def quantise_rows(
    tensor: Float32[np.ndarray, "rows ..."],
) -> tuple[Int8[np.ndarray, "rows ..."], Float32[np.ndarray, "rows ..."]]:
    """Return int8 rows and their scales, whose product is the tensor to within half a step of each row."""
    axes = tuple(range(1, tensor.ndim))
    largest = np.abs(tensor).max(axis=axes, keepdims=True)
    scale = np.maximum(largest / 127, np.finfo(np.float32).smallest_normal).astype(np.float32)
    return np.clip(np.round(tensor / scale), -127, 127).astype(np.int8), scale


def read_tensors(path: str | Path) -> dict[str, np.ndarray]:
    """Return all tensors of a file: floating ones, and int8 ones times their scales, as float32."""
    stored = load_file(path)
    tensors: dict[str, np.ndarray] = {}
    for name, tensor in stored.items():
        if name.endswith(SCALE) and name.removesuffix(SCALE) in stored:
            continue
        if name + SCALE in stored:
            tensors[name] = tensor.astype(np.float32) * stored[name + SCALE]
        else:
            tensors[name] = tensor.astype(np.float32) if tensor.dtype.kind == "f" else tensor
    return tensors


def write_tensors(path: str | Path, tensors: Mapping[str, np.ndarray]) -> dict[str, tuple[int, int]]:
    """Write a file; return where each tensor's bytes lie in it: (offset from the file's start, length)."""
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, path)
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    spans = {name: entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"}
    return {name: (8 + length + start, end - start) for name, (start, end) in spans.items()}


def adapted(path: str | Path, adapter: str | Path) -> dict[str, np.ndarray]:
    """Return those stored tensors of a file that an adapter changes, stored as they were.

    The adapter holds `NAME.up` (out x rank) and `NAME.down` (rank x in), whose product is added to the matrix NAME.
    Raises ValueError for a matrix that the file does not have.
    """
    stored, thin = load_file(path), load_file(adapter)
    changed: dict[str, np.ndarray] = {}
    for name in sorted({key.rpartition(".")[0] for key in thin}):
        if name not in stored:
            raise ValueError(f"{Path(adapter).name} adds to {name}, which {Path(path).name} does not have")
        addition = thin[f"{name}.up"].astype(np.float32) @ thin[f"{name}.down"].astype(np.float32)
        if name + SCALE in stored:
            summed = stored[name].astype(np.float32) * stored[name + SCALE] + addition
            changed[name], changed[name + SCALE] = quantise_rows(summed)
        else:
            changed[name] = (stored[name].astype(np.float32) + addition).astype(stored[name].dtype)
    return changed
