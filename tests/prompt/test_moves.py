import pytest

from vitascope.conditioning.camera import AMOUNTS
from vitascope.errors import RequestError
from vitascope.prompt.moves import LABELS, parse_moves


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("zoom-in 0.3", [("zoom", 0.3)]),
        ("Zoom-Out  0.3", [("zoom", -0.3)]),
        ("pan-left, roll-right 0.2", [("pan", -AMOUNTS["pan"]), ("roll", 0.2)]),
        ("tilt-down 1e-1,shake", [("tilt", -0.1), ("shake", AMOUNTS["shake"])]),
        ("static", []),
    ],
)
def test_moves_are_labels_and_amounts(text, moves):
    assert [(move.kind, move.amount) for move in parse_moves(text)] == moves


def test_every_label_is_understood():
    assert sum(len(parse_moves(label)) for label in LABELS) == len(LABELS) - 1


@pytest.mark.parametrize(
    "text", ["", "zoom", "zoom-left", "pan-left far", "pan-left -1", "pan-left 0", "pan-left inf"]
)
def test_other_words_are_refused_with_what_could_be_said(text):
    with pytest.raises(RequestError, match="camera: "):
        parse_moves(text)
