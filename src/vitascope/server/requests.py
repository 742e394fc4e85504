"""What was sent -> what is to be made: the fields of the videos API, and of servers like ours, as a shot.

What cannot be done is refused before anything is written down; what is not known is left out, and a remark says so.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from vitascope.api import editing, extension, given_pictures, make_shot, parse_size
from vitascope.backends.base import Card
from vitascope.camera.times import parse_at
from vitascope.director.film import Film
from vitascope.errors import RequestError
from vitascope.escaping import escaped
from vitascope.jobs.job import Job, Kind
from vitascope.limits import MAX_STAGES
from vitascope.media.inspector import Inspector
from vitascope.server.characters import START as CHARACTER
from vitascope.server.context import ALIASES, ServerContext
from vitascope.server.errors import invalid
from vitascope.server.forms import as_list, as_object, text_of
from vitascope.server.schemas import (
    CreateVideo,
    EditVideo,
    ExtendVideo,
    NewFilm,
    NewJob,
    RemixVideo,
    VideoFields,
)
from vitascope.server.tokens import Caller
from vitascope.server.uploads import START as UPLOAD
from vitascope.server.uploads import RequestFiles
from vitascope.types import CameraMove, Given, Shot
from vitascope.validation import complaint

W = TypeVar("W", bound=BaseModel)

MORE = ("extra_body", "extra_params", "extra_json")
"""Fields that hold further fields."""
NEVER = {
    "diffusers_kwargs": "is not taken: it would reach into the program",
    "video_path": "is not taken: files of this machine are not for callers",
    "image_path": "is not taken: files of this machine are not for callers",
}
ELSEWHERE = dict.fromkeys(
    ("video_reference", "source_video", "video_url", "control_reference", "audio_reference", "source_audio"),
    "is not for this route; a video to start from goes to /v1/videos/edits or /v1/videos/extensions",
)
_FILES = (
    *("input_reference", "last_image", "keyframes", "input_references", "characters"),
    *("pose_video", "face_video", "video", "mask"),
)
MAX_REMARKS = 20
"""Unknown fields that are named; the others are counted. Notes are kept for as long as the video."""
_NESTED = ("seed", "camera", "path", "script", "at", "keyframes")
"""Fields that may be JSON in the text of a form."""


@dataclass(frozen=True)
class Submission:
    """A job to hand in: a shot or a film."""

    content: Shot | Film
    kind: Kind
    number: int
    priority: int
    origin: dict[str, Any]
    parent: str | None = None


@dataclass(frozen=True)
class Reader:
    """Reads the requests of one caller."""

    context: ServerContext
    caller: Caller
    files: RequestFiles
    inspector: Inspector

    def create(self, fields: Mapping[str, Any]) -> Submission:
        """Return what a request for a new video asks for; raises `RequestError` and `Refusal`."""
        request, remarks = _read(CreateVideo, fields)
        card = self.context.card(request.model)
        size, size_remarks = _size(request, card)
        givens = given_pictures(
            image=self._picture(request.input_reference, "input_reference"),
            last_image=self._picture(request.last_image, "last_image"),
            keyframes=self._keyframes(request.keyframes),
            reference=self._references(request),
            pose_video=self._motion(request.pose_video, "pose_video"),
            face_video=self._motion(request.face_video, "face_video"),
            fit=request.fit,
        )
        values = {"size": size, "num_frames": request.num_frames, "fps": request.fps, "loop": request.loop}
        values |= {"at": _times(request.at), "script": request.script}
        values |= {"aspect_ratio": request.aspect_ratio, "sound": request.generate_sound, "givens": givens}
        if request.num_frames is None:
            values["seconds"] = request.seconds
        return self._ask(request, values, "generate", [*remarks, *size_remarks])

    def edit(self, fields: Mapping[str, Any]) -> Submission:
        """Return what a request for a changed video asks for."""
        request, remarks = _read(EditVideo, fields)
        video, model, parent = self._video(request)
        values = editing(
            video,
            model=model,
            mask=self._picture(request.mask, "mask"),
            box=request.box,
            span=request.span,
            outpaint=request.outpaint,
            strength=request.strength,
            fit=request.fit,
            inspector=self.inspector,
        )
        return self._ask(request, values, "edit", remarks, model, parent)

    def extend(self, fields: Mapping[str, Any]) -> Submission:
        """Return what a request to go on with a video asks for."""
        request, remarks = _read(ExtendVideo, fields)
        video, model, parent = self._video(request)
        values, notes = extension(
            video,
            request.seconds,
            before=request.before,
            model=model,
            fit=request.fit,
            inspector=self.inspector,
        )
        return self._ask(request, values, "extend", [*remarks, *notes], model, parent)

    def remix(self, name: str, fields: Mapping[str, Any]) -> Submission:
        """Return what a request for another version of a video asks for: that video, changed by the words.

        Where the model takes no video to start from, it is the same shot with the same seed and the new words.
        """
        request, remarks = _read(RemixVideo, fields)
        job = self.context.job(name, self.caller)
        model = self.context.model(request.model or job.request.model)
        if "source" in self.context.card(model).takes:
            values = editing(self._clip(job), model=model, fit=request.fit, inspector=self.inspector)
        else:
            original = job.request.shot.model_dump(exclude_none=True)
            values = {
                key: original[key]
                for key in ("num_frames", "seconds", "size", "fps", "seed")
                if key in original
            }
        return self._ask(request, values, "remix", remarks, model, job.id)

    def job(self, request: NewJob) -> Submission:
        """Return what a job of `/api/v1` asks for; what its givens name are uploads and videos, never paths."""
        self.context.model(request.shot.model)
        if request.shot.loras and self.caller.owner is not None:
            raise RequestError("lora", "names a file of the server's machine", "ask who runs it")
        givens = tuple(self._given(given) for given in request.shot.givens)
        shot = request.shot.model_copy(update={"givens": givens})
        left_out = None if request.seeded else {"seed"}
        fields = request.shot.model_dump(mode="json", exclude_defaults=True, exclude=left_out)
        return Submission(
            shot,
            request.kind,
            request.number,
            request.priority,
            {"fields": fields, "files": self.files.origins},
        )

    def film(self, request: NewFilm) -> Submission:
        """Return what a film of `/api/v1` asks for; its pictures are uploads and characters, never paths."""
        model = self.context.model(request.model)
        script = request.said()
        fields = {name: script[name] for name in script if name not in ("key", "priority")}
        film = request.with_files(self._picture_path).model_copy(update={"model": model})
        return Submission(film, "film", 1, request.priority, {"fields": fields, "files": self.files.origins})

    def _picture_path(self, name: str, argument: str) -> str:
        """Return the picture that a film names: an upload's, or a character's."""
        if name.startswith(CHARACTER):
            character = self.context.characters.get(name, self.caller)
            self.files.origins[argument] = character.id
            return str(self.context.characters.picture(character))
        if not name.startswith(UPLOAD):
            problem = "a picture is not a path here"
            raise RequestError(argument, problem, "upload the file, and name its file_… id")
        return str(self.files.path(name, argument, "picture"))

    def _ask(
        self,
        request: VideoFields,
        values: dict[str, Any],
        kind: Kind,
        remarks: list[str],
        model: str | None = None,
        parent: str | None = None,
    ) -> Submission:
        seed, number = _seed(request)
        model = model or self.context.model(request.model)
        if request.model and request.model != model:
            remarks = [*remarks, f"model: {request.model[:40]} is not here, {model} stands in for it"]
        values = {"seed": seed, **values}
        script = values.pop("script", ())
        shot = make_shot(
            request.prompt,
            model=model,
            camera=_moves(request.camera),
            path=request.path or None,
            negative_prompt=request.negative_prompt or "",
            steps=request.steps,
            guidance_scale=request.guidance_scale,
            style=request.style,
            preset=request.preset,
            quality=None if request.quality == "standard" else request.quality,
            memory=request.memory,
            **values,
        )
        shot = shot.model_copy(update={"script": _stages(shot, script)})
        fields = request.model_dump(
            mode="json", exclude_defaults=True, exclude={*_FILES, *(request.model_extra or {})}
        )
        origin = {"fields": fields, "files": self.files.origins, "remarks": remarks}
        return Submission(shot, kind, number, request.priority, origin, parent)

    def _picture(self, value: Any, argument: str) -> Path | None:
        value = as_object(value, argument)
        if isinstance(value, list):
            if len(value) > 1:
                raise RequestError(argument, "is one picture", "give others as input_references")
            value = value[0] if value else None
        return None if value in (None, "", {}) else self.files.path(value, argument, "picture")

    def _keyframes(self, value: Any) -> dict[float, Path]:
        """Return the pictures of a request by the seconds that they are shown at."""
        if value in (None, "", {}):
            return {}
        if not isinstance(value, Mapping):
            problem = "are not seconds and pictures"
            raise RequestError(
                "keyframes", problem, 'send {"1.5": {"file_id": …}}, or keyframes[1.5s] in a form'
            )
        return {
            _second(second): self._keyframe(picture, f"keyframes[{second}]")
            for second, picture in value.items()
        }

    def _keyframe(self, value: Any, argument: str) -> Path:
        return self.files.path(as_object(value, argument), argument, "picture")

    def _motion(self, value: Any, argument: str) -> Path | None:
        value = as_object(value, argument)
        return None if value in (None, "", {}) else self.files.path(value, argument, "video")

    def _references(self, request: CreateVideo) -> list[Path]:
        pictures = [
            self.files.path(as_object(value, "input_references"), f"input_references[{number}]", "picture")
            for number, value in enumerate(as_list(as_object(request.input_references, "input_references")))
        ]
        for item in as_list(as_object(request.characters, "characters")):
            name = item.get("id") if isinstance(item, Mapping) else item
            character = self.context.characters.get(str(name), self.caller)
            self.files.origins[f"characters[{len(pictures)}]"] = character.id
            pictures.append(self.context.characters.picture(character))
        return pictures

    def _video(self, request: EditVideo | ExtendVideo) -> tuple[Path, str, str | None]:
        """Return the video to start from, the model to use, and the job that made it."""
        value = as_object(request.video, "video")
        name = request.video_id or (value.get("id") if isinstance(value, Mapping) else None)
        if isinstance(value, str) and value.startswith("video_"):
            name = value
        if name:
            job = self.context.job(str(name), self.caller)
            model = request.model or job.request.model
            self.files.origins["video"] = job.id
            return self._clip(job), self.context.model(model), job.id
        if value in (None, "", {}):
            raise RequestError("video", "is missing", 'send the file, {"id": …} or video_id')
        return self.files.path(value, "video", "video"), self.context.model(request.model), None

    def _clip(self, job: Job) -> Path:
        if job.state != "completed":
            raise RequestError("video", f"{job.id} is {job.state}", "wait until it is completed")
        return self.context.service.storage.file(job)

    def _given(self, given: Given) -> Given:
        named = {"source": self._source(given.source, "picture" if given.kind == "image" else "video")}
        if given.mask is not None:
            named["mask"] = self._source(given.mask, "picture")
        return given.model_copy(update={**named, "sha256": None})

    def _source(self, name: str, kind: Any) -> str:
        if name.startswith("video_") and kind == "video":
            return str(self._clip(self.context.job(name, self.caller)))
        if not name.startswith("file_"):
            raise RequestError(
                "givens", "a source is not a path here", "upload the file, and name its file_… id"
            )
        return str(self.files.path(name, "givens", kind))


def _read(model: type[W], fields: Mapping[str, Any]) -> tuple[W, list[str]]:
    """Return the fields as a model of them, and remarks about those that nobody here knows."""
    fields = dict(fields)
    for name in MORE:
        nested = as_object(fields.pop(name, None), name)
        if isinstance(nested, Mapping):
            fields |= nested
    for name, problem in {**NEVER, **(ELSEWHERE if model is CreateVideo else {})}.items():
        if fields.get(name) not in (None, ""):
            raise RequestError(name, problem)
    fields |= {name: as_object(fields[name], name) for name in _NESTED if name in fields}
    try:
        request = model.model_validate(text_of(fields))
    except ValidationError as error:
        first = error.errors()[0]
        raise invalid({**first, "loc": ("body", *first["loc"])}) from None
    return request, _remarks(request.model_extra or {})


def _remarks(unknown: Mapping[str, Any]) -> list[str]:
    """Return a line for each of the first fields that nobody here knows, and one for all others."""
    lines = [f"{escaped(name[:60])}: is not known here and was left out" for name in [*unknown][:MAX_REMARKS]]
    num_unnamed = len(unknown) - len(lines)
    return (
        [*lines, f"… and {num_unnamed:,} more fields are not known here and were left out"]
        if num_unnamed > 0
        else lines
    )


def _seed(request: VideoFields) -> tuple[int | None, int]:
    """Return the first seed and the number of clips."""
    if not isinstance(request.seed, list):
        return request.seed, request.n
    seeds = request.seed
    if not seeds or seeds != list(range(seeds[0], seeds[0] + len(seeds))) or request.n not in (1, len(seeds)):
        raise RequestError(
            "seed", "several seeds must follow one another, one for each video", "send the first"
        )
    return seeds[0], len(seeds)


def _moves(value: str | list[dict[str, Any]] | None) -> str | list[CameraMove] | None:
    """Return the camera's moves as words or one by one; raises `RequestError`."""
    if not isinstance(value, list):
        return value or None
    try:
        return [CameraMove.model_validate(move) for move in value] or None
    except ValidationError as error:
        raise RequestError("camera", *complaint(error.errors()[0])) from None


def _second(text: str) -> float:
    """Read "1.5" or "1.5s" as seconds; raises `RequestError`."""
    if not re.fullmatch(r"\d{1,6}(\.\d{0,6})?s?", text, re.ASCII):
        raise RequestError("keyframes", f"{text[:40]!r} is not a time", "write the seconds, as in 1.5")
    return float(text.removesuffix("s"))


def _times(value: Any) -> dict[float, str]:
    """Return what is told from which second on; raises `RequestError`."""
    lines = (
        [f"{second}={words}" for second, words in value.items()]
        if isinstance(value, Mapping)
        else as_list(value)
    )
    return dict(parse_at(line if isinstance(line, str) else str(line)) for line in lines)


def _stages(shot: Shot, script: Sequence[tuple[float, str]]) -> tuple[tuple[float, str], ...]:
    """Return all that is told later in a shot, in its order; raises `RequestError` for too much of it."""
    stages = tuple(sorted([*shot.script, *script]))
    if len(stages) > MAX_STAGES:
        raise RequestError("at", f"has {len(stages)} things one after another", f"nearest: {MAX_STAGES}")
    return stages


def _size(request: CreateVideo, card: Card) -> tuple[tuple[int, int] | None, list[str]]:
    """Return the size that is meant, and a remark where it is only the nearest.

    Clients that ask for a model of the first videos API ask for its sizes as well: they get those of the same shape.
    """
    size = parse_size(request.size) if request.size else None
    if request.width is not None and request.height is not None:
        size = (request.width, request.height)
    if size is None or size in card.sizes or not (request.model or "").startswith(ALIASES):
        return size, []
    if min(size) < 1:
        raise RequestError("size", f"{size[0]}x{size[1]} is not a size")
    log_ratio = math.log(size[0] / size[1])
    near = min(card.sizes, key=lambda legal: abs(math.log(legal[0] / legal[1]) - log_ratio))
    return near, [f"size: {size[0]}x{size[1]} becomes {near[0]}x{near[1]}, the nearest shape of {card.id}"]
