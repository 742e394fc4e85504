"""What the routes do more than once: hand in what was asked for, and wait until it is over."""

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
from vitascope.server.context import House
from vitascope.server.errors import Refusal
from vitascope.server.events import peek, rings
from vitascope.server.requests import Ask, Reader
from vitascope.server.sandbox import Apart
from vitascope.server.tokens import Caller

KEY_LENGTH = 200
POLL_SECONDS = 0.2
PING_SECONDS = 15.0
LOOK_SECONDS = 5.0
"""After which a listener looks for itself, whether the bell has rung or not."""


def hand_in(house: House, caller: Caller, read: Callable[[Reader], Ask], key: str | None = None) -> Job:
    """Hand in what a reader reads and return the job; nothing is written down before all of it is checked.

    Raises `RequestError` and `Refusal`. With a key that was used before, the job of that time is returned.
    """
    if key is not None and not (0 < len(key) <= KEY_LENGTH and key.isprintable()):
        raise Refusal(400, f"an Idempotency-Key has 1 to {KEY_LENGTH} letters", "invalid_value")
    house.check_queue(caller)
    inspector = Apart()
    with house.uploads.taking(caller) as files:
        try:
            ask = read(Reader(house, caller, files, inspector))
            _check_priority(ask, caller)
            options: dict[str, Any] = {"asked": ask.asked, "key": key, "owner": caller.name}
            options |= {
                "priority": ask.priority,
                "budget": house.budget(caller),
                "max_queued": house.max_queued,
            }
            options["inspector"] = inspector
            options["share"] = caller.share
            if isinstance(ask.what, Film):
                return house.service.submit_film(ask.what, **options)
            return house.service.submit(
                ask.what, kind=ask.kind, number=ask.number, parent=ask.parent, **options
            )
        except (JobNotFoundError, JobConflictError, BudgetError):
            raise
        except RequestError as error:
            raise _without_paths(error, house) from None


async def over(request: Request, house: House, job: Job) -> Job:
    """Return a job once it is over; it is cancelled when the client goes before that, unless the job has a key.

    A client that sends a key comes back with it for the clip after its connection broke, and others may wait for the
    same job: so such a job goes on.
    """
    while not job.finished:
        if await request.is_disconnected():
            if job.key is None:
                await run_in_threadpool(house.service.store.cancel, job.id)
            return job
        await asyncio.sleep(POLL_SECONDS)
        job = await peek(house.service.store, partial(house.service.store.get, job.id))
    return job


def last_event(request: Request) -> int:
    """Return the id of the last event that a listener has heard, 0 for none; raises `RequestError`."""
    text = request.headers.get("last-event-id", request.query_params.get("after", "")).strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise RequestError("after", f"{text[:40]!r} is not the id of an event", "ids are numbers")
    return int(text)


async def listen(house: House, owner: str | None, job: str | None, after: int) -> AsyncIterator[Event | None]:
    """Yield the events of a job until it is over (None: of all jobs, for ever); None when nothing happens for long."""
    store, heard_at, woken = house.service.store, time.monotonic(), False
    with house.bell.heard(job) as rung:
        while True:
            rung.clear()
            # The state is asked for first: what is over by then has all of its events.
            ended = job is not None and await peek(store, partial(_is_over, house, job))
            # The queue may know more than was rung for: of what is over, and where nothing was rung for long.
            events = house.bell.recent(job, after) if woken and not ended else None
            if events is None:
                events = await peek(store, partial(store.events, job, after))
            for event in events:
                if job is not None or owner is None or await house.bell.owner(event.job) == owner:
                    yield event
            if events:
                after, heard_at = events[-1].id, time.monotonic()
            elif ended:
                return
            else:
                await rings(rung, LOOK_SECONDS)
                woken = rung.is_set()
            if time.monotonic() - heard_at >= PING_SECONDS:
                heard_at = time.monotonic()
                yield None


def _check_priority(ask: Ask, caller: Caller) -> None:
    """Raise `Refusal` for who would go before others without being in charge of them."""
    if ask.priority > 0 and not caller.may("admin"):
        line = "priority: above 0 it needs a token with the scope admin"
        raise Refusal(403, line, "forbidden", "priority", type="permission_error")


def _is_over(house: House, job: str) -> bool:
    try:
        return house.service.store.get(job).finished
    except JobNotFoundError:
        return True


def _without_paths(error: RequestError, house: House) -> RequestError:
    """Return the error without names of this machine's folders, which are nobody's business."""
    problem = error.problem
    for folder in (house.uploads.folder, house.characters.folder, house.service.storage.path):
        problem = problem.replace(f"{folder}/", "").replace(str(folder), "")
    return type(error)(error.argument, problem, error.nearest)
