"""Starts workers, watches over them and starts them again, more and more slowly where they keep dying."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from vitascope.errors import StoreError
from vitascope.jobs.clock import PauseDetector
from vitascope.jobs.liveness import silence
from vitascope.jobs.ray.actor import resident_bytes
from vitascope.jobs.retention import KEEP_ALL, Retention, RetentionPolicy
from vitascope.jobs.service import JobService
from vitascope.jobs.worker import OUT_OF_MEMORY, say, worker_name

PROGRAM = (sys.executable, "-m", "vitascope")


@runtime_checkable
class Process(Protocol):
    """A worker's process, as `subprocess.Popen` is one."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    def poll(self) -> int | None:
        """Return how it ended, None while it has not."""
        ...

    def terminate(self) -> None:
        """Ask it to end."""
        ...

    def kill(self) -> None:
        """End it."""
        ...


@runtime_checkable
class Elsewhere(Process, Protocol):
    """A worker's process on another machine."""

    def held(self) -> int:
        """Return how many bytes of memory it held when it was last heard of."""
        ...


@dataclass(frozen=True)
class Backoff:
    """How long to wait before a worker is started again: twice as long each time, until one has lived long enough."""

    first: float = 0.2
    most: float = 30.0
    healthy: float = 10.0


@dataclass
class Slot:
    """A place for one worker, and what became of those that had it."""

    name: str = ""
    process: Process | None = None
    started: float = 0.0
    due: float = 0.0
    wait: float = 0.0


class Supervisor:
    """Keeps `number` workers of a service alive. Call `tick` a few times a second, or `run`."""

    def __init__(
        self,
        service: JobService,
        number: int,
        start: Callable[[str], Process],
        *,
        memory: int | None = None,
        patience: Backoff = Backoff(),
        keep: RetentionPolicy = KEEP_ALL,
        say: Callable[[str], None] = say,
    ):
        """Start workers by `start`, given the name that each is to have; none may hold more than `memory` bytes.

        About once an hour the service is tidied, and jobs are forgotten that are more or older than `keep` says.
        """
        self.retention = Retention(service, keep, say)
        self.service, self._start, self._memory, self._patience = service, start, memory, patience
        self._slots, self._say = [Slot() for _ in range(number)], say
        self._problem: str | None = None
        self._pauses = PauseDetector(service.store.lease_seconds / 2)

    @property
    def workers(self) -> dict[str, Process]:
        """The workers that have been started and not yet been seen dead, by name."""
        return {slot.name: slot.process for slot in self._slots if slot.process is not None}

    def tick(self) -> None:
        """Look after each worker once, take their jobs from workers that are not heard of, and tidy if it is time."""
        self._pauses.tick()
        for slot in self._slots:
            self._look_after(slot)
        if not self._pauses.settled:
            # Workers were stopped with this process, or slept with it: they may speak first.
            return
        try:
            self.service.store.expire()
            self._problem = None
        except StoreError as error:  # next time
            if self._problem != (line := str(error)):
                self._say(line)
            self._problem = line
            return
        self.retention.tick()

    def run(self, stop: threading.Event, every: float = 0.25) -> None:
        """Look after the workers until `stop` is set, then let them end."""
        try:
            while not stop.wait(every):
                self.tick()
        finally:
            self.close()

    def close(self, grace: float | int = 30.0) -> None:
        """Ask all workers to leave, and end those that have not within `grace` seconds; their jobs are queued again."""
        deadline = time.monotonic() + grace
        for process in self.workers.values():
            process.terminate()
        while (
            any(process.poll() is None for process in self.workers.values()) and time.monotonic() < deadline
        ):
            time.sleep(0.02)
        for slot in self._slots:
            if slot.process is not None:
                slot.process.kill()
                while slot.process.poll() is None:
                    time.sleep(0.01)
                self._release_worker(slot)

    def _look_after(self, slot: Slot) -> None:
        now = time.monotonic()
        if slot.process is None:
            if now >= slot.due:
                slot.name, slot.started = worker_name(), now
                slot.process = self._start(slot.name)
            return
        status = slot.process.poll()
        if status is not None:
            lived = now - slot.started
            slot.wait = self._patience.first if lived > self._patience.healthy else self._longer(slot.wait)
            slot.due = now + slot.wait
            self._say(f"worker {slot.name} ended ({status}), the next one starts in {slot.wait:.1f} s")
            self._release_worker(slot)
        elif self._memory is not None and held_bytes(slot.process) > self._memory:
            self._say(f"worker {slot.name} holds too much memory and is ended")
            # First the job, so that no other worker takes it up and dies of it as well.
            self.service.store.release_worker(slot.name, OUT_OF_MEMORY, again=False)
            slot.process.kill()
        elif (
            self._pauses.settled
            and silence(self.service.storage.workers, slot.name) > 3 * self.service.store.lease_seconds
        ):
            self._say(f"worker {slot.name} hangs and is ended")
            slot.process.kill()

    def _longer(self, wait: float) -> float:
        return min(self._patience.most, 2 * wait or self._patience.first)

    def _release_worker(self, slot: Slot) -> None:
        """Give the jobs of a dead worker to others at once, and its slot to the next one."""
        with contextlib.suppress(StoreError):  # then its lease runs out
            self.service.store.release_worker(slot.name)
        (self.service.storage.workers / f"{slot.name}.lock").unlink(missing_ok=True)
        slot.process = None


def starter(
    home: Path,
    arguments: Sequence[str] = (),
    program: Sequence[str] = PROGRAM,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Callable[[str], Process]:
    """Return what starts `vitascope worker` for a home folder, on a leash: it leaves when this process is gone.

    The leash is a pipe that nobody writes to; the system closes its other end when this process ends, however. What the
    workers say goes to the file `log`, or to where this process says things.
    """
    leash, _ = os.pipe()

    def start(name: str) -> Process:
        with contextlib.nullcontext() if log is None else log.open("ab") as out:
            return subprocess.Popen(
                [*program, "worker", "--name", name, "--leash", *arguments],
                stdin=leash,
                stderr=out,
                env={**os.environ, **(environment or {}), "VITASCOPE_HOME": str(home)},
            )

    return start


def held_bytes(process: Process) -> int:
    """Return how much memory a worker holds, on whatever machine it is."""
    return process.held() if isinstance(process, Elsewhere) else resident_bytes(process.pid)
