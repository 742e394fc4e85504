"""Broadcast of job events: one reader polls the queue's event log and wakes all listeners."""

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
"""Events kept in memory for all listeners; older ones are read from the queue."""
MAX_OWNERS = 16_384


async def peek(store: Store, read: Callable[[], R]) -> R:
    """Return the result of a short read: at once for a store that answers in microseconds, else from a thread.

    Handing a read to a thread and back costs several times what SQLite takes for it, and on a busy machine both ways
    may have to wait for the scheduler.
    """
    return read() if store.quick else await run_in_threadpool(read)


class EventBroadcast:
    """Wakes listeners when there are new events, and reads these events once for all of them."""

    def __init__(self, store: Store):
        """Poll a queue while there are listeners."""
        self._store = store
        self._waiting: dict[asyncio.Event, str | None] = {}
        self._watch: asyncio.Task[None] | None = None
        self._recent: deque[Event] = deque(maxlen=MAX_RECENT)
        self._complete_after = -1
        self._owners: dict[str, str | None] = {}

    @contextmanager
    def subscribe(self, job: str | None) -> Iterator[asyncio.Event]:
        """Yield a signal that is set at each new event of a job (None: of any job) while the block runs."""
        signal = asyncio.Event()
        self._waiting[signal] = job
        if self._watch is None:
            self._watch = asyncio.create_task(self._run())
        try:
            yield signal
        finally:
            del self._waiting[signal]
            if not self._waiting and self._watch is not None:
                self._watch.cancel()
                self._watch = None

    def recent(self, job: str | None, after: int) -> list[Event] | None:
        """Return the events of a job (None: of any job) after an event id, or None if the queue has to be read."""
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
        """Return the owner of a job, None for no such job."""
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
                last_id, problem = await self._poll(last_id), ""
            except Exception as error:  # each listener meets it, too, and tells its client
                if str(error) != problem:
                    log.error("the log of the queue could not be read", exc_info=error)
                problem = str(error)
                self._wake(None)
            await asyncio.sleep(WATCH_SECONDS)

    async def _poll(self, last_id: int) -> int:
        """Wake the listeners that have events after an id (-1: all listeners), and return the newest id."""
        if last_id < 0:
            last_id = await peek(self._store, self._store.last_event)
            self._complete_after = last_id
            self._wake(None)
            return last_id
        events = await peek(self._store, lambda: self._store.events(None, last_id, AT_ONCE))
        self._recent.extend(events)
        if len(self._recent) == MAX_RECENT:
            self._complete_after = max(self._complete_after, self._recent[0].id - 1)
        self._wake({event.job for event in events})
        return events[-1].id if events else last_id

    def _wake(self, jobs: set[str] | None) -> None:
        for signal, job in self._waiting.items():
            if jobs is None or job in jobs or (job is None and jobs):
                signal.set()


async def wait_for_signal(signal: asyncio.Event, seconds: float) -> None:
    """Wait for a signal, at most so many seconds."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(signal.wait(), seconds)
