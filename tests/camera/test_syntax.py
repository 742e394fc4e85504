import numpy as np
import pytest

from vitascope.camera.path import AMOUNTS, EASINGS, camera_path
from vitascope.camera.syntax import LABELS, format_moves, parse_moves, read_moves
from vitascope.errors import RequestError
from vitascope.types import CameraMove

KNOWN = ("pan", "tilt", "zoom", "roll", "dolly", "truck", "orbit", "shake")


def spans(text: str, seconds: float | None = 4.0) -> list[tuple[str, float, float]]:
    return [(move.kind, move.start, move.end) for move in parse_moves(text, seconds)]


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("zoom-in 0.3", [("zoom", 0.3)]),
        ("Zoom-Out  0.3", [("zoom", -0.3)]),
        ("pan-left, roll-right 0.2", [("pan", -AMOUNTS["pan"]), ("roll", 0.2)]),
        ("tilt-down 1e-1,shake", [("tilt", -0.1), ("shake", AMOUNTS["shake"])]),
        ("orbit-left 0.4, dolly-in", [("orbit", -0.4), ("dolly", AMOUNTS["zoom"])]),
        ("static", []),
    ],
)
def test_moves_are_labels_and_amounts(text, moves):
    assert [(move.kind, move.amount) for move in parse_moves(text)] == moves


def test_every_label_is_understood():
    assert sum(len(parse_moves(label)) for label in LABELS) == len(LABELS) - 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zoom-in, pan-left", [("zoom", 0, 1), ("pan", 0, 1)]),
        ("zoom-in then pan-left", [("zoom", 0, 0.5), ("pan", 0.5, 1)]),
        ("zoom-in, then pan-left, tilt-up and then shake", [("zoom", 0, 1 / 3), ("pan", 1 / 3, 2 / 3),
                                                            ("tilt", 1 / 3, 2 / 3), ("shake", 2 / 3, 1)]),
        ("zoom-in 0.3, then pan-left 0.5 @2s-4s", [("zoom", 0, 0.5), ("pan", 0.5, 1)]),
        ("zoom-in, then pan-left @3s-4s", [("zoom", 0, 0.75), ("pan", 0.75, 1)]),
        ("pan-left @0s-1s then zoom-in then tilt-up", [("pan", 0, 0.25), ("zoom", 0.25, 0.625),
                                                       ("tilt", 0.625, 1)]),
        ("zoom-in, pan-left @50%-100%", [("zoom", 0, 1), ("pan", 0.5, 1)]),
        ("static, then zoom-in", [("zoom", 0.5, 1)]),
        ("static @0s-3s then zoom-in", [("zoom", 0.75, 1)]),
        ("zoom-in @ 1s - 2s", [("zoom", 0.25, 0.5)]),
        ("zoom-in @1-2s", [("zoom", 0.25, 0.5)]),
        ("zoom-in @25 %-50 % 0.2", [("zoom", 0.25, 0.5)]),
        ("zoom-in @2s-", [("zoom", 0.5, 1)]),
        ("zoom-in @-50%", [("zoom", 0, 0.5)]),
        ("zoom-in @2s-4.2s", [("zoom", 0.5, 1)]),
    ],
)  # fmt: skip
def test_moves_have_their_times(text, expected):
    assert spans(text) == [(kind, pytest.approx(start), pytest.approx(end)) for kind, start, end in expected]


def test_an_easing_belongs_to_its_move():
    moves = parse_moves(
        "zoom-in 0.3 @0%-50% ease-out, then pan-left linear 0.5, tilt-up, roll-left ease-in-out"
    )
    assert [move.easing for move in moves] == ["ease-out", "linear", "ease", "ease"]
    assert moves[1].amount == -0.5


@pytest.mark.parametrize(
    ("words", "moves"),
    [
        ("slow zoom in, then pan left", "zoom-in 0.36 then pan-left"),
        ("the camera pans left and zooms in", "pan-left, zoom-in"),
        ("the camera slowly zooms in and then moves up", "zoom-in 0.36 then tilt-up"),
        ("zoom in 0.3, then pan left 0.5 @2s-4s ease-out", "zoom-in 0.3, then pan-left 0.5 @2s-4s ease-out"),
        ("handheld camera", "shake"),
        ("static shot, then rolls clockwise", "static then roll-right"),
        ("pan-left then zoom out", "pan-left then zoom-out"),
    ],
)
def test_the_same_can_be_said_in_words(words, moves):
    assert parse_moves(words, 4.0) == parse_moves(moves, 4.0)


def test_words_for_a_move_that_the_model_lacks_make_the_nearest_with_a_note():
    said = read_moves("pedestal up, then pan left")
    assert [move.kind for move in said.moves] == ["tilt", "pan"]
    assert len(said.notes) == 1
    assert "pedestal up" in said.notes[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "'' is not a move; it may be: static, pan-left"),
        ("zoom-in, banana", "'banana' is not a move; it may be:"),
        ("zoom-in,, pan-left", "'' is not a move"),
        ("zoom", "'zoom' is not a move; write it as zoom-in or zoom-out"),
        ("zoom-left", "'zoom-left' is not a move; write it as zoom-in or zoom-out"),
        ("slow zoom in on the banana", "'on banana' is not a move"),
        ("pan-left far", "'far' is not how far; write it as pan-left 0.35"),
        ("pan-left -1", "'-1' is not how far"),
        ("pan-left 0", "'0' is not how far"),
        ("pan-left inf", "'inf' is not how far"),
        ("pan-left nan", "'nan' is not how far"),
        ("pan-left 1 2", "two of '1' and '2'"),
        ("static 1", "'static 1' goes nowhere"),
        ("pan-left ease-inn", "'ease-inn' is not an easing; it may be: linear, ease, ease-in, ease-out"),
        ("pan-left @2-4", "'@2-4' is not a span of time; write it as @2s-4s or @50%-100%"),
        ("pan-left @2s", "'@2s' is not a span of time"),
        ("pan-left @3s-2s", "'@3s-2s' ends before it starts"),
        ("pan-left @5s-6s", "'@5s-6s' starts after the end of the shot (4 s)"),
        ("pan-left @2s-6s", "'@2s-6s' goes on after the end of the shot (4 s); nearest: @2s-4s"),
        ("zoom-in then pan-left @0s-2s", "'zoom-in' has no time left"),
        ("pan-left @0s-2s then zoom-in @1s-3s", "'zoom-in @1s-3s' starts before the move it comes after"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_what_could_be_said(text, problem):
    with pytest.raises(RequestError) as error:
        parse_moves(text, 4.0)
    assert str(error.value).startswith("camera: ")
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_seconds_need_a_length_and_shares_do_not():
    with pytest.raises(RequestError, match="length of the shot is not known"):
        parse_moves("pan-left @1s-2s")
    assert spans("pan-left @25%-50%", None) == [("pan", 0.25, 0.5)]


def test_what_is_written_is_read_again_as_the_same_moves():
    rng = np.random.default_rng(11)
    for _ in range(200):
        moves = []
        for kind in rng.choice(KNOWN, rng.integers(1, 5)):
            amount = float(rng.uniform(0.001, 2)) * (1 if kind == "shake" else int(rng.choice([-1, 1])))
            start, end = sorted(rng.random(2).tolist()) if rng.random() < 0.7 else (0.0, 1.0)
            moves.append(
                CameraMove(
                    kind=str(kind), amount=amount, easing=str(rng.choice(list(EASINGS))), start=start, end=end
                )
            )
        text = format_moves(moves)
        assert parse_moves(text) == tuple(moves), text
        assert format_moves(parse_moves(text)) == text


def test_a_camera_that_stands_still_is_written_as_static():
    assert format_moves([]) == format_moves([CameraMove(kind="static")]) == "static"


def test_any_frames_of_a_read_path_are_the_same_frames_of_the_whole():
    rng = np.random.default_rng(3)
    times = np.arange(65) / 16
    for text in (
        "shake 0.04 @1s-3s, zoom-in 0.3, then pan-left 0.5 @2s-4s ease-out",
        "slow zoom in then roll left",
    ):
        moves = parse_moves(text, 4.0)
        whole = camera_path(moves, times, 4.0)
        for _ in range(20):
            a, b = sorted(rng.choice(66, 2, replace=False).tolist())
            np.testing.assert_array_equal(camera_path(moves, times[a:b], 4.0), whole[a:b])
