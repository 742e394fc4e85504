"""`/api/v1/films`: films of several shots. Each is one job, and all that may be done with jobs may be done with it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from vitascope.errors import JobNotFoundError
from vitascope.jobs.job import Job, State
from vitascope.server.context import Asking, House, InHouse
from vitascope.server.downloads import ANSWERS, content
from vitascope.server.routes.videos import Key
from vitascope.server.schemas import NewFilm, film, listed
from vitascope.server.shares import FairRoute
from vitascope.server.submission import hand_in
from vitascope.server.tokens import Caller

router = APIRouter(prefix="/api/v1/films", tags=["films"], route_class=FairRoute)


@router.post("")
def submit(house: InHouse, caller: Asking, script: NewFilm, key: Key = None) -> dict[str, Any]:
    """Hand in a film; every shot of it is checked before anything is made."""
    return _told(house, hand_in(house, caller, lambda reader: reader.film(script), script.key or key))


@router.get("")
def list_films(
    house: InHouse,
    caller: Asking,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 20,
    order: Literal["asc", "desc"] = "desc",
    state: Annotated[list[State] | None, Query()] = None,
) -> dict[str, Any]:
    """List films by age."""
    page = house.service.store.page(after, limit, order, state, caller.owner, "film")
    return listed(page, film)


@router.get("/{film_id}")
def get_film(house: InHouse, caller: Asking, film_id: str) -> dict[str, Any]:
    """Return a film, how far it is, and how far each of its shots is."""
    return _told(house, _film(house, film_id, caller))


@router.delete("/{film_id}")
def delete_film(house: InHouse, caller: Asking, film_id: str) -> dict[str, Any]:
    """Forget a film and remove its files; one that is being made stops at its next step."""
    house.service.delete(_film(house, film_id, caller).id, caller.owner)
    return {"id": film_id, "object": "film.deleted", "deleted": True}


@router.post("/{film_id}/cancel")
def cancel(house: InHouse, caller: Asking, film_id: str) -> dict[str, Any]:
    """No longer want a film: it stops at its next step, and its shots are removed."""
    return _told(house, house.service.store.cancel(_film(house, film_id, caller).id))


@router.post("/{film_id}/retry")
def retry(house: InHouse, caller: Asking, film_id: str) -> dict[str, Any]:
    """Queue a failed or cancelled film again; one that failed goes on from the last step that was kept."""
    job = _film(house, film_id, caller)
    limits = {"max_queued": house.max_queued, "share": caller.share}
    return _told(house, house.service.retry(job.id, budget=house.budget(caller), **limits))


@router.head("/{film_id}/content", include_in_schema=False)
@router.get("/{film_id}/content", response_class=Response, responses=ANSWERS)
def download(
    request: Request, house: InHouse, caller: Asking, film_id: str, variant: str = "video"
) -> Response:
    """Return the file of a film, or its `thumbnail` or `spritesheet`."""
    return content(house, request, _film(house, film_id, caller), variant)


def _film(house: House, name: str, caller: Caller) -> Job:
    """Return a film of the caller's; raises `JobNotFoundError`."""
    job = house.job(name, caller)
    if job.request.kind != "film":
        raise JobNotFoundError("film_id", f"there is no film {name[:60]!r}")
    return job


def _told(house: House, job: Job) -> dict[str, Any]:
    return film(job, house.service.store.position(job.id) if job.state == "queued" else None)
