"""Two kinds of time: what the clock on the wall says, for people, and what only goes forward, for leases.

A wall clock may be set by hours in either direction while jobs run. Leases are therefore measured in the seconds that
the machine has been awake since it was started, which all its processes share and nobody can set: no lease ends while a
laptop sleeps. A lease from before the last start is over.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@runtime_checkable
class Clock(Protocol):
    """What time it is."""

    @property
    def boot(self) -> str:
        """Which start of the machine `ticks` counts from."""
        ...

    def now(self) -> float:
        """Return Unix seconds."""
        ...

    def ticks(self) -> float:
        """Return seconds that only grow, the same for all processes of this machine."""
        ...


class SystemClock:
    """This machine's clocks; where it has none that all processes share, leases go by the clock on the wall."""

    def __init__(self, *, asleep: bool = False) -> None:
        """Count the seconds that the machine was awake, and (`asleep`) those that it slept."""
        self._clock = "CLOCK_BOOTTIME" if asleep else "CLOCK_MONOTONIC"
        self.boot = _BOOT.read_text().strip() if _BOOT.is_file() else ""

    def now(self) -> float:
        """Return Unix seconds."""
        return time.time()

    def ticks(self) -> float:
        """Return the seconds since this machine was started, or Unix seconds."""
        return time.clock_gettime(getattr(time, self._clock)) if self.boot else time.time()


class PauseDetector:
    """Notices that this process did not run for a while: it was stopped, or the machine slept or was overloaded.

    After a pause nobody may be judged by a silence, for those who are to speak did not run either, and wake up at the
    same moment. Call `tick` more often than every `limit` seconds.
    """

    def __init__(self, limit: float | int, clock: Callable[[], float] = time.monotonic):
        """Take anything longer than `limit` seconds between two ticks for a pause."""
        self._limit, self._clock, self._ticked = limit, clock, clock()
        self._settled = self._ticked
        self.paused_seconds = 0.0
        """How long all pauses together were."""

    def tick(self) -> None:
        """Note that the process runs."""
        now = self._clock()
        if now - self._ticked > self._limit:
            self.paused_seconds += now - self._ticked
            self._settled = now + self._limit
        self._ticked = now

    @property
    def settled(self) -> bool:
        """Whether the last pause is so long ago that all others have had time to speak."""
        return self._clock() >= self._settled


class HandClock:
    """A clock for tests: it stands still until it is told otherwise."""

    def __init__(self, now: float = 1_800_000_000.0, boot: str = "first") -> None:
        self.boot = boot
        self.wall, self.passed = now, 0.0

    def now(self) -> float:
        """Return Unix seconds."""
        return self.wall

    def ticks(self) -> float:
        """Return the seconds that have passed."""
        return self.passed

    def wait(self, seconds: float | int) -> None:
        """Let seconds pass."""
        self.wall += seconds
        self.passed += seconds
