"""A place for a worker on some machine of a cluster: all that an actor is. It imports little, and so starts quickly."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vitascope import __version__
from vitascope.errors import VitascopeError
from vitascope.jobs.clock import PauseDetector, SystemClock
from vitascope.jobs.liveness import silence

LOOK_SECONDS = 10.0
"""How often a worker is looked after, and the machines of a cluster are counted."""
PROBE = "from vitascope.weights.machine import machine; m = machine(); print(m.gpu, m.ram)"


@dataclass(frozen=True)
class ActorOptions:
    """What a place is told.

    Its machine must see the folder `jobs` of the home folder, with the same `mark` in it, and have this `version`.
    `boot` is the start of the machine that it must be on (None: any), `probe` whether its GPU decides about models. A
    worker that is silent for `patience` seconds is taken to hang.
    """

    name: str
    jobs: str
    mark: str
    boot: str | None
    program: str
    models: tuple[str, ...] | None
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    probe: bool = False
    patience: float | int = 90
    version: str = __version__


class WorkerActor:
    """An actor: one worker, as a child of it, on the machine that Ray chose."""

    def __init__(self, options: ActorOptions):
        """Start the worker. Raises `VitascopeError` where it cannot work on this machine."""
        check_here(options)
        self._options = options
        models = able(options) if options.probe else options.models
        told = [] if models is None else ["--models", ",".join(models)]
        # Ray lets everybody's mathematics have one thread; how many a worker has is in its settings.
        kept = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        command = [
            sys.executable,
            "-m",
            options.program,
            "worker",
            "--name",
            options.name,
            "--leash",
            "--bound",
        ]
        self._child = subprocess.Popen(
            [*command, *told, *options.arguments],
            stdin=subprocess.PIPE,
            env={**kept, **options.environment, "VITASCOPE_HOME": str(Path(options.jobs).parent)},
        )

    def pids(self) -> tuple[int, int]:
        """Return the numbers of this process and of the worker's."""
        return os.getpid(), self._child.pid

    def run(self) -> int:
        """Return how the worker ended, once it has; one that hangs is ended."""
        pauses = PauseDetector(2 * LOOK_SECONDS)
        while True:
            try:
                return self._child.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                pauses.tick()
                if pauses.settled and silence_of(self._options) > self._options.patience:
                    self._child.kill()

    def held(self) -> int:
        """Return how much memory the worker holds."""
        return resident_bytes(self._child.pid)

    def terminate(self) -> None:
        """Ask the worker to end."""
        self._child.terminate()


def silence_of(options: ActorOptions) -> float:
    """Return for how many seconds a worker has not said that it does something; where its lock is, says the queue."""
    locks = (Path(options.jobs) / "workers").rglob(f"{options.name}.lock")
    return max((silence(lock.parent, options.name) for lock in locks), default=0.0)


def check_here(options: ActorOptions) -> None:
    """Raise `VitascopeError` on a machine where a worker would do harm or nothing."""
    here, jobs = socket.gethostname(), Path(options.jobs)
    if options.version != __version__:
        raise VitascopeError(f"{here} has vitascope {__version__}, and the fleet is of {options.version}")
    if options.boot not in (None, SystemClock().boot):
        raise VitascopeError(f"{here} cannot open a queue in SQLite that lies on another machine")
    try:
        same = (jobs / "mark").read_text("utf-8") == options.mark
    except OSError:
        same = False
    if not same:
        raise VitascopeError(f"{jobs} on {here} is not the folder of the queue: mount it there")


def able(options: ActorOptions, probe: str = PROBE) -> tuple[str, ...]:
    """Return those of the models that fit this machine's GPU and memory; raises `VitascopeError` where none does.

    A process of its own asks (`probe`), for it would keep some of the GPU for as long as it lives.
    """
    from vitascope.weights.catalogue import catalogue
    from vitascope.weights.machine import Machine
    from vitascope.weights.memory_plan import fits_by_default

    asked = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise VitascopeError(f"the memory of {socket.gethostname()} cannot be told")
    gpu, ram = asked.stdout.split()[-2:]
    machine, known = Machine(int(gpu), int(ram), socket.gethostname()), catalogue()
    fit = tuple(m for m in options.models or () if m not in known or fits_by_default(known[m], machine))
    if not fit:
        raise VitascopeError(f"none of {', '.join(options.models or ())} fits: {machine}")
    return fit


def resident_bytes(pid: int) -> int:
    """Return how much memory a process holds, 0 where that cannot be known."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def die_with_parent() -> None:
    """Have the system end this process the moment its parent ends, so that nobody holds a GPU that is given away.

    Only Linux can; elsewhere the leash lets it end after its step.
    """
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
