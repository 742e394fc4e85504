from pathlib import Path

import numpy as np
import pytest

from vitascope.toybox.layout import SUBJECT_CHANNELS
from vitascope.toybox.motion.trajectory import (
    Blocking,
    BlockingLibrary,
    middle,
    mirrored,
    moved,
    standing,
    subject_channels,
    through_camera,
)
from vitascope.toybox.scene import Scene


def test_channels_say_where_the_subject_is_in_every_frame_and_was_before():
    along = np.stack([0.01 * np.arange(9), np.zeros(9)], axis=1)
    maps = moved(standing(9).maps, along)
    channels = subject_channels(maps, np.arange(9) / 16)
    assert channels.shape == (3, SUBJECT_CHANNELS)
    assert (channels[:, 0] == 1).all()
    np.testing.assert_allclose(channels[:, 1:7], maps[::4].reshape(3, 6), rtol=1e-6)
    np.testing.assert_array_equal(channels[1:, 7:13], channels[:-1, 1:7])
    np.testing.assert_array_equal(channels[0, 7:13], channels[0, 1:7])
    np.testing.assert_allclose(channels[:, 13:15], [[1, 0], [0, 1], [-1, 0]], atol=1e-6)
    np.testing.assert_allclose(channels[:, 15], [0, 0.25, 0.25])
    np.testing.assert_allclose(channels[1, 16:], maps[1:4].reshape(-1), rtol=1e-6)
    np.testing.assert_allclose(channels[0, 16:], np.tile(maps[0].reshape(-1), 3), rtol=1e-6)


def test_no_subject_is_all_zero():
    channels = subject_channels(np.full((5, 2, 3), np.nan), np.zeros(5))
    assert not channels.any()


def test_moving_moves_the_middle():
    maps = moved(standing(2).maps, np.array([0.2, -0.1]))
    np.testing.assert_allclose(middle(maps), [[0.2, -0.1]] * 2)
    np.testing.assert_allclose(middle(mirrored(maps)), [[-0.2, -0.1]] * 2)


@pytest.mark.parametrize(
    ("camera", "seen"),
    [
        ((0.1, 0, 0, 0), (-0.1, 0.2)), ((0, 0.1, 0, 0), (0.0, 0.3)),
        ((0, 0, 1, 0), (0.0, 0.4)), ((0, 0, 0, np.pi / 2), (0.1, 0.0)),
    ],
)  # fmt: skip
def test_the_camera_moves_what_is_seen(camera, seen):
    """A subject a fifth of the picture under the middle, twice as wide as high; roll turns it towards the right."""
    whole = np.concatenate([moved(standing(1).maps, np.array([0.0, 0.2])), [[[0.0, 0.0, 1.0]]]], axis=1)
    screen = (whole @ through_camera(np.array([camera], float), aspect=2.0))[:, :2]
    np.testing.assert_allclose(middle(screen)[0], seen, atol=1e-9)


def test_a_way_that_leads_somewhere_comes_back_facing_the_other_way():
    way = Blocking(
        moved(standing(3).maps, np.array([[0, 0], [0.1, 0], [0.2, 0]])), np.array([0.9, 0.1, 0.3]), True
    )
    longer = way.lasting(6)
    np.testing.assert_allclose(middle(longer.maps)[:, 0], [0, 0.1, 0.2, 0.1, 0, 0.1], atol=1e-9)
    assert np.sign(longer.maps[:, 0, 0]).tolist() == [1, 1, 1, -1, 1, 1]
    assert (np.diff(longer.loops) > 0).all(), "legs never walk backwards"
    assert way.onward(-1.0).maps[0, 0, 0] < 0 < way.onward(0.0).maps[0, 0, 0]


def test_what_is_known_of_some_frames_is_filled_in_evenly():
    along = np.stack([0.01 * np.arange(9), np.zeros(9)], axis=1)
    maps = moved(standing(9).maps, along)
    way = Blocking(maps, np.arange(9) / 16)
    filled = way.every(4).between(4)
    np.testing.assert_allclose(filled.maps, way.maps, atol=1e-9)
    np.testing.assert_allclose(filled.loops, way.loops, atol=1e-9)
    turning = Blocking(np.stack([standing(1).maps[0], mirrored(standing(1).maps)[0]]), np.zeros(2)).between(4)
    assert np.isfinite(turning.maps).all()
    assert (np.abs(turning.maps[2, 0]) > 100).any(), "edge-on in the middle"


LIBRARY = BlockingLibrary(
    (("cat", "walk", "garden"), ("cat", "walk", "beach"), ("dog", "jump", "beach")),
    np.array([[0, 0], [1, 0], [2, 0], [0, 0]], np.uint8),
    np.stack([moved(standing(5).maps, np.array([0.1 * i, 0.0])) for i in range(4)]),
    np.zeros((4, 5)),
)


def chosen(subject: str, action: str, place: str, seed: int = 0) -> float | None:
    way = LIBRARY.choose(Scene(subject, action, place), seed)
    return None if way is None else round(float(middle(way.maps)[0, 0]), 3)


def test_the_same_subject_on_the_same_set_goes_first():
    assert {chosen("cat", "walk", "garden", seed) for seed in range(20)} == {0.0, 0.3}
    assert chosen("cat", "walk", "beach") == 0.1
    assert {chosen("cat", "walk", "moon", seed) for seed in range(30)} == {0.0, 0.1, 0.3}
    assert chosen("cat", "jump", "garden") == 0.2, "another did it"
    assert chosen("cat", "swim", "garden") is None, "nobody ever did"


def test_a_library_comes_back_from_its_file(tmp_path: Path):
    LIBRARY.save(tmp_path / "ways.safetensors")
    back = BlockingLibrary.load(tmp_path / "ways.safetensors")
    assert back.names == LIBRARY.names
    np.testing.assert_allclose(back.maps, LIBRARY.maps, rtol=1e-3)
    np.testing.assert_array_equal(back.which, LIBRARY.which)
