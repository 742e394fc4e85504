"""The grammar of `--subject-path`: where the subject goes, as in "0s:0.1,0.8 2s:0.5,0.6 100%:0.9,0.8"."""

import math
import re
from collections.abc import Sequence
from itertools import pairwise

from vitascope.camera.times import SLACK, Moment, read_moment
from vitascope.errors import RequestError

EXAMPLE = 'write it as "0s:0.1,0.8 2s:0.5,0.6"'
_SPACED = re.compile(r" ?([:,]) ?| (?=%)|(?<=\d) (?=s ?:)")
"""Blanks within a point, in text of single blanks."""
_STEP = 0.1
"""Seconds after the point before that are named as the nearest time when points are out of order."""

Point = tuple[float, float, float]


def parse_path(text: str, seconds: float | int | None = None) -> tuple[Point, ...]:
    """Read points (seconds, x, y), x from the left and y from the top in 0..1; one point is a place to stay.

    `seconds` is the shot's length, of which percentages are shares, None if nobody knows it. A single point may go
    without a time. Raises `RequestError` naming the point that is wrong and the nearest legal value.
    """
    words = _SPACED.sub(lambda m: m[1] or "", " ".join(text.lower().split())).replace(";", " ").split()
    if len(words) == 1 and ":" not in words[0]:
        words = [f"0s:{words[0]}"]
    return check_path([_point(word, seconds) for word in words], seconds)


def check_path(points: Sequence[Point], seconds: float | int | None = None) -> tuple[Point, ...]:
    """Return the points of a path that a shot of `seconds` can follow; raises `RequestError` for any other."""
    if not points:
        raise RequestError("path", "it has no points", EXAMPLE)
    for moment_text, x, y in points:
        for name, value in (("x", x), ("y", y)):
            if not 0 <= value <= 1:
                nearest = min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.5
                problem = f"{name} of the point at {moment_text:g} s is {value:g}, outside 0 to 1"
                raise RequestError("path", problem, f"nearest: {nearest:g}")
        if not 0 <= moment_text < math.inf:
            raise RequestError("path", f"a point at {moment_text:g} s is not in the shot", "nearest: 0s")
        if seconds is not None and moment_text > seconds + SLACK:
            problem = f"a point at {moment_text:g} s comes after the end of the shot ({seconds:g} s)"
            raise RequestError("path", problem, f"nearest: {seconds:g}s")
    for (before, *_), (after, *_) in pairwise(points):
        if after <= before:
            problem = f"a point at {after:g} s follows one at {before:g} s"
            raise RequestError("path", problem, f"times ascend; nearest: {before + _STEP:g}s")
    return tuple(points)


def _point(word: str, seconds: float | int | None) -> Point:
    moment_text, colon, place = word.partition(":")
    moment = read_moment(moment_text)
    if not colon or place.count(",") != 1:
        raise RequestError("path", f"{word[:40]!r} is not a point", EXAMPLE)
    if moment is None:
        raise RequestError("path", f"{moment_text[:40]!r} is not a time", 'write it as "2s" or "50%"')
    x, y = (_number(part, word) for part in place.split(","))
    return _second(moment, moment_text, seconds), x, y


def _second(moment: Moment, moment_text: str, seconds: float | int | None) -> float:
    if not moment.in_seconds and seconds is None:
        problem = f"{moment_text!r} is a share of the shot, and its length is not known"
        raise RequestError("path", problem, "say the length, or write the time in seconds")
    if not moment.in_seconds and moment.value > 1:
        raise RequestError("path", f"{moment_text!r} comes after the end of the shot", "nearest: 100%")
    return moment.seconds(seconds or 0.0)


def _number(text: str, word: str) -> float:
    try:
        return float(text)
    except ValueError:
        problem = f"{text[:20]!r} in {word[:40]!r} is not a number"
        raise RequestError("path", problem, "x and y are numbers from 0 to 1") from None
