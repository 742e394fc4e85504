"""What servers answer, read with distrust: the few fields of JSON that we know, and complaints in one line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vitascope.errors import RemoteError, RequestError

State = Literal["waiting", "running", "done", "failed", "cancelled", "unknown"]

_WORDS: dict[State, str] = {
    "waiting": "queued pending submitted created waiting starting scheduled throttled not_started",
    "running": "in_progress processing running generating rendering started dreaming finalizing",
    "done": "completed complete succeeded succeed success done finished",
    "failed": "failed failure error errored rejected expired timed_out",
    "cancelled": "cancelled canceled cancelling canceling deleted aborted",
}
_STATES: dict[str, State] = {word: state for state, words in _WORDS.items() for word in words.split()}
"""How servers say it -> what it means."""

MOST_SAID = 300
"""Characters of a server's words that are passed on."""


def quote_safely(text: object, key: str | None) -> str:
    """Return what a server says as it can be shown on one line, without the key that it may repeat."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in str(text)[:4000]).split())
    if key:
        plain = plain.replace(key, "…")
    return plain if len(plain) <= MOST_SAID else f"{plain[: MOST_SAID - 1]}…"


@dataclass(frozen=True)
class Answer:
    """An answer as it came: status, headers in lower case, body."""

    name: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    key: str | None = field(default=None, repr=False)

    def json(self) -> dict[str, Any]:
        """Return the object that the body is; raises `RemoteError` for anything else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            return value
        kind = quote_safely(self.headers.get("content-type", "nothing that says what it is"), self.key)
        if "html" in kind:
            raise RemoteError(
                f"{self.name} answers with a page ({kind}), not with JSON: is its url right? It usually ends in /v1"
            )
        raise RemoteError(f"{self.name} answers {self.status} with what is not a JSON object ({kind})")

    @property
    def complaint(self) -> "Complaint":
        """What the body says went wrong, in OpenAI's shape, in FastAPI's, or in words."""
        try:
            body = self.json()
        except RemoteError:
            return Complaint(f"status {self.status}")
        error = body.get("error") or body.get("detail") or body.get("message")
        if isinstance(error, list):  # FastAPI's list of what did not validate
            first = error[0] if error and isinstance(error[0], dict) else {}
            place = first.get("loc")
            param = place[-1] if isinstance(place, list) and place else None
            return Complaint(quote_safely(first.get("msg") or error, self.key), param=_word(param))
        if isinstance(error, dict):
            message = quote_safely(error.get("message") or error.get("code") or error, self.key)
            return Complaint(message, _word(error.get("code")), _word(error.get("param")))
        return Complaint(quote_safely(error, self.key) if error else f"status {self.status}")


@dataclass(frozen=True)
class Complaint:
    """What a server says went wrong, its code for it, and the field that it is about."""

    message: str
    code: str | None = None
    param: str | None = None

    def __str__(self) -> str:
        """Return the message, with the code where that says more."""
        has_code = self.code and not self.code.isdigit() and self.code.lower() not in self.message.lower()
        return f"{self.message} ({self.code})" if has_code else self.message


def _word(value: object) -> str | None:
    return quote_safely(value, None)[:60] if isinstance(value, str | int) and value != "" else None


@dataclass(frozen=True)
class Job:
    """A clip that a server is making: its id, how far it is (0..1, None where nobody knows), and what is said of it."""

    id: str
    state: State
    status: str
    progress: float | None = None
    error: str | None = None
    model: str | None = None
    prompt: str | None = None
    sha256: str | None = None


def read_job(answer: Answer, fallback_id: str | None = None) -> Job:
    """Return the job that an answer tells of; `known` is its id where we have it. Raises `RemoteError`."""
    body = answer.json()
    name = body.get("id") or body.get("video_id") or fallback_id
    if not isinstance(name, str) or not name.isprintable() or len(name) > 512 or not name.strip(". "):
        raise RemoteError(f"{answer.name} answers without a job's id")
    status = quote_safely(body.get("status") or "", answer.key)[:40]
    state = _STATES.get(status.lower().replace("-", "_").replace(" ", "_"), "unknown")
    failed = state in ("failed", "cancelled")
    prompt = body.get("revised_prompt")
    digest = body.get("sha256")
    return Job(
        id=fallback_id or name,
        state=state,
        status=status,
        progress=None if failed else _share(body.get("progress")),
        error=str(answer.complaint) if body.get("error") or body.get("detail") else None,
        model=_text(body.get("model"), answer.key),
        prompt=_text(prompt, answer.key),
        sha256=digest if isinstance(digest, str) else None,
    )


def _text(value: object, key: str | None) -> str | None:
    return (quote_safely(value, key) or None) if isinstance(value, str) else None


def _share(progress: object) -> float | None:
    """Return progress as a share: 0..100 where it is whole or above 1, 0..1 where it has a decimal point.

    All of it counts as nothing said: some servers answer 100 from the start, and what is done says so in its status.
    """
    if isinstance(progress, str):
        try:
            progress = float(progress.strip().removesuffix("%"))
        except ValueError:
            return None
    if isinstance(progress, bool) or not isinstance(progress, int | float) or not 0 <= progress < 100:
        return None
    share = float(progress) if isinstance(progress, float) and progress <= 1 else progress / 100
    return share if share < 1 else None


def refusal(answer: Answer, arguments: Mapping[str, str]) -> RequestError | RemoteError:
    """Return the error for a request that was not taken; `arguments` maps a server's names of fields to ours."""
    complaint, name = answer.complaint, answer.name
    if answer.status in (401, 403):
        return RemoteError(f"{name} refuses the key, or there is none ({complaint})")
    if answer.status == 404 and not complaint.param:
        return RemoteError(
            f"{name} has nothing there ({complaint}): is its url right? It usually ends in /v1"
        )
    if answer.status not in (400, 409, 413, 422):
        return RemoteError(f"{name} did not take the request: {complaint}")
    param = complaint.param or next(
        (wire for wire in arguments if f"'{wire}'" in complaint.message or f'"{wire}"' in complaint.message),
        None,
    )
    argument = arguments.get((param or "").partition("[")[0], "model")
    return RequestError(argument, f"{name} refuses it: {complaint}")
