import os
import time

import pytest

from vitascope.errors import OutputError
from vitascope.jobs.clock import HandClock
from vitascope.jobs.retention import FIRST, HOUR, Housekeeper, Keep
from vitascope.jobs.service import Desk
from vitascope.jobs.storage import Rooms
from vitascope.jobs.stores.memory import memory_store
from vitascope.jobs.supervisor import Supervisor
from vitascope.jobs.worker import Worker, WorkerOptions
from vitascope.testing.chaos import take

DAY = 24 * HOUR


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def desk(tmp_path, clock) -> Desk:
    rooms = Rooms(tmp_path / "jobs")
    rooms.make()
    return Desk(memory_store(clock), rooms)


def made(desk: Desk, seed: int = 7) -> str:
    job = desk.submit(take(seed)).id
    Worker(desk, WorkerOptions(once=True)).run()
    return job


def there(desk: Desk) -> set[str]:
    return {job.id for job in desk.store.page(limit=100).jobs}


def test_about_once_an_hour_what_is_too_old_goes(desk, clock):
    old, lines = made(desk), []
    keeper = Housekeeper(desk, Keep(seconds=2 * DAY), lines.append)
    assert not keeper.tick(), "not at once"
    clock.wait(FIRST)
    assert keeper.tick()
    assert not keeper.tick()
    clock.wait(DAY)
    young = made(desk)
    rounds = 0
    while old in there(desk):
        assert rounds < 25
        clock.wait(HOUR / 4)
        rounds += keeper.tick()
    assert rounds == pytest.approx(24, abs=1)
    assert there(desk) == {young}
    assert list(desk.rooms.job_folders()) == [young]
    assert lines == ["tidying: 1 jobs and their clips are forgotten"]


def test_the_oldest_go_until_the_clips_fit(desk, clock):
    jobs = []
    for seed in range(3):
        jobs.append(made(desk, seed))
        clock.wait(10)
    sizes = [desk.store.get(job).bytes for job in jobs]
    waiting = desk.submit(take(9)).id
    clock.wait(FIRST)
    Housekeeper(desk, Keep(max_bytes=sizes[1] + sizes[2])).tick()
    assert there(desk) == {*jobs, waiting}, "the first round is a minute after the start"
    keeper = Housekeeper(desk, Keep(max_bytes=sizes[1] + sizes[2]), lambda line: None)
    clock.wait(FIRST)
    keeper.tick()
    assert there(desk) == {*jobs[1:], waiting}


def test_without_limits_nothing_goes_but_what_others_left(desk, clock):
    job = made(desk)
    deleted = made(desk, 8)
    (copy := desk.rooms.folder(deleted)).rename(desk.rooms.path / "elsewhere")
    desk.delete(deleted)
    (desk.rooms.path / "elsewhere").rename(copy)
    stray = desk.rooms.inputs / "stray.png"
    stray.write_bytes(b"x")
    os.utime(stray, (time.time() - 10_000,) * 2)
    keeper = Housekeeper(desk)
    clock.wait(1000 * DAY)
    keeper.tick()
    assert there(desk) == {job}
    assert not copy.exists()
    assert not stray.exists()


def test_folders_that_the_queue_does_not_know_stay_and_are_named_once(desk, clock):
    made(desk)
    lines, stranger = [], desk.rooms.folder("video_0123")
    stranger.mkdir()
    (stranger / "1-0.mp4").write_bytes(b"a clip")
    stray = desk.rooms.inputs / "stray.png"
    stray.write_bytes(b"x")
    os.utime(stray, (time.time() - 10_000,) * 2)
    keeper = Housekeeper(desk, Keep(seconds=0.0, max_bytes=0), lines.append)
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


def test_old_news_and_old_costs_are_forgotten(desk, clock):
    made(desk)
    keeper = Housekeeper(desk)
    clock.wait(31 * DAY)
    keeper.tick()
    assert desk.store.take_letters() == []
    assert desk.store.tables.charges("", 0.0) == []


def test_what_goes_wrong_is_told_and_tried_again(desk, clock):
    lines = []
    keeper = Housekeeper(desk, say=lines.append)

    def broken() -> None:
        raise OutputError("the disk is gone")

    object.__setattr__(desk.rooms, "make", broken)
    for _ in range(2):
        clock.wait(HOUR)
        assert keeper.tick()
    assert lines == ["tidying: the disk is gone"] * 2


def test_what_watches_the_workers_tidies(desk, clock):
    job = made(desk)
    crew = Supervisor(desk, 0, lambda name: None, keep=Keep(seconds=DAY), say=lambda line: None)
    clock.wait(2 * DAY)
    crew.tick()
    assert job not in there(desk)
