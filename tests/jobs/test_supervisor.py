import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from vitascope.errors import StoreError
from vitascope.jobs.liveness import Liveness
from vitascope.jobs.supervisor import Backoff, Supervisor, resident_bytes
from vitascope.testing.chaos import fork_worker, take

QUICK = Backoff(0.01, 0.1, 1.0)


class Actor:
    """A process that does what the test says."""

    def __init__(self, name: str):
        self.name, self.pid, self.status, self.killed = name, os.getpid(), None, False

    def poll(self) -> int | None:
        return self.status

    def terminate(self) -> None:
        self.status = 0

    def kill(self) -> None:
        self.killed, self.status = True, -9


class Cast(list):
    def __call__(self, name: str) -> Actor:
        self.append(Actor(name))
        return self[-1]


def wait_for(what: Callable[[], object], crew: Supervisor, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        crew.tick()
        time.sleep(0.01)


def test_a_killed_worker_is_replaced_and_its_job_is_finished(service, home, unbroken):
    job = service.submit(take(0)).id
    crew = Supervisor(service, 2, fork_worker(home, pace=0.2), patience=QUICK)
    try:
        wait_for(lambda: service.store.get(job).standing.step > 0, crew)
        worker = service.store.get(job).worker
        os.kill(crew.workers[worker].pid, signal.SIGKILL)
        wait_for(lambda: service.store.get(job).finished, crew)
        wait_for(lambda: len(crew.workers) == 2, crew)
        assert worker not in crew.workers
    finally:
        crew.close()
    done = service.store.get(job)
    assert (done.state, done.attempt, done.outputs[0].sha256) == ("completed", 2, unbroken[0])
    assert list(service.storage.workers.iterdir()) == []


def test_closing_gives_the_jobs_back(service, home):
    job = service.submit(take(0)).id
    crew = Supervisor(service, 1, fork_worker(home, pace=0.2))
    wait_for(lambda: service.store.get(job).standing.step > 0, crew)
    crew.close()
    given = service.store.get(job)
    assert (given.state, given.lost) == ("queued", 0)
    assert crew.workers == {}


def test_who_keeps_dying_is_started_more_and_more_slowly(service):
    cast, lines = Cast(), []
    crew = Supervisor(service, 1, cast, patience=Backoff(0.2, 0.5, 100.0), say=lines.append)
    for _ in range(4):
        crew.tick()
        cast[-1].status = 1
        crew.tick()
        crew.tick()
        waits = [float(line.split()[-2]) for line in lines]
        crew._slots[0].due = 0
    assert waits == [0.2, 0.4, 0.5, 0.5]
    assert len(cast) == 4


def test_a_process_that_holds_too_much_is_ended_and_its_job_fails(service):
    cast = Cast()
    crew = Supervisor(service, 1, cast, memory=2**20, say=lambda line: None)
    job = service.submit(take(0)).id
    crew.tick()
    service.store.claim(cast[0].name)
    assert resident_bytes(os.getpid()) > 2**20
    crew.tick()
    assert cast[0].killed
    failed = service.store.get(job)
    assert (failed.state, failed.failure.code) == ("failed", "out_of_memory")


def test_a_process_that_hangs_is_ended_and_its_job_goes_to_another(service):
    cast = Cast()
    crew = Supervisor(service, 1, cast, say=lambda line: None)
    job = service.submit(take(0)).id
    crew.tick()
    liveness = Liveness(service.storage.workers, cast[0].name)
    service.store.claim(cast[0].name)
    crew.tick()
    assert not cast[0].killed
    os.utime(service.storage.workers / f"{cast[0].name}.lock", (time.monotonic() - 1000,) * 2)
    crew.tick()
    assert cast[0].killed
    crew.tick()
    assert (service.store.get(job).state, service.store.get(job).lost) == ("queued", 1)
    liveness.leave()


def test_a_queue_that_cannot_be_reached_ends_no_supervisor(service, monkeypatch):
    cast = Cast()
    crew = Supervisor(service, 1, cast, patience=Backoff(0.0, 0.0, 0.0), say=lambda line: None)
    crew.tick()

    def gone(*_: object) -> None:
        raise StoreError

    with monkeypatch.context() as patch:
        patch.setattr(service.store, "expire", gone)
        patch.setattr(service.store, "release_worker", gone)
        cast[0].status = 1
        crew.tick()
    crew.tick()
    assert len(cast) == 2


PROGRAM = """
import sys, time
from pathlib import Path
from vitascope.jobs.service import open_service
from vitascope.jobs.supervisor import Supervisor, starter
home = Path(sys.argv[1])
crew = Supervisor(open_service(home), 1, starter(home, program=(sys.executable, "-m", "vitascope.testing")))
while True:
    crew.tick()
    time.sleep(0.05)
"""


def test_workers_do_not_outlive_a_supervisor_that_is_killed(service, home):
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(home)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    try:
        while not list(service.storage.workers.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    while list(service.storage.workers.iterdir()):
        assert time.monotonic() < deadline, "the worker is still there"
        time.sleep(0.05)
