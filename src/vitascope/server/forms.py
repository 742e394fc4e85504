"""What was sent, as one nested value: JSON, or a form whose names have brackets and whose texts may be JSON.

OpenAI's clients send `loras[][path]` for a list of objects (repeated keys, index lost), `arr[]` for a list, and text
for everything; see `nest`. The robust form of anything nested is a JSON string in one text field.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, NoReturn

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from vitascope.server.errors import Refusal

MAX_FILES, MAX_FIELDS, MAX_FIELD_BYTES = 20, 200, 16 * 2**20
MAX_TEXT_BYTES = 24 * 2**20
"""Bytes of all text fields of a form together; they are held in memory, files are not."""
MAX_DEPTH = 6
TIMED = ("at", "keyframes")
"""Fields whose brackets hold seconds and not places: clients send whole ones as `at[1]`."""
MAX_JSON_VALUES = 50_000
MAX_JSON_DEPTH = 32
SHORT_BYTES = 64 * 1024
"""JSON that is read at once; what is longer is read by a thread, so that nobody else waits for it."""
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_BEGINS = re.compile(r"\s*[{\[]")


async def read_body(request: Request) -> AsyncIterator[dict[str, Any]]:
    """Yield the fields of a request; raises `Refusal` for what cannot be read."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        form = await _read_form(request)
        try:
            yield nest([(name, value) for name, value in form.multi_items() if not _is_unchosen(value)])
        finally:
            await form.close()
        return
    if kind == "application/x-www-form-urlencoded":
        async with request.form(max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES) as form:
            yield nest(form.multi_items())
        return
    body = await request.body()
    if body and kind != "application/json":
        line = f"a body of type {kind[:60]!r} is not taken; send application/json or multipart/form-data"
        raise Refusal(415, line, "unsupported_media_type")
    if len(body) > SHORT_BYTES:
        context, caller = request.app.state.context, request.scope["caller"]
        async with context.threads.taking("quick", caller.name):
            fields = await run_in_threadpool(from_json, body)
        yield fields
    else:
        yield from_json(body) if body.strip() else {}


Body = Annotated[dict[str, Any], Depends(read_body)]


def from_json(body: bytes) -> dict[str, Any]:
    """Return the fields of a JSON body; raises `Refusal`."""
    if not body.strip():
        return {}
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal(400, "the body is not UTF-8", "invalid_json") from None
    fields = _loaded(text, "the body")
    if not isinstance(fields, dict):
        raise Refusal(400, "the body is not a JSON object", "invalid_json")
    return fields


def nest(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs of a form as one nested value; a plain name that comes twice is a list."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        parts = _parts(name)
        if len(parts) == 1 and name in fields:
            before = fields[name]
            fields[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            _put(fields, parts, value)
    return fields


def _is_unchosen(value: Any) -> bool:
    """Say whether a part is what browsers send for a file that nobody chose: no name, and nothing in it."""
    return isinstance(value, UploadFile) and not value.filename and not value.size


def as_object(value: Any, name: str) -> Any:
    """Return what a JSON string says, and anything else as it is; raises `Refusal` for broken JSON."""
    if not isinstance(value, str) or not _BEGINS.match(value):
        return value
    return _loaded(value, f"{name}:", name)


async def _read_form(request: Request) -> FormData:
    """Return a form whose files lie on the disk and whose texts are limited; raises `Refusal`."""
    reader = _FormReader(
        request.headers,
        request.stream(),
        max_files=MAX_FILES,
        max_fields=MAX_FIELDS,
        max_part_size=MAX_FIELD_BYTES,
    )
    try:
        return await reader.parse()
    except _TooMuchText:
        line = f"the text fields have more than {MAX_TEXT_BYTES // 2**20} MiB together; send files as files"
        raise Refusal(413, line, "too_large") from None
    except MultiPartException as error:
        raise Refusal(400, error.message, "invalid_request") from None


class _TooMuchText(MultiPartException):
    pass


class _FormReader(MultiPartParser):
    """Reads a form, and counts the bytes of all its texts."""

    _text_bytes = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._current_part.file is None:
            self._text_bytes += end - start
            if self._text_bytes > MAX_TEXT_BYTES:
                raise _TooMuchText("too much text")
        super().on_part_data(data, start, end)


def _loaded(text: str, label: str, name: str | None = None) -> Any:
    """Return what a JSON text says; raises `Refusal` for one that says nothing, too much, or is nested too deeply."""
    # Every value but the first of a list or object comes after a comma: the number is known before any is built.
    values = sum(map(text.count, ",[{"))
    if values > MAX_JSON_VALUES:
        line = f"{label} has more than {MAX_JSON_VALUES:,} values"
        raise Refusal(413, line, "too_large", name)
    try:
        value = json.loads(text, parse_constant=_no_number)
        if _HALF.search(text):
            # Halves of characters are valid JSON and no text: nothing after this could write them down.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        code = "invalid_json" if name is None else "invalid_value"
        raise Refusal(400, f"{label} is not valid JSON", code, name) from None
    if _depth(value) > MAX_JSON_DEPTH:
        raise Refusal(400, f"{label} is nested more than {MAX_JSON_DEPTH} deep", "invalid_value", name)
    return value


def _depth(root_value: Any) -> int:
    depth, level = 0, [root_value]
    while level:
        depth += 1
        inner = (
            container.values() if isinstance(container, dict) else container
            for container in level
            if isinstance(container, dict | list)
        )
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
    return depth


def as_list(value: Any) -> list[Any]:
    """Return one or several as a list; nothing is none."""
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _parts(name: str) -> list[str]:
    match = _NAME.fullmatch(name)
    parts = [] if match is None else [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
    if not parts or len(parts) > MAX_DEPTH:
        raise Refusal(400, f"{name[:60]!r} is not the name of a field", "invalid_value")
    return parts


def _put(place: dict[str, Any], parts: Sequence[str], value: Any) -> None:
    """Put a value at a[b][][c]; in a list of objects a new one begins where the last has that key already."""
    name, inner_parts = parts[0], parts[1:]
    if not inner_parts:
        place[name] = value
        return
    if (name in TIMED and inner_parts[0]) or inner_parts[0] not in ("", *map(str, range(MAX_FIELDS))):
        inner = place.setdefault(name, {})
        if not isinstance(inner, dict):
            raise Refusal(400, f"{name}: is sent in two ways", "invalid_value", name)
        _put(inner, inner_parts, value)
        return
    many = place.setdefault(name, [])
    if not isinstance(many, list):
        raise Refusal(400, f"{name}: is sent in two ways", "invalid_value", name)
    if len(inner_parts) == 1:
        many.append(value)
        return
    if not many or not isinstance(many[-1], dict) or (len(inner_parts) == 2 and inner_parts[1] in many[-1]):
        many.append({})
    _put(many[-1], inner_parts[1:], value)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def text_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields without those that are empty text, as forms send what was not filled in."""
    return {name: value for name, value in fields.items() if value != ""}
