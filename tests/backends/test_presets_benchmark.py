"""The benchmark of the presets runs, at toy size, and its lossless row is plain diffusers."""

import math
import runpy
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "diffusers_presets.py"


def test_every_preset_is_measured_against_lossless(capsys: pytest.CaptureFixture[str]):
    main = runpy.run_path(str(BENCHMARK))["main"]
    toy = ["--size", "32x32", "--frames", "5", "--steps", "10", "--layers", "2", "--heads", "1"]
    rows = {row.name: row for row in main(toy)}
    assert list(rows) == ["plain diffusers", "lossless", "high", "medium", "low", "(MagCache)"]
    assert rows["plain diffusers"].psnr == rows["lossless"].psnr == math.inf
    assert 5 < rows["low"].psnr < 60
    assert "random" in capsys.readouterr().out
