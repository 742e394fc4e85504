"""Drills that ship: real processes that are really killed, and an audit of what they leave. For tests and benchmarks.

Processes are forked from one that has imported everything, so that a kill and a restart cost milliseconds. They render
with the model `fake` of `vitascope.testing.fakes`.
"""

import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from vitascope.jobs.job import Job
from vitascope.jobs.ray.cluster import RemoteWorker
from vitascope.jobs.service import JobService, open_service
from vitascope.jobs.storage import checksum
from vitascope.jobs.supervisor import Backoff, Process, Supervisor
from vitascope.types import Shot

_PRELOAD = [
    "__main__",
    "psycopg",
    "vitascope.cli.app",
    "vitascope.jobs.stores.sqlite",
    "vitascope.jobs.worker",
    "vitascope.testing.fakes",
]
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(_PRELOAD)


@dataclass(frozen=True)
class Forked:
    """A process of ours, with the few verbs that a supervisor needs."""

    process: BaseProcess

    @property
    def pid(self) -> int:
        """Its number."""
        assert self.process.pid is not None
        return self.process.pid

    def poll(self) -> int | None:
        """Return how it ended, None while it has not."""
        return self.process.exitcode

    def terminate(self) -> None:
        """Ask it to end."""
        self.process.terminate()

    def kill(self) -> None:
        """End it."""
        self.process.kill()

    def wait(self, seconds: float | int = 120.0) -> int:
        """Return how it ended; raises `TimeoutError`."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.process.kill()
            raise TimeoutError(f"{self.process.name} did not end")
        return self.process.exitcode


def start(
    home: Path, *arguments: str, fault: str | None = None, pace: float = 0.0, store: str | None = None
) -> Forked:
    """Start the command line in a process of its own, to be killed at a fault point if one is named.

    `pace` is how many seconds each call of the fake network takes, `store` the database of a shared queue; what is
    printed goes to `log` in the home folder.
    """
    told = {"VITASCOPE_HOME": str(home), "VITASCOPE_FAKE_SECONDS": str(pace), "VITASCOPE_STORE": store or ""}
    process = _forks.Process(target=_act, args=(told, arguments, fault), daemon=True)
    process.start()
    return Forked(process)


def run(home: Path, *arguments: str, fault: str | None = None, store: str | None = None) -> int:
    """Do the same and return how it ended: a status, or minus the number of the signal."""
    return start(home, *arguments, fault=fault, store=store).wait()


def call(function: Callable[..., object], *arguments: object, fault: str | None = None) -> int:
    """Call a function in a process of its own and return how that ended."""
    process = _forks.Process(target=_call, args=(function, arguments, fault), daemon=True)
    process.start()
    return Forked(process).wait()


def do(home: Path, method: str, *arguments: str, fault: str | None = None) -> int:
    """Call a method of the store of a home folder in a process of its own and return how that ended."""
    return call(_do, home, method, arguments, fault=fault)


def fork_worker(home: Path, *, pace: float = 0.0, store: str | None = None) -> Callable[[str], Process]:
    """Return what a supervisor starts workers with, as `supervisor.starter` does."""
    return lambda name: start(home, "worker", "--name", name, pace=pace, store=store)


def _call(function: Callable[..., object], arguments: Sequence[object], fault: str | None) -> None:
    from vitascope.failpoints import arm

    if fault is not None:
        arm(fault)
    function(*arguments)


def _do(home: Path, method: str, arguments: Sequence[str]) -> None:
    getattr(open_service(home).store, method)(*arguments)


def _act(told: Mapping[str, str], arguments: Sequence[str], fault: str | None) -> None:
    from vitascope import cli
    from vitascope.failpoints import arm
    from vitascope.settings import settings
    from vitascope.testing.fakes import register_fakes

    os.environ |= told
    log = os.open(Path(told["VITASCOPE_HOME"]) / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    settings.cache_clear()
    register_fakes()
    if fault is not None:
        arm(fault)
    sys.exit(cli.run_command(list(arguments)))


def take(seed: int, **said: object) -> Shot:
    """Return a small shot of the fake model."""
    told = {"prompt": "a cat walks in a garden", "model": "fake", "num_frames": 5, "seed": seed, **said}
    return Shot.model_validate(told)


@dataclass(frozen=True)
class Storm:
    """What a storm did: jobs completed, processes killed, attempts begun, and how long it took."""

    jobs: int
    kills: int
    attempts: int
    seconds: float


def storm(
    service: JobService,
    begin: Callable[[str], Process],
    *,
    jobs: int,
    kills: int,
    workers: int = 4,
    seeds: int = 5,
    every: float = 0.2,
    rng: random.Random | None = None,
    hit: Callable[[Process], None] = lambda process: os.kill(process.pid, signal.SIGKILL),
    say: Callable[[str], None] = lambda line: None,
    patience: float = 600.0,
) -> Storm:
    """Hand in jobs, and kill workers at random moments until all is done: about one in `every` seconds.

    Where the jobs go by faster, so do the kills. The jobs are of `seeds` different shots, so that each result can be
    compared with an unbroken one. `hit` kills a worker; it raises `ProcessLookupError` for one that is dead already. It
    gives up when nothing was completed for `patience` seconds.
    """
    rng, clock = rng or random.Random(), time.monotonic
    # Nobody's fault may make a job fail: being hit by chance three times is not what is tested here.
    for i in range(jobs):
        service.submit(take(i % seeds), key=f"job {i}", max_attempts=10_000)
    crew = Supervisor(service, workers, begin, patience=Backoff(0.01, 0.1, 1.0), say=say)
    killed, done, began = 0, 0, clock()
    due = moved = began  # the first as soon as anybody works
    try:
        while sum((counts := service.store.counts()).get(state, 0) for state in ("queued", "running")):
            crew.tick()
            if counts.get("completed", 0) > done:
                done, moved = counts["completed"], clock()
            now_is_the_time = clock() >= due or killed * jobs < kills * done
            if killed < kills and now_is_the_time and _strike(crew, rng, hit):
                killed += 1
                due = clock() + rng.expovariate(1 / every)
            if clock() > moved + patience:
                say(f"nothing was completed for {patience:.0f} s: given up")
                break
            time.sleep(0.005)
        spent = clock() - began
    finally:
        crew.close()
    attempts = sum(job.attempt for job in all_jobs(service))
    return Storm(service.store.counts().get("completed", 0), killed, attempts, spent)


def _strike(crew: Supervisor, rng: random.Random, hit: Callable[[Process], None]) -> int:
    """Kill one of the workers that have work; return how many were hit."""
    held_by = crew.service.store.tables.held_by
    busy = [process for name, process in crew.workers.items() if process.poll() is None and held_by(name)]
    if not busy:
        return 0
    struck = rng.choice(busy)
    try:
        hit(struck)
    except ProcessLookupError:  # hit before, and gone since it was asked
        return 0
    while struck.poll() is None:  # so that nobody is killed twice, and counted twice
        time.sleep(0.001)
    return int(struck.poll() != 0)


def hit_place(rng: random.Random) -> Callable[[Process], None]:
    """Return what kills a worker of a cluster in one of three ways: its actor, the actor's process, its own process."""

    def hit(process: Process) -> None:
        assert isinstance(process, RemoteWorker)
        way = rng.randrange(3)
        if way == 2:
            process.kill()
        else:
            os.kill(process.pids()[way], signal.SIGKILL)

    return hit


def audit(service: JobService, expected: dict[int, str]) -> list[str]:
    """Return all that is wrong: a job lost or published twice, a clip that is not its seed's, a hurt database."""
    wrong = [] if service.store.check() == "ok" else [f"database: {service.store.check()}"]
    told = Counter((event.job, event.type) for event in every_event(service))
    messages = Counter(message.job for message in service.store.take_messages(limit=1_000_000))
    for job in all_jobs(service):
        if job.state != "completed":
            wrong.append(f"{job.id}: {job.state} ({job.failure})")
            continue
        if told[job.id, "completed"] != 1 or messages[job.id] != 1:
            wrong.append(f"{job.id}: completed {told[job.id, 'completed']} times, {messages[job.id]} letters")
        if told[job.id, "running"] != job.attempt:
            wrong.append(f"{job.id}: claimed {told[job.id, 'running']} times in {job.attempt} attempts")
        wrong += _clips(service, job, expected)
    return wrong


def _clips(service: JobService, job: Job, expected: dict[int, str]) -> list[str]:
    wrong = []
    for index, output in enumerate(job.outputs):
        if checksum(service.storage.file(job, index)) != (output.sha256, output.bytes):
            wrong.append(f"{job.id}: {output.name} is not the file that was published")
        if output.sha256 != expected[output.seed]:
            wrong.append(f"{job.id}: {output.name} has other bytes than an unbroken run")
    return wrong


def all_jobs(service: JobService) -> tuple[Job, ...]:
    """Return every job, the oldest first."""
    return service.store.page(limit=1_000_000, order="asc").jobs


def every_event(service: JobService) -> list:
    """Return the whole log."""
    return service.store.events(limit=100_000_000)
