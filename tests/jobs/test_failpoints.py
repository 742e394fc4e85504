"""Every dangerous place in turn: the process is killed there, started again, and the bytes are those of a whole run."""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope.errors import JobNotFoundError
from vitascope.failpoints import POINTS, arm, failpoint
from vitascope.jobs.service import JobService, open_service
from vitascope.jobs.storage import checksum
from vitascope.server.tokens import Caller
from vitascope.server.uploads import Uploads, clear_parts
from vitascope.testing.chaos import all_jobs, audit, call, do, run, start

KILLED = -signal.SIGKILL


def points(*starts: str) -> tuple[str, ...]:
    """Return the places whose names begin so."""
    return tuple(point for point in POINTS if point.startswith(starts))


FILE = points("file:")
SUBMIT = points("submit:", "input:", "migrate:", "ballast:")
BACKUP = points("backup:")  # tests/jobs/test_backup.py
# Places that are reached only after an earlier attempt was killed somewhere.
RESUME = {
    "recover: saved": "worker: denoising:5",
    "recover: committed": "worker: denoising:5",
    "state: read": "worker: denoising:5",
    "worker: found made": "worker: clip done",
}
CANCEL = points("cancel:")
STOP = points("worker: broken off")
AGAIN = points("retry:")
PAUSE = points("pause:", "resume:")
DELETE = points("delete:")
PRUNE = points("prune:", "tidy:")
MOVE = points("move:")
OUTBOX = points("outbox:")
UPLOAD = points("upload:")
WEBHOOK = points("webhook:")  # tests/server/test_courier.py
ADOPT = points("adopt:")
ELSEWHERE = (
    *(
        SUBMIT
        + CANCEL
        + STOP
        + AGAIN
        + PAUSE
        + DELETE
        + PRUNE
        + MOVE
        + OUTBOX
        + UPLOAD
        + WEBHOOK
        + ADOPT
        + BACKUP
    ),
    *RESUME,
)
WORK = tuple(point for point in POINTS if point not in ELSEWHERE)
# Two clips of two windows of four steps each: later ones are other places. Of files, a shot comes first, then the
# states of eight steps, then the clip.
LATER = (
    "worker: denoising:6",
    "worker: denoising:11",
    "worker: decoding:3",
    "publish: renamed:2",
    "beat: saved:20",
    "state: kept:5",
    "file: written:4",
    "file: renamed:10",
    "file: renamed:14",
)
CALLER = Caller("me", "write")


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
def waiting(request_line, tmp_path_factory) -> Path:
    """A home where the job has been handed in."""
    home = tmp_path_factory.mktemp("waiting")
    assert run(home, *request_line) == 0, (home / "log").read_text()
    return home


@pytest.fixture(scope="session")
def made(waiting, tmp_path_factory) -> Path:
    """A home where it has been made, and nobody disturbed anything."""
    home = tmp_path_factory.mktemp("made")
    copy(waiting, home)
    assert run(home, "worker", "--once") == 0
    return home


@pytest.fixture(scope="session")
def expected(made) -> dict[int, str]:
    """The checksums of its clips by seed."""
    sums = sums_of(open_service(made))
    assert len(set(sums.values())) == 2
    return sums


def copy(home: Path, target: Path) -> JobService:
    """Copy a home that nobody is using, which is quicker than to make what is in it once more."""
    shutil.copytree(home, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("ballast", "log"))
    return open_service(target)


def sums_of(service: JobService) -> dict[int, str]:
    """Return the checksums by seed of the clips of the only job."""
    (job,) = all_jobs(service)
    return {output.seed: output.sha256 for output in job.outputs}


def no_harm(service: JobService, expected: dict[int, str]) -> None:
    """Nothing is lost, doubled or left over."""
    assert audit(service, expected) == []
    for job in all_jobs(service):
        left = {file.name for file in service.storage.folder(job.id).iterdir()}
        assert left == {output.name for output in job.outputs}
    assert not list(service.storage.workers.iterdir())


@pytest.mark.parametrize("point", SUBMIT + FILE)
def test_killed_while_it_is_handed_in(home, request_line, expected, point):
    assert run(home, *request_line, fault=point) == KILLED
    service = open_service(home)
    assert len(all_jobs(service)) == (1 if point == "submit: committed" else 0)
    assert (service.storage.path / "ballast").stat().st_size == 16 * 2**20
    assert run(home, *request_line) == 0
    assert run(home, "worker", "--once") == 0
    assert sums_of(service) == expected, "handed in again with its key, it is still one job"
    no_harm(service, expected)


@pytest.mark.parametrize("point", WORK + LATER)
def test_killed_while_it_is_made(home, waiting, expected, point):
    service = copy(waiting, home)
    assert run(home, "worker", "--once", fault=point) == KILLED
    assert len(all_jobs(service)) == 1
    assert run(home, "worker", "--once") == 0
    (job,) = all_jobs(service)
    assert sums_of(service) == expected
    assert job.attempt <= 2
    service.tidy()
    no_harm(service, expected)


@pytest.mark.parametrize("point", RESUME)
def test_killed_while_it_takes_up_the_job_of_a_dead_worker(home, waiting, expected, point):
    service = copy(waiting, home)
    assert run(home, "worker", "--once", fault=RESUME[point]) == KILLED
    assert run(home, "worker", "--once", fault=point) == KILLED
    assert run(home, "worker", "--once") == 0
    (job,) = all_jobs(service)
    # One that was killed while it took the job from the dead worker never had it.
    had = 1 if point.startswith("recover:") else 2
    assert (job.state, job.lost, job.attempt) == ("completed", had, had + 1)
    no_harm(service, expected)


@pytest.mark.parametrize("point", CANCEL)
def test_killed_while_a_job_is_cancelled(home, waiting, expected, point):
    service = copy(waiting, home)
    (job,) = all_jobs(service)
    assert run(home, "jobs", "cancel", job.id, fault=point) == KILLED
    state = service.store.get(job.id).state
    assert state == ("cancelled" if point == "cancel: committed" else "queued")
    assert len(service.store.take_messages(hold_seconds=0)) == (state == "cancelled")
    if state == "queued":
        assert run(home, "jobs", "cancel", job.id) == 0
    assert run(home, "jobs", "retry", job.id) == 0
    assert run(home, "worker", "--once") == 0
    assert sums_of(service) == expected


@pytest.mark.parametrize("point", STOP)
def test_killed_while_it_stops_because_somebody_wanted_that(home, waiting, expected, point):
    service = copy(waiting, home)
    (job,) = all_jobs(service)
    worker = start(home, "worker", "--once", fault=point, pace=0.05)
    while service.store.get(job.id).standing.step < 1:
        assert worker.poll() is None
    service.store.cancel(job.id)
    assert worker.wait() == KILLED
    assert run(home, "worker", "--once") == 0
    assert service.store.get(job.id).state == "cancelled"
    assert [letter.type for letter in service.store.take_messages()] == ["video.cancelled"]
    service.store.retry(job.id)
    assert run(home, "worker", "--once") == 0
    assert sums_of(service) == expected


@pytest.mark.parametrize("point", AGAIN)
def test_killed_while_a_job_is_tried_again(home, waiting, expected, point):
    service = copy(waiting, home)
    (job,) = all_jobs(service)
    service.store.cancel(job.id)
    assert run(home, "jobs", "retry", job.id, fault=point) == KILLED
    assert service.store.get(job.id).state == "queued"
    assert run(home, "worker", "--once") == 0
    assert sums_of(service) == expected


@pytest.mark.parametrize("point", PAUSE)
def test_killed_while_the_queue_is_paused_or_goes_on(home, waiting, point):
    service, command = copy(waiting, home), point.partition(":")[0]
    if command == "resume":
        service.store.pause()
    assert run(home, "jobs", command, fault=point) == KILLED
    assert service.store.paused == (command == "pause")
    assert run(home, "worker", "--once") == 0
    assert service.store.counts() == {"queued" if command == "pause" else "completed": 1}


@pytest.mark.parametrize("point", DELETE)
def test_killed_while_a_job_is_deleted(home, made, point):
    service = copy(made, home)
    (job,) = all_jobs(service)
    assert run(home, "jobs", "rm", job.id, fault=point) == KILLED
    if point == "delete: saved":
        assert service.store.get(job.id) == job, "not committed: nothing happened"
        assert run(home, "jobs", "rm", job.id) == 0
    with pytest.raises(JobNotFoundError):
        service.store.get(job.id)
    assert run(home, "jobs", "prune") == 0
    assert not service.storage.folder(job.id).exists()
    assert service.store.check() == "ok"


@pytest.mark.parametrize("point", PRUNE)
def test_killed_while_old_jobs_are_cleared_away(home, made, point):
    service = copy(made, home)
    for file in service.storage.inputs.iterdir():
        os.utime(file, (0, 0))
    assert run(home, "jobs", "prune", "--max-gib", "0", fault=point) == KILLED
    assert run(home, "jobs", "prune", "--max-gib", "0") == 0
    storage = service.storage
    assert (all_jobs(service), list(storage.job_folders()), list(storage.inputs.iterdir())) == ((), [], [])
    assert service.store.check() == "ok"


@pytest.mark.parametrize("point", ADOPT)
def test_killed_while_clips_are_taken_in(home, made, point):
    service = copy(made, home)
    (job,) = all_jobs(service)
    service.store.close()
    for file in (home / "jobs").glob("queue.sqlite3*"):
        file.unlink()
    assert run(home, "jobs", "adopt", fault=point) == KILLED
    assert run(home, "jobs", "adopt") == 0
    (again,) = all_jobs(open_service(home))
    assert (again.id, again.outputs) == (job.id, job.outputs)


@pytest.mark.parametrize("point", MOVE)
def test_killed_while_the_line_is_put_in_another_order(home, waiting, expected, point):
    service = copy(waiting, home)
    (job,) = all_jobs(service)
    twins = [service.store.clone(job.id).id for _ in range(2)]
    before, after = [job.id, *twins], [twins[1], job.id, twins[0]]
    assert run(home, "jobs", "move", "--first", twins[1], fault=point) == KILLED
    happened = point == "move: committed"
    assert [one.id for one in service.store.line()] == (after if happened else before), "all of it or nothing"
    assert run(home, "jobs", "move", "--first", twins[1]) == 0
    assert [one.id for one in service.store.line()] == after
    assert run(home, "worker", "--once") == 0
    no_harm(service, expected)


@pytest.mark.parametrize("point", OUTBOX)
def test_killed_while_news_is_delivered(home, made, point):
    """A letter may come twice, but never not at all; one that has arrived is done with."""
    service = copy(made, home)
    (job,) = all_jobs(service)
    name = f"evt_{job.id.removeprefix('video_')}{service.store.last_event()}"
    told = ("message_delivered", name) if point == "outbox: arrived" else ("take_messages",)
    assert do(home, *told, fault=point) == KILLED
    tries = [letter.tries for letter in service.store.take_messages()]
    assert tries == ([1] if point == "outbox: taken" else []), (
        "who died may have sent it: it is held for a while"
    )
    with service.store.tables.transaction():
        later = service.store.tables.take_messages(time.time() + 61, time.time() + 122, 10)
    assert [letter.id for letter in later] == ([] if point == "outbox: arrived" else [name])


@pytest.mark.parametrize("point", UPLOAD + FILE)
def test_killed_while_a_file_comes_in(home, picture, point):
    uploads = Uploads(home / "uploads")
    assert call(uploads.keep, io.BytesIO(picture.read_bytes()), CALLER, fault=point) == KILLED
    for upload in uploads.all(CALLER):
        assert uploads.path(upload).read_bytes() == picture.read_bytes(), "all of it or nothing"
    for file in uploads.folder.iterdir():
        os.utime(file, (0, 0))
    clear_parts(uploads.folder)
    whole = {
        name for upload in uploads.all(CALLER) for name in (uploads.path(upload).name, f"{upload.id}.json")
    }
    assert {file.name for file in uploads.folder.iterdir()} == whole
    assert len(whole) == (2 if point in ("file: renamed", "file: folder synced") else 0)


@pytest.mark.parametrize("point", FILE)
def test_killed_while_a_clip_is_fetched(home, made, expected, point):
    service, target = copy(made, home), home / "cat.mp4"
    (job,) = all_jobs(service)
    told = ("jobs", "download", job.id, "--output", str(target))
    assert run(home, *told, fault=point) == KILLED
    first = home / "cat-1.mp4" if (home / "cat-1.mp4").exists() else target
    assert not first.exists() or checksum(first)[0] == expected[7], "whole or not there"
    assert run(home, *told, "--force") == 0
    assert {checksum(file)[0] for file in home.glob("cat*.mp4")} == set(expected.values())


def test_a_worker_that_was_stopped_and_wakes_up_late_publishes_nothing(home, waiting, expected):
    service = copy(waiting, home)
    (job,) = all_jobs(service)
    late = start(home, "worker", "--once", "--name", "late", pace=0.1)
    try:
        while service.store.get(job.id).standing.step < 2:
            assert late.poll() is None
        os.kill(late.pid, signal.SIGSTOP)
        assert [one.state for one in service.store.release_worker("late")] == ["queued"]
        assert run(home, "worker", "--once") == 0
        assert service.store.get(job.id).state == "completed"
    finally:
        os.kill(late.pid, signal.SIGCONT)
    assert late.wait() == 0
    assert "another worker has it now" in (home / "log").read_text()
    assert {output.seed: output.sha256 for output in service.store.get(job.id).outputs} == expected
    service.tidy()
    no_harm(service, expected)


def test_the_environment_arms_a_place(home):
    command = [sys.executable, "-m", "vitascope.testing", "jobs", "submit", "a cat", "--model", "fake"]
    environment = {**os.environ, "VITASCOPE_HOME": str(home), "VITASCOPE_FAULT": "submit: inserted"}
    assert subprocess.run(command, env=environment).returncode == KILLED
    assert open_service(home).store.counts() == {}


def test_every_place_is_tried_and_unknown_ones_are_refused(monkeypatch):
    assert len(POINTS) == len(set(POINTS)) >= 60
    with pytest.raises(ValueError, match="is no fault point"):
        arm("worker: dreaming")
    monkeypatch.setattr("vitascope.failpoints._armed", {"worker: loading": 2})
    failpoint("worker: encoding")
    with pytest.raises(ValueError, match="is missing in POINTS"):
        failpoint("worker: dreaming")
