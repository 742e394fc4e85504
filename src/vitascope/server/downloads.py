"""Files that go out: in parts where that is asked for, only when they are not there yet, and never as a page."""

from pathlib import Path
from typing import Any, get_args

from fastapi import Request
from fastapi.responses import FileResponse, Response
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from vitascope.errors import RequestError
from vitascope.jobs.job import Job
from vitascope.server.context import ServerContext
from vitascope.server.errors import Refusal
from vitascope.server.thumbnails import TYPES, Glance, glance

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file"},
    206: {"description": "A part of it"},
    304: {"description": "It is what you have"},
    416: {"description": "It has no such part"},
}
"""What the API's description says about answers with files."""
KEPT = {"cache-control": "private, max-age=86400, immutable"}


def content(
    context: ServerContext, request: Request, job: Job, variant: str = "video", index: int = 0
) -> Response:
    """Return the answer with a clip of a job, or a picture of it; a number as `variant` is an index.

    Raises `Refusal` (404) for a job without clips: other statuses would make clients ask again by themselves.
    """
    if variant.isdecimal() and len(variant) < 4:
        variant, index = "video", int(variant)
    if variant != "video" and variant not in get_args(Glance):
        raise RequestError(
            "variant", f"{variant[:40]!r} is not known", "known: video, thumbnail, spritesheet"
        )
    if job.state != "completed":
        raise Refusal(404, f"{job.id} is {job.state}: it has no clip{_yet(job)}", "not_ready", "video_id")
    if not 0 <= index < len(job.outputs):
        raise Refusal(404, f"{job.id} has {len(job.outputs)} clips, counted from 0", "not_found", "index")
    clip, output = context.service.storage.file(job, index), job.outputs[index]
    if not clip.is_file():
        raise Refusal(404, f"the clip of {job.id} is no longer there", "gone", "video_id")
    name = job.id if index == 0 else f"{job.id}-{index}"
    if variant == "video":
        return _file(request, clip, output.media_type, f"{name}.mp4", output.sha256)
    kind: Glance = "thumbnail" if variant == "thumbnail" else "spritesheet"
    suffix, media_type = TYPES[kind]
    picture = glance(clip, output, kind)
    return _file(request, picture, media_type, f"{name}.{kind}.{suffix}", f"{output.sha256}-{kind}")


def glimpse(context: ServerContext, request: Request, job: Job) -> Response:
    """Return the answer with a picture of a job's clip as it is by now; raises `Refusal` (404) where there is none."""
    if job.state == "completed":
        return content(context, request, job, "thumbnail")
    try:
        picture = context.service.storage.preview(job.id).read_bytes()
    except FileNotFoundError:
        line = f"{job.id} is {job.state}: there is nothing to be seen{_yet(job)}"
        raise Refusal(404, line, "not_ready", "job_id") from None
    name = f"{job.id}.preview.webp"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(picture, media_type="image/webp", headers=headers)


class RangedFile(FileResponse):
    """A file, or a part of it; a part that it does not have is refused in the shape of all errors."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        refused: Message | None = None

        async def send_unless_refused(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] in (400, 416):
                refused = message
            elif refused is None:
                await send(message)

        await super().__call__(scope, receive, send_unless_refused)
        if refused is not None:
            content_range = Headers(raw=refused["headers"]).get("content-range")
            headers = {} if content_range is None else {"content-range": content_range}
            size = f"; it has {self.headers['content-length']} bytes"
            line = (
                f"Range: is not a part of this file{size}"
                if headers
                else "Range: is not understood; as in bytes=0-99"
            )
            refusal = Refusal(refused["status"], line, "invalid_range", "Range", headers=headers)
            await refusal.response()(scope, receive, send)


def _file(request: Request, path: Path, media_type: str, name: str, tag: str) -> Response:
    headers = {"etag": f'"{tag}"', **KEPT}
    known_tags = [
        part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")
    ]
    if headers["etag"] in known_tags or known_tags == ["*"]:
        return Response(status_code=304, headers=headers)
    return RangedFile(path, media_type=media_type, filename=name, headers=headers)


def _yet(job: Job) -> str:
    return " yet" if not job.finished else ""
