"""Two kinds of time: what the clock on the wall says, for people, and what only goes forward, for leases.

A wall clock may be set by hours in either direction while jobs run. Leases are therefore measured in the seconds since
the machine was started, which all its processes share and nobody can set; a lease from before the last start is over.
"""

import time
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

    def __init__(self) -> None:
        self.boot = _BOOT.read_text().strip() if _BOOT.is_file() else ""

    def now(self) -> float:
        """Return Unix seconds."""
        return time.time()

    def ticks(self) -> float:
        """Return the seconds since this machine was started, or Unix seconds."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) if self.boot else time.time()


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
