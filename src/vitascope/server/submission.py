"""Steps that several routes share: submit a job, wait for its end, listen to its events."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from vitascope.director.film import Film
from vitascope.errors import BudgetError, JobConflictError, JobNotFoundError, RequestError
from vitascope.jobs.job import Event, Job
from vitascope.server.context import ServerContext
from vitascope.server.errors import Refusal
from vitascope.server.events import peek, wait_for_signal
from vitascope.server.requests import Reader, Submission
from vitascope.server.sandbox import SandboxInspector
from vitascope.server.tokens import Caller

KEY_LENGTH = 200
POLL_SECONDS = 0.2
PING_SECONDS = 15.0
LOOK_SECONDS = 5.0
"""Seconds after which a listener reads the queue itself, with or without a signal."""


def hand_in(
    context: ServerContext, caller: Caller, read: Callable[[Reader], Submission], key: str | None = None
) -> Job:
    """Submit the job that `read` makes of a request, and return it; nothing is stored before all of it is checked.

    Raises `RequestError` and `Refusal`. A key that was used before returns its job again.
    """
    if key is not None and not (0 < len(key) <= KEY_LENGTH and key.isprintable()):
        raise Refusal(400, f"an Idempotency-Key has 1 to {KEY_LENGTH} letters", "invalid_value")
    context.check_queue(caller)
    inspector = SandboxInspector()
    with context.uploads.taking(caller) as files:
        try:
            ask = read(Reader(context, caller, files, inspector))
            _check_priority(ask, caller)
            options: dict[str, Any] = {"asked": ask.origin, "key": key, "owner": caller.name}
            options |= {
                "priority": ask.priority,
                "budget": context.budget(caller),
                "max_queued": context.max_queued,
            }
            options["inspector"] = inspector
            options["share"] = caller.share
            if isinstance(ask.content, Film):
                return context.service.submit_film(ask.content, **options)
            return context.service.submit(
                ask.content, kind=ask.kind, number=ask.number, parent=ask.parent, **options
            )
        except (JobNotFoundError, JobConflictError, BudgetError):
            raise
        except RequestError as error:
            raise _without_paths(error, context) from None


async def over(request: Request, context: ServerContext, job: Job) -> Job:
    """Wait for the end of a job and return it; cancel the job if the client disconnects, unless it has a key.

    A client that sent a key may reconnect with it, and others may wait for the same job, so that job goes on.
    """
    while not job.finished:
        if await request.is_disconnected():
            if job.key is None:
                await run_in_threadpool(context.service.store.cancel, job.id)
            return job
        await asyncio.sleep(POLL_SECONDS)
        job = await peek(context.service.store, partial(context.service.store.get, job.id))
    return job


def last_event(request: Request) -> int:
    """Return the id of the last event that a client has received, 0 for none; raises `RequestError`."""
    text = request.headers.get("last-event-id", request.query_params.get("after", "")).strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise RequestError("after", f"{text[:40]!r} is not the id of an event", "ids are numbers")
    return int(text)


async def listen(
    context: ServerContext, owner: str | None, job: str | None, after: int
) -> AsyncIterator[Event | None]:
    """Yield the events of a job until it is over (None: of all jobs, for ever); None when nothing happens for long."""
    store, heard_at, woken = context.service.store, time.monotonic(), False
    with context.broadcast.subscribe(job) as signal:
        while True:
            signal.clear()
            # The state is asked for first: what is over by then has all of its events.
            ended = job is not None and await peek(store, partial(_is_over, context, job))
            # The queue may know more than was rung for: of what is over, and where nothing was rung for long.
            events = context.broadcast.recent(job, after) if woken and not ended else None
            if events is None:
                events = await peek(store, partial(store.events, job, after))
            for event in events:
                if job is not None or owner is None or await context.broadcast.owner(event.job) == owner:
                    yield event
            if events:
                after, heard_at = events[-1].id, time.monotonic()
            elif ended:
                return
            else:
                await wait_for_signal(signal, LOOK_SECONDS)
                woken = signal.is_set()
            if time.monotonic() - heard_at >= PING_SECONDS:
                heard_at = time.monotonic()
                yield None


def _check_priority(ask: Submission, caller: Caller) -> None:
    """Raise `Refusal` for a priority above 0 from a caller who is no admin."""
    if ask.priority > 0 and not caller.may("admin"):
        line = "priority: above 0 it needs a token with the scope admin"
        raise Refusal(403, line, "forbidden", "priority", type="permission_error")


def _is_over(context: ServerContext, job: str) -> bool:
    try:
        return context.service.store.get(job).finished
    except JobNotFoundError:
        return True


def _without_paths(error: RequestError, context: ServerContext) -> RequestError:
    """Return the error without the server's own paths."""
    problem = error.problem
    for folder in (context.uploads.folder, context.characters.folder, context.service.storage.path):
        problem = problem.replace(f"{folder}/", "").replace(str(folder), "")
    return type(error)(error.argument, problem, error.nearest)
