import pytest

from vitascope.camera.language import read_camera
from vitascope.camera.syntax import parse_moves
from vitascope.camera.verbalise import VERBS, tell_camera
from vitascope.types import CameraMove


@pytest.mark.parametrize(
    ("moves", "words"),
    [
        ("pan-left 0.1", "the camera pans left slowly"),
        ("zoom-in", "the camera zooms in"),
        ("tilt-up 0.9", "the camera tilts up fast"),
        ("zoom-in, then pan-right", "the camera zooms in, then pans right"),
        ("zoom-out, pan-left", "the camera zooms out and pans left"),
        ("roll-left", "the camera rolls counterclockwise"),
        ("shake", "the camera shakes a little, as if held by hand"),
        ("static", ""),
    ],
)
def test_moves_are_told_in_words(moves: str, words: str):
    assert tell_camera(parse_moves(moves, 4)) == words


def test_every_kind_of_move_has_words_for_both_ways():
    for kind, (forth, back) in VERBS.items():
        assert tell_camera([CameraMove(kind=kind, amount=1.0)]).startswith(f"the camera {forth}")
        assert tell_camera([CameraMove(kind=kind, amount=-1.0)]).startswith(f"the camera {back}")


def test_a_camera_that_stands_still_is_told_when_it_is_said():
    assert tell_camera([CameraMove(kind="static")]) == "the camera stands still"


def test_what_is_told_is_understood_again():
    for label in ("pan-left", "pan-right", "zoom-in", "zoom-out", "tilt-up", "tilt-down"):
        assert read_camera(f", {tell_camera(parse_moves(label, 4))}").label == label
