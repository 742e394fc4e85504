"""Every dangerous place in turn: the process is killed there, started again, and the bytes are those of a whole run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope.errors import JobNotFoundError
from vitascope.faults import POINTS, FaultPoint, arm
from vitascope.jobs.desk import Desk, open_desk
from vitascope.jobs.drill import all_jobs, audit, run, start

KILLED = -signal.SIGKILL
SUBMIT = tuple(point for point in POINTS if point.startswith(("submit:", "input:")))
RECOVER = tuple(point for point in POINTS if point.startswith("recover:"))
CANCEL = tuple(point for point in POINTS if point.startswith("cancel:"))
DELETE = tuple(point for point in POINTS if point.startswith("delete:"))
MOVE = tuple(point for point in POINTS if point.startswith("move:"))
WORK = tuple(point for point in POINTS if point not in SUBMIT + RECOVER + CANCEL + DELETE + MOVE)
# Two clips of two windows of four steps each: later ones are other places.
LATER = (
    "worker: denoising:6",
    "worker: denoising:11",
    "worker: decoding:3",
    "publish: renamed:2",
    "beat: saved:20",
)


@pytest.fixture(scope="session")
def picture(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("picture") / "first.png"
    Image.fromarray(np.full((48, 64, 3), 200, np.uint8)).save(file)
    return file


@pytest.fixture(scope="session")
def request_line(picture) -> tuple[str, ...]:
    """Two clips, longer than the fake network sees at once, that begin with a picture."""
    words = ("jobs", "submit", "a cat walks in a garden", "--model", "fake", "--seed", "7", "-n", "2")
    return (*words, "--seconds", "3", "--image", str(picture), "--key", "once")


@pytest.fixture(scope="session")
def expected(request_line, tmp_path_factory) -> dict[int, str]:
    """The checksums by seed when nobody disturbs anything."""
    home = tmp_path_factory.mktemp("unbroken")
    made = made_of(home, request_line)
    assert len(set(made.values())) == 2
    return made


def made_of(home: Path, request_line: tuple[str, ...]) -> dict[int, str]:
    assert run(home, *request_line) == 0, (home / "log").read_text()
    assert run(home, "worker", "--once") == 0
    (job,) = all_jobs(open_desk(home))
    return {output.seed: output.sha256 for output in job.outputs}


def no_harm(desk: Desk, expected: dict[int, str]) -> None:
    """Nothing is lost, doubled or left over."""
    assert audit(desk, expected) == []
    for job in all_jobs(desk):
        left = {file.name for file in desk.rooms.folder(job.id).iterdir()}
        assert left == {output.name for output in job.outputs}
    assert not list(desk.rooms.workers.iterdir())


@pytest.mark.parametrize("point", SUBMIT)
def test_killed_while_it_is_handed_in(home, request_line, expected, point):
    assert run(home, *request_line, fault=point) == KILLED
    desk = open_desk(home)
    assert len(all_jobs(desk)) == (1 if point == "submit: committed" else 0)
    assert made_of(home, request_line) == expected, "handed in again with its key, it is still one job"
    no_harm(desk, expected)


@pytest.mark.parametrize("point", WORK + LATER)
def test_killed_while_it_is_made(home, request_line, expected, point):
    assert run(home, *request_line) == 0
    assert run(home, "worker", "--once", fault=point) == KILLED
    desk = open_desk(home)
    assert len(all_jobs(desk)) == 1
    assert run(home, "worker", "--once") == 0
    (job,) = all_jobs(desk)
    assert {output.seed: output.sha256 for output in job.outputs} == expected
    assert job.attempt <= 2
    desk.tidy()
    no_harm(desk, expected)


@pytest.mark.parametrize("point", RECOVER)
def test_killed_while_it_takes_up_the_job_of_a_dead_worker(home, request_line, expected, point):
    assert run(home, *request_line) == 0
    assert run(home, "worker", "--once", fault="worker: denoising:5") == KILLED
    assert run(home, "worker", "--once", fault=point) == KILLED
    assert run(home, "worker", "--once") == 0
    desk = open_desk(home)
    (job,) = all_jobs(desk)
    assert (job.state, job.lost, job.attempt) == ("completed", 1, 2), "the second worker never had it"
    no_harm(desk, expected)


@pytest.mark.parametrize("point", CANCEL)
def test_killed_while_a_job_is_cancelled(home, request_line, expected, point):
    assert run(home, *request_line) == 0
    desk = open_desk(home)
    (job,) = all_jobs(desk)
    assert run(home, "jobs", "cancel", job.id, fault=point) == KILLED
    state = desk.store.get(job.id).state
    assert state == ("cancelled" if point == "cancel: committed" else "queued")
    assert len(desk.store.take_letters(hold_seconds=0)) == (state == "cancelled")
    if state == "queued":
        assert run(home, "jobs", "cancel", job.id) == 0
    assert run(home, "jobs", "retry", job.id) == 0
    assert run(home, "worker", "--once") == 0
    assert {output.seed: output.sha256 for output in desk.store.get(job.id).outputs} == expected


@pytest.mark.parametrize("point", DELETE)
def test_killed_while_a_job_is_deleted(home, request_line, expected, point):
    assert made_of(home, request_line) == expected
    desk = open_desk(home)
    (job,) = all_jobs(desk)
    assert run(home, "jobs", "rm", job.id, fault=point) == KILLED
    with pytest.raises(JobNotFoundError):
        desk.store.get(job.id)
    assert desk.rooms.folder(job.id).exists()
    assert run(home, "jobs", "prune") == 0
    assert not desk.rooms.folder(job.id).exists()
    assert desk.store.check() == "ok"


@pytest.mark.parametrize("point", MOVE)
def test_killed_while_the_line_is_put_in_another_order(home, request_line, expected, point):
    assert run(home, *request_line) == 0
    desk = open_desk(home)
    (job,) = all_jobs(desk)
    twins = [desk.store.clone(job.id).id for _ in range(2)]
    assert run(home, "jobs", "move", "--first", twins[1], fault=point) == KILLED
    assert [one.id for one in desk.store.line()] == [job.id, *twins], "all of it or nothing"
    assert run(home, "jobs", "move", "--first", twins[1]) == 0
    assert [one.id for one in desk.store.line()] == [twins[1], job.id, twins[0]]
    assert run(home, "worker", "--once") == 0
    no_harm(desk, expected)


def test_a_worker_that_was_stopped_and_wakes_up_late_publishes_nothing(home, request_line, expected):
    assert run(home, *request_line) == 0
    desk = open_desk(home)
    (job,) = all_jobs(desk)
    late = start(home, "worker", "--once", "--name", "late", pace=0.1)
    try:
        while desk.store.get(job.id).standing.step < 2:
            assert late.poll() is None
        os.kill(late.pid, signal.SIGSTOP)
        assert [one.state for one in desk.store.bury("late")] == ["queued"]
        assert run(home, "worker", "--once") == 0
        assert desk.store.get(job.id).state == "completed"
    finally:
        os.kill(late.pid, signal.SIGCONT)
    assert late.wait() == 0
    assert "another worker has it now" in (home / "log").read_text()
    assert {output.seed: output.sha256 for output in desk.store.get(job.id).outputs} == expected
    desk.tidy()
    no_harm(desk, expected)


def test_the_environment_arms_a_place(home):
    command = [sys.executable, "-m", "vitascope.testing", "jobs", "submit", "a cat", "--model", "fake"]
    environment = {**os.environ, "VITASCOPE_HOME": str(home), "VITASCOPE_FAULT": "submit: inserted"}
    assert subprocess.run(command, env=environment).returncode == KILLED
    assert open_desk(home).store.counts() == {}


def test_every_place_is_tried_and_unknown_ones_are_refused(monkeypatch):
    assert len(POINTS) == len(set(POINTS)) >= 30
    with pytest.raises(ValueError, match="is no fault point"):
        arm("worker: dreaming")
    monkeypatch.setattr("vitascope.faults._armed", {"worker: loading": 2})
    FaultPoint("worker: encoding")
    with pytest.raises(ValueError, match="is missing in POINTS"):
        FaultPoint("worker: dreaming")
