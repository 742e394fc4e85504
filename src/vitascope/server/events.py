"""One look at the log of the queue for all who listen: whoever waits for news of a job is woken when there is some."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from vitascope.jobs.stores.store import Store

R = TypeVar("R")

log = logging.getLogger("vitascope.server.events")

WATCH_SECONDS = 0.1
AT_ONCE = 1000


async def peek(store: Store, read: Callable[[], R]) -> R:
    """Return what a short read says: at once where a store answers in microseconds, from a thread where it may wait.

    To hand a read to a thread and its answer back costs several times what SQLite takes for it, and on a busy machine
    each way may have to wait for its turn.
    """
    return read() if store.quick else await run_in_threadpool(read)


class Bell:
    """Wakes those who listen: it says that there is something, and each reads for itself what came after its last."""

    def __init__(self, store: Store):
        """Watch a queue for as long as somebody listens."""
        self._store = store
        self._waiting: dict[asyncio.Event, str | None] = {}
        self._watch: asyncio.Task[None] | None = None

    @contextmanager
    def heard(self, job: str | None) -> Iterator[asyncio.Event]:
        """Yield what is set whenever something has happened to a job (None: to any) since the block began."""
        rung = asyncio.Event()
        self._waiting[rung] = job
        if self._watch is None:
            self._watch = asyncio.create_task(self._run())
        try:
            yield rung
        finally:
            del self._waiting[rung]
            if not self._waiting and self._watch is not None:
                self._watch.cancel()
                self._watch = None

    async def _run(self) -> None:
        seen, problem = -1, ""
        while True:
            try:
                seen, problem = await self._look(seen), ""
            except Exception as error:  # whoever listens will meet it, too, and tell its client
                if str(error) != problem:
                    log.error("the log of the queue could not be read", exc_info=error)
                problem = str(error)
                self._ring(None)
            await asyncio.sleep(WATCH_SECONDS)

    async def _look(self, seen: int) -> int:
        """Wake those for whom something has happened since an event (-1: everybody), and return the newest."""
        if seen < 0:
            seen = await peek(self._store, self._store.last_event)
            self._ring(None)
            return seen
        events = await peek(self._store, lambda: self._store.events(None, seen, AT_ONCE))
        self._ring({event.job for event in events})
        return events[-1].id if events else seen

    def _ring(self, jobs: set[str] | None) -> None:
        for rung, job in self._waiting.items():
            if jobs is None or job in jobs or (job is None and jobs):
                rung.set()


async def rings(rung: asyncio.Event, seconds: float) -> None:
    """Wait until the bell rings, or for so many seconds."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(rung.wait(), seconds)
