"""Compiled blocks: when they are, and that what comes out is the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.backends.tinies import rendered, shot_for
from vitascope import tasks
from vitascope.backends.diffusers import compiling
from vitascope.backends.diffusers.loading import SHELF
from vitascope.backends.diffusers.optional_imports import library
from vitascope.errors import RequestError
from vitascope.progress import Event
from vitascope.settings import Settings
from vitascope.types import Quality
from vitascope.weights.memory_plan import Name, Need, Placement

LARGE, SMALL = 2 * compiling.WORTH, compiling.WORTH / 2


def placement(name: Name = "device", gpu: bool = True) -> Placement:
    return Placement(name, False, Need(0, 0), gpu)


def quote_safely(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, choice: Any) -> None:
    monkeypatch.setattr(compiling, "settings", lambda: Settings(home=tmp_path, compile=choice))


@pytest.mark.parametrize(
    ("choice", "name", "gpu", "quality", "work", "compiled"),
    [
        ("auto", "device", True, "high", LARGE, True),
        ("auto", "int8", True, "low", LARGE, True),
        ("auto", "device", True, "lossless", LARGE, False),
        ("auto", "device", True, "high", SMALL, False),
        ("auto", "stream", True, "high", LARGE, False),
        ("auto", "nf4", True, "high", LARGE, False),
        ("auto", "device", False, "high", LARGE, False),
        ("always", "device", True, "lossless", SMALL, True),
        ("always", "stream", True, "high", LARGE, False),
        ("always", "device", False, "high", LARGE, False),
        ("never", "device", True, "high", LARGE, False),
        ("never", "device", False, "high", LARGE, False),
    ],
)
def test_blocks_are_compiled_where_that_pays(
    choice: str, name: Name, gpu: bool, quality: Quality, work: float, compiled: bool,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
):  # fmt: skip
    quote_safely(monkeypatch, tmp_path, choice)
    if gpu:
        compiling.check(placement(name))
    assert compiling.wanted(placement(name, gpu), quality, work) is compiled


def test_compiling_without_a_gpu_is_refused_with_the_reason(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    quote_safely(monkeypatch, tmp_path, "always")
    backend, shot = shot_for("wan", home)
    refusal = r"^VITASCOPE_COMPILE: always needs a GPU: on a CPU .* not been seen to pay, .*; nearest: auto$"
    with pytest.raises(RequestError, match=refusal):
        rendered(backend, shot)
    assert len(SHELF) == 0


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Let all blocks be compiled, by a compiler that only traces them, and return the counters of torch's."""
    dynamo = library("torch._dynamo")
    dynamo.reset()
    counters = library("torch._dynamo.utils").counters
    counters.clear()
    monkeypatch.setattr(compiling, "wanted", lambda *asked: True)
    monkeypatch.setattr(compiling, "BACKEND", "eager")
    yield counters
    dynamo.reset()


@pytest.mark.parametrize(
    ("kind", "quality", "blocks"),
    [
        ("wan", "lossless", 2),
        ("wan", "low", 2),
        ("wan-experts", "lossless", 4),
        ("wan-vace", "low", 5),
        ("wan-modular", "lossless", 2),
        ("ltx", "lossless", 1),
        ("kandinsky5", "low", 3),
    ],
)
def test_compiled_blocks_draw_the_same_and_are_compiled_once(
    kind: str, quality: Quality, blocks: int, home: Path, pictures: Path, compiler: Any, monkeypatch: Any
):
    givens = (tasks.reference(pictures / "first.png"),) if kind == "wan-vace" else ()
    backend, shot = shot_for(kind, home, givens, quality=quality, steps=16)
    clip = rendered(backend, shot)
    graphs = compiler["stats"]["unique_graphs"]
    assert f"blocks: {blocks} compiled (eager)" in clip.record.notes
    assert 1 <= graphs <= 3
    assert (rendered(backend, shot).frames == clip.frames).all()
    assert compiler["stats"]["unique_graphs"] == graphs
    assert not compiler["graph_break"]
    monkeypatch.setattr(compiling, "wanted", lambda *asked: False)
    plain = rendered(backend, shot)
    np.testing.assert_array_equal(plain.frames, clip.frames)
    assert not any(note.startswith("blocks:") for note in plain.record.notes)


def test_blocks_are_left_as_they_were(home: Path, compiler: Any):
    backend, shot = shot_for("wan", home)
    rendered(backend, shot)
    transformer = next(iter(SHELF._kept.values())).pipeline.transformer
    assert all("forward" not in vars(block) for block in transformer.blocks)


def test_a_model_whose_blocks_nobody_names_says_so(home: Path, compiler: Any):
    backend, shot = shot_for("animatediff", home)
    told = rendered(backend, shot).record.notes
    assert "blocks: diffusers names none of AnimateDiffPipeline to compile" in told


def test_where_blocks_do_not_compile_the_clip_is_made_without(
    home: Path, compiler: Any, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: Any) -> None:
        raise OSError("no C compiler was found")

    heard: list[Event] = []
    monkeypatch.setattr(compiling, "BACKEND", broken)
    backend, shot = shot_for("wan", home)
    clip = rendered(backend, shot, heard)
    notes = [event.note for event in heard if event.note and event.note.startswith("blocks:")]
    assert len(notes) == 1
    assert "could not be compiled" in notes[0]
    assert "no C compiler was found" in notes[0]
    monkeypatch.setattr(compiling, "wanted", lambda *asked: False)
    np.testing.assert_array_equal(rendered(backend, shot).frames, clip.frames)


def test_work_grows_with_steps_and_guidance(home: Path):
    from vitascope.weights.memory_plan import request_of

    backend, shot = shot_for("wan", home)
    rendered(backend, shot)
    pipeline, asked = next(iter(SHELF._kept.values())).pipeline, request_of(shot, backend.entry)
    weights = sum(numbers.numel() for numbers in pipeline.transformer.parameters())
    assert compiling.work(pipeline, asked, 10) == 2 * weights * asked.tokens * 10 * 2
    assert compiling.work(object(), asked, 10) == 0
