"""A finished clip fetched into a file: gone on with where it broke off, and whole by its length and checksum."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.client import HTTPResponse
from pathlib import Path
from typing import BinaryIO

from vitascope.backends.remote.http import PASSING, Broken, Wire
from vitascope.backends.remote.responses import Answer, quote_safely
from vitascope.errors import OutputError, RemoteError
from vitascope.givens.load import checksum

CHUNK = 1 << 16
NOT_YET = (404, 409)
"""What some servers answer for a moment after they have called a clip completed."""

_PART = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_DIGEST = re.compile(r"sha-256=:?([A-Za-z0-9+/]{43}=):?", re.IGNORECASE)


@dataclass(frozen=True)
class Fetch:
    """What to fetch and how much of it may come: at most `most` bytes, before the clock says `until`.

    `sha256` is the checksum where one is known; `on_progress` hears the share that is there.
    """

    path: str
    most: int
    until: float
    sha256: str | None = None
    on_progress: Callable[[float], None] = lambda share: None


@dataclass(frozen=True)
class _State:
    """How far a download is: bytes in the file and of the whole, and what says that the rest is of the same file."""

    have: int = 0
    total: int | None = None
    same: str | None = None
    sha256: str | None = None
    is_complete: bool = False


def download(wire: Wire, fetch: Fetch, target: Path) -> None:
    """Write a clip to `target`. Raises `RemoteError` when it cannot be had whole, and `OutputError` for a full disk."""
    state, best, failures, spoiled = _State(), 0, 0, False
    with target.open("wb+") as file:
        while True:
            why, wait, state = _try(wire, fetch, state, file)
            if state.is_complete:
                if _is_whole(file, state.sha256 or fetch.sha256):
                    return
                if spoiled:
                    raise RemoteError(f"{wire.name} sent a clip whose checksum is wrong, twice")
                why, state, spoiled = "sent a clip whose checksum is wrong", _State(), True
            failures = failures + 1 if state.have <= best else 1
            best = max(best, state.have)
            if failures >= wire.server.tries:
                raise RemoteError(f"{wire.name} {why}")
            if wire.clock.now() > fetch.until:
                raise RemoteError(f"{wire.name} took too long to hand over the clip ({why})")
            wire.pause(failures, why, wait)


def _try(wire: Wire, fetch: Fetch, state: _State, file: BinaryIO) -> tuple[str, float | None, _State]:
    """Fetch as much as comes, and return why no more came, how long to wait, and how far it is now."""
    headers = {"Accept": "video/mp4, application/octet-stream;q=0.9, */*;q=0.5"}
    if state.have and state.same:
        headers |= {"Range": f"bytes={state.have}-", "If-Range": state.same}
    try:
        with wire.opened("GET", fetch.path, headers) as response:
            if response.status in (*PASSING, *NOT_YET):
                received = {name.lower(): value for name, value in response.getheaders()}
                return f"answers {response.status}", wire.asked_to_wait(received), state
            if response.status == 416 and state.have:
                return _beyond(response, state)
            state = _begun(wire, fetch, state, response)
            file.seek(state.have)
            file.truncate()
            while state.have != state.total and (piece := response.read1(CHUNK)):
                _write(file, piece)
                state = replace(state, have=state.have + len(piece))
                _check(wire, fetch, state)
    except Broken as error:
        if error.lasting:
            raise RemoteError(f"{wire.name} {error.why}") from None
        return error.why, None, state
    if state.total in (None, state.have):
        return "", None, replace(state, is_complete=True)
    return f"sent {state.have} of {state.total} bytes of the clip", None, state


def _beyond(response: HTTPResponse, state: _State) -> tuple[str, float | None, _State]:
    """Return how far it is when nothing comes after what is there: at the end, or at another clip's."""
    if (response.getheader("Content-Range") or "").strip() == f"bytes */{state.have}":
        return "", None, replace(state, is_complete=True)
    return "no longer has the same clip", None, _State()


def _begun(wire: Wire, fetch: Fetch, state: _State, response: HTTPResponse) -> _State:
    """Return from where on the response goes on; raises `RemoteError` for what is no clip."""
    if response.status not in (200, 206):
        answer = _answer(wire, response)
        raise RemoteError(f"{wire.name} does not hand over the clip: {answer.complaint} ({response.status})")
    _check_kind(wire, response)
    part = _PART.fullmatch((response.getheader("Content-Range") or "").strip())
    sha256 = _digest(response) or state.sha256
    if response.status == 206:
        total = None if part is None or part[2] == "*" else int(part[2])
        if part is None or int(part[1]) != state.have or state.total not in (None, total):
            raise RemoteError(f"{wire.name} goes on with another part of the clip than was asked for")
        return replace(state, total=total, sha256=sha256)
    tag = response.getheader("ETag") or ""
    validator = tag if tag.startswith('"') else response.getheader("Last-Modified")
    begun = _State(0, response.length, validator, sha256)
    _check(wire, fetch, replace(begun, have=begun.total or 0))
    return begun


def _check_kind(wire: Wire, response: HTTPResponse) -> None:
    """Refuse what says of itself that it is no clip, or that it is packed."""
    kind = (response.getheader("Content-Type") or "").lower()
    if "json" in kind:
        raise RemoteError(f"{wire.name} does not hand over the clip: {_answer(wire, response).complaint}")
    if kind.startswith(("text/", "image/")):
        raise RemoteError(f"{wire.name} sent {quote_safely(kind, wire.key)} in place of a clip")
    if (response.getheader("Content-Encoding") or "identity").lower() != "identity":
        raise RemoteError(f"{wire.name} sent the clip packed, which was not asked for")


def _answer(wire: Wire, response: HTTPResponse) -> Answer:
    return Answer(wire.name, response.status, {}, response.read(CHUNK), wire.key)


def _check(wire: Wire, fetch: Fetch, state: _State) -> None:
    """Look at limits and time, and tell how far it is."""
    wire.check()
    if state.have > fetch.most:
        raise RemoteError(f"{wire.name} sends more than {fetch.most / 1e6:g} MB, the most that is read")
    if wire.clock.now() > fetch.until:
        raise RemoteError(f"{wire.name} took too long to hand over the clip")
    if state.total and state.have < state.total:
        fetch.on_progress(state.have / state.total)


def _write(file: BinaryIO, piece: bytes) -> None:
    try:
        file.write(piece)
    except OSError as error:
        raise OutputError(f"the clip that came could not be kept ({error.strerror})") from None


def _digest(response: HTTPResponse) -> str | None:
    """Return the SHA-256 of the whole clip that the headers tell (RFC 9530, RFC 3230), in hexadecimal."""
    for name in ("Repr-Digest", "Digest"):
        if match := _DIGEST.search(response.getheader(name) or ""):
            try:
                return base64.b64decode(match[1]).hex()
            except binascii.Error:
                return None
    return None


def _is_whole(file: BinaryIO, sha256: str | None) -> bool:
    file.flush()
    file.seek(0)
    return sha256 is None or checksum(file) == sha256.lower()
