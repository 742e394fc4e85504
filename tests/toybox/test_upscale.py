"""Clips at twice the size at which the model draws, by the shipped weights."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vitascope
from vitascope.media.video import read_video
from vitascope.toybox.backend import Toybox
from vitascope.toybox.cast.lookup import Appearance
from vitascope.toybox.motion.trajectory import standing
from vitascope.toybox.page_input import warp_pages
from vitascope.toybox.upscale import upscaled
from vitascope.weights.folder import WeightsFolder

QUICK = {"seed": 7, "steps": 2, "guidance_scale": 1.0, "num_frames": 5}
"""Few steps, for tests that do not ask what is seen."""


@pytest.fixture(scope="module")
def network():
    return WeightsFolder.shipped().network("upscaler")


def pictures(count: int) -> np.ndarray:
    """Soft pictures of many mild colours."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(60, 200, (count, 8, 8, 3), np.uint8)
    return np.stack([np.asarray(Image.fromarray(each).resize((64, 48), 3)) for each in coarse])


def pages(count: int) -> np.ndarray:
    """The pages of a cat as they lie over some pictures: float32[count 4 96 128], premultiplied."""
    return warp_pages([(Appearance("cat"), standing(count))], slice(0, count), 96, 128)


def test_any_number_of_frames_at_once_gives_the_same_pixels(network):
    frames, over = pictures(7), pages(7)
    whole = upscaled(frames, network, over)
    assert whole.shape == (7, 96, 128, 3)
    for count in (1, 2, 3, 5):
        parts = [
            upscaled(frames[start : start + count], network, over[start : start + count])
            for start in range(0, 7, count)
        ]
        assert (np.concatenate(parts) == whole).all()


def test_what_is_scaled_up_is_the_same_picture(network):
    frames = pictures(3)
    nobody = warp_pages([], slice(0, 3), 96, 128)
    assert not nobody.any()
    back = upscaled(frames, network, nobody).reshape(3, 48, 2, 64, 2, 3).mean((2, 4))
    assert np.abs(back - frames).mean() < 4


def test_a_usual_clip_is_twice_as_large_as_what_is_drawn():
    card = Toybox().card
    assert card.sizes == ((256, 256), (128, 128))
    assert card.drawn == {(256, 256): (128, 128)}
    assert card.drawing((256, 256)) == (128, 128)
    assert card.drawing(None) == card.drawing((1, 2)) == (128, 128)


def test_a_clip_of_twice_the_size_shows_the_same():
    small = vitascope.generate("a taxi drives in a city", size=(128, 128), **QUICK)
    large = vitascope.generate("a taxi drives in a city", size=(256, 256), **QUICK)
    assert large.frames.shape == (5, 256, 256, 3)
    halved = large.frames.reshape(5, 128, 2, 128, 2, 3).mean((2, 4))
    assert np.abs(halved - small.frames).mean() < 6
    assert "upscaler.safetensors" in large.record.weights


def test_given_frames_come_back_at_full_size_as_they_were(tmp_path: Path):
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (256, 256, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "in.png")
    clip = vitascope.generate("a cat", image=tmp_path / "in.png", size=(256, 256), **QUICK)
    assert (clip.frames[0] == picture).all()


def test_what_lies_outside_a_box_is_untouched(tmp_path: Path):
    source = vitascope.generate("a beach", size=(256, 256), **QUICK)
    path = source.save(tmp_path / "in.mp4")
    said = {"box": (0.5, 0.5, 0.5, 0.5), "seed": 7, "steps": 2}
    edited, before = vitascope.edit(path, "a ball", **said).frames, read_video(path, fps=8.0).frames
    assert (edited[:, :128, :128] == before[:, :128, :128]).all()
    assert (edited[:, 192:, 192:] != before[:, 192:, 192:]).any()


def test_a_loop_has_that_size_too():
    clip = vitascope.generate("a fish swims underwater", loop=True, size=(256, 256), **QUICK)
    assert clip.frames.shape[1:] == (256, 256, 3)
