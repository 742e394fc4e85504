import os
import time

import pytest

from vitascope.errors import OutputError
from vitascope.jobs.clock import HandClock
from vitascope.jobs.retention import FIRST, HOUR, Retention, RetentionPolicy
from vitascope.jobs.service import JobService
from vitascope.jobs.storage import JobStorage
from vitascope.jobs.stores.memory import memory_store
from vitascope.jobs.supervisor import Supervisor
from vitascope.jobs.worker import Worker, WorkerOptions
from vitascope.testing.chaos import take

DAY = 24 * HOUR


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def service(tmp_path, clock) -> JobService:
    storage = JobStorage(tmp_path / "jobs")
    storage.make()
    return JobService(memory_store(clock), storage)


def made(service: JobService, seed: int = 7) -> str:
    job = service.submit(take(seed)).id
    Worker(service, WorkerOptions(once=True)).run()
    return job


def there(service: JobService) -> set[str]:
    return {job.id for job in service.store.page(limit=100).jobs}


def test_about_once_an_hour_what_is_too_old_goes(service, clock):
    old, lines = made(service), []
    keeper = Retention(service, RetentionPolicy(seconds=2 * DAY), lines.append)
    assert not keeper.tick(), "not at once"
    clock.wait(FIRST)
    assert keeper.tick()
    assert not keeper.tick()
    clock.wait(DAY)
    young = made(service)
    rounds = 0
    while old in there(service):
        assert rounds < 25
        clock.wait(HOUR / 4)
        rounds += keeper.tick()
    assert rounds == pytest.approx(24, abs=1)
    assert there(service) == {young}
    assert list(service.storage.job_folders()) == [young]
    assert lines == ["tidying: 1 jobs and their clips are forgotten"]


def test_the_oldest_go_until_the_clips_fit(service, clock):
    jobs = []
    for seed in range(3):
        jobs.append(made(service, seed))
        clock.wait(10)
    sizes = [service.store.get(job).bytes for job in jobs]
    waiting = service.submit(take(9)).id
    clock.wait(FIRST)
    Retention(service, RetentionPolicy(max_bytes=sizes[1] + sizes[2])).tick()
    assert there(service) == {*jobs, waiting}, "the first round is a minute after the start"
    keeper = Retention(service, RetentionPolicy(max_bytes=sizes[1] + sizes[2]), lambda line: None)
    clock.wait(FIRST)
    keeper.tick()
    assert there(service) == {*jobs[1:], waiting}


def test_without_limits_nothing_goes_but_what_others_left(service, clock):
    job = made(service)
    deleted = made(service, 8)
    (copy := service.storage.folder(deleted)).rename(service.storage.path / "elsewhere")
    service.delete(deleted)
    (service.storage.path / "elsewhere").rename(copy)
    stray = service.storage.inputs / "stray.png"
    stray.write_bytes(b"x")
    os.utime(stray, (time.time() - 10_000,) * 2)
    keeper = Retention(service)
    clock.wait(1000 * DAY)
    keeper.tick()
    assert there(service) == {job}
    assert not copy.exists()
    assert not stray.exists()


def test_folders_that_the_queue_does_not_know_stay_and_are_named_once(service, clock):
    made(service)
    lines, stranger = [], service.storage.folder("video_0123")
    stranger.mkdir()
    (stranger / "1-0.mp4").write_bytes(b"a clip")
    stray = service.storage.inputs / "stray.png"
    stray.write_bytes(b"x")
    os.utime(stray, (time.time() - 10_000,) * 2)
    keeper = Retention(service, RetentionPolicy(seconds=0.0, max_bytes=0), lines.append)
    for _ in range(3):
        clock.wait(DAY)
        keeper.tick()
    assert (stranger / "1-0.mp4").read_bytes() == b"a clip"
    assert stray.exists(), "the clips that were lost may have been made from it"
    assert (
        len([line for line in lines if "the queue does not know are left alone (1: video_0123)" in line]) == 1
    )
    assert "video_0123" in lines[0]
    assert "vitascope jobs adopt" in lines[0]


def test_old_news_and_old_costs_are_forgotten(service, clock):
    made(service)
    keeper = Retention(service)
    clock.wait(31 * DAY)
    keeper.tick()
    assert service.store.take_messages() == []
    assert service.store.tables.charges("", 0.0) == []


def test_what_goes_wrong_is_told_and_tried_again(service, clock):
    lines = []
    keeper = Retention(service, say=lines.append)

    def broken() -> None:
        raise OutputError("the disk is gone")

    object.__setattr__(service.storage, "make", broken)
    for _ in range(2):
        clock.wait(HOUR)
        assert keeper.tick()
    assert lines == ["tidying: the disk is gone"] * 2


def test_what_watches_the_workers_tidies(service, clock):
    job = made(service)
    crew = Supervisor(service, 0, lambda name: None, keep=RetentionPolicy(seconds=DAY), say=lambda line: None)
    clock.wait(2 * DAY)
    crew.tick()
    assert job not in there(service)
