"""What each kind of server understands beside prompt, size and seconds, and a shot as the fields of a request.

What differs between servers is data. The names on the wire are those that the open servers share.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vitascope.errors import RequestError
from vitascope.planning.shape import check_agreement
from vitascope.shot_fields import field_limits, field_name
from vitascope.tasks import LAST
from vitascope.types import MOTION, Given, Plan, Shot

_OPEN = {
    name: field_name(name, "wire")
    for name in ("fps", "num_frames", "seed", "negative_prompt", "steps", "guidance_scale")
}
"""Fields of a shot -> their names on the wire, for the open servers."""
_OURS = {
    name: name for name in ("aspect_ratio", "camera", "path", "script", "style", "loop", "preset", "quality")
}

MAX_SIDE = 16_384


@dataclass(frozen=True)
class Dialect:
    """One way to speak `/v1/videos`.

    `takes` maps fields of a shot to their names on the wire. A request without a file is JSON unless `form_only`;
    `extra_body` says that a form also carries its fields as JSON in that part, for servers that read them only there.
    `whole` says that seconds and frame rates are whole numbers, `seconds_text` that seconds are sent as text;
    `default_seconds` is asked for where nobody says how long. `idempotent`: see `RemoteServer`. `errors_are_final`:
    a job that failed is told by an error status. `cancels` is what is tried to stop a job, in this order.
    """

    name: str
    takes: Mapping[str, str] = field(default_factory=dict)
    form_only: bool = False
    extra_body: bool = False
    whole: bool = True
    seconds_text: bool = True
    default_seconds: int | None = None
    idempotent: bool = False
    errors_are_final: bool = False
    cancels: tuple[tuple[str, str], ...] = (("DELETE", ""),)


DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("openai"),
        Dialect("litellm"),
        Dialect("sglang", _OPEN, extra_body=True, seconds_text=False),
        Dialect("fastvideo", _OPEN, extra_body=True, seconds_text=False),
        Dialect("vllm-omni", _OPEN, form_only=True, default_seconds=4, errors_are_final=True),
        Dialect(
            "vitascope",
            {**_OPEN, **_OURS},
            whole=False,
            idempotent=True,
            cancels=(("POST", "/cancel"), ("DELETE", "")),
        ),
    )
}

ARGUMENTS = {
    "prompt": "prompt",
    "model": "model",
    "size": "size",
    "width": "size",
    "height": "size",
    "seconds": "seconds",
    "input_reference": "image",
    **{wire: argument for argument, wire in (_OPEN | _OURS).items()},
}
"""Names on the wire -> our arguments, for a server's complaints."""

_HINTS = {
    "path": "say in the prompt where the subject goes",
    "camera": "say in the prompt how the camera moves",
    "script": "say all of it in the prompt",
    "style": "say the style in the prompt",
    "negative_prompt": "say in the prompt what is wanted",
    "aspect_ratio": "say the size, as in 1280x720",
    "num_frames": "say the seconds",
}
_FLAGS = {"script": "at", "loras": "lora"}
_ALWAYS = {"prompt", "caption", "model", "seconds", "size", "seed", "givens"}
"""Fields of a shot that every server takes, or that are looked at by themselves; any other must be known to travel."""


def recognised(headers: Mapping[str, str], body: Mapping[str, Any]) -> str:
    """Return the dialect of a server by its answer to `GET /models`, "openai" where that does not tell."""
    models = body.get("data")
    owners = " ".join(
        str(model.get("owned_by", ""))
        for model in (models if isinstance(models, list) else ())
        if isinstance(model, dict)
    ).lower()
    for mark, name in (
        ("vitascope", "vitascope"),
        ("sglang", "sglang"),
        ("fastvideo", "fastvideo"),
        ("vllm", "vllm-omni"),
    ):
        if mark in owners:
            return name
    return "litellm" if "x-litellm-version" in headers else "openai"


def plan(shot: Shot, dialect: Dialect, server: str) -> Plan:
    """Return the shot as it can travel: nothing is filled in, what the server counts in whole numbers is rounded.

    Raises `RequestError` naming what cannot travel or makes no sense.
    """
    _check_given(shot.givens, server)
    _check_numbers(shot)
    shot, notes = _as_made(shot, dialect, server)
    for name in Shot.model_fields:
        if name not in _ALWAYS and name not in dialect.takes and _is_said(getattr(shot, name)):
            hint = _HINTS.get(name, "leave it out, or name the server's dialect in the settings")
            problem = f"does not travel to {server}, which speaks {dialect.name}"
            raise RequestError(_FLAGS.get(name, name), problem, hint)
    if "seed" not in dialect.takes:
        notes += (f"seed: {dialect.name} has none, so {server} draws its own",)
    shot, rounding = _rounded(shot, dialect)
    return Plan(shot, notes + rounding)


def fields(shot: Shot, dialect: Dialect, model: str | None) -> dict[str, Any]:
    """Return what a planned shot is on the wire, but for files."""
    body: dict[str, Any] = {"prompt": shot.caption or shot.prompt}
    if model is not None:
        body["model"] = model
    if shot.size is not None:
        body["size"] = f"{shot.size[0]}x{shot.size[1]}"
    by_frames = shot.num_frames is not None and "num_frames" in dialect.takes
    if shot.seconds is not None and not by_frames:
        body["seconds"] = f"{shot.seconds:g}" if dialect.seconds_text else int(shot.seconds)
    plain = shot.model_dump(mode="json", include=set(dialect.takes))
    for name, wire in dialect.takes.items():
        if _is_said(plain[name]):
            body[wire] = int(plain[name]) if name == "fps" and dialect.whole else plain[name]
    return body


def encoded(body: Mapping[str, Any], picture: bytes | None, dialect: Dialect) -> tuple[str, bytes]:
    """Return the content type and the body of a request: JSON, or a form where there is a picture or must be one."""
    if picture is None and not dialect.form_only:
        return "application/json", json.dumps(body, ensure_ascii=False).encode()
    parts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
    if dialect.extra_body:
        extras = {wire: body[wire] for wire in dialect.takes.values() if wire in body}
        parts |= {"extra_body": json.dumps(extras)} if extras else {}
    boundary = f"vitascope-{secrets.token_hex(16)}"
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in parts.items()
    ]
    if picture is not None:
        head = 'Content-Disposition: form-data; name="input_reference"; filename="input.png"'
        lines += [f"--{boundary}\r\n{head}\r\nContent-Type: image/png\r\n\r\n".encode(), picture, b"\r\n"]
    return f"multipart/form-data; boundary={boundary}", b"".join([*lines, f"--{boundary}--\r\n".encode()])


def _is_said(value: object) -> bool:
    """Say whether a field of a shot was filled in; 0 is something said."""
    return value is not None and value is not False and value not in ("", (), [])


def _check_given(givens: tuple[Given, ...], server: str) -> None:
    """Refuse everything given but one picture that is the first frame."""
    for place, given in enumerate(givens):
        first = given.kind == "image" and given.role == "frame" and not given.start and given.box is None
        if not first or given.mask is not None or place > 0:
            hint = "what travels is words and a first frame"
            raise RequestError(_argument(given), f"does not travel to {server}", hint)


def _argument(given: Given) -> str:
    if given.mask is not None or given.box is not None:
        return "box" if given.mask is None else "mask"
    if given.role == "reference":
        return "reference"
    if given.role in MOTION:
        return f"{given.role}_video"
    if given.kind != "image":
        return given.kind
    return "last_image" if given.start == LAST else "keyframe" if given.start else "image"


def _check_numbers(shot: Shot) -> None:
    if shot.sound:
        raise RequestError("sound", "cannot be kept yet: clips are written silent", "leave sound off")
    if shot.size is not None and not all(1 <= side <= MAX_SIDE for side in shot.size):
        raise RequestError("size", f"{shot.size[0]}x{shot.size[1]} is no size", "as in 1280x720")
    for name in ("seconds", "num_frames", "fps", "steps", "guidance_scale", "seed"):
        value, (low, high) = getattr(shot, name), field_limits(name)
        assert low is not None
        assert high is not None
        if value is not None and not low <= value <= high:
            nearest = f"nearest: {min(max(value, low), high):g}"
            raise RequestError(name, f"{value:g} is outside {low:g} to {high:g}", nearest)
    check_agreement(shot, shot.fps)


def _as_made(shot: Shot, dialect: Dialect, server: str) -> tuple[Shot, tuple[str, ...]]:
    """Return a shot whose frames were counted when it was made without them, if the server only knows seconds."""
    counted = shot.seconds is not None and shot.num_frames is not None and shot.fps is not None
    if not counted or "num_frames" in dialect.takes:
        return shot, ()
    note = f"num_frames, fps: {server} is asked for {shot.seconds:.4g} s and decides the rest"
    return shot.model_copy(update={"num_frames": None, "fps": None}), (note,)


def _rounded(shot: Shot, dialect: Dialect) -> tuple[Shot, tuple[str, ...]]:
    """Return the shot in the whole numbers that the server counts in, and what was changed for that."""
    if not dialect.whole:
        return shot, ()
    notes: list[str] = []
    update: dict[str, Any] = {}
    if shot.seconds is None and shot.num_frames is None and dialect.default_seconds is not None:
        shot = shot.model_copy(update={"seconds": float(dialect.default_seconds)})
        notes.append(f"seconds: {dialect.default_seconds}, as {dialect.name} would make a single frame")
    if shot.fps is not None and shot.fps != round(shot.fps):
        update["fps"] = float(round(shot.fps))
        notes.append(f"fps: {shot.fps:g} becomes {update['fps']:g}")
    fps = update.get("fps", shot.fps)
    if shot.num_frames is not None:
        update["seconds"] = None if fps is None else shot.num_frames / fps
    elif shot.seconds is not None and fps is not None and "num_frames" in dialect.takes:
        update["num_frames"] = max(1, round(shot.seconds * fps))
        update["seconds"] = update["num_frames"] / fps
    elif shot.seconds is not None and shot.seconds != round(shot.seconds):
        update["seconds"] = float(max(1, round(shot.seconds)))
        how = ", or say --fps" if "fps" in dialect.takes else ""
        notes.append(f"seconds: {shot.seconds:g} becomes {update['seconds']:g} (whole seconds travel{how})")
    return shot.model_copy(update=update), tuple(notes)
