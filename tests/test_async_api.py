"""The twins for asyncio: results, events, cancelling, and the event loop that stays free."""

import asyncio
import threading

import numpy as np
import pytest

import vitascope
from vitascope import Event, Progress, RenderTask, api
from vitascope.backends import registry
from vitascope.errors import Cancelled, RequestError
from vitascope.testing.fakes import FakeBackend, synthetic_clip


@pytest.fixture(autouse=True)
def fake(monkeypatch):
    monkeypatch.setattr(registry, "_HOMES", {"toybox": "vitascope.testing.fakes:FakeLatents"})
    registry._open.cache_clear()
    yield
    registry._open.cache_clear()


def test_it_makes_the_same_clip_and_tells_of_every_step():
    async def main():
        heard: list[Event] = []
        task = vitascope.agenerate("a cat", seed=7, seconds=1, progress=heard.append)
        events = [event async for event in task]
        return await task, await task, heard, events

    clip, again, heard, events = asyncio.run(main())
    assert clip is again
    assert (clip.frames == vitascope.generate("a cat", seed=7, seconds=1).frames).all()
    assert [(event.phase, event.step) for event in events] == [(event.phase, event.step) for event in heard]
    assert {"encode", "denoise", "decode"} <= {event.phase for event in events}


def test_groups_and_gather_take_it():
    async def main():
        async with asyncio.TaskGroup() as group:
            grouped = group.create_task(vitascope.agenerate("a cat", seed=7))
        cat, penguin = await asyncio.gather(
            vitascope.agenerate("a cat", seed=7), vitascope.agenerate("a penguin", seed=7)
        )
        return grouped.result(), cat, penguin

    grouped, cat, penguin = asyncio.run(main())
    assert (grouped.frames == cat.frames).all()
    assert (cat.frames != penguin.frames).any()


def test_the_other_twins_do_what_their_functions_do(tmp_path):
    source = str(synthetic_clip(17).save(tmp_path / "clip.mp4"))

    async def main():
        longer = await vitascope.aextend(source, "a cat", seconds=1, seed=7)
        edited = await vitascope.aedit(source, "a dog", box=(0.25, 0.25, 0.5, 0.5), seed=7)
        film = {"shots": [{"prompt": "a cat", "seconds": 1}, {"prompt": "a dog", "seconds": 1}]}
        record = await vitascope.amake_film(film, tmp_path / "film.mp4", shots=tmp_path / "shots")
        shown = await vitascope.astream("a cat", seed=7, seconds=5)
        return longer, edited, record, np.concatenate([chunk async for chunk in shown.frames]), shown

    longer, edited, record, frames, shown = asyncio.run(main())
    assert len(longer.frames) > 17
    assert len(edited.frames) == 17
    assert record.film is not None
    assert (tmp_path / "film.mp4").is_file()
    assert (frames == vitascope.generate("a cat", seed=7, seconds=5).frames).all()
    assert shown.fps == 8.0


@pytest.mark.parametrize("iterate", [True, False])
def test_what_is_wrong_is_raised_where_it_is_waited_for(iterate):
    async def main():
        task = vitascope.agenerate("a cat", size="big")
        if iterate:
            async for _ in task:
                pass
        await task

    with pytest.raises(RequestError, match="size"):
        asyncio.run(main())


class Waiting(FakeBackend):
    """Makes steps until it is stopped."""

    ended = threading.Event()

    def render(self, shot, progress, resume_folder=None):
        try:
            with progress.phase("denoise", 10**9):
                while True:
                    progress.step()
        finally:
            self.ended.set()


@pytest.fixture
def waiting(monkeypatch):
    monkeypatch.setattr(api, "backend", lambda name: Waiting())
    Waiting.ended.clear()
    yield
    assert Waiting.ended.wait(10), "the thread works on for nobody"


@pytest.mark.usefixtures("waiting")
def test_cancelling_the_task_that_waits_stops_the_work():
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await vitascope.agenerate("a cat")

    asyncio.run(main())


@pytest.mark.usefixtures("waiting")
def test_a_loop_that_ends_stops_the_work_that_nobody_waited_for():
    async def main():
        task = vitascope.agenerate("a cat")
        async for _ in task:
            break
        return task

    assert isinstance(asyncio.run(main()), RenderTask)


@pytest.mark.usefixtures("waiting")
def test_the_work_can_be_cancelled_and_says_so():
    async def main():
        task = vitascope.agenerate("a cat")
        assert not task.done()
        task.cancel()
        await task

    with pytest.raises(Cancelled):
        asyncio.run(main())


@pytest.mark.usefixtures("waiting")
def test_a_progress_of_ones_own_may_stop_it_too():
    stop = threading.Event()
    progress = Progress(lambda event: stop.set(), stop.is_set)

    async def main():
        await vitascope.agenerate("a cat", progress=progress)

    with pytest.raises(Cancelled):
        asyncio.run(main())
