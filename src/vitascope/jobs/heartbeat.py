"""A worker's heartbeat: it renews the lease of the job at work, and knows whether and why the work has to end."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Literal

from vitascope.errors import DiskFullError, LeaseLostError, StoreError
from vitascope.jobs.job import Failure, Job, Standing
from vitascope.jobs.liveness import Liveness
from vitascope.jobs.progress import JobProgress
from vitascope.jobs.stores.store import Store
from vitascope.progress import Event

Why = Literal["cancelled", "timed_out", "lost", "leaving"]

GRACE_SECONDS = 60.0
"""How long a step may go on after the time of its job is over, before the process is ended with it."""


class Heartbeat:
    """Beats for one job, at every step that it hears of and by itself in between; a context manager.

    `why` says why the work has to end (None: it need not), and `leaving` is asked whether the worker has to go.
    """

    def __init__(
        self,
        store: Store,
        job: Job,
        liveness: Liveness,
        leaving: Callable[[], bool],
        seconds: float | int | None = None,
    ):
        """Attend a claimed job, which may take so many seconds (None: any)."""
        self.store, self.job, self.lease = store, job, job.lease
        self._liveness, self._leaving = liveness, leaving
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._paused = liveness.pauses.paused_seconds
        self._why: Why | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heart of {job.id}", daemon=True)
        self._last: Standing | None = None

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def why(self) -> Why | None:
        """Why the work has to end."""
        if self._why is None and self._leaving():
            self._why = "leaving"
        if self._why is None and self._late(0.0):
            self._why = "timed_out"
        return self._why

    def listener(self, job_progress: JobProgress, hear: Callable[[Event], None]) -> Callable[[Event], None]:
        """Return what a `Progress` tells its events to: each step is written down, and then `hear` hears of it."""

        def listen(event: Event) -> None:
            if event.note is None:
                standing = job_progress.read(event)
                if self._last is None or (standing.phase, standing.step) != (
                    self._last.phase,
                    self._last.step,
                ):
                    self.beat(standing)
                    self._last = standing
            hear(event)

        return listen

    def beat(self, standing: Standing | None = None) -> None:
        """Renew the lease, and learn whether somebody wants the work to end."""
        self._liveness.touch()
        try:
            if self.store.beat(self.lease, standing):
                self._why = self._why or "cancelled"
        except LeaseLostError:
            self._why = "lost"
        except (DiskFullError, StoreError):
            pass  # What was made is kept; if the lease runs out meanwhile, somebody goes on from there.

    def _run(self) -> None:
        """Beat while nothing else is heard of, and end a step that never ends."""
        while not self._done.wait(self.store.lease_seconds / 4):
            if self._late(GRACE_SECONDS):
                self._die()
            # What fails now may succeed next time; if nothing does, the lease runs out and somebody else goes on.
            with contextlib.suppress(Exception):
                self.beat()
        self.store.close()

    def _late(self, grace: float) -> bool:
        if self._deadline is None:
            return False
        # Time in which this process did not run is not the job's.
        self._liveness.pauses.tick()
        return time.monotonic() - self._liveness.pauses.paused_seconds + self._paused > self._deadline + grace

    def _die(self) -> None:
        """End this process, whose step hangs, having said why."""
        try:
            self.store.fail(
                self.lease, Failure("timed_out", "it took too long, and a step of it never ended")
            )
        finally:
            # Windows has no SIGKILL; there any signal of this kind ends a process at once.
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
