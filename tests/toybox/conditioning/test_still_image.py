"""A photograph filmed as a flat picture: by the camera's path, and by the whole road on the weights that ship."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image

from vitascope.api import make_shot
from vitascope.backends.base import Backend
from vitascope.camera.path import camera_path, filmed_path, scene_camera
from vitascope.pipeline import generate, plan
from vitascope.progress import Progress
from vitascope.tasks import first_frame, keyframe
from vitascope.toybox.backend import Toybox
from vitascope.toybox.conditioning.still_image import filmed, retouched
from vitascope.types import CameraMove, VideoShape

PHOTO = Path(__file__).parents[3] / "docs" / "gallery" / "photos" / "chelsea.webp"
SHAPE = VideoShape(9, 48, 64, 8.0)


def spots() -> np.ndarray:
    """Return a picture that is smooth enough to be moved by parts of a pixel."""
    y, x = np.mgrid[:48, :64]
    waves = np.stack([np.sin(x / 5), np.cos(y / 6), np.sin((x + y) / 9)], axis=-1)
    return np.rint(127.5 + 100 * waves).astype(np.uint8)


def under(label: str) -> np.ndarray:
    return filmed(spots(), filmed_path(scene_camera(label), SHAPE))


def test_under_a_camera_that_stands_still_it_stays_as_it_is():
    np.testing.assert_array_equal(under("static"), np.repeat(spots()[None], 9, axis=0))


@pytest.mark.parametrize("label", ["pan-left", "tilt-up", "zoom-in", "roll-right", "shake"])
def test_the_first_frame_is_the_picture_and_later_ones_are_not(label: str):
    frames = under(label)
    np.testing.assert_array_equal(frames[0], spots())
    assert not np.array_equal(frames[4], spots())


def test_it_moves_by_as_many_pixels_as_the_camera():
    moves = (CameraMove(kind="pan", amount=0.125, easing="linear"),)
    frames = filmed(spots(), camera_path(moves, np.arange(9) / 8, 1.0))
    np.testing.assert_allclose(frames[-1][:, :56], spots()[:, 8:], atol=1)
    np.testing.assert_allclose(frames[-1][:, 56:], spots()[:, :55:-1], atol=1)


def test_a_zoom_looks_closer_at_the_middle():
    moves = (CameraMove(kind="zoom", amount=1.0, easing="linear"),)
    last = filmed(spots(), camera_path(moves, np.arange(9) / 8, 1.0))[-1]
    half = np.asarray(Image.fromarray(spots()[12:36, 16:48]).resize((64, 48), Image.Resampling.BILINEAR))
    assert np.abs(last[2:-2, 2:-2].astype(int) - half[2:-2, 2:-2]).max() <= 8


def test_what_was_not_changed_keeps_what_only_the_large_picture_shows():
    large = np.random.default_rng(2).integers(40, 200, (1, 32, 48, 3), np.uint8)
    small = large.reshape(1, 16, 2, 24, 2, 3).mean((2, 4)).astype(np.uint8)
    np.testing.assert_array_equal(retouched(small, small, large), large)
    brighter = retouched(small + np.uint8(30), small, large)
    np.testing.assert_array_equal(brighter, large + np.uint8(30))


def test_a_change_is_scaled_up_evenly():
    small, large = np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 16, 16, 3), np.uint8)
    made = small + np.arange(0, 80, 10, dtype=np.uint8)[:, None, None]
    steps = np.diff(retouched(made, small, large)[0, :, 0, 0].astype(int))
    assert set(steps[1:-1].tolist()) <= {4, 5, 6}


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.square(one.astype(float) - other).mean())))


@pytest.fixture(scope="module")
def toybox() -> Backend:
    return cast(Backend, Toybox(threads=1))


@pytest.mark.parametrize(("words", "least"), [("the camera stands still", 30.0), ("slow zoom in", 27.0)])
def test_a_photograph_is_there_in_every_frame(toybox: Backend, words: str, least: float):
    shot = make_shot(words, givens=(first_frame(PHOTO),), seed=6, steps=2)
    planned = plan(shot, toybox).shot
    clip = generate(shot, toybox, Progress())
    assert any("flat picture" in note for note in clip.record.notes)
    true = filmed(clip.frames[0], filmed_path(planned.camera or (), planned.video_shape()))
    assert min(psnr(made, frame) for made, frame in zip(clip.frames, true, strict=True)) >= least


def test_night_falls_on_a_photograph_and_it_is_still_itself(toybox: Backend):
    shot = make_shot("at night", givens=(first_frame(PHOTO),), seed=6, steps=6)
    frames = generate(shot, toybox, Progress()).frames.astype(float)
    assert frames[1:].mean() < 0.8 * frames[0].mean()
    for frame in frames[1:]:
        assert np.corrcoef(frame.mean(-1).ravel(), frames[0].mean(-1).ravel())[0, 1] > 0.6


def test_only_a_photograph_alone_of_which_nobody_is_named_is_filmed_flat(toybox: Backend):
    def shows(words: str, *givens) -> bool:
        return any(given.shows for given in plan(make_shot(words, givens=givens, seed=1), toybox).shot.givens)

    assert shows("zoom in", first_frame(PHOTO))
    assert not shows("a cat walks", first_frame(PHOTO))
    assert not shows("zoom in", first_frame(PHOTO), keyframe(PHOTO, 1.0))
    assert not shows("zoom in", keyframe(PHOTO, 1.0))
