"""What is answered when something is wrong: the same body as OpenAI's, whatever went wrong where."""

import logging
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from vitascope.director.film import field_name
from vitascope.errors import (
    BrokenFileError,
    BudgetError,
    DamagedQueueError,
    DiskFullError,
    JobConflictError,
    JobNotFoundError,
    MissingExtraError,
    OutputError,
    QueueFullError,
    RequestError,
    StoreError,
    VitascopeError,
    WeightsError,
)
from vitascope.files import FULL
from vitascope.validation import complaint

log = logging.getLogger("vitascope.server")

INVALID, REFUSED, BROKEN = "invalid_request_error", "authentication_error", "server_error"
PATIENT_SECONDS = 60.0
"""Longer than this no client should wait by itself."""
BROKEN_FILE = "a file of the server cannot be read; its log says which, and what is wrong with it"
DAMAGED = "the queue is damaged; the server's log and /api/v1/check say how"
FINAL = {"x-should-retry": "false"}
"""Says to clients that ask again by themselves (OpenAI's do, on 409 and 5xx) that it would not help."""


class Refusal(Exception):
    """An answer that is no result: its status, a line for people, and words for programs."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        param: str | None = None,
        type: str = INVALID,
        headers: Mapping[str, str] | None = None,
    ):
        """Refuse because of `param`, if it is about one."""
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.type, self.headers = type, dict(headers or {})

    def body(self) -> dict[str, object]:
        """Return the body of the answer, in OpenAI's shape."""
        detail = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": detail}

    def response(self) -> JSONResponse:
        """Return the answer."""
        return JSONResponse(self.body(), self.status, self.headers)


def refusal(error: VitascopeError) -> Refusal:
    """Return how an error of ours is answered."""
    line = " ".join(str(error).split())
    match error:
        case BudgetError():
            return _spent(error)
        case JobNotFoundError():
            return Refusal(404, error.problem, "not_found", error.argument)
        case JobConflictError():
            return Refusal(409, error.problem, "conflict", error.argument, headers=FINAL)
        case RequestError():
            return Refusal(400, line, "invalid_value", error.argument)
        case DiskFullError():
            return _unwritten(line, "disk_full")
        case QueueFullError():
            headers = {"retry-after": "30"}
            return Refusal(429, line, "queue_full", type="rate_limit_error", headers=headers)
        case BrokenFileError():
            return Refusal(503, BROKEN_FILE, "unavailable", type=BROKEN, headers=FINAL)
        case OutputError():
            return _unwritten(line, "cannot_write")
        case DamagedQueueError():
            # The line names a folder of the server's, which is not for callers.
            return Refusal(503, DAMAGED, "queue_damaged", type=BROKEN, headers=FINAL)
        case StoreError():
            return Refusal(503, line, "queue_unreachable", type=BROKEN, headers={"retry-after": "5"})
        case MissingExtraError() | WeightsError():
            return Refusal(500, line, "unavailable", type=BROKEN, headers=FINAL)
        case _:
            return Refusal(500, line, "internal_error", type=BROKEN)


def _unwritten(line: str, code: str) -> Refusal:
    """Return the refusal of what could not be written down, without the names of this machine's files."""
    if "could not be" in line:
        name, colon, _ = line.partition(": ")
        why = "the disk is full" if code == "disk_full" else "it could not be written"
        line = f"{name}: {why}" if colon and name.isidentifier() else why
    return Refusal(503, line, code, type=BROKEN, headers={"retry-after": "60"})


async def _system(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OSError)
    if error.errno not in FULL:
        raise error
    return _unwritten("the disk is full", "disk_full").response()


def _spent(error: BudgetError) -> Refusal:
    """Return the refusal of who has had enough for now; clients that ask again by themselves do so after a minute."""
    line = str(error).removeprefix("budget: ")
    if error.wait is None:
        return Refusal(400, line, "over_budget", headers=FINAL)
    headers = {"retry-after": str(math.ceil(error.wait))}
    headers |= FINAL if error.wait > PATIENT_SECONDS else {}
    return Refusal(429, line, "budget_spent", type="rate_limit_error", headers=headers)


def install(app: FastAPI) -> None:
    """Let an app answer every error in this way."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(VitascopeError, _ours)
    app.add_exception_handler(OSError, _system)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)
    return error.response()


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, VitascopeError)
    if isinstance(error, DamagedQueueError | BrokenFileError):
        log_damage(str(error))
    return refusal(error).response()


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    message = {404: "there is nothing here", 405: "this cannot be done here"}.get(error.status_code)
    headers = dict(error.headers or {})
    return Refusal(error.status_code, message or str(error.detail), code, headers=headers).response()


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return invalid(error.errors()[0]).response()


@cache
def log_damage(line: str) -> None:
    """Log which file is damaged and how, once."""
    log.error(line)


def unforeseen() -> Refusal:
    """Return what is answered when something went wrong that nobody thought of: not what, which is for the log."""
    line = "something unforeseen went wrong here; the server's log says what, under the request id"
    return Refusal(500, line, "internal_error", type=BROKEN)


def invalid(first: dict[str, object]) -> Refusal:
    """Return the refusal for the first complaint of pydantic: `loc` says in which part of a request, then where."""
    if first["type"] == "json_invalid":
        return Refusal(400, "the body is not valid JSON", "invalid_json")
    location: Any = first.get("loc", ())
    name = field_name(location[1:]) if location[1:] else None
    problem, nearest = complaint(first)
    missing = first["type"] == "missing"
    line = f"{name}: {problem}" + (f"; {nearest}" if nearest else "")
    return Refusal(400, line[:500], "missing" if missing else "invalid_value", name)
