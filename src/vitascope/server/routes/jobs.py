"""`/api/v1/jobs` and the queue: jobs with all that is known of them."""

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from vitascope.jobs.adoption import adopt
from vitascope.jobs.job import Event, Job, State
from vitascope.server.context import Admin, Asking, House, InHouse
from vitascope.server.downloads import ANSWERS, content, glimpse
from vitascope.server.events import peek
from vitascope.server.schemas import Adopt, Move, NewJob, listed, preview_url, told
from vitascope.server.shares import FairRoute, Shares
from vitascope.server.submission import hand_in, last_event, listen
from vitascope.server.tokens import Caller

router = APIRouter(prefix="/api/v1", tags=["jobs"], route_class=FairRoute)

RECONNECT_MS = 1000


@router.post("/jobs")
def submit(house: InHouse, caller: Asking, job: NewJob) -> dict[str, Any]:
    """Hand in a shot."""
    return _told(house, hand_in(house, caller, lambda reader: reader.job(job), job.key))


@router.get("/jobs")
def list_jobs(
    house: InHouse,
    caller: Asking,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 20,
    order: Literal["asc", "desc"] = "desc",
    state: Annotated[list[State] | None, Query()] = None,
) -> dict[str, Any]:
    """List jobs by age."""
    page = house.service.store.page(after, limit, order, state, caller.owner)
    return listed(page, told)


@router.get("/jobs/unknown")
def list_unknown(house: InHouse, caller: Admin) -> dict[str, Any]:
    """List the folders of clips that the queue does not know, as after it was lost; nothing removes them."""
    return {"object": "list", "data": house.service.unknown_folders()}


@router.post("/jobs/adopt")
def adopt_jobs(house: InHouse, caller: Admin, adoption: Adopt) -> dict[str, Any]:
    """Take in clips that the queue does not know, as completed jobs; `problems` says which have to stay as they are."""
    result = adopt(house.service, adoption.jobs, adoption.owner)
    return {"object": "list", "data": [told(job) for job in result.jobs], "problems": dict(result.problems)}


@router.get("/jobs/{job_id}")
async def get_job(house: InHouse, caller: Asking, job_id: str) -> dict[str, Any]:
    """Return a job."""
    job = await peek(house.service.store, partial(house.job, job_id, caller))
    # How many go before it takes longer to say, the more there are.
    return await run_in_threadpool(_told, house, job) if job.state == "queued" else told(job)


@router.delete("/jobs/{job_id}")
def delete_job(house: InHouse, caller: Asking, job_id: str) -> dict[str, Any]:
    """Forget a job and remove its files."""
    house.service.delete(job_id, caller.owner)
    return {"id": job_id, "object": "job.deleted", "deleted": True}


@router.post("/jobs/{job_id}/cancel")
def cancel(house: InHouse, caller: Asking, job_id: str) -> dict[str, Any]:
    """No longer want a job."""
    return _told(house, house.service.store.cancel(house.job(job_id, caller).id))


@router.post("/jobs/{job_id}/retry")
def retry(house: InHouse, caller: Asking, job_id: str) -> dict[str, Any]:
    """Queue a failed or cancelled job again; it goes on from the last step that was kept."""
    job = house.job(job_id, caller)
    limits = {"max_queued": house.max_queued, "share": caller.share}
    return _told(house, house.service.retry(job.id, budget=house.budget(caller), **limits))


@router.post("/jobs/{job_id}/clone")
def clone(house: InHouse, caller: Asking, job_id: str) -> dict[str, Any]:
    """Hand in the same request once more; only an admin's clone keeps a priority above 0."""
    job = house.job(job_id, caller)
    house.check_queue(caller)
    limits = {"max_queued": house.max_queued, "max_priority": None if caller.may("admin") else 0}
    limits["share"] = caller.share
    return _told(house, house.service.clone(job.id, budget=house.budget(caller), **limits))


@router.post("/jobs/{job_id}/move")
def move(house: InHouse, caller: Admin, job_id: str, where: Move) -> dict[str, Any]:
    """Put a queued job elsewhere in the line."""
    store = house.service.store
    if where.priority is not None:
        return _told(house, store.prioritise(job_id, where.priority))
    line = [job.id for job in store.line() if job.id != job_id]
    before = line[0] if where.first and line else where.before
    return _told(house, store.move(job_id, before))


@router.get("/jobs/{job_id}/files/{index}", response_class=Response, responses=ANSWERS)
def file(
    request: Request, house: InHouse, caller: Asking, job_id: str, index: int, variant: str = "video"
) -> Response:
    """Return a clip of a job, or a picture of it."""
    return content(house, request, house.job(job_id, caller), variant, index)


@router.get("/jobs/{job_id}/preview", response_class=Response)
def preview(request: Request, house: InHouse, caller: Asking, job_id: str) -> Response:
    """Return a picture of the clip in the making, or of the finished one; 404 while there is nothing to be seen."""
    return glimpse(house, request, house.job(job_id, caller))


@router.get(
    "/jobs/{job_id}/events",
    response_class=StreamingResponse,
    responses={200: {"description": "Server-sent events"}, 204: {"description": "All has been told"}},
)
def events_of_job(request: Request, house: InHouse, caller: Asking, job_id: str) -> Response:
    """Stream what happens to a job, from the beginning or after `Last-Event-ID`, until it is over (then 204).

    `progress` says phase, step, total, percent, the seconds left of the phase and of the job, and where a picture is.
    """
    after = last_event(request)
    job = house.job(job_id, caller)
    if job.finished and not house.service.store.events(job.id, after, 1):
        return Response(status_code=204)
    return _stream(house, caller, job.id, after)


@router.get("/events", response_class=StreamingResponse)
def events(request: Request, house: InHouse, caller: Asking) -> Response:
    """Stream what happens to all of the caller's jobs, from now on or after `Last-Event-ID`."""
    return _stream(house, caller, None, last_event(request) or house.service.store.last_event())


@router.get("/queue")
def queue(house: InHouse, caller: Asking) -> dict[str, Any]:
    """Return how many jobs there are in each state, and those of the caller's that wait, in their order."""
    store = house.service.store
    line = [job.id for job in store.line() if caller.owner in (None, job.owner)]
    return {"object": "queue", "paused": store.paused, "counts": store.counts(), "line": line}


@router.post("/queue/pause")
def pause(house: InHouse, caller: Admin) -> dict[str, Any]:
    """Begin no more jobs; what runs is finished."""
    house.service.store.pause()
    return queue(house, caller)


@router.post("/queue/resume")
def resume(house: InHouse, caller: Admin) -> dict[str, Any]:
    """Begin jobs again."""
    house.service.store.resume()
    return queue(house, caller)


def _told(house: House, job: Job) -> dict[str, Any]:
    return told(job, house.service.store.position(job.id) if job.state == "queued" else None)


class EventStream(StreamingResponse):
    """Server-sent events, of which each caller may have so many at once."""

    def __init__(self, lines: AsyncIterator[str], shares: Shares, caller: Caller):
        """Send lines to a caller."""
        super().__init__(lines, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
        self._shares, self._caller = shares, caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is; raises `Refusal` before the first line."""
        # Held here and not by the lines: of lines that nobody has asked for yet no end is ever heard.
        with self._shares.taking(self._caller.name):
            await super().__call__(scope, receive, send)


def _stream(house: House, caller: Caller, job: str | None, after: int) -> Response:
    async def lines() -> AsyncIterator[str]:
        yield f"retry: {RECONNECT_MS}\n\n"
        async for event in listen(house, caller.owner, job, after):
            yield ": nothing yet\n\n" if event is None else _line(event)

    return EventStream(lines(), house.streams, caller)


def _line(event: Event) -> str:
    payload = {"job": event.job, "type": event.type, "at": event.at, **event.data}
    if "preview" in payload:
        payload["preview"] = preview_url(event.job, payload["preview"])
    data = json.dumps(payload, ensure_ascii=False)
    return f"id: {event.id}\nevent: {event.type}\ndata: {data}\n\n"
