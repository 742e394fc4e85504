"""The Python contract for asyncio: `agenerate` and the others work in a thread and report to the event loop.

task = vitascope.agenerate("a cat walks in a garden")
async for event in task:
    print(event.phase, event.step, "of", event.total)
clip = await task
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial, wraps
from threading import Event as Flag
from typing import Any, ParamSpec, TypeVar

import numpy as np
from jaxtyping import Float32, UInt8

from vitascope import api
from vitascope.backends.base import FrameStream
from vitascope.director.make import make_film
from vitascope.progress import Event, Progress
from vitascope.types import Record

P = ParamSpec("P")
T = TypeVar("T")


class RenderTask(Coroutine[Any, Any, T]):
    """Work that runs in a thread: await it for the result, iterate over it for each `Event`.

    It starts at once, and stops after its current step when you call `cancel` or when the asyncio task that awaits it
    is cancelled. It is a coroutine, so `asyncio.TaskGroup.create_task` takes it too. Events carry no `preview`, which
    is valid in the thread of the work only.
    """

    def __init__(self, call: partial[T]):
        """Start `call`, a function that takes `progress`, for the running event loop."""
        self.__name__ = self.__qualname__ = call.func.__name__
        self._loop = asyncio.get_running_loop()
        self._stop = Flag()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._coroutine: Coroutine[Any, Any, T] | None = None
        given = call.keywords.get("progress")
        given = given if isinstance(given, Progress) else Progress(given)
        progress = given.joined(self._hear, self._stop.is_set)
        self._future = asyncio.ensure_future(asyncio.to_thread(call, progress=progress))
        self._future.add_done_callback(self._finish)

    def cancel(self) -> None:
        """Stop the work after its current step; awaiting it then raises `Cancelled`."""
        self._stop.set()

    def done(self) -> bool:
        """Return whether the work has ended, well or not."""
        return self._future.done()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield each event; raise what the work raises."""
        while (event := await self._events.get()) is not None:
            yield event
        # The end is there for every other iteration, too.
        self._events.put_nowait(None)
        await self

    def __await__(self) -> Generator[Any, Any, T]:
        """Return the result of the work, or raise what it raises."""
        return self._result().__await__()

    def send(self, value: Any) -> Any:
        """Continue, as a coroutine does."""
        return self._running().send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an exception where the coroutine waits."""
        return self._running().throw(*error)

    def close(self) -> None:
        """End the coroutine and the work."""
        self._stop.set()
        if self._coroutine is not None:
            self._coroutine.close()

    def _running(self) -> Coroutine[Any, Any, T]:
        if self._coroutine is None:
            self._coroutine = self._result()
        return self._coroutine

    async def _result(self) -> T:
        try:
            return await asyncio.shield(self._future)
        except asyncio.CancelledError:
            self._stop.set()
            raise

    def _hear(self, event: Event) -> None:
        """Hand an event of the thread to the event loop."""
        try:
            self._loop.call_soon_threadsafe(self._events.put_nowait, replace(event, preview=None))
        except RuntimeError:
            # The loop is closed: nobody waits.
            self._stop.set()

    def _finish(self, future: "asyncio.Future[T]") -> None:
        self._events.put_nowait(None)
        # A thread cannot be cancelled as a future can. And asyncio counts an error as handled once it was asked for.
        if future.cancelled() or future.exception() is not None:
            self._stop.set()


@dataclass(frozen=True)
class AsyncFrameStream:
    """A `FrameStream` for asyncio: its frames come chunk by chunk, once, while the event loop does other work."""

    frames: AsyncIterator[UInt8[np.ndarray, "frames height width 3"]]
    fps: float
    record: Record
    sound: Float32[np.ndarray, "channels samples"] | None = None
    sample_rate: int | None = None


def _in_thread(function: Callable[P, T]) -> Callable[P, RenderTask[T]]:
    """Return the asyncio form of a function that takes `progress`."""

    @wraps(function)
    def start(*args: P.args, **keywords: P.kwargs) -> RenderTask[T]:
        return RenderTask(partial(function, *args, **keywords))

    start.__name__ = start.__qualname__ = f"a{function.__name__}"
    start.__doc__ = (
        f"Run `{function.__name__}` in a thread: await it for the result, iterate over it for each `Event`.\n\n"
        "Cancelling the asyncio task that awaits it stops the work after its current step."
    )
    return start


def _streamed(function: Callable[P, FrameStream]) -> Callable[P, Awaitable[AsyncFrameStream]]:
    """Return the asyncio form of a function that returns a `FrameStream`."""

    @wraps(function)
    async def start(*args: P.args, **keywords: P.kwargs) -> AsyncFrameStream:
        # One thread for the whole stream: what its generator enters in one thread it leaves in the same.
        thread = ThreadPoolExecutor(1, "vitascope-stream")
        try:
            stream = await asyncio.get_running_loop().run_in_executor(
                thread, partial(function, *args, **keywords)
            )
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return AsyncFrameStream(
            _chunks(iter(stream.frames), thread), stream.fps, stream.record, stream.sound, stream.sample_rate
        )

    start.__name__ = start.__qualname__ = f"a{function.__name__}"
    start.__doc__ = (
        f"Run `{function.__name__}` in a thread and return its frames as an asynchronous iterator."
    )
    return start


async def _chunks(frames: Iterator[np.ndarray], thread: ThreadPoolExecutor) -> AsyncIterator[np.ndarray]:
    loop = asyncio.get_running_loop()
    try:
        while (chunk := await loop.run_in_executor(thread, next, frames, None)) is not None:
            yield chunk
    finally:
        if (close := getattr(frames, "close", None)) is not None:
            thread.submit(close)
        thread.shutdown(wait=False)


agenerate = _in_thread(api.generate)
aextend = _in_thread(api.extend)
aedit = _in_thread(api.edit)
amake_film = _in_thread(make_film)
astream = _streamed(api.stream)
