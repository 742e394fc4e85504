"""`/v1/videos`: the API of videos that other programs speak."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from vitascope.server.context import Context, CurrentCaller
from vitascope.server.downloads import ANSWERS, content
from vitascope.server.errors import BROKEN, FINAL, Refusal
from vitascope.server.events import peek
from vitascope.server.forms import Body
from vitascope.server.schemas import (
    CreateVideo,
    Deleted,
    EditVideo,
    ExtendVideo,
    RemixVideo,
    Video,
    VideoList,
    readable,
    video,
)
from vitascope.server.shares import FairRoute, work_of, working
from vitascope.server.submission import hand_in, over

router = APIRouter(prefix="/v1/videos", tags=["videos"], route_class=FairRoute)

Key = Annotated[
    str | None, Header(alias="Idempotency-Key", description="The same key never makes two videos.")
]
POLL = {"openai-poll-after-ms": "500"}
"""Tells clients that wait when to ask again."""


SHOWN = {
    "type": "object",
    "required": ["name", "video"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 80},
        "video": {"type": "string", "format": "binary"},
    },
}
"""What shows who is meant."""


def sent(model: type) -> dict[str, Any]:
    """Return what the API's description says about a body that is read by hand."""
    schema = {"schema": model.model_json_schema()}  # pyright: ignore[reportAttributeAccessIssue]
    return {"requestBody": {"content": {"application/json": schema, "multipart/form-data": schema}}}


@router.post("", response_model=Video, openapi_extra=sent(CreateVideo))
def create(context: Context, caller: CurrentCaller, body: Body, key: Key = None) -> Video:
    """Hand in a video to be made."""
    return video(hand_in(context, caller, lambda reader: reader.create(body), key))


@router.get("", response_model=VideoList)
def list_videos(
    context: Context,
    caller: CurrentCaller,
    after: str | None = None,
    limit: Annotated[int, Query(ge=0, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
) -> VideoList:
    """List videos, the newest first unless `order` says otherwise, after the last one of the page before."""
    page = context.service.store.page(after, limit, order, owner=caller.owner)
    data = readable(page.jobs, video)
    ends = (data[0].id, data[-1].id) if data else (None, None)
    return VideoList(data=data, first_id=ends[0], last_id=ends[1], has_more=page.more)


@router.post("/sync", openapi_extra=sent(CreateVideo), response_class=Response)
@working(None)
async def create_sync(
    request: Request, context: Context, caller: CurrentCaller, body: Body, key: Key = None
) -> Response:
    """Make a video and answer with its file; a client that leaves cancels it, unless it sent an `Idempotency-Key`."""
    async with context.threads.taking(work_of(body), caller.name):
        job = await run_in_threadpool(hand_in, context, caller, lambda reader: reader.create(body), key)
    job = await over(request, context, job)
    if job.state != "completed":
        failure = job.failure
        code, message = (failure.code, failure.message) if failure else ("cancelled", "somebody cancelled it")
        raise Refusal(500, message, code, type=BROKEN, headers=FINAL)
    answer = await run_in_threadpool(content, context, request, job)
    spent = (job.finished_at or 0) - (job.started_at or 0)
    answer.headers.update(
        {"x-video-id": job.id, "x-model": job.request.model, "x-inference-time-s": f"{spent:.3f}"}
    )
    return answer


@router.post("/edits", response_model=Video, openapi_extra=sent(EditVideo))
@working("files")
def edit(context: Context, caller: CurrentCaller, body: Body, key: Key = None) -> Video:
    """Change a video: all of it by an instruction, or a part of it anew."""
    return video(hand_in(context, caller, lambda reader: reader.edit(body), key))


@router.post("/extensions", response_model=Video, openapi_extra=sent(ExtendVideo))
@working("files")
def extend(context: Context, caller: CurrentCaller, body: Body, key: Key = None) -> Video:
    """Go on with a video."""
    return video(hand_in(context, caller, lambda reader: reader.extend(body), key))


@router.post(
    "/characters", openapi_extra={"requestBody": {"content": {"multipart/form-data": {"schema": SHOWN}}}}
)
@working("files")
def create_character(context: Context, caller: CurrentCaller, body: Body) -> dict[str, Any]:
    """Keep who is meant, from the `name` and a `video` (or picture) that shows them."""
    with context.uploads.taking(caller) as files:
        source = body.get("video") or body.get("image")
        return context.characters.add(body.get("name", ""), files.any(source, "video"), caller).to_json()


@router.get("/characters")
def list_characters(context: Context, caller: CurrentCaller) -> dict[str, Any]:
    """List who is known."""
    data = [character.to_json() for character in context.characters.all(caller)]
    return {"object": "list", "data": data, "has_more": False}


@router.get("/characters/{character_id}")
def get_character(context: Context, caller: CurrentCaller, character_id: str) -> dict[str, Any]:
    """Return a character."""
    return context.characters.get(character_id, caller).to_json()


@router.delete("/characters/{character_id}")
def delete_character(context: Context, caller: CurrentCaller, character_id: str) -> dict[str, Any]:
    """Forget a character."""
    context.characters.delete(context.characters.get(character_id, caller))
    return {"id": character_id, "object": "video.character.deleted", "deleted": True}


@router.get("/{video_id}", response_model=Video)
async def retrieve(context: Context, caller: CurrentCaller, video_id: str) -> Response:
    """Return a video and how far it is; one that failed is an answer like any other."""
    # What is asked most often of all goes the short way: no thread, and nothing is checked that we made ourselves.
    job = await peek(context.service.store, partial(context.job, video_id, caller))
    return Response(video(job).model_dump_json(), media_type="application/json", headers=POLL)


@router.delete("/{video_id}", response_model=Deleted)
def delete(context: Context, caller: CurrentCaller, video_id: str) -> Deleted:
    """Forget a video and remove its files; one that is being made stops at its next step."""
    context.service.delete(video_id, caller.owner)
    return Deleted(id=video_id)


@router.head("/{video_id}/content", include_in_schema=False)
@router.get("/{video_id}/content", response_class=Response, responses=ANSWERS)
def download(
    request: Request,
    context: Context,
    caller: CurrentCaller,
    video_id: str,
    variant: str = "video",
    index: int = 0,
) -> Response:
    """Return the file of a video, or its `thumbnail` or `spritesheet`; `index` counts the clips of one request."""
    return content(context, request, context.job(video_id, caller), variant, index)


@router.post("/{video_id}/remix", response_model=Video, openapi_extra=sent(RemixVideo))
@working("files")
def remix(context: Context, caller: CurrentCaller, video_id: str, body: Body, key: Key = None) -> Video:
    """Make another version of a video, changed by the words."""
    return video(hand_in(context, caller, lambda reader: reader.remix(video_id, body), key))


@router.post("/{video_id}/cancel", response_model=Video)
def cancel(context: Context, caller: CurrentCaller, video_id: str) -> Video:
    """No longer want a video: one that is being made stops at its next step."""
    return video(context.service.store.cancel(context.job(video_id, caller).id))
