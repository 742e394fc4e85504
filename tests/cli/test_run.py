"""Several clips and their sheet, steps that are kept, and the stream: what the flags around a shot do."""

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from vitascope import cli
from vitascope.backends import registry
from vitascope.deliver.mux import read
from vitascope.progress import Progress
from vitascope.testing.fakes import FakeLatents


@pytest.fixture
def latents(run, monkeypatch):
    """Run the command line with a backend that goes through all the real stages."""
    monkeypatch.setattr(registry, "_HOMES", {"toybox": "vitascope.testing.fakes:FakeLatents"})
    registry._open.cache_clear()
    return run


@pytest.fixture
def break_off(latents, monkeypatch):
    """Run a command that ends in the middle: after so many denoising steps in all."""

    def broken(steps: int, *arguments: str):
        left, step = steps, Progress.step

        def counted(self, preview=None):
            nonlocal left
            step(self, preview)
            if self._phase == "denoise":
                left -= 1
                if left == 0:
                    raise KeyboardInterrupt

        monkeypatch.setattr(Progress, "step", counted)
        done = latents(*arguments)
        monkeypatch.setattr(Progress, "step", step)
        assert done.status == 130
        return done

    return broken


CAT = ("generate", "a cat", "--seconds", "0.625")


def test_each_of_several_clips_is_the_one_made_alone(latents):
    made = json.loads(latents(*CAT, "--seed", "7", "-n", "3", "-o", "cat.mp4", "--json").out)
    assert [clip["path"] for clip in made["clips"]] == ["cat-7.mp4", "cat-8.mp4", "cat-9.mp4"]
    assert made["sheet"] == "cat-7-to-9.png"
    assert sorted(os.listdir()) == ["cat-7-to-9.png", "cat-7.mp4", "cat-8.mp4", "cat-9.mp4"]
    for seed in (7, 8, 9):
        latents(*CAT, "--seed", str(seed), "-o", "alone.mp4", "--force")
        assert Path("alone.mp4").read_bytes() == Path(f"cat-{seed}.mp4").read_bytes()
    assert len({Path(f"cat-{seed}.mp4").read_bytes() for seed in (7, 8, 9)}) == 3


def test_names_without_a_name_end_in_the_seed_and_one_clip_has_no_sheet(latents):
    done = latents(*CAT, "--seed", "7", "-n", "2")
    assert done.out == "a-cat-7.mp4\na-cat-8.mp4\n"
    assert "sheet: a-cat-7-to-8.png\n" in done.err
    latents(*CAT, "--seed", "9")
    assert sorted(os.listdir()) == ["a-cat-7-to-8.png", "a-cat-7.mp4", "a-cat-8.mp4", "a-cat-9.mp4"]


@pytest.mark.parametrize("name", ["cat-8.mp4", "cat-7-to-9.png"])
def test_none_is_made_when_one_would_be_written_over(latents, name):
    Path(name).write_text("precious")
    done = latents(*CAT, "--seed", "7", "-n", "3", "-o", "cat.mp4")
    assert done.status == 2
    assert f"--output: {name} exists" in done.err
    assert os.listdir() == [name]
    assert latents(*CAT, "--seed", "7", "-n", "3", "-o", "cat.mp4", "--force").status == 0
    assert Path(name).stat().st_size > 1000


def test_what_is_finished_stays_when_the_rest_is_not_wanted(break_off):
    break_off(6, *CAT, "--seed", "7", "-n", "3", "-o", "cat.mp4")
    assert os.listdir() == ["cat-7.mp4"]


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_a_run_that_was_broken_off_goes_on_with_its_own_seed(break_off, latents, steps):
    break_off(steps, *CAT, "-o", "cat.mp4", "--resume", "run")
    (kept,) = Path("run").glob("shot-*.json")
    done = latents(*CAT, "-o", "cat.mp4", "--resume", "run")
    assert done.status == 0
    assert f"note: going on after step {steps} of 4" in done.err
    assert os.listdir() == ["cat.mp4"]
    seed = kept.stem.removeprefix("shot-")
    latents(*CAT, "-o", "whole.mp4", "--seed", seed)
    assert Path("cat.mp4").read_bytes() == Path("whole.mp4").read_bytes()


def test_several_clips_go_on_from_the_one_that_was_broken_off(break_off, latents):
    several = (*CAT, "-n", "3", "--resume", "run")
    break_off(6, *several, "-o", "cat.mp4")
    (first,) = Path().glob("cat-*.mp4")
    before = first.stat().st_mtime_ns
    seed = int(first.stem.removeprefix("cat-"))
    Path(
        f".cat-{seed}-to-{seed + 2}.png.0123abcd.part"
    ).touch()  # as one that was killed while it drew the sheet
    done = latents(*several, "-o", "cat.mp4", "--json")
    made = json.loads(done.out)
    assert (done.status, first.stat().st_mtime_ns) == (0, before)
    assert "going on after step 2 of 4" in done.err
    assert sorted(os.listdir()) == sorted([*(clip["path"] for clip in made["clips"]), made["sheet"]])
    latents(*CAT, "-n", "3", "-o", "whole.mp4", "--seed", str(made["clips"][0]["seed"]))
    for file in Path().glob("whole-*"):
        assert file.read_bytes() == Path(file.name.replace("whole", "cat")).read_bytes()


def test_a_file_of_another_run_is_not_taken_for_a_finished_one(latents):
    latents(*CAT, "--seed", "7", "-o", "cat.mp4")
    done = latents(*CAT, "--seed", "7", "-o", "cat.mp4", "--resume", "run")
    assert done.status == 2
    assert "cat.mp4 exists" in done.err
    assert os.listdir() == ["cat.mp4"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("generate", "a dog", "--seconds", "0.625"), "run holds a run of another shot (prompt)"),
        ((*CAT, "--seed", "8"), "run holds the clip of seed 7; ask for seed 7 or name another folder"),
        ((*CAT, "--steps", "9"), "run holds a run of another shot (steps)"),
    ],
)
def test_the_state_of_another_shot_is_refused(break_off, latents, arguments, problem):
    break_off(2, *CAT, "--seed", "7", "-o", "cat.mp4", "--resume", "run")
    before = {file.name: file.read_bytes() for file in Path("run").iterdir()}
    done = latents(*arguments, "-o", "cat.mp4", "--resume", "run")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert f"--resume-folder: {problem}" in done.err
    assert os.listdir() == ["run"]
    assert before == {file.name: file.read_bytes() for file in Path("run").iterdir()}


def test_the_state_of_other_weights_is_refused(break_off, latents, monkeypatch):
    break_off(2, *CAT, "--seed", "7", "-o", "cat.mp4", "--resume", "run")
    monkeypatch.setattr(FakeLatents, "weights", "new")
    done = latents(*CAT, "-o", "cat.mp4", "--resume", "run")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert "--resume-folder: run holds a run of other weights (fake.safetensors)" in done.err


def test_a_damaged_state_starts_over_with_a_note(break_off, latents):
    break_off(2, *CAT, "--seed", "7", "-o", "cat.mp4", "--resume", "run")
    Path("run/state-7.safetensors").write_bytes(b"damaged")
    done = latents(*CAT, "-o", "cat.mp4", "--resume", "run")
    assert done.status == 0
    assert "note: run/state-7.safetensors is damaged: the clip starts over\n" in done.err
    latents(*CAT, "-o", "whole.mp4", "--seed", "7")
    assert Path("cat.mp4").read_bytes() == Path("whole.mp4").read_bytes()


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (("--resume", "file"), "--resume-folder: file is not a folder"),
        (("--resume", "no/such"), "--resume-folder: the folder no does not exist"),
        (("--resume", "run", "--style", "cubist"), "--style: "),
        (("-n", "65"), "-n: 65 is outside 1 to 64; nearest: 64"),
        (("-n", "many"), "-n: 'many' is not a whole number"),
        (("--stream", "-n", "2"), "--stream: writes one clip to stdout, which -n 2 forbids; leave one out"),
        (("--stream", "-o", "cat.mp4"), "--stream: writes one clip to stdout, which --output forbids"),
        (("--stream", "--json"), "--stream: writes one clip to stdout, which --json forbids"),
        (("--stream", "--seconds", "-1"), "--seconds: -1 is not a length"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(latents, flags, problem):
    Path("file").touch()
    done = latents("generate", "a cat", *flags)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert problem in done.err
    assert os.listdir() == ["file"]


def test_a_terminal_gets_no_stream(latents, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    done = latents(*CAT, "--stream")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("vitascope: --stream: stdout is a terminal; send it on, as in: ")


@pytest.mark.parametrize("home", ["FakeBackend", "FakeLatents"])
def test_a_stream_has_the_frames_and_the_record_of_the_file(run, monkeypatch, home):
    monkeypatch.setattr(registry, "_HOMES", {"toybox": f"vitascope.testing.fakes:{home}"})
    registry._open.cache_clear()
    out = io.TextIOWrapper(io.BytesIO(), write_through=True)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        assert cli.run_command([*CAT, "--seed", "7", "--stream"]) == 0
    Path("streamed.mp4").write_bytes(out.buffer.getvalue())  # pyright: ignore[reportAttributeAccessIssue]
    run(*CAT, "--seed", "7", "-o", "saved.mp4")
    streamed, saved = read(Path("streamed.mp4")), read(Path("saved.mp4"))
    np.testing.assert_array_equal(streamed.frames, saved.frames)
    assert streamed.record == saved.record
    done = run("remake", "streamed.mp4")
    assert done.status == 0
    assert done.out.startswith("identical")
    assert sorted(os.listdir()) == ["saved.mp4", "streamed.mp4"]
