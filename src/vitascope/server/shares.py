"""Fair limits per caller: how many streams, requests and threads one caller may hold at the same time."""

import asyncio
import inspect
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from vitascope.server.errors import Refusal

MAX_STREAMS = 64
"""Streams of events that one token may listen to at once."""
MAX_WAITING = 256
"""Requests of one token that may wait for their turn; more are refused."""
FILE_STARTS = ("file_", "char_", "video_", "data:")
"""How the values of fields begin that name a file."""

Work = Literal["quick", "files", "calls"]
"""What a request does: read and write the queue, have a file looked at, or call an address outside."""
_WORKS: dict[Callable[..., Any], Work | None] = {}
"""What the functions of routes do, where they say it; None for those that take their turns themselves."""


class Shares:
    """A limit of open things per caller; more are refused."""

    def __init__(self, limit: int, label: str):
        """Allow each caller `limit` at once; `label` names them in the refusal."""
        self.most, self._what = limit, label
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def taking(self, caller: str) -> Iterator[None]:
        """Hold one for as long as a block lasts; raises `Refusal`."""
        with self._lock:
            if self._held[caller] >= self.most:
                line = f"{self.most} {self._what} are open for this token already; close one first"
                raise _too_many(line)
            self._held[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[caller] -= 1
                if not self._held[caller]:
                    del self._held[caller]


class Turns:
    """So many requests at work at once, in all and of each caller; the rest wait, and callers take turns.

    Who waits holds no thread. A caller who has nothing at work and nothing waiting goes before those who always do, as
    new flows do in FQ-CoDel (RFC 8290, 4.2): a caller with one request at a time waits for a place, and not until all
    who ask for much have had their turn. Used from the thread of the event loop alone.
    """

    def __init__(self, total: int, per_caller: int, waiting: int = MAX_WAITING):
        """Let `total` work at once, `per_caller` of one caller, and `waiting` of one caller wait."""
        self.total, self.each, self.waiting = total, per_caller, waiting
        self._held: Counter[str] = Counter()
        self._new: dict[str, deque[asyncio.Future[None]]] = {}
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def taking(self, caller: str) -> AsyncIterator[None]:
        """Hold a turn for as long as a block lasts, from when it comes; raises `Refusal` where too many wait."""
        if caller not in self._queues and caller not in self._new and self._is_free(caller):
            self._held[caller] += 1
        else:
            await self._wait(caller)
        try:
            yield
        finally:
            self._release(caller)

    async def _wait(self, caller: str) -> None:
        queue = self._new.get(caller) or self._queues.get(caller)
        if queue is None:
            queue = deque()
            (self._queues if self._held[caller] else self._new)[caller] = queue
        if len(queue) >= self.waiting:
            raise _too_many(f"{self.waiting} requests of this token wait already; send fewer at once")
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release(caller)
            elif turn in queue:
                queue.remove(turn)
                if not queue:
                    self._new.pop(caller, None)
                    self._queues.pop(caller, None)
            raise

    def _is_free(self, caller: str) -> bool:
        return self._held.total() < self.total and self._held[caller] < self.each

    def _release(self, caller: str) -> None:
        self._held[caller] -= 1
        if not self._held[caller]:
            del self._held[caller]
        self._admit()

    def _admit(self) -> None:
        """Give turns to those who wait; a caller who got one goes behind the other callers."""
        while (found := self._next()) is not None:
            caller, queues = found
            queue = queues.pop(caller)
            turn = queue.popleft()
            if queue:
                self._queues[caller] = queue
            if not turn.done():
                self._held[caller] += 1
                turn.set_result(None)

    def _next(self) -> tuple[str, dict[str, deque[asyncio.Future[None]]]] | None:
        """Return who gets a turn now, and among whom it waits."""
        for queues in (self._new, self._queues):
            if (caller := next(filter(self._is_free, queues), None)) is not None:
                return caller, queues
        return None


@dataclass(frozen=True)
class Threads:
    """The turns of each kind of work, so that none takes the threads of another: 24 of the 40 that there are.

    Quick work is done by Python itself, one thread at a time: more of them would not do it sooner, and whoever waits
    for the interpreter waits for all of them.
    """

    quick: Turns = field(default_factory=lambda: Turns(8, 3))
    files: Turns = field(default_factory=lambda: Turns(8, 2))
    calls: Turns = field(default_factory=lambda: Turns(8, 2))

    def taking(self, work: Work, caller: str) -> Any:
        """Hold a turn of a kind of work for as long as an async block lasts; raises `Refusal`."""
        turns: Turns = getattr(self, work)
        return turns.taking(caller)


class FairRoute(APIRoute):
    """A route whose function works when it is the turn of its caller."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any):
        """Route a path to a function."""
        super().__init__(path, in_turn(endpoint), **options)


def working(work: Work | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Say what kind of work a route is; None for one that takes its turns itself."""

    def mark(endpoint: Callable[..., Any]) -> Callable[..., Any]:
        _WORKS[endpoint] = work
        return endpoint

    return mark


def in_turn(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Return a route's function that waits for the turn of its `caller` in its `context`, where it has these."""
    stated = _WORKS.get(endpoint, "any")
    if stated is None:
        return endpoint
    is_async = inspect.iscoroutinefunction(endpoint)

    @wraps(endpoint)
    async def fair(**values: Any) -> Any:
        context, caller = values.get("context"), values.get("caller")
        if context is None:
            return await endpoint(**values) if is_async else endpoint(**values)
        work = work_of(values) if stated == "any" else stated
        async with context.threads.taking(work, "" if caller is None else caller.name):
            return (
                await endpoint(**values) if is_async else await run_in_threadpool(_answer, endpoint, values)
            )

    del fair.__wrapped__  # FastAPI would look behind it for what kind of function it is
    fair.__signature__ = inspect.signature(endpoint, eval_str=True)  # pyright: ignore[reportFunctionMemberAccess, reportAttributeAccessIssue]
    _WORKS[fair] = None  # a router that is included in another makes its routes anew
    return fair


def _answer(endpoint: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """Return what a route says, written out in this very thread: a long list would hold up the event loop."""
    result = endpoint(**values)
    if isinstance(result, BaseModel):
        return Response(result.model_dump_json(by_alias=True), media_type="application/json")
    return JSONResponse(result) if isinstance(result, dict) else result


def work_of(values: Any) -> Work:
    """Return what kind of work a request is: with files where any field names one."""
    return "files" if _names_file(values) else "quick"


def _names_file(value: Any) -> bool:
    if isinstance(value, str):
        return value.startswith(FILE_STARTS)
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, Mapping):
        # A job that is named in the address of a request is looked up, and not looked at.
        inner = [item for name, item in value.items() if not str(name).endswith("_id") or name == "file_id"]
        return any(map(_names_file, inner))
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return any(map(_names_file, value))
    return isinstance(value, UploadFile)


def _too_many(line: str) -> Refusal:
    headers = {"retry-after": "5"}
    return Refusal(429, line, "too_many_at_once", type="rate_limit_error", headers=headers)
