"""`/api/v1/films`: films of several shots. Each is one job, and all that may be done with jobs may be done with it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from vitascope.errors import JobNotFoundError
from vitascope.jobs.job import Job, State
from vitascope.server.context import Context, CurrentCaller, ServerContext
from vitascope.server.downloads import ANSWERS, content
from vitascope.server.routes.videos import Key
from vitascope.server.schemas import NewFilm, film, list_to_json
from vitascope.server.shares import FairRoute
from vitascope.server.submission import hand_in
from vitascope.server.tokens import Caller

router = APIRouter(prefix="/api/v1/films", tags=["films"], route_class=FairRoute)


@router.post("")
def submit(context: Context, caller: CurrentCaller, script: NewFilm, key: Key = None) -> dict[str, Any]:
    """Hand in a film; every shot of it is checked before anything is made."""
    return _to_json(context, hand_in(context, caller, lambda reader: reader.film(script), script.key or key))


@router.get("")
def list_films(
    context: Context,
    caller: CurrentCaller,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 20,
    order: Literal["asc", "desc"] = "desc",
    state: Annotated[list[State] | None, Query()] = None,
) -> dict[str, Any]:
    """List films by age."""
    page = context.service.store.page(after, limit, order, state, caller.owner, "film")
    return list_to_json(page, film)


@router.get("/{film_id}")
def get_film(context: Context, caller: CurrentCaller, film_id: str) -> dict[str, Any]:
    """Return a film, how far it is, and how far each of its shots is."""
    return _to_json(context, _film(context, film_id, caller))


@router.delete("/{film_id}")
def delete_film(context: Context, caller: CurrentCaller, film_id: str) -> dict[str, Any]:
    """Forget a film and remove its files; one that is being made stops at its next step."""
    context.service.delete(_film(context, film_id, caller).id, caller.owner)
    return {"id": film_id, "object": "film.deleted", "deleted": True}


@router.post("/{film_id}/cancel")
def cancel(context: Context, caller: CurrentCaller, film_id: str) -> dict[str, Any]:
    """No longer want a film: it stops at its next step, and its shots are removed."""
    return _to_json(context, context.service.store.cancel(_film(context, film_id, caller).id))


@router.post("/{film_id}/retry")
def retry(context: Context, caller: CurrentCaller, film_id: str) -> dict[str, Any]:
    """Queue a failed or cancelled film again; one that failed goes on from the last step that was kept."""
    job = _film(context, film_id, caller)
    limits = {"max_queued": context.max_queued, "share": caller.share}
    return _to_json(context, context.service.retry(job.id, budget=context.budget(caller), **limits))


@router.head("/{film_id}/content", include_in_schema=False)
@router.get("/{film_id}/content", response_class=Response, responses=ANSWERS)
def download(
    request: Request, context: Context, caller: CurrentCaller, film_id: str, variant: str = "video"
) -> Response:
    """Return the file of a film, or its `thumbnail` or `spritesheet`."""
    return content(context, request, _film(context, film_id, caller), variant)


def _film(context: ServerContext, name: str, caller: Caller) -> Job:
    """Return a film of the caller's; raises `JobNotFoundError`."""
    job = context.job(name, caller)
    if job.request.kind != "film":
        raise JobNotFoundError("film_id", f"there is no film {name[:60]!r}")
    return job


def _to_json(context: ServerContext, job: Job) -> dict[str, Any]:
    return film(job, context.service.store.position(job.id) if job.state == "queued" else None)
