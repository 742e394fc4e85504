from pathlib import Path

import numpy as np

from vitascope.weights.tensors import SCALE, quantise_rows, read_tensors, write_tensors


def test_int8_rows_are_right_to_half_a_step():
    tensor = (
        np.random.default_rng(0).standard_normal((50, 32)).astype(np.float32)
        * np.logspace(-6, 2, 50, dtype=np.float32)[:, None]
    )
    rows, scale = quantise_rows(tensor)
    assert rows.shape == (50, 32)
    assert scale.shape == (50, 1)
    assert np.all(np.abs(rows * scale - tensor) <= 0.501 * np.abs(tensor).max(1, keepdims=True) / 127)


def test_a_row_of_zeros_stays_zero():
    rows, scale = quantise_rows(np.zeros((2, 4), np.float32))
    assert not rows.any()
    assert np.isfinite(scale).all()


def test_tensors_come_back_and_lie_where_it_is_said(tmp_path: Path):
    rows, scale = quantise_rows(np.eye(3, dtype=np.float32))
    tensors = {
        "table": rows,
        "table" + SCALE: scale,
        "norm.scale": np.ones(5, np.float32),
        "half": np.arange(6, dtype=np.float16).reshape(2, 3),
        "count": np.array([7]),
    }
    spans = write_tensors(tmp_path / "w", tensors)
    data = (tmp_path / "w").read_bytes()
    for name, (offset, length) in spans.items():
        assert data[offset : offset + length] == tensors[name].tobytes()
    read = read_tensors(tmp_path / "w")
    assert set(read) == {"table", "norm.scale", "half", "count"}
    assert {name: tensor.dtype.name for name, tensor in read.items()} == dict.fromkeys(
        ("table", "norm.scale", "half"), "float32"
    ) | {"count": "int64"}
    np.testing.assert_allclose(read["table"], np.eye(3), atol=1e-3)
