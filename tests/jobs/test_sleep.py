"""Sleep and clocks: nobody is judged by a pause, whether a machine slept, a process was stopped or a clock set."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from tests.jobs.test_supervisor import Cast
from vitascope.jobs.clock import PauseDetector, SystemClock
from vitascope.jobs.liveness import Liveness, is_stopped, silence
from vitascope.jobs.service import open_service
from vitascope.jobs.supervisor import Supervisor
from vitascope.jobs.worker import Worker, WorkerOptions
from vitascope.testing.chaos import take
from vitascope.testing.fakes import register_fakes

LEASE = 1.0


class Fork:
    """A worker that is forked from its supervisor, which has imported everything."""

    def __init__(self, home: Path, name: str):
        self.status = None
        self.pid = os.fork()
        if self.pid == 0:
            Worker(open_service(home, lease_seconds=LEASE), WorkerOptions(name, poll=0.05)).run()
            os._exit(0)

    def poll(self) -> int | None:
        if self.status is None and (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            self.status = ended[1]
        return self.status

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def supervise(home: Path) -> None:
    os.setsid()
    os.environ["VITASCOPE_FAKE_SECONDS"] = "0.3"
    register_fakes()
    crew = Supervisor(open_service(home, lease_seconds=LEASE), 1, lambda name: Fork(home, name))
    while True:
        crew.tick()
        time.sleep(0.05)


def wait_for(what, seconds: float = 60.0):
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


@pytest.fixture
def supervisor_pid(home):
    """The number of a supervisor and its worker, in a group of their own, with leases of a second."""
    process = multiprocessing.get_context("forkserver").Process(target=supervise, args=(home,), daemon=True)
    process.start()
    yield process.pid
    os.killpg(process.pid, signal.SIGKILL)
    process.join()


def test_a_service_that_sleeps_for_longer_than_its_leases_loses_nothing(home, supervisor_pid):
    service = open_service(home, lease_seconds=LEASE)
    job = service.submit(take(0, steps=14)).id
    for _ in range(2):
        step = wait_for(lambda: service.store.get(job).standing.step)
        os.killpg(supervisor_pid, signal.SIGSTOP)
        time.sleep(3.5 * LEASE)
        os.killpg(supervisor_pid, signal.SIGCONT)
        wait_for(
            lambda step=step: service.store.get(job).standing.step > step or service.store.get(job).finished
        )
    wait_for(lambda: service.store.get(job).finished)
    done = service.store.get(job)
    assert (done.state, done.attempt, done.lost) == ("completed", 1, 0)


def test_a_worker_that_somebody_stops_is_not_ended_and_loses_no_attempt(home, supervisor_pid):
    service = open_service(home, lease_seconds=LEASE)
    job = service.submit(take(0, steps=14)).id
    wait_for(lambda: service.store.get(job).standing.step)
    name = service.store.get(job).worker
    pid = int((service.storage.workers / f"{name}.lock").read_text())
    os.kill(pid, signal.SIGSTOP)
    assert wait_for(lambda: is_stopped(service.storage.workers, name))
    wait_for(lambda: service.store.get(job).state == "queued")  # somebody else could have it
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: service.store.get(job).finished)
    done = service.store.get(job)
    assert (done.state, done.attempt, done.lost) == ("completed", 2, 0)
    os.kill(pid, 0)


def test_a_pause_is_noticed_and_everybody_gets_time_to_speak():
    now = [100.0]
    pauses = PauseDetector(10, lambda: now[0])
    for _ in range(20):
        now[0] += 9
        pauses.tick()
        assert pauses.settled
    now[0] += 3600
    pauses.tick()
    assert not pauses.settled
    assert pauses.paused_seconds == 3600
    now[0] += 9.9
    pauses.tick()
    assert not pauses.settled
    now[0] += 0.2
    assert pauses.settled


def test_no_wall_clock_makes_a_worker_silent(tmp_path, monkeypatch):
    liveness = Liveness(tmp_path, "w")
    for hours in (-2, 2, 10_000):
        monkeypatch.setattr(time, "time", lambda hours=hours: 1_800_000_000.0 + hours * 3600)
        liveness.touch()
        assert silence(tmp_path, "w") < 60
    os.utime(tmp_path / "w.lock", (time.monotonic() - 500,) * 2)
    assert 400 < silence(tmp_path, "w") < 600
    liveness.leave()


def test_a_hundred_sleeps_end_no_worker_and_count_no_attempt(service, monkeypatch):
    """As the two tests above, without the waiting: the clocks of the supervisor and of the queue jump by hours."""
    cast, ticks = Cast(), [1000.0]
    monkeypatch.setattr(SystemClock, "ticks", lambda self: ticks[0])
    crew = Supervisor(service, 1, cast, say=lambda line: None)
    crew._pauses = PauseDetector(service.store.lease_seconds / 2, lambda: ticks[0])
    job = service.submit(take(0)).id
    crew.tick()
    liveness = Liveness(service.storage.workers, cast[0].name)
    lease = service.store.claim(cast[0].name).lease
    for _ in range(100):
        crew.tick()
        ticks[0] += 7200
        os.utime(service.storage.workers / f"{cast[0].name}.lock", (time.monotonic() - 7200,) * 2)
        for _ in range(3):
            ticks[0] += 0.25
            crew.tick()
        liveness.touch()
        service.store.beat(lease)
        for _ in range(100):
            ticks[0] += 0.25
            crew.tick()
    assert not cast[0].killed
    assert (service.store.get(job).state, service.store.get(job).lost, service.store.get(job).attempt) == (
        "running",
        0,
        1,
    )
    ticks[0] += 0.25
    for _ in range(200):
        ticks[0] += 0.25
        crew.tick()
    assert service.store.get(job).lost == 1, "who is awake and silent is judged"
    liveness.leave()
