"""Edits of a part of a larger video, through the whole road with the fake backend."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope import tasks
from vitascope.givens import paste_back
from vitascope.media.video import read_video
from vitascope.pipeline import generate, plan, stream
from vitascope.progress import Progress
from vitascope.testing.fakes import FakeBackend, FakeLatents, synthetic_clip
from vitascope.types import Clip, Given, Shot

SIZE, FPS = (160, 120), 20.0
"""Of the source; the fake backend draws 64x48 at 8 frames a second."""


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return synthetic_clip(42, *SIZE, FPS, seed=5).save(tmp_path / "large.mp4")


def own(video: Path) -> np.ndarray:
    return read_video(video, fps=FPS).frames.astype(int)


def edited(*givens: Given, frames: int = 13, **said) -> Clip:
    shot = Shot(prompt="a disc", seed=3, num_frames=frames, givens=givens, **said)
    return generate(shot, FakeBackend(), Progress())


def test_outside_a_box_every_pixel_is_the_sources_own(video: Path):
    clip = edited(tasks.region(video, box=(0.25, 0.25, 0.5, 0.5)))
    assert clip.frames.shape == (33, 120, 160, 3), "13 frames at 8 fps last 1.625 s"
    assert clip.fps == FPS
    apart = np.abs(clip.frames.astype(int) - own(video)[:33])
    inside = np.zeros((120, 160), bool)
    inside[30:90, 40:120] = True
    assert not apart[:, ~inside].any()
    assert apart[:, 40:80, 50:110].mean() > 10
    assert any("160x120 at 20 fps" in note for note in clip.record.notes)


def test_the_edge_of_a_box_is_soft(video: Path):
    clip = edited(tasks.region(video, box=(0.25, 0.25, 0.5, 0.5)))
    shot = plan(clip.record.shot, FakeBackend()).shot
    found = paste_back.restorer(shot)
    assert found is not None
    share = found._share()
    row = share[60]
    assert not row[:40].any()
    assert 0 < row[40] < 0.3
    assert (np.diff(row[40:60]) >= 0).all()
    assert row[60] > 0.99


def test_a_mask_of_the_sources_size_is_exact(video: Path, tmp_path: Path):
    white = np.zeros((120, 160), np.uint8)
    white[33:71, 41:99] = 255
    Image.fromarray(white).save(tmp_path / "mask.png")
    clip = edited(tasks.region(video, mask=tmp_path / "mask.png"))
    apart = np.abs(clip.frames.astype(int) - own(video)[: len(clip.frames)])
    assert not apart[:, white == 0].any()
    assert apart[:, 45:60, 50:90].mean() > 10


def test_outside_a_span_every_frame_is_the_sources_own_to_its_end(video: Path):
    clip = edited(*tasks.retake(video, 0.5, 1.0))
    assert len(clip.frames) == 42, "the source goes on after the 1.6 s that the model has seen"
    apart = np.abs(clip.frames.astype(int) - own(video)).max(axis=(1, 2, 3))
    assert np.flatnonzero(apart).tolist() == list(range(10, 20))


def test_a_streams_frames_are_those_of_the_clip(video: Path):
    for givens in ((tasks.region(video, box=(0.25, 0.25, 0.5, 0.5)),), tasks.retake(video, 0.5, 1.0)):
        shot = Shot(prompt="a disc", seed=3, num_frames=13, steps=1, givens=givens)
        showing = stream(shot, FakeLatents(), Progress())
        clip = generate(shot, FakeLatents(), Progress())
        np.testing.assert_array_equal(np.concatenate(list(showing.frames)), clip.frames)
        assert showing.fps == clip.fps == FPS


def test_what_was_cut_off_stays(video: Path, tmp_path: Path):
    wide = synthetic_clip(21, 256, 96, FPS, seed=5).save(tmp_path / "wide.mp4")
    clip = edited(tasks.region(wide, box=(0.0, 0.0, 1.0, 1.0)), frames=5)
    apart = np.abs(clip.frames.astype(int) - own(wide)[: len(clip.frames)]).max(axis=(0, 1, 3))
    assert np.flatnonzero(apart).min() >= 64
    assert np.flatnonzero(apart).max() < 192


def test_odd_sizes_lose_a_row_or_column(tmp_path: Path):
    frames = [
        Image.fromarray(f) for f in np.random.default_rng(0).integers(0, 256, (9, 97, 131, 3), np.uint8)
    ]
    path = tmp_path / "odd.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
    clip = edited(tasks.region(path, box=(0.25, 0.25, 0.5, 0.5)), frames=1)
    assert clip.frames.shape[1:3] == (96, 130)
    assert clip.save(tmp_path / "out.mp4").is_file()


@pytest.mark.parametrize(
    "givens",
    [
        lambda path: (tasks.continued(path),),
        lambda path: (tasks.edited(path),),
        lambda path: (tasks.region(path, fit="pad"),),
    ],
)
def test_what_is_no_part_of_a_video_keeps_the_models_size(video: Path, givens):
    assert edited(*givens(video)).frames.shape == (13, 48, 64, 3)


def test_a_source_of_the_models_size_stays_as_it_was(tmp_path: Path):
    small = synthetic_clip(17, seed=5).save(tmp_path / "small.mp4")
    clip = edited(tasks.region(small, box=(0.25, 0.25, 0.5, 0.5)))
    assert clip.frames.shape == (13, 48, 64, 3)
    assert not any("stays as it is" in note for note in clip.record.notes)


def test_a_source_beyond_memory_becomes_the_models_size_and_says_so(video: Path, monkeypatch):
    monkeypatch.setattr(paste_back, "LIMITS", replace(paste_back.LIMITS, memory=1000 * 1000))
    clip = edited(tasks.region(video, box=(0.25, 0.25, 0.5, 0.5)))
    assert clip.frames.shape == (13, 48, 64, 3)
    assert any("of its own size are too many" in note for note in clip.record.notes)
