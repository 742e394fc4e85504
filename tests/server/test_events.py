"""Many listen, and the log of the queue is looked at once for all of them."""

import asyncio
import threading
import time

import pytest

from vitascope.server import submission as working
from vitascope.server.events import EventBroadcast, peek, wait_for_signal
from vitascope.server.submission import listen
from vitascope.testing.chaos import take


@pytest.fixture
def looks(service, monkeypatch) -> list[str | None]:
    """For whom the log was looked at."""
    seen: list[str | None] = []
    real = service.store.tables.events

    def events(job, after, limit):
        seen.append(job)
        return real(job, after, limit)

    monkeypatch.setattr(service.store.tables, "events", events)
    return seen


async def heard(context, job: str | None, after: int = 0) -> list[str]:
    """What a listener hears of a job until it is over."""
    return [event.type async for event in listen(context, None, job, after) if event is not None]


async def eventually(true) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def test_all_who_listen_hear_of_their_own_job_until_it_is_over(context, service):
    names = [service.submit(take(seed)).id for seed in range(5)]

    async def all_of_it() -> list[list[str]]:
        tasks = [asyncio.create_task(heard(context, name)) for name in names for _ in "ab"]
        await asyncio.sleep(0.2)
        for name in names:
            service.store.cancel(name)
        return await asyncio.wait_for(asyncio.gather(*tasks), 60)

    assert asyncio.run(all_of_it()) == [["queued", "cancelled"]] * 10


def test_while_nothing_happens_there_is_one_look_for_all(context, service, looks, monkeypatch):
    monkeypatch.setattr(working, "LOOK_SECONDS", 600)
    names = [service.submit(take(seed)).id for seed in range(8)]

    async def wait() -> tuple[int, int]:
        tasks = [asyncio.create_task(heard(context, name)) for name in names]
        await eventually(lambda: looks.count(None) >= 3)
        before = len(looks) - looks.count(None)
        await eventually(lambda: looks.count(None) >= 10)
        after = len(looks) - looks.count(None)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return before, after

    before, after = asyncio.run(wait())
    assert before == after, "nobody looks for himself before there is something"


def test_only_those_whom_it_concerns_are_woken(service):
    one, other = (service.submit(take(seed)).id for seed in range(2))

    async def woken() -> list[bool]:
        broadcast = EventBroadcast(service.store)
        with (
            broadcast.subscribe(one) as first,
            broadcast.subscribe(other) as second,
            broadcast.subscribe(None) as third,
        ):
            for signal in (first, second, third):
                await wait_for_signal(signal, 60)  # when watching begins everybody looks once more
                signal.clear()
            service.store.cancel(one)
            await wait_for_signal(third, 60)
            return [first.is_set(), second.is_set(), third.is_set()]

    assert asyncio.run(woken()) == [True, False, True]


def test_nobody_watches_when_nobody_listens(context, service, looks):
    name = service.submit(take(1)).id

    async def come_and_go() -> int:
        task = asyncio.create_task(heard(context, name))
        await eventually(lambda: None in looks)
        service.store.cancel(name)
        await task
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert asyncio.run(come_and_go()) == 1


def test_who_is_not_woken_looks_all_the_same(context, service, monkeypatch):
    """A store whose events become visible out of order may hide one from the watcher."""
    name = service.submit(take(1)).id
    monkeypatch.setattr(working, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(EventBroadcast, "_wake", lambda self, jobs: None)

    async def unrung() -> list[str]:
        task = asyncio.create_task(heard(context, name))
        await asyncio.sleep(0.2)
        service.store.cancel(name)
        return await asyncio.wait_for(task, 60)

    assert asyncio.run(unrung()) == ["queued", "cancelled"]


def test_a_log_that_cannot_be_read_for_a_moment_ends_no_watch(service, monkeypatch, caplog):
    name, real, broken = service.submit(take(1)).id, service.store.tables.events, [1, 1]

    def events(job, after, limit):
        if broken:
            raise OSError(broken.pop())
        return real(job, after, limit)

    monkeypatch.setattr(service.store.tables, "events", events)

    async def woken() -> bool:
        with EventBroadcast(service.store).subscribe(name) as signal:
            await eventually(lambda: not broken)
            await asyncio.sleep(0.3)
            signal.clear()
            service.store.cancel(name)
            await wait_for_signal(signal, 60)
            return signal.is_set()

    assert asyncio.run(woken())
    assert "could not be read" in caplog.text


@pytest.mark.parametrize("quick", [True, False])
def test_a_read_that_may_wait_is_done_in_a_thread(service, monkeypatch, quick):
    monkeypatch.setattr(service.store.tables, "quick", quick)
    where = asyncio.run(peek(service.store, threading.current_thread))
    assert (where is threading.main_thread()) == quick


def test_a_listener_who_waits_long_is_told_that_we_are_there(context, service, monkeypatch):
    name = service.submit(take(1)).id
    monkeypatch.setattr(working, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(working, "PING_SECONDS", 0.1)

    async def first_ping() -> None:
        async for event in listen(context, None, name, 0):
            if event is None:
                return

    asyncio.run(asyncio.wait_for(first_ping(), 60))


def test_what_happens_is_read_once_for_all_who_listen(context, service, looks, monkeypatch):
    """S8: 60 who listen to everything cost no more reads than one does."""
    monkeypatch.setattr(working, "LOOK_SECONDS", 600)
    owners = {
        service.submit(take(seed), owner=f"token{seed % 3}").id: f"token{seed % 3}" for seed in range(9)
    }

    async def hear(owner: str | None, most: int, after: int) -> list[tuple[str, str]]:
        told = []
        async for event in listen(context, owner, None, after):
            if event is not None:
                told.append((event.job, event.type))
            if len(told) == most:
                return told
        return told

    async def all_of_it() -> tuple[list[list[tuple[str, str]]], int]:
        start = service.store.last_event()
        tasks = [asyncio.create_task(hear("token1", 3, start)) for _ in range(60)]
        tasks.append(asyncio.create_task(hear(None, 9, start)))
        await asyncio.sleep(0.3)
        before = len(looks)
        watching = asyncio.create_task(asyncio.sleep(0.25))
        for name in owners:
            service.store.cancel(name)
        told = await asyncio.wait_for(asyncio.gather(*tasks), 60)
        await watching
        return told, len(looks) - before

    told, reads = asyncio.run(all_of_it())
    assert all(
        one == [(job, "cancelled") for job, owner in owners.items() if owner == "token1"] for one in told[:60]
    )
    assert told[60] == [(job, "cancelled") for job in owners]
    assert reads < 20


def test_who_is_behind_what_is_kept_in_memory_reads_it_from_the_queue(context, service, monkeypatch):
    from vitascope.server import events as module

    monkeypatch.setattr(module, "MAX_RECENT", 4)
    names = [service.submit(take(seed)).id for seed in range(4)]

    async def follow() -> list[int]:
        broadcast, found = EventBroadcast(service.store), []
        with broadcast.subscribe(None) as signal:
            await wait_for_signal(signal, 60)
            start = service.store.last_event()
            for name in names:
                service.store.cancel(name)
                service.store.retry(name)
            await eventually(lambda: broadcast.recent(None, service.store.last_event() - 1) is not None)
            await asyncio.sleep(0.3)
            newest = service.store.last_event()
            assert broadcast.recent(None, start) is None, "the first of them are no longer in memory"
            found = [event.id for event in broadcast.recent(None, newest - 3) or []]
            assert [event.id for event in broadcast.recent(names[3], newest - 3) or []] == found[1:]
            assert broadcast.recent(None, newest) == []
        assert broadcast.recent(None, newest) is None, "nobody watches any more"
        return found

    assert asyncio.run(follow()) == list(
        range(service.store.last_event() - 2, service.store.last_event() + 1)
    )
