"""How far a job is, from the events of its stages: one percentage that only grows, 100 only once the file is there."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from vitascope.jobs.job import Standing
from vitascope.jobs.previews import Previews
from vitascope.progress import Event
from vitascope.types import Shot

LOAD, WRITE = 0.04, 0.05
"""Shares of a clip's time that loading and writing take."""
ENCODE, DENOISE, DECODE = 0.05, 0.80, 0.15
"""Shares of a window's time."""


class JobProgress:
    """Turns events into standings, for clips of planned shots that are made one after the other.

    `passes` says in how many passes a backend makes a shot: each clip takes as much of the whole as it has of all.
    """

    def __init__(
        self,
        shots: Sequence[Shot],
        passes: Callable[[Shot], int] = lambda shot: 1,
        previews: Previews | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Begin at nothing; with `previews` pictures are made of what is there to be seen."""
        self._previews, self._clock = previews, clock
        self._pace: tuple[float, float] | None = None
        self._shots, self._all = shots, [passes(shot) for shot in shots]
        self._clip, self._window, self._percent = 0, -1, 0

    def next_clip(self) -> None:
        """Say that a clip is done and the next one begins."""
        self._clip, self._window = self._clip + 1, -1

    @property
    def _steps(self) -> int:
        return self._shots[min(self._clip, len(self._shots) - 1)].steps or 0

    @property
    def _windows(self) -> int:
        return self._all[min(self._clip, len(self._all) - 1)]

    def read(self, event: Event) -> Standing:
        """Return the standing after an event."""
        step, total = event.step, event.total
        if event.phase == "denoise" and total < self._steps:
            # A clip that goes on from a step that was kept tells only of the steps that are left.
            step, total = step + self._steps - total, self._steps
        if event.phase == "encode" and event.step == 0 and not event.finished:
            self._window += 1
        of_clip = self._share(event.phase, step / max(1, total)) if self._clip < len(self._all) else 0.0
        share = (sum(self._all[: self._clip]) + self._windows * of_clip) / sum(self._all)
        self._percent = max(self._percent, min(99, math.floor(100 * share)))
        left, preview = self._seconds_left(event, share), 0
        if self._previews is not None:
            preview = self._previews.see(event)
        standing = Standing(event.phase, step, total, self._percent, event.seconds_left, left, preview)
        if len(self._all) == 1:
            return standing
        return replace(standing, clip=self._clip, clip_percent=math.floor(100 * of_clip))

    def _seconds_left(self, event: Event, share: float) -> float | None:
        """Return the guess for all that is left: as fast as it went since the first step of denoising.

        Loading says nothing about that, and neither do steps that an earlier attempt made.
        """
        now = self._clock()
        if self._pace is None:
            if event.phase == "denoise" and event.step > 0:
                self._pace = now, share
            return None
        since, had = self._pace
        return (now - since) * max(0.0, 1 - share) / (share - had) if share > had else None

    def _share(self, phase: str, done: float) -> float:
        """Return how much of a clip is done."""
        starts = {"encode": (0.0, ENCODE), "denoise": (ENCODE, DENOISE), "decode": (ENCODE + DENOISE, DECODE)}
        if phase == "load":
            return LOAD * done
        if phase == "write":
            return 1 - WRITE + WRITE * done
        if phase not in starts:
            return 0.0
        start, length = starts[phase]
        window = min(max(self._window, 0), self._windows - 1)
        return LOAD + (1 - LOAD - WRITE) * (window + start + length * done) / self._windows
