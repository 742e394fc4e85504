import numpy as np
import pytest

from vitascope.camera.path import camera_channels, camera_path, centred, playable, scene_camera
from vitascope.toybox.scene import CAMERAS
from vitascope.types import CameraMove

TIMES = np.arange(17) / 8


@pytest.mark.parametrize(
    ("label", "column", "sign"),
    [
        ("pan-left", 0, -1), ("pan-right", 0, 1), ("tilt-up", 1, 1), ("tilt-down", 1, -1),
        ("zoom-in", 2, 1), ("zoom-out", 2, -1), ("roll-left", 3, -1), ("roll-right", 3, 1),
    ],
)  # fmt: skip
def test_each_label_moves_its_own_number_its_own_way(label: str, column: int, sign: int):
    path = camera_path(scene_camera(label), TIMES, seconds=2.0)
    assert np.all(path[0] == 0)
    assert np.all(np.diff(path[:, column]) * sign >= 0)
    assert path[-1, column] * sign > 0.2
    assert np.all(np.delete(path, column, axis=1) == 0)


def test_every_camera_label_has_a_finite_path():
    for label in CAMERAS:
        path = camera_path(scene_camera(label), TIMES, seconds=17 / 8)
        assert path.shape == (17, 4)
        assert path.dtype == np.float32
        assert np.isfinite(path).all()
        assert (np.abs(path).max() > 0) == (label != "static")


def test_strength_scales_a_move():
    slow, full = (camera_path(scene_camera("zoom-in", s), TIMES, 2.0) for s in (0.5, 1.0))
    np.testing.assert_allclose(2 * slow, full, atol=1e-6)


def test_moves_follow_each_other_and_stay_where_they_ended():
    moves = (
        CameraMove(kind="pan", amount=-0.3, easing="linear", end=0.5),
        CameraMove(kind="tilt", amount=0.2, easing="linear", start=0.5),
    )
    path = camera_path(moves, np.array([0.0, 0.5, 1.0, 1.5, 2.0]), seconds=2.0)
    np.testing.assert_allclose(path[:, 0], [0, -0.15, -0.3, -0.3, -0.3], atol=1e-6)
    np.testing.assert_allclose(path[:, 1], [0, 0, 0, 0.1, 0.2], atol=1e-6)


def test_the_path_does_not_depend_on_which_frames_are_asked_for():
    moves = (*scene_camera("shake"), *scene_camera("pan-left"))
    whole = camera_path(moves, TIMES, seconds=2.0)
    np.testing.assert_array_equal(camera_path(moves, TIMES[5:9], seconds=2.0), whole[5:9])


def test_channels_are_the_value_at_the_last_frame_and_the_change():
    path = np.arange(9 * 4, dtype=np.float32).reshape(9, 4)
    channels = camera_channels(path)
    assert channels.shape == (3, 8)
    np.testing.assert_array_equal(channels[:, :4], path[[0, 4, 8]])
    np.testing.assert_array_equal(channels[:, 4:], [[0] * 4, [16] * 4, [16] * 4])


def test_channels_refuse_a_path_that_no_latent_frames_fit():
    with pytest.raises(ValueError, match="1 \\+ 4k"):
        camera_channels(np.zeros((16, 4), np.float32))


def test_moves_that_need_depth_are_replaced_with_a_note():
    moves, notes = playable((CameraMove(kind="dolly", amount=0.5), CameraMove(kind="tilt", amount=0.1)))
    assert [move.kind for move in moves] == ["zoom", "tilt"]
    assert len(notes) == 1
    assert '"dolly"' in notes[0]
    assert '"zoom"' in notes[0]


@pytest.mark.parametrize(
    "label", ["pan-left", "tilt-up", "zoom-in", "zoom-out", "roll-left", "shake", "static"]
)
def test_a_centred_path_changes_as_before_but_around_its_middle(label: str):
    path = camera_path(scene_camera(label, 1.4), TIMES, 2.0)
    moved = centred(path)
    np.testing.assert_allclose(np.diff(moved, axis=0), np.diff(path, axis=0), atol=1e-6)
    assert np.abs(moved[:, :2]).max() < 0.25
    assert moved[:, 2].max() < 0.42
