"""What may be sent and what is answered. Fields keep the names that other servers of videos gave them."""

import json
import logging
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from vitascope.director.film import Film
from vitascope.jobs.job import Job, Request
from vitascope.jobs.stores.store import Page
from vitascope.limits import LENGTHS, MAX_CAMERA, MAX_MOVES, MAX_PATH, MAX_POINTS, MAX_TIME
from vitascope.server.webhooks.endpoints import EVENT_TYPES, USUAL
from vitascope.shot_fields import field_schema
from vitascope.types import Fit, LongText, Number, Quality, Share, ShortText, Shot

V = TypeVar("V")

log = logging.getLogger("vitascope.server")

STATUS = {
    "queued": "queued",
    "running": "in_progress",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "failed",
}
"""Our states -> the four that clients of the videos API know; any other word would keep some waiting for ever."""
Camera = Annotated[str, Field(max_length=MAX_CAMERA)]
Moves = Annotated[list[dict[str, Any]], Field(max_length=MAX_MOVES)]
PathText = Annotated[str, Field(max_length=MAX_PATH)]
Points = Annotated[list[tuple[Number, Number, Number]], Field(max_length=MAX_POINTS)]
Time = Annotated[str, Field(max_length=MAX_TIME)]
Box = Annotated[str, Field(max_length=LENGTHS["box"])]
EventTypes = Annotated[list[ShortText], Field(max_length=20)]
MAX_SEEDS = 100
"""Seeds of one request: more than the clips that one may ask for."""
CANCELLED = {"code": "cancelled", "message": "somebody cancelled it"}


class VideoFields(BaseModel):
    """What every request for a video may say. Text that reads as a number or a truth value is taken for one."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    prompt: LongText = Field(min_length=1, **field_schema("prompt"))
    model: ShortText | None = Field(None, **field_schema("model"))
    negative_prompt: LongText | None = Field(None, **field_schema("negative_prompt"))
    seed: int | Annotated[list[int], Field(max_length=MAX_SEEDS)] | None = Field(
        None, **field_schema("seed", "A list asks for one clip each.")
    )
    steps: int | None = Field(
        None, validation_alias=AliasChoices("num_inference_steps", "steps"), **field_schema("steps")
    )
    guidance_scale: Number | None = Field(None, **field_schema("guidance_scale"))
    style: ShortText | None = Field(None, **field_schema("style"))
    camera: Camera | Moves | None = Field(None, **field_schema("camera", "A list gives moves one by one."))
    path: PathText | Points | None = Field(None, **field_schema("path"))
    fit: Fit = Field("crop", **field_schema("fit"))
    preset: ShortText | None = Field(None, **field_schema("preset"))
    quality: Literal["standard", Quality] | None = Field(
        None, **field_schema("quality", "standard: the model's own way.")
    )
    memory: ShortText | None = Field(None, **field_schema("memory"))
    n: int = Field(
        1,
        validation_alias=AliasChoices("n", "num_outputs_per_prompt", "num_outputs"),
        description="Number of clips.",
    )
    priority: int = Field(0, ge=-100, le=100, description="Jobs of a higher priority come first.")
    user: ShortText | None = Field(
        None, description="Your own name for whoever asked; it is stored and not used."
    )


class CreateVideo(VideoFields):
    """A video to be made from words, and pictures if there are any."""

    seconds: Number | None = Field(None, **field_schema("seconds"))
    size: Time | None = Field(None, **field_schema("size"))
    width: int | None = Field(None, description="Width in pixels, in place of a size.")
    height: int | None = Field(None, description="Height in pixels, in place of a size.")
    num_frames: int | None = Field(None, **field_schema("num_frames"))
    fps: Number | None = Field(None, **field_schema("fps"))
    aspect_ratio: Time | None = Field(None, **field_schema("aspect_ratio"))
    loop: bool = Field(False, **field_schema("loop"))
    at: Any = Field(None, **field_schema("at", "Maps seconds to words."))
    script: list[tuple[Share, LongText]] = Field(
        [], description="What happens from a share (0 to 1) of the length on: [[0.5, …]]."
    )
    generate_sound: bool = Field(False, description="Whether the clip has sound.")
    input_reference: Any = Field(
        None,
        validation_alias=AliasChoices("input_reference", "image_reference", "reference_url", "image"),
        **field_schema("image", 'A file, {"file_id"} or {"image_url": "data:…"}.'),
    )
    last_image: Any = Field(None, **field_schema("last_image"))
    keyframes: Any = Field(
        None, **field_schema("keyframes", 'Maps seconds to pictures: {"1.5": {"file_id": …}}.')
    )
    input_references: Any = Field(
        None,
        validation_alias=AliasChoices("input_references", "reference"),
        **field_schema("reference"),
    )
    characters: Any = Field(None, description='Characters to show: [{"id": "char_…"}].')
    pose_video: Any = Field(None, **field_schema("pose_video"))
    face_video: Any = Field(None, **field_schema("face_video"))


class EditVideo(VideoFields):
    """A video to be changed: all of it by instruction, or a part of it anew."""

    video: Any = Field(None, description='The video to start from: a file, or {"id"} of a video made here.')
    video_id: ShortText | None = Field(
        None, description="The same as text, for clients that cannot send objects."
    )
    mask: Any = Field(None, **field_schema("mask"))
    box: Box | None = Field(None, **field_schema("box"))
    span: Time | None = Field(None, **field_schema("span"))
    outpaint: Time | None = Field(None, **field_schema("outpaint"))
    strength: float | None = Field(None, ge=0, le=1, **field_schema("strength"))


class ExtendVideo(VideoFields):
    """A video to go on with."""

    video: Any = Field(None, description='The video to start from: a file, or {"id"} of a video made here.')
    video_id: ShortText | None = Field(
        None, description="The same as text, for clients that cannot send objects."
    )
    seconds: Number = Field(2.0, **field_schema("seconds", "Here: how much longer."))
    before: bool = Field(False, **field_schema("before"))


class RemixVideo(VideoFields):
    """A video made here to be made once more, with other words."""


class Trouble(BaseModel):
    """What was wrong: a line for people, words for programs, and the field that it is about."""

    message: str
    type: str
    param: str | None
    code: str | None


class Problem(BaseModel):
    """An answer that is no result, in OpenAI's shape."""

    error: Trouble


class VideoError(BaseModel):
    """Why there will be no video."""

    code: str
    message: str


class Video(BaseModel):
    """A video and how far it is, in the shape that clients of the videos API know."""

    id: str
    object: str = "video"
    created_at: int
    completed_at: int | None
    expires_at: int | None = None
    status: str
    progress: int
    model: str
    prompt: str | None
    seconds: str
    size: str
    quality: str = "standard"
    remixed_from_video_id: str | None
    error: VideoError | None
    seed: int | None
    fps: float | None
    num_frames: int | None
    num_outputs: int
    phase: str
    notes: list[str]


class VideoList(BaseModel):
    """One page of videos."""

    object: str = "list"
    data: list[Video]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(BaseModel):
    """A video that is gone."""

    id: str
    object: str = "video.deleted"
    deleted: bool = True


class NewJob(BaseModel):
    """A job for `/api/v1`: a shot, whose givens name uploads (`file_…`) or jobs (`video_…`) as their sources."""

    model_config = ConfigDict(extra="forbid")

    shot: Shot
    kind: Literal["generate", "extend", "edit", "remix"] = "generate"
    number: int = 1
    priority: int = Field(0, ge=-100, le=100)
    key: ShortText | None = None
    seeded: bool = Field(True, description="Whether the seed was meant, or only drawn where none was said.")


class NewFilm(Film):
    """A film for `/api/v1`, whose pictures are uploads (`file_…`), or characters (`char_…`) as references."""

    priority: int = Field(0, ge=-100, le=100)
    key: ShortText | None = None


class Move(BaseModel):
    """Where a queued job goes: before another one, to the front, to the end (neither), or to another priority."""

    model_config = ConfigDict(extra="forbid")

    before: ShortText | None = None
    first: bool = False
    priority: int | None = Field(None, ge=-100, le=100)


class Adopt(BaseModel):
    """Which folders of clips to take in that the queue does not know (None: all), and for whom."""

    model_config = ConfigDict(extra="forbid")

    jobs: list[Annotated[str, Field(max_length=100)]] | None = Field(None, max_length=10_000)
    owner: str = Field("", max_length=100, description="The name of the token that they are to belong to.")


class NewEndpoint(BaseModel):
    """Where news of videos is to go."""

    url: str = Field(max_length=2000, description="As in https://example.com/hook.")
    name: ShortText = "webhook"
    event_types: EventTypes = Field(list(USUAL), description=f"Of {', '.join(EVENT_TYPES)}.")


class EndpointChange(BaseModel):
    """What is to be different at an endpoint."""

    url: str | None = Field(None, max_length=2000)
    name: ShortText | None = None
    event_types: EventTypes | None = None


class Rotation(BaseModel):
    """How an endpoint gets a new secret."""

    keep_old_secret_active_for_24_hours: bool = False


class Trial(BaseModel):
    """What a test is to tell of."""

    event_type: ShortText = USUAL[0]


def video(job: Job) -> Video:
    """Return a job as clients of the videos API know it."""
    planned, fields = _planned(job.request), job.request.asked.get("fields", {})
    width, height = planned.get("size") or (0, 0)
    seconds = fields.get("seconds") if job.request.kind == "generate" else None
    error = CANCELLED if job.state == "cancelled" else None
    if job.failure is not None:
        error = {"code": job.failure.code, "message": job.failure.message}
    return Video(
        id=job.id,
        created_at=int(job.created_at),
        completed_at=int(job.finished_at) if job.state == "completed" and job.finished_at else None,
        status=STATUS[job.state],
        progress=job.standing.percent,
        model=job.request.model,
        prompt=fields.get("prompt") or planned["prompt"],
        seconds=f"{seconds or planned.get('seconds') or 0:g}",
        size=f"{width}x{height}",
        remixed_from_video_id=job.request.parent,
        error=None if error is None else VideoError(**error),
        seed=planned.get("seed"),
        fps=planned.get("fps"),
        num_frames=job.outputs[0].num_frames if job.outputs else planned.get("num_frames"),
        num_outputs=job.request.number,
        phase=job.standing.phase,
        notes=notes(job),
    )


def readable(jobs: Sequence[Job], view: Callable[[Job], V]) -> list[V]:
    """Return jobs as `view` tells them; one whose row is damaged hides no other, and is left out."""
    data = []
    for job in jobs:
        try:
            data.append(view(job))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.error("job %s cannot be told: %s", job.id, type(error).__name__)
    return data


def list_to_json(page: Page, view: Callable[[Job], dict[str, Any]]) -> dict[str, Any]:
    """Return a page of jobs as a list says it, each as `view` does."""
    data = readable(page.jobs, view)
    return {
        "object": "list",
        "data": data,
        "has_more": page.more,
        "last_id": data[-1]["id"] if data else None,
    }


def job_to_json(job: Job, waits_for: int | None = None) -> dict[str, Any]:
    """Return a job as `/api/v1` tells of it: its real state and phase, and where its files are to be had."""
    payload = job.to_json() | {"object": "job", "model": job.request.model, "waits_for": waits_for}
    for index, output in enumerate(payload["outputs"]):
        output["url"] = f"/api/v1/jobs/{job.id}/files/{index}"
    payload["progress"]["preview"] = None if job.finished else preview_url(job.id, job.standing.preview)
    return payload | {"notes": notes(job)}


def film(job: Job, waits_for: int | None = None) -> dict[str, Any]:
    """Return a film's job as `/api/v1` tells of it: all that is told of a job, and how far each shot is."""
    board = job.request.film
    assert board is not None
    spans = board.spans() or [(None, None)] * len(board.takes)
    shots = [
        {
            "index": index,
            "prompt": take.shot.prompt,
            "seed": take.shot.seed,
            "start_frame": span[0],
            "end_frame": span[1],
            "continue": take.continues,
            "crossfade": take.crossfade,
            **_standing_of_shot(job, index),
        }
        for index, (take, span) in enumerate(zip(board.takes, spans, strict=True))
    ]
    url = f"/api/v1/films/{job.id}/content" if job.state == "completed" else None
    return job_to_json(job, waits_for) | {"object": "film", "title": board.title, "shots": shots, "url": url}


def _standing_of_shot(job: Job, index: int) -> dict[str, Any]:
    """Return the state of a film's shot, and how much of it is done."""
    num_finished = job.standing.clip
    if job.state == "completed" or (index < num_finished and job.state != "cancelled"):
        return {"state": "completed", "percent": 100}
    if index == num_finished and job.state in ("running", "failed"):
        return {"state": job.state, "percent": min(99, job.standing.clip_percent)}
    return {"state": "queued" if job.state == "running" else job.state, "percent": 0}


def preview_url(job: str, number: int) -> str | None:
    """Return where the picture of a clip in the making is to be had; another number is another picture."""
    return f"/api/v1/jobs/{job}/preview?number={number}" if number else None


def notes(job: Job) -> list[str]:
    """Return what was guessed or changed; files go by the names of the fields that brought them."""
    lines = [*job.request.asked.get("remarks", ()), *job.notes]
    for name, source in job.request.asked.get("files", {}).items():
        if source.startswith("sha256:"):
            digest = source.removeprefix("sha256:")
            lines = [re.sub(rf"{digest}\.\w+", name, line) for line in lines]
    return lines


def _planned(request: Request) -> dict[str, Any]:
    return json.loads(request.planned_json or request.shot_json)
