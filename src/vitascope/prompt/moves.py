"""The short grammar of camera moves: "zoom-in 0.3", "pan-left, roll-right 0.2"."""

import math

from vitascope.conditioning.camera import AMOUNTS, SIGNS
from vitascope.errors import RequestError
from vitascope.types import CameraMove

WAYS = {"pan": ("left", "right"), "tilt": ("up", "down"), "zoom": ("in", "out"), "roll": ("left", "right")}
"""The two ways of each kind of move; a shake has none."""

LABELS = ("static", *(f"{kind}-{way}" for kind, ways in WAYS.items() for way in ways), "shake")


def parse_moves(text: str) -> tuple[CameraMove, ...]:
    """Read moves joined by commas, each a label and how far (an ordinary amount when it is left out).

    "static" is no move. Raises `RequestError` naming what can be said.
    """
    return tuple(move for part in text.split(",") if (move := _move(part)) is not None)


def _move(text: str) -> CameraMove | None:
    label, _, amount = text.strip().lower().partition(" ")
    if label not in LABELS:
        raise RequestError(
            "camera", f"{text.strip()[:40]!r} is not a move", f"it may be: {', '.join(LABELS)}"
        )
    if label == "static":
        return None
    kind, _, way = label.partition("-")
    far = _amount(amount, label) if amount.strip() else AMOUNTS[kind]
    return CameraMove.model_validate({"kind": kind, "amount": far * (SIGNS[way] if way else 1.0)})


def _amount(text: str, label: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 < amount < math.inf:
        usual = AMOUNTS[label.partition("-")[0]]
        raise RequestError(
            "camera", f"{text.strip()[:40]!r} is not how far", f"write it as {label} {usual:g}"
        )
    return amount
