import numpy as np

from tests.evaluation.clips import plain
from vitascope.evaluation.metrics.motion import STILL, motion
from vitascope.testing.fakes import synthetic_frames
from vitascope.types import VideoShape


def test_a_picture_that_stands_still_does_not_move():
    assert motion(plain(17, 64, 64, 90), 8) == 0
    assert motion(plain(1, 64, 64), 8) == 0


def test_grain_is_no_motion():
    grain = np.random.default_rng(0).normal(128, 12, (17, 128, 128, 3)).clip(0, 255).astype(np.uint8)
    assert motion(grain, 8) < STILL / 2


def test_what_crosses_the_picture_moves():
    assert motion(synthetic_frames(VideoShape(17, 128, 128, 8.0), 3), 8) > 2 * STILL


def test_a_slow_fade_is_less_than_a_step():
    fade = np.linspace(80, 120, 17).astype(np.uint8)[:, None, None, None].repeat(64, 1).repeat(64, 2)
    assert motion(np.repeat(fade, 3, axis=3), 8) < STILL
