"""Who is alive: each worker holds a lock on a file of its own, which the system releases however the process ends.

So a dead worker's jobs are taken up at once, not when their leases run out. Where there are no such locks (Windows),
the lease decides alone.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from vitascope.failpoints import failpoint
from vitascope.jobs.clock import PauseDetector

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class Liveness:
    """Says that a worker is alive, from when it is made until `leave` or the end of the process."""

    def __init__(self, folder: Path, name: str, pause_limit: float | int = 15.0):
        """Take the lock of that name; more than `pause_limit` seconds without a touch are taken for a pause."""
        self.pauses = PauseDetector(pause_limit)
        self._path = folder / f"{name}.lock"
        self._file: int | None = None
        while fcntl is not None and self._file is None:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            failpoint("presence: made")
            fcntl.flock(file, fcntl.LOCK_EX)
            failpoint("presence: locked")
            # Somebody may have taken the file for a dead worker's, and removed it, before it was locked.
            if self._path.exists() and os.path.samestat(os.fstat(file), self._path.stat()):
                self._file = file
                os.truncate(file, 0)
                os.write(file, str(os.getpid()).encode())
                self.touch()
            else:
                os.close(file)

    def touch(self) -> None:
        """Say that it is still doing something; see `silence`."""
        self.pauses.tick()
        if self._file is not None:
            # Not the time of the wall clock, which may be set by hours meanwhile.
            now = time.monotonic_ns()
            os.utime(self._file, ns=(now, now))

    def leave(self) -> None:
        """Remove the file and release the lock."""
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            failpoint("presence: left")
            os.close(self._file)
            self._file = None


def silence(folder: Path, name: str) -> float:
    """Return for how many seconds a worker has not said that it does something, 0 where it was never there.

    Only seconds count in which the machine was awake. A worker that somebody has stopped is not silent: it goes on when
    they let it.
    """
    lock = folder / f"{name}.lock"
    try:
        seconds = time.monotonic() - lock.stat().st_mtime
    except FileNotFoundError:
        return 0.0
    return 0.0 if seconds < 0 or is_stopped(folder, name) else seconds


def is_stopped(folder: Path, name: str) -> bool:
    """Say whether a worker of this machine is alive and stopped (SIGSTOP); False where the system does not say."""
    try:
        pid = int((folder / f"{name}.lock").read_text("ascii"))
        # The state comes after the name of the program, which is in brackets and may hold anything.
        state = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    except (OSError, ValueError, IndexError):
        return False
    return state in ("T", "t")


def absent(folder: Path) -> Iterator[str]:
    """Yield the names of workers that have died; each is forgotten once the caller has come back for the next."""
    if fcntl is None:
        return
    for path in sorted(folder.glob("*.lock")):
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        try:
            yield path.stem
            path.unlink(missing_ok=True)
        finally:
            os.close(file)
