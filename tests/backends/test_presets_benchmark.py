"""The benchmark of the presets runs, at toy size, and its lossless row is plain diffusers."""

import math
import runpy
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "diffusers_presets.py"


@pytest.fixture(scope="module")
def benchmark() -> dict[str, Any]:
    return runpy.run_path(str(BENCHMARK))


TOY = ["--size", "32x32", "--frames", "5", "--steps", "20", "--layers", "3", "--heads", "1"]


def test_every_preset_is_measured_against_lossless(
    benchmark: dict[str, Any], capsys: pytest.CaptureFixture[str]
):
    rows = {row.name: row for row in benchmark["main"](TOY)}
    assert list(rows) == ["lossless", "high", "medium", "low", "(MagCache)", "(frozen)", "plain diffusers"]
    assert rows["plain diffusers"].psnr == rows["lossless"].psnr == math.inf
    assert 5 < rows["low"].psnr < 99
    assert 1 == rows["lossless"].share == rows["plain diffusers"].share
    assert 1 < rows["high"].share < rows["medium"].share < rows["low"].share
    said = capsys.readouterr().out
    assert "random weights" in said
    assert said.splitlines()[-1].startswith("asked: a preset of 1.8x at 30 dB or more: ")


def test_what_is_asked_for_is_kept_by_a_preset_that_is_both_fast_and_near(benchmark: dict[str, Any]):
    row, verdict = benchmark["Row"], benchmark["verdict"]
    slow, far = row("high", "", 1.0, 1.7, 1.8, 50.0), row("low", "", 1.0, 3.0, 3.2, 29.9)
    frozen = row("(frozen)", "", 1.0, 9.0, 9.0, 60.0)
    assert verdict([slow, far, frozen]) == (False, "asked: a preset of 1.8x at 30 dB or more: FAIL")
    assert verdict([slow, row("medium", "", 1.0, 1.8, 1.9, 30.0), far])[0]
