"""The grammar of `--camera`: "zoom-in 0.3, then pan-left 0.5 @2s-4s ease-out", or the same in words.

A move is a label or words ("slow zoom in"), then in any order how far it goes, `@` when, and an easing. Moves joined
by a comma happen at once; "then" puts them one after another, in equal parts of the time that no span claims.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import cast

from vitascope.camera.language import read_camera
from vitascope.camera.path import AMOUNTS, EASINGS, SIGNS, STAND_INS
from vitascope.camera.times import read_span
from vitascope.camera.words import tokenize
from vitascope.errors import RequestError
from vitascope.types import CameraKind, CameraMove, Easing

WAYS = {
    "pan": ("left", "right"), "tilt": ("up", "down"), "zoom": ("in", "out"), "roll": ("left", "right"),
    "dolly": ("in", "out"), "truck": ("left", "right"), "orbit": ("left", "right"),
}  # fmt: skip
"""The two ways of each kind of move; a shake has none."""

LABELS = ("static", *(f"{kind}-{way}" for kind, ways in WAYS.items() for way in ways), "shake")

# Read in text of single blanks: where a blank may repeat, a pattern tries each of them as its beginning, and the time
# grows with the square of the text.
_THEN = re.compile(r"\b(?:and )?(?:then|followed by|afterwards)\b", re.IGNORECASE)
_SIDE = r"[\d.]+(?: ?[s%](?!\w))?"
_SPAN = re.compile(rf"@ ?(?:{_SIDE})?(?: ?[-–](?: ?{_SIDE})?)?")
_FILLERS = frozenset([",", ".", "a", "an", "the", "and", "while", "with", "camera", "shot", "it", "also"])


@dataclass(frozen=True)
class Moves:
    """Camera moves as they were said, and a note for each that had to become the nearest that there is."""

    moves: tuple[CameraMove, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Part:
    """One part between commas: its moves over a span of their own, (0, 1), and when that span is, if said."""

    text: str
    said: Moves
    span: tuple[float, float] | None


def parse_moves(text: str, seconds: float | int | None = None) -> tuple[CameraMove, ...]:
    """Return the moves of `read_moves` without its notes."""
    return read_moves(text, seconds).moves


def read_moves(text: str, seconds: float | int | None = None) -> Moves:
    """Read camera moves; `seconds` is what spans in seconds are shares of: the time of the shot's last frame.

    "static" is a camera that stands still for its part of the time. Raises `RequestError` naming the part that is
    wrong and what could be said: also for a span in seconds when `seconds` is None.
    """
    stages = [[_part(part, seconds) for part in stage.split(",")] for stage in _stages(text)]
    moves = tuple(
        _placed(move, part.span or slot)
        for stage, slot in zip(stages, _slots(stages), strict=True)
        for part in stage
        for move in part.said.moves
    )
    return Moves(
        moves, tuple(dict.fromkeys(n for stage in stages for part in stage for n in part.said.notes))
    )


def format_moves(moves: Sequence[CameraMove]) -> str:
    """Return the text that `parse_moves` reads as these moves; what stands still or goes nowhere is left out."""
    return ", ".join(_format(move) for move in moves if move.kind != "static" and move.amount) or "static"


def _stages(text: str) -> list[str]:
    """Return what comes after one another, without the marks that stand around "then"."""
    first, *later = _THEN.split(" ".join(text.split()))
    texts = [first, *(stage.lstrip(" ,") for stage in later)]
    return [*(stage.rstrip(" ,;") for stage in texts[:-1]), texts[-1]]


def _format(move: CameraMove) -> str:
    ways = WAYS.get(move.kind, ())
    label = "-".join([move.kind, *(way for way in ways if SIGNS[way] * move.amount > 0)])
    span = "" if (move.start, move.end) == (0, 1) else f" @{_percent(move.start)}-{_percent(move.end)}"
    easing = "" if move.easing == "ease" else f" {move.easing}"
    return f"{label} {abs(move.amount)!r}{span}{easing}"


def _percent(share: float) -> str:
    return f"{Decimal(repr(share)).scaleb(2):f}%"


def _placed(move: CameraMove, span: tuple[float, float]) -> CameraMove:
    start, end = ((1 - share) * span[0] + share * span[1] for share in (move.start, move.end))
    return move.model_copy(update={"start": start, "end": end})


def _slots(stages: list[list[_Part]]) -> list[tuple[float, float]]:
    """Return when each stage is: as said where all of it says so, else its share of the time between those."""
    slots: list[tuple[float, float]] = []
    clock, place = 0.0, 0
    for moves, run in groupby(stages, key=lambda stage: all(part.span for part in stage)):
        run = list(run)
        place += len(run)
        if moves:
            for stage in run:
                slots.append(_claimed(stage, clock))
                clock = slots[-1][1]
            continue
        until = min(part.span[0] for part in stages[place] if part.span) if place < len(stages) else 1.0
        if until - clock < 1e-9:
            problem = f"{run[0][0].text!r} has no time left"
            raise RequestError("camera", problem, "leave it some, or say when it is, as in @0%-50%")
        step = (until - clock) / len(run)
        slots += [
            (clock + step * i, until if i + 1 == len(run) else clock + step * (i + 1))
            for i in range(len(run))
        ]
        clock = until
    return slots


def _claimed(stage: list[_Part], clock: float) -> tuple[float, float]:
    starts, ends = zip(*(part.span for part in stage if part.span), strict=True)
    if min(starts) < clock - 1e-9:
        problem = f"{stage[0].text!r} starts before the move it comes after has ended"
        raise RequestError("camera", problem, 'join them with a comma in place of "then"')
    return min(starts), max(ends)


def _part(text: str, seconds: float | int | None) -> _Part:
    quoted = " ".join(text.split())[:60]
    words: list[str] = []
    modifiers: dict[str, str] = {}
    for word in _SPAN.sub(lambda m: "".join(m[0].split()), text.lower()).split():
        kind = _modifier(word)
        if kind is None:
            words.append(word)
        elif kind in modifiers:
            raise RequestError(
                "camera", f"{quoted!r} has two of {modifiers[kind]!r} and {word!r}", "keep one"
            )
        else:
            modifiers[kind] = word
    moves = _said(words, quoted)
    if "amount" in modifiers:
        moves = _far(moves, modifiers["amount"], words, quoted)
    if "easing" in modifiers:
        easing = cast(Easing, modifiers["easing"].replace("ease-in-out", "ease"))
        moves = Moves(tuple(move.model_copy(update={"easing": easing}) for move in moves.moves), moves.notes)
    span = read_span("camera", modifiers["span"][1:], seconds) if "span" in modifiers else None
    return _Part(quoted, moves, span)


def _modifier(word: str) -> str | None:
    """Return what a word says of a move (span, easing, amount), None if it says which move."""
    if word.startswith("@"):
        return "span"
    if word in EASINGS or word == "ease-in-out":
        return "easing"
    if word.startswith("ease"):
        raise RequestError("camera", f"{word[:40]!r} is not an easing", f"it may be: {', '.join(EASINGS)}")
    try:
        float(word)
    except ValueError:
        return None
    return "amount"


def _said(words: list[str], quoted: str) -> Moves:
    label = words[0] if words else ""
    kind, _, way = label.partition("-")
    if label in LABELS and (way or len(words) == 1):
        if len(words) > 1:
            raise _not_far(words[1], label)
        far = AMOUNTS.get(STAND_INS.get(kind, kind), 0.0) * (SIGNS[way] if way else 1.0)
        move = CameraMove(kind=cast(CameraKind, kind), amount=far)
        return Moves(() if label == "static" else (move,))
    if kind in WAYS and (way or len(words) == 1):
        ways = " or ".join(f"{kind}-{way}" for way in WAYS[kind])
        raise RequestError("camera", f"{label[:40]!r} is not a move", f"write it as {ways}")
    return _in_words(words, quoted)


def _in_words(words: list[str], quoted: str) -> Moves:
    sentence, wrong = " ".join(words), quoted
    for start in (",", ", the camera"):
        moves = read_camera(" ".join([start, *tokenize(sentence)]))
        left = " ".join(word for word in moves.rest.split() if word not in _FILLERS)
        if moves.label is not None:
            if not left:
                return Moves(moves.moves, moves.notes)
            wrong = left
    raise RequestError("camera", f"{wrong!r} is not a move", f"it may be: {', '.join(LABELS)}")


def _far(moves: Moves, amount: str, words: list[str], quoted: str) -> Moves:
    if not moves.moves:
        raise RequestError("camera", f"{quoted!r} goes nowhere", "leave out how far")
    if not 0 < float(amount) < math.inf:
        raise _not_far(amount, " ".join(words))
    far = float(amount)
    return Moves(
        tuple(move.model_copy(update={"amount": math.copysign(far, move.amount)}) for move in moves.moves),
        moves.notes,
    )


def _not_far(word: str, label: str) -> RequestError:
    kind = label.partition("-")[0]
    usual = AMOUNTS.get(STAND_INS.get(kind, kind), 0.3)
    return RequestError("camera", f"{word[:40]!r} is not how far", f"write it as {label} {usual:g}")
