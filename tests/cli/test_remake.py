import json
import os
from dataclasses import replace
from pathlib import Path

from vitascope.deliver.mux import read
from vitascope.testing.fakes import FakeBackend, synthetic_clip


def test_a_clip_is_made_again_to_the_byte(run):
    run("generate", "a kraken", "--seconds", "1", "--seed", "7", "-o", "clip.mp4")
    done = run("remake", "clip.mp4")
    assert (done.status, done.out) == (
        0,
        "identical: all 9 frames, and every byte of the file but its signature\n",
    )
    assert os.listdir() == ["clip.mp4"]


def test_the_new_clip_can_be_kept(run):
    run("generate", "a cat", "--seed", "7", "-o", "clip.mp4")
    done = run("remake", "clip.mp4", "-o", "again.mp4", "--json")
    told = json.loads(done.out)
    assert told["picture_identical"]
    assert told["bytes_identical"]
    assert Path("again.mp4").read_bytes() == Path("clip.mp4").read_bytes()


def test_another_picture_is_said(run, monkeypatch):
    run("generate", "a cat", "--seed", "7", "-o", "clip.mp4")
    render = FakeBackend.render

    def other(self, shot, progress, resume_folder=None):
        clip = render(self, shot, progress, resume_folder)
        clip.frames[3:] = 255 - clip.frames[3:]
        return clip

    monkeypatch.setattr(FakeBackend, "render", other)
    done = run("remake", "clip.mp4")
    assert done.status == 1
    assert done.out.startswith("different: ")


def test_it_never_writes_over_the_original(run):
    run("generate", "a cat", "--seed", "7", "-o", "clip.mp4")
    before = read(Path("clip.mp4")).frames
    assert run("remake", "clip.mp4", "-o", "clip.mp4").status == 2
    assert (read(Path("clip.mp4")).frames == before).all()


def test_a_clip_that_says_no_seed_is_one_line(run, tmp_path):
    clip = synthetic_clip()
    record = replace(clip.record, shot=clip.record.shot.model_copy(update={"seed": None}))
    replace(clip, record=record).save(tmp_path / "seedless.mp4")
    done = run("remake", str(tmp_path / "seedless.mp4"))
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert "says no seed" in done.err
