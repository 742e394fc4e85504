"""A client of a Vitascope server, by the standard library: hand in shots, watch them, fetch what came of them.

    client = Client("http://127.0.0.1:8188")
    job = client.submit(Shot(prompt="a cat in a garden"))
    client.wait(job["id"])
    client.download(job["id"], Path("cat.mp4"))

One connection per exchange. Certificates are checked, no proxy of the environment stands between, and no redirect is
followed, so that the token is never shown to anybody else. What can be asked again safely is asked again.
"""

import contextlib
import json
import os
import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

from vitascope.director.film import Film
from vitascope.errors import (
    JobConflictError,
    JobNotFoundError,
    OutputError,
    RemoteError,
    RequestError,
    VitascopeError,
)
from vitascope.files import published
from vitascope.types import Given, Shot

TRIES = 4
PAUSES = (0.5, 1.0, 2.0)
LONGEST_PAUSE = 60.0
PASSING = (429, 502, 503, 504)
MOST_ANSWER = 64 * 2**20
OVER = ("completed", "failed", "cancelled")
PIECE = 1 << 18


@dataclass(frozen=True)
class Client:
    """The way to one server; `token` is None where it asks for none."""

    url: str
    token: str | None = field(default=None, repr=False)
    connect_seconds: float | int = 10.0
    answer_seconds: float | int = 120.0
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise RequestError(
                "server", f"{self.url[:80]!r} is not an address", "as in http://127.0.0.1:8188"
            )

    def submit(
        self,
        shot: Shot,
        *,
        number: int = 1,
        priority: int = 0,
        key: str | None = None,
        seeded: bool = True,
    ) -> dict[str, Any]:
        """Hand in a shot, with the files that it starts from, and return the job.

        It is handed in once, however often the connection breaks: a key makes sure of that.
        """
        sent = shot.model_copy(update={"givens": tuple(self._sent(given) for given in shot.givens)})
        payload = {
            "shot": sent.model_dump(mode="json", exclude_defaults=True),
            "number": number,
            "priority": priority,
        }
        payload |= {"key": key or secrets.token_hex(16), "seeded": seeded}
        return self.ask("POST", "/api/v1/jobs", payload, retry=True)

    def submit_film(self, film: Film, *, priority: int = 0, key: str | None = None) -> dict[str, Any]:
        """Hand in a film, with the pictures that it names, once; return it as a job, and how far each shot is.

        Events, waiting, downloading and whatever is done with jobs is done with it by its id.
        """
        sent: dict[str, str] = {}

        def upload(name: str, argument: str) -> str:
            sent[name] = sent.get(name) or self.upload(Path(name))
            return sent[name]

        payload = film.with_files(upload).said() | {"priority": priority, "key": key or secrets.token_hex(16)}
        return self.ask("POST", "/api/v1/films", payload, retry=True)

    def film(self, name: str) -> dict[str, Any]:
        """Return a film, and how far each of its shots is."""
        return self.ask("GET", f"/api/v1/films/{quote(name, safe='')}")

    def job(self, name: str) -> dict[str, Any]:
        """Return a job."""
        return self.ask("GET", f"/api/v1/jobs/{quote(name, safe='')}")

    def jobs(self, limit: int = 20, states: tuple[str, ...] = (), after: str | None = None) -> dict[str, Any]:
        """Return a page of jobs, the newest first."""
        query = [("limit", str(limit)), *(("state", state) for state in states)]
        return self.ask("GET", f"/api/v1/jobs?{urlencode([*query, *([('after', after)] if after else [])])}")

    def do(self, verb: str, name: str, payload: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Cancel, retry, clone or move a job, and return it."""
        return self.ask("POST", f"/api/v1/jobs/{quote(name, safe='')}/{verb}", payload or {})

    def delete(self, name: str) -> None:
        """Forget a job and its clips."""
        self.ask("DELETE", f"/api/v1/jobs/{quote(name, safe='')}")

    def queue(self, verb: str | None = None) -> dict[str, Any]:
        """Return how the queue is, after it was told to `pause` or `resume`, if it was."""
        return self.ask("POST", f"/api/v1/queue/{verb}", {}) if verb else self.ask("GET", "/api/v1/queue")

    def upload(self, path: Path) -> str:
        """Send a picture or a video and return the name that requests may use for it."""
        border = secrets.token_hex(16)
        head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n'.encode()
        tail = f"\r\n--{border}--\r\n".encode()
        try:
            content = path.read_bytes()
        except OSError as error:
            raise RequestError("file", f"{path} could not be read ({error.strerror})") from None
        headers = {"Content-Type": f"multipart/form-data; boundary={border}"}
        return self._ask("POST", "/api/v1/uploads", head + content + tail, headers, retry=True)["id"]

    def events(self, name: str, after: int = 0) -> Iterator[dict[str, Any]]:
        """Yield what happens to a job until it is over; a connection that breaks is made again where it broke."""
        broken = 0
        while True:
            try:
                with self._opened(
                    "GET", self._events(name, after), headers={"Accept": "text/event-stream"}
                ) as answer:
                    if answer.status == 204:
                        return
                    for event in _events(answer):
                        after, broken = event["id"], 0
                        yield event
                if self.job(name)["state"] in OVER:
                    return
            except _Broken as error:
                broken += 1
                if broken >= TRIES:
                    raise RemoteError(str(error)) from None
                self.sleep(PAUSES[broken - 1])

    def wait(self, name: str) -> dict[str, Any]:
        """Return a job once it is over."""
        for _ in self.events(name):
            pass
        return self.job(name)

    def download(self, name: str, path: Path, index: int = 0, *, force: bool = False) -> Path:
        """Fetch a clip into a file, whole or not at all. Raises `OutputExistsError` and `OutputError`."""
        url = f"/api/v1/jobs/{quote(name, safe='')}/files/{index}"
        with published(path, force=force) as part:
            for number in range(TRIES):
                try:
                    with self._opened("GET", url) as answer, part.open("wb") as out:
                        _copy(answer, out)
                    return path
                except _Broken as error:
                    if number == TRIES - 1:
                        raise RemoteError(str(error)) from None
                    self.sleep(PAUSES[number])
        raise OutputError(f"output: {path} was not written")

    def ask(
        self, method: str, path: str, payload: Mapping[str, Any] | None = None, retry: bool = False
    ) -> dict[str, Any]:
        """Return the answer to a request; `retry`: asking twice does no harm. Raises what the server says."""
        body = None if payload is None else json.dumps(payload).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self._ask(method, path, body, headers, retry or method == "GET")

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], retry: bool
    ) -> dict[str, Any]:
        for number in range(TRIES):
            last = number == TRIES - 1
            try:
                with self._opened(method, path, body, headers) as answer:
                    read = answer.read(MOST_ANSWER)
                    return json.loads(read) if read else {}
            except _Busy as error:
                if last:
                    raise error.because from None
                self.sleep(PAUSES[number] if error.wait is None else error.wait)
            except _Broken as error:
                if last or (error.arrived and not retry):
                    raise RemoteError(str(error)) from None
                self.sleep(PAUSES[number])
            except ValueError:
                raise RemoteError(
                    f"{self.url} answers with what is no JSON: is it a Vitascope server?"
                ) from None
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def _opened(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[HTTPResponse]:
        """Yield the answer to a request, its body unread; raises what the server says, and `_Broken`."""
        connection = self._connected()
        payload = {"Accept": "application/json", "Connection": "close", **(headers or {})}
        if self.token is not None:
            payload["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, urlsplit(self.url).path.rstrip("/") + path, body, payload)
            answer = connection.getresponse()
            if not 200 <= answer.status < 300:
                raise _error(self.url, answer)
            yield answer
        except (OSError, HTTPException) as error:
            raise _Broken(f"{self.url} broke off ({_why(error)})", arrived=True) from None
        finally:
            connection.close()

    def _connected(self) -> HTTPConnection:
        parts = urlsplit(self.url)
        host, seconds = parts.hostname or "", self.connect_seconds
        try:
            if parts.scheme == "https":
                safe = ssl.create_default_context()
                connection = HTTPSConnection(host, parts.port, timeout=seconds, context=safe)
            else:
                connection = HTTPConnection(host, parts.port, timeout=seconds)
            connection.connect()
            connection.sock.settimeout(self.answer_seconds)
        except (OSError, HTTPException, ValueError) as error:
            raise _Broken(f"{self.url} cannot be reached ({_why(error)})", arrived=False) from None
        return connection

    def _events(self, name: str, after: int) -> str:
        return f"/api/v1/jobs/{quote(name, safe='')}/events?after={after}"

    def _sent(self, given: Given) -> Given:
        sent = {"source": self.upload(Path(given.source)), "sha256": None}
        if given.mask is not None:
            sent["mask"] = self.upload(Path(given.mask))
        return given.model_copy(update=sent)


def client_of(url: str) -> Client:
    """Return the client of a server, with the token of the environment, if there is one."""
    return Client(url, os.environ.get("VITASCOPE_TOKEN") or None)


class _Broken(Exception):
    """An exchange that came to nothing, and whether the server may have acted on it."""

    def __init__(self, why: str, *, arrived: bool):
        super().__init__(why)
        self.arrived = arrived


class _Busy(Exception):
    """A server that has not taken a request, and may later; after how many seconds, if it says."""

    def __init__(self, because: VitascopeError, wait: float | None):
        super().__init__(str(because))
        self.because, self.wait = because, wait


def _error(url: str, answer: HTTPResponse) -> Exception:
    """Return the error that a server's refusal is."""
    error: dict[str, Any] = {}
    with contextlib.suppress(ValueError, AttributeError):
        error = json.loads(answer.read(1 << 16)).get("error") or {}
    message = " ".join(str(error.get("message") or answer.reason).split())[:500]
    if answer.status in PASSING and answer.getheader("x-should-retry") != "false":
        return _Busy(RemoteError(f"{url}: {message}"), _wait(answer.getheader("retry-after")))
    param = str(error.get("param") or "request")
    if answer.status == 404 and error:
        return JobNotFoundError(param, message)
    if answer.status == 409:
        return JobConflictError(param, message)
    if answer.status in (400, 413, 415):
        return RequestError(param, message.removeprefix(f"{param}: "))
    return RemoteError(f"{url} answers {answer.status}: {message}")


def _wait(text: str | None) -> float | None:
    return min(LONGEST_PAUSE, float(text)) if text and text.isascii() and text.isdigit() else None


def _events(answer: HTTPResponse) -> Iterator[dict[str, Any]]:
    """Yield the events of a stream; raises `_Broken` where it breaks."""
    name, data = 0, ""
    for line in answer:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text.startswith("id:"):
            name = int(text[3:])
        elif text.startswith("data:"):
            data += text[5:].lstrip()
        elif not text and data:
            yield {"id": name, **json.loads(data)}
            data = ""


def _copy(answer: HTTPResponse, out: BinaryIO) -> None:
    expected, got = answer.length, 0
    while piece := answer.read(PIECE):
        out.write(piece)
        got += len(piece)
    if expected is not None and got < expected:
        raise _Broken(f"the clip broke off after {got} of {expected} bytes", arrived=True)


def _why(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)[:200]
