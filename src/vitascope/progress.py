"""One Progress object is handed down the stages: they tell it phase and step, and it tells them to stop."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8

from vitascope import telemetry
from vitascope.errors import Cancelled

Preview = Callable[[], UInt8[np.ndarray, "height width 3"]]
"""Makes one frame; what that costs is paid by who calls it, and it is good until the next step only."""


@dataclass(frozen=True)
class Event:
    """What has just happened: `step` of `total` steps of `phase` are done.

    `seconds_left` is the guess for this phase (None before its first step); `preview` makes a picture of the clip as it
    is by now, for whoever calls it (None: there is nothing to show); `note` is a line for the person who waits.
    """

    phase: str
    step: int = 0
    total: int = 1
    seconds_left: float | None = None
    preview: Preview | None = None
    note: str | None = None
    finished: bool = False
    passes: int = 1
    """In about how many passes the clip is made, each through the phases from encoding to decoding."""


class Progress:
    """Passes events to a listener, asks whether to go on, and keeps how long each phase took.

    `listener` hears each `Event`; `cancelled` is asked between steps. Each may be left out.
    """

    def __init__(
        self,
        listener: Callable[[Event], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self._listener, self._cancelled, self._clock = listener, cancelled, clock
        self._phase, self._step, self._total, self._start = "", 0, 1, 0.0
        self.seconds_spent: dict[str, float] = {}
        self.passes = 1

    def joined(self, listener: Callable[[Event], None], cancelled: Callable[[], bool]) -> "Progress":
        """Return a progress that reports to `listener` as well, and stops when `cancelled` says so, too."""

        def hear(event: Event) -> None:
            self._tell(event)
            listener(event)

        def is_cancelled() -> bool:
            return cancelled() or (self._cancelled is not None and self._cancelled())

        both = Progress(hear, is_cancelled, self._clock)
        both.seconds_spent = self.seconds_spent
        return both

    @contextmanager
    def phase(self, name: str, total: int = 1) -> Iterator[None]:
        """Enter a phase of `total` steps; phases follow one another and do not nest. Raises `Cancelled`."""
        self._phase, self._step, self._total, self._start = name, 0, total, self._clock()
        self.check()
        self._tell(Event(name, 0, total))
        with telemetry.phase(name, total):
            yield
        spent = self._clock() - self._start
        self.seconds_spent[name] = self.seconds_spent.get(name, 0.0) + spent
        self._tell(Event(name, self._total, self._total, 0.0, finished=True))

    def step(self, preview: Preview | None = None) -> None:
        """Say that one more step of the phase is done. Raises `Cancelled` when nobody wants the rest."""
        self._step += 1
        each = (self._clock() - self._start) / self._step
        left = max(0.0, each * (self._total - self._step))
        self._tell(Event(self._phase, self._step, self._total, left, preview))
        self.check()

    def note(self, line: str) -> None:
        """Pass on a line for the person who waits."""
        self._tell(Event(self._phase, self._step, self._total, note=line))

    def check(self) -> None:
        """Raise `Cancelled` when the one who asked no longer wants the result."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled

    def _tell(self, event: Event) -> None:
        if self._listener is not None:
            self._listener(replace(event, passes=self.passes) if self.passes != event.passes else event)
