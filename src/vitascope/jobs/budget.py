"""What clips cost, and how much of that one owner may have in an hour and in a day.

Every job that is taken in is charged in the same transaction, so that requests that come at once cannot go past a limit
together. Deleting a job gives nothing back; cancelling it before it was begun does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from vitascope.backends.base import Card
from vitascope.errors import BudgetError
from vitascope.jobs.job import Charge
from vitascope.types import Shot

HOUR, DAY = 3600.0, 86_400.0
_WORDS = {"seconds": "seconds of video", "megapixels": "million pixels"}
_NOTHING = 1e-6
"""Sums that differ by less are equal."""


@dataclass(frozen=True)
class Cost:
    """Seconds of video, and millions of pixels of all frames: one second of 1080p at 24 fps is 50 of them."""

    seconds: float | int = 0.0
    megapixels: float | int = 0.0

    @classmethod
    def of(cls, planned: Shot, number: int, card: Card) -> "Cost":
        """Return what `number` clips of a planned shot cost; what a server decides later is taken from its card."""
        fps = planned.fps or card.fps
        frames = planned.num_frames or round((planned.seconds or card.num_frames / card.fps) * fps)
        width, height = planned.size or next(iter(card.sizes), (0, 0))
        return cls(number * frames / fps, number * frames * width * height / 1e6)


@dataclass(frozen=True)
class Limit:
    """So much of `unit` may be had in any `window` seconds."""

    name: str
    unit: str
    window: float
    most: float | int

    def spent(self, charges: Sequence[Charge], now: float) -> float | int:
        """Return how much of it is used up."""
        return sum(getattr(charge, self.unit) for charge in charges if charge.at > now - self.window)

    def wait(self, cost: Cost, charges: Sequence[Charge], now: float) -> float:
        """Return in how many seconds there is enough left, 0 when there is; raises `BudgetError` for never."""
        asked = getattr(cost, self.unit)
        if asked > self.most + _NOTHING:
            raise BudgetError("budget", f"{self}, and this is {asked:g}", "ask for less")
        excess = self.spent(charges, now) + asked - self.most
        for charge in charges:
            if excess <= _NOTHING:
                return 0.0
            if charge.at > now - self.window:
                excess -= getattr(charge, self.unit)
                free_at = charge.at + self.window
                if excess <= _NOTHING:
                    return free_at - now
        return 0.0

    def __str__(self) -> str:
        """Say it in words."""
        return (
            f"{self.most:g} {_WORDS[self.unit]} may be had in {'an hour' if self.window == HOUR else 'a day'}"
        )


@dataclass(frozen=True)
class Budget:
    """How much may be had in any 60 minutes and any 24 hours; None is without limit. It is true where it limits."""

    seconds_per_hour: float | int | None = None
    seconds_per_day: float | int | None = None
    megapixels_per_hour: float | int | None = None
    megapixels_per_day: float | int | None = None

    def __bool__(self) -> bool:
        return any(True for _ in self.limits())

    def limits(self) -> Iterator[Limit]:
        """Yield all that limits."""
        for field in fields(self):
            if (most := getattr(self, field.name)) is not None:
                unit, _, span = field.name.split("_")
                yield Limit(field.name, unit, HOUR if span == "hour" else DAY, most)

    def over(self, other: "Budget") -> "Budget":
        """Return this budget, with the other's limits where it has none of its own."""
        limits = {field.name: getattr(self, field.name) for field in fields(self)}
        return Budget(
            **{name: getattr(other, name) if most is None else most for name, most in limits.items()}
        )

    def check(self, cost: Cost, charges: Sequence[Charge], now: float) -> None:
        """Raise `BudgetError` when a cost, after the charges (the oldest first), is more than may be had."""
        waits = [(limit.wait(cost, charges, now), limit) for limit in self.limits()]
        wait, limit = max(waits, key=lambda pair: pair[0])
        if wait > 0:
            words = f"{limit}, and {limit.spent(charges, now):g} of them are spent"
            raise BudgetError("budget", words, f"there is enough again in {_span(wait)}", wait)

    def spent(self, charges: Sequence[Charge], now: float) -> dict[str, dict[str, float | int]]:
        """Return how much of each limit is used up."""
        return {
            limit.name: {"most": limit.most, "spent": round(limit.spent(charges, now), 3)}
            for limit in self.limits()
        }


NO_COST, NO_LIMITS = Cost(), Budget()


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:.1f} h"
