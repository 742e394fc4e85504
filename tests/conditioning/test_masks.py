import numpy as np
import pytest

from vitascope.conditioning.masks import known_frames
from vitascope.types import LatentShape

SHAPE = LatentShape(frames=3, height=2, width=2)


def test_nothing_known_is_text_to_video():
    given, levels = known_frames(SHAPE, {})
    assert levels.tolist() == [1.0] * 12
    assert not given.any()


def test_known_frames_have_level_zero():
    last = np.full((4, 24), 5.0, np.float32)
    given, levels = known_frames(SHAPE, {0: last + 1, -1: last})
    assert levels.tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 4
    assert given[0, 0] == 6.0
    assert given[-1, 0] == 5.0


def test_a_frame_beyond_the_clip_is_refused():
    with pytest.raises(IndexError):
        known_frames(SHAPE, {3: np.zeros((4, 24), np.float32)})
