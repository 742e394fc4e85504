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
from vitascope.server.context import Admin, Context, CurrentCaller, ServerContext
from vitascope.server.downloads import ANSWERS, content, glimpse
from vitascope.server.events import peek
from vitascope.server.schemas import Adopt, Move, NewJob, job_to_json, list_to_json, preview_url
from vitascope.server.shares import FairRoute, Shares
from vitascope.server.submission import hand_in, last_event, listen
from vitascope.server.tokens import Caller

router = APIRouter(prefix="/api/v1", tags=["jobs"], route_class=FairRoute)

RECONNECT_MS = 1000


@router.post("/jobs")
def submit(context: Context, caller: CurrentCaller, job: NewJob) -> dict[str, Any]:
    """Hand in a shot."""
    return _to_json(context, hand_in(context, caller, lambda reader: reader.job(job), job.key))


@router.get("/jobs")
def list_jobs(
    context: Context,
    caller: CurrentCaller,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 20,
    order: Literal["asc", "desc"] = "desc",
    state: Annotated[list[State] | None, Query()] = None,
) -> dict[str, Any]:
    """List jobs by age."""
    page = context.service.store.page(after, limit, order, state, caller.owner)
    return list_to_json(page, job_to_json)


@router.get("/jobs/unknown")
def list_unknown(context: Context, caller: Admin) -> dict[str, Any]:
    """List the folders of clips that the queue does not know, as after it was lost; nothing removes them."""
    return {"object": "list", "data": context.service.unknown_folders()}


@router.post("/jobs/adopt")
def adopt_jobs(context: Context, caller: Admin, adoption: Adopt) -> dict[str, Any]:
    """Take in clips that the queue does not know, as completed jobs; `problems` says which have to stay as they are."""
    result = adopt(context.service, adoption.jobs, adoption.owner)
    return {
        "object": "list",
        "data": [job_to_json(job) for job in result.jobs],
        "problems": dict(result.problems),
    }


@router.get("/jobs/{job_id}")
async def get_job(context: Context, caller: CurrentCaller, job_id: str) -> dict[str, Any]:
    """Return a job."""
    job = await peek(context.service.store, partial(context.job, job_id, caller))
    # How many go before it takes longer to say, the more there are.
    return await run_in_threadpool(_to_json, context, job) if job.state == "queued" else job_to_json(job)


@router.delete("/jobs/{job_id}")
def delete_job(context: Context, caller: CurrentCaller, job_id: str) -> dict[str, Any]:
    """Forget a job and remove its files."""
    context.service.delete(job_id, caller.owner)
    return {"id": job_id, "object": "job.deleted", "deleted": True}


@router.post("/jobs/{job_id}/cancel")
def cancel(context: Context, caller: CurrentCaller, job_id: str) -> dict[str, Any]:
    """No longer want a job."""
    return _to_json(context, context.service.store.cancel(context.job(job_id, caller).id))


@router.post("/jobs/{job_id}/retry")
def retry(context: Context, caller: CurrentCaller, job_id: str) -> dict[str, Any]:
    """Queue a failed or cancelled job again; it goes on from the last step that was kept."""
    job = context.job(job_id, caller)
    limits = {"max_queued": context.max_queued, "share": caller.share}
    return _to_json(context, context.service.retry(job.id, budget=context.budget(caller), **limits))


@router.post("/jobs/{job_id}/clone")
def clone(context: Context, caller: CurrentCaller, job_id: str) -> dict[str, Any]:
    """Hand in the same request once more; only an admin's clone keeps a priority above 0."""
    job = context.job(job_id, caller)
    context.check_queue(caller)
    limits = {"max_queued": context.max_queued, "max_priority": None if caller.may("admin") else 0}
    limits["share"] = caller.share
    return _to_json(context, context.service.clone(job.id, budget=context.budget(caller), **limits))


@router.post("/jobs/{job_id}/move")
def move(context: Context, caller: Admin, job_id: str, target: Move) -> dict[str, Any]:
    """Put a queued job elsewhere in the line."""
    store = context.service.store
    if target.priority is not None:
        return _to_json(context, store.prioritise(job_id, target.priority))
    line = [job.id for job in store.line() if job.id != job_id]
    before = line[0] if target.first and line else target.before
    return _to_json(context, store.move(job_id, before))


@router.get("/jobs/{job_id}/files/{index}", response_class=Response, responses=ANSWERS)
def file(
    request: Request, context: Context, caller: CurrentCaller, job_id: str, index: int, variant: str = "video"
) -> Response:
    """Return a clip of a job, or a picture of it."""
    return content(context, request, context.job(job_id, caller), variant, index)


@router.get("/jobs/{job_id}/preview", response_class=Response)
def preview(request: Request, context: Context, caller: CurrentCaller, job_id: str) -> Response:
    """Return a picture of the clip in the making, or of the finished one; 404 while there is nothing to be seen."""
    return glimpse(context, request, context.job(job_id, caller))


@router.get(
    "/jobs/{job_id}/events",
    response_class=StreamingResponse,
    responses={200: {"description": "Server-sent events"}, 204: {"description": "All has been told"}},
)
def events_of_job(request: Request, context: Context, caller: CurrentCaller, job_id: str) -> Response:
    """Stream what happens to a job, from the beginning or after `Last-Event-ID`, until it is over (then 204).

    `progress` says phase, step, total, percent, the seconds left of the phase and of the job, and where a picture is.
    """
    after = last_event(request)
    job = context.job(job_id, caller)
    if job.finished and not context.service.store.events(job.id, after, 1):
        return Response(status_code=204)
    return _stream(context, caller, job.id, after)


@router.get("/events", response_class=StreamingResponse)
def events(request: Request, context: Context, caller: CurrentCaller) -> Response:
    """Stream what happens to all of the caller's jobs, from now on or after `Last-Event-ID`."""
    return _stream(context, caller, None, last_event(request) or context.service.store.last_event())


@router.get("/queue")
def queue(context: Context, caller: CurrentCaller) -> dict[str, Any]:
    """Return how many jobs there are in each state, and those of the caller's that wait, in their order."""
    store = context.service.store
    line = [job.id for job in store.line(caller.owner)]
    return {"object": "queue", "paused": store.paused, "counts": store.counts(), "line": line}


@router.post("/queue/pause")
def pause(context: Context, caller: Admin) -> dict[str, Any]:
    """Begin no more jobs; what runs is finished."""
    context.service.store.pause()
    return queue(context, caller)


@router.post("/queue/resume")
def resume(context: Context, caller: Admin) -> dict[str, Any]:
    """Begin jobs again."""
    context.service.store.resume()
    return queue(context, caller)


def _to_json(context: ServerContext, job: Job) -> dict[str, Any]:
    return job_to_json(job, context.service.store.position(job.id) if job.state == "queued" else None)


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


def _stream(context: ServerContext, caller: Caller, job: str | None, after: int) -> Response:
    async def lines() -> AsyncIterator[str]:
        yield f"retry: {RECONNECT_MS}\n\n"
        async for event in listen(context, caller.owner, job, after):
            yield ": nothing yet\n\n" if event is None else _line(event)

    return EventStream(lines(), context.streams, caller)


def _line(event: Event) -> str:
    payload = {"job": event.job, "type": event.type, "at": event.at, **event.data}
    if "preview" in payload:
        payload["preview"] = preview_url(event.job, payload["preview"])
    data = json.dumps(payload, ensure_ascii=False)
    return f"id: {event.id}\nevent: {event.type}\ndata: {data}\n\n"
