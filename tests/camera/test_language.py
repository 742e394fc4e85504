import pytest

from vitascope.camera.language import read_camera
from vitascope.camera.path import AMOUNTS


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("a cat , slow zoom in", "zoom-in"),
        ("zoom out shot of a horse", "zoom-out"),
        ("the camera slowly pans from left to right", "pan-right"),
        ("camera panning to the left", "pan-left"),
        ("leftward pan", "pan-left"),
        ("tilting upwards", "tilt-up"),
        ("the camera moves down", "tilt-down"),
        ("the camera moves closer", "zoom-in"),
        ("the camera rolls counter clockwise", "roll-left"),
        ("a wheel rolling , slow roll to the right", "roll-right"),
        ("handheld footage of a dog", "shake"),
        ("the camera is shaking", "shake"),
        ("static shot of a cat", "static"),
        ("the camera does not move", "static"),
    ],
)
def test_a_move_in_words_is_a_label(text: str, label: str):
    said = read_camera(text)
    assert said.label == label
    assert len(said.moves) == (label != "static")
    assert said.notes == ()


@pytest.mark.parametrize(
    "text",
    [
        "a car zooms through the city",
        "a ball rolls left in a garden",
        "the truck left the city",
        "a camera on a table",
        "a crane flies up",
    ],
)
def test_what_the_subject_does_is_not_the_camera(text: str):
    said = read_camera(text)
    assert said.label is None
    assert said.moves == ()
    assert said.rest == text


def test_what_is_said_of_the_camera_is_taken_out_of_the_prompt():
    assert read_camera("a cat walks , slow zoom in , at night").rest.split() == [
        "a",
        "cat",
        "walks",
        ",",
        ",",
        ",",
        "at",
        "night",
    ]


def test_then_means_one_after_the_other():
    first, second = read_camera("slow zoom in , then the camera pans left").moves
    assert (first.kind, first.start, first.end) == ("zoom", 0.0, 0.5)
    assert (second.kind, second.start, second.end) == ("pan", 0.5, 1.0)
    assert second.amount == -AMOUNTS["pan"]


def test_the_second_verb_needs_no_camera_of_its_own():
    moves = read_camera("the camera pans left , then moves up , then rolls clockwise").moves
    assert [move.kind for move in moves] == ["pan", "tilt", "roll"]
    assert [round(move.start, 2) for move in moves] == [0.0, 0.33, 0.67]


def test_and_means_at_once():
    moves = read_camera("pan left and zoom in").moves
    assert [(move.start, move.end) for move in moves] == [(0.0, 1.0)] * 2


def test_pace_changes_how_far_a_move_goes():
    slow, plain, fast = (read_camera(f"{pace}zoom in").moves[0].amount for pace in ("slow ", "", "fast "))
    assert 0 < slow < plain < fast


@pytest.mark.parametrize(
    ("text", "label", "words"),
    [
        ("slow dolly in", "zoom-in", "dolly in"),
        ("push in on a cat", "zoom-in", "push in"),
        ("the camera trucks left", "pan-left", "trucks left"),
        ("the camera orbits around the cat", "pan-right", "orbits"),
        ("tracking shot of a dog", "static", "tracking shot"),
    ],
)
def test_moves_that_the_model_lacks_become_the_nearest_with_a_note(text: str, label: str, words: str):
    said = read_camera(text)
    assert said.label == label
    assert len(said.notes) == 1
    assert f'"{words}"' in said.notes[0]
