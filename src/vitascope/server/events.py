"""One look at the log of the queue for all who listen: whoever waits for news of a job is woken when there is some."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from vitascope.errors import JobNotFoundError
from vitascope.jobs.job import Event
from vitascope.jobs.stores.store import Store

R = TypeVar("R")

log = logging.getLogger("vitascope.server.events")

WATCH_SECONDS = 0.1
AT_ONCE = 1000
MAX_RECENT = 4096
"""Events that are kept in memory for all who listen; who asks for older ones reads them from the queue."""
MAX_OWNERS = 16_384


async def peek(store: Store, read: Callable[[], R]) -> R:
    """Return what a short read says: at once where a store answers in microseconds, from a thread where it may wait.

    To hand a read to a thread and its answer back costs several times what SQLite takes for it, and on a busy machine
    each way may have to wait for its turn.
    """
    return read() if store.quick else await run_in_threadpool(read)


class Bell:
    """Wakes those who listen, and reads what has happened once for all of them."""

    def __init__(self, store: Store):
        """Watch a queue for as long as somebody listens."""
        self._store = store
        self._waiting: dict[asyncio.Event, str | None] = {}
        self._watch: asyncio.Task[None] | None = None
        self._recent: deque[Event] = deque(maxlen=MAX_RECENT)
        self._complete_after = -1
        self._owners: dict[str, str | None] = {}

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

    def recent(self, job: str | None, after: int) -> list[Event] | None:
        """Return what has happened to a job (None: to any) after an event, None where that has to be read."""
        if self._watch is None or not 0 <= self._complete_after <= after:
            return None
        matches = []
        for event in reversed(self._recent):
            if event.id <= after:
                break
            if job in (None, event.job):
                matches.append(event)
        return matches[::-1]

    async def owner(self, job: str) -> str | None:
        """Return whose a job is, None where there is none."""
        if job not in self._owners:
            if len(self._owners) >= MAX_OWNERS:
                self._owners.clear()
            self._owners[job] = await peek(self._store, lambda: self._owner(job))
        return self._owners[job]

    def _owner(self, job: str) -> str | None:
        try:
            return self._store.get(job).owner
        except JobNotFoundError:
            return None

    async def _run(self) -> None:
        last_id, problem = -1, ""
        self._recent.clear()
        self._complete_after = -1
        while True:
            try:
                last_id, problem = await self._look(last_id), ""
            except Exception as error:  # whoever listens will meet it, too, and tell its client
                if str(error) != problem:
                    log.error("the log of the queue could not be read", exc_info=error)
                problem = str(error)
                self._ring(None)
            await asyncio.sleep(WATCH_SECONDS)

    async def _look(self, last_id: int) -> int:
        """Wake those for whom something has happened since an event (-1: everybody), and return the newest."""
        if last_id < 0:
            last_id = await peek(self._store, self._store.last_event)
            self._complete_after = last_id
            self._ring(None)
            return last_id
        events = await peek(self._store, lambda: self._store.events(None, last_id, AT_ONCE))
        self._recent.extend(events)
        if len(self._recent) == MAX_RECENT:
            self._complete_after = max(self._complete_after, self._recent[0].id - 1)
        self._ring({event.job for event in events})
        return events[-1].id if events else last_id

    def _ring(self, jobs: set[str] | None) -> None:
        for rung, job in self._waiting.items():
            if jobs is None or job in jobs or (job is None and jobs):
                rung.set()


async def rings(rung: asyncio.Event, seconds: float) -> None:
    """Wait until the bell rings, or for so many seconds."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(rung.wait(), seconds)
