"""Times of a shot as people write them: a moment is "2s" or "50%", a span "2s-4s" or "50%-100%"."""

import re
from dataclasses import dataclass

from vitascope.errors import RequestError
from vitascope.limits import check_text

SLACK = 0.5
"""Seconds that a time may lie past the end: a shot's length is snapped to the frames that a model can make."""

_NUMBER = r"\d+(?:\.\d*)?|\.\d+"
# Both are read in text of single blanks, so that no two parts can share a run of them.
_MOMENT = re.compile(rf"({_NUMBER}) ?(s|%)")
_SPAN = re.compile(rf"({_NUMBER})? ?(s|%)? ?[-–] ?({_NUMBER})? ?(s|%)?")


@dataclass(frozen=True)
class Moment:
    """A time in a shot: seconds from its start, or a share (0..1) of its length."""

    value: float
    in_seconds: bool

    @classmethod
    def said(cls, number: str, unit: str) -> "Moment":
        """Return the moment of a number and its unit; a percentage becomes the nearest share there is."""
        return cls(float(number), True) if unit == "s" else cls(float(f"{number}e-2"), False)

    def share(self, seconds: float | int) -> float:
        """Return the share of a shot that lasts `seconds`."""
        return self.value / seconds if self.in_seconds else self.value

    def seconds(self, seconds: float | int) -> float:
        """Return the second of a shot that lasts `seconds`."""
        return self.value if self.in_seconds else self.value * seconds


def read_moment(text: str) -> Moment | None:
    """Return the moment that `text` stands for, None if it is none."""
    m = _MOMENT.fullmatch(" ".join(text.split()))
    return Moment.said(m[1], m[2]) if m else None


def read_span(argument: str, text: str, seconds: float | int | None) -> tuple[float, float]:
    """Return a span as two shares of the shot; a side that is left out is the shot's own.

    `seconds` is the shot's length, None when nobody knows it. Raises `RequestError` naming the nearest legal span.
    """
    m = _SPAN.fullmatch(" ".join(text.split()))
    unit = (m[2] or m[4]) if m else None
    if m is None or unit is None or not (m[1] or m[3]):
        raise RequestError(
            argument, f"'@{text[:40]}' is not a span of time", "write it as @2s-4s or @50%-100%"
        )
    sides = (
        Moment.said(m[1], m[2] or unit) if m[1] else Moment(0.0, False),
        Moment.said(m[3], m[4] or unit) if m[3] else Moment(1.0, False),
    )
    if seconds is None and any(side.in_seconds for side in sides):
        problem = f"'@{text[:40]}' is in seconds, and the length of the shot is not known"
        raise RequestError(argument, problem, "say the length, or write it as @50%-100%")
    start, end = (side.share(seconds or 1.0) for side in sides)
    return _inside(argument, text, start, end, seconds)


def _inside(
    argument: str, text: str, start: float, end: float, seconds: float | int | None
) -> tuple[float, float]:
    length = "100%" if seconds is None else f"{seconds:g} s"
    slack = SLACK / seconds if seconds else 0.0
    if start >= 1:
        raise RequestError(argument, f"'@{text[:40]}' starts after the end of the shot ({length})")
    if end > 1 + slack + 1e-9:
        nearest = (
            f"@{100 * start:.6g}%-100%" if seconds is None else f"@{start * seconds:.6g}s-{seconds:.6g}s"
        )
        raise RequestError(
            argument, f"'@{text[:40]}' goes on after the end of the shot ({length})", f"nearest: {nearest}"
        )
    if start >= end:
        raise RequestError(argument, f"'@{text[:40]}' ends before it starts", "write the earlier time first")
    return start, min(end, 1.0)


def parse_at(text: str) -> tuple[float, str]:
    """Read `4s=a cat jumps` as (4.0, "a cat jumps"); raises `RequestError` saying what is wrong with it."""
    check_text("at", text)
    time, equals, prompt = text.partition("=")
    shown = text.strip()[:40]
    if not equals:
        raise RequestError("at", f"{shown!r} has no =", 'write it as 4s="the cat jumps"')
    time = time.strip()
    if not re.fullmatch(r"\d{1,6}(?:\.\d{0,6})?\s*s?", time, re.ASCII):
        raise RequestError("at", f"{time[:40]!r} is not a time", 'write it as 4s="the cat jumps"')
    seconds = float(time.removesuffix("s"))
    words = prompt.strip().strip("\"'“”").strip()
    if not words:
        raise RequestError("at", f"{shown!r} says nothing to show", 'write it as 4s="the cat jumps"')
    return seconds, words
