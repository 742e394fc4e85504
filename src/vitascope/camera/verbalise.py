"""Camera moves as words, for models that read sentences and take no camera numbers."""

from collections.abc import Sequence
from itertools import groupby

from vitascope.camera.path import AMOUNTS, STAND_INS
from vitascope.types import CameraMove

VERBS = {
    "pan": ("pans right", "pans left"),
    "tilt": ("tilts up", "tilts down"),
    "zoom": ("zooms in", "zooms out"),
    "dolly": ("moves forward", "moves backward"),
    "truck": ("moves to the right", "moves to the left"),
    "roll": ("rolls clockwise", "rolls counterclockwise"),
    "orbit": ("orbits to the right around the subject", "orbits to the left around the subject"),
}
"""What the camera does when an amount is positive, and when it is negative."""
SLOW, FAST = 0.6, 1.6
"""Shares of a move's usual amount below which it is slow, and above which it is fast."""


def tell_camera(moves: Sequence[CameraMove]) -> str:
    """Return a sentence that tells camera moves in order of time, as in "the camera pans left slowly"; "" for none."""
    going = [move for move in moves if move.amount or move.kind == "static"]
    ordered = sorted(going, key=lambda move: (move.start, move.end))
    stages = [
        " and ".join(_tell(move) for move in stage)
        for _, stage in groupby(ordered, key=lambda move: (move.start, move.end))
    ]
    return f"the camera {', then '.join(stages)}" if stages else ""


def _tell(move: CameraMove) -> str:
    if move.kind == "static":
        return "stands still"
    share = abs(move.amount) / AMOUNTS.get(STAND_INS.get(move.kind, move.kind), abs(move.amount))
    if move.kind == "shake":
        return "shakes strongly" if share > FAST else "shakes a little, as if held by hand"
    pace = " slowly" if share < SLOW else " fast" if share > FAST else ""
    return VERBS[move.kind][move.amount < 0] + pace
