"""A real `/v1/videos` server on this machine, which answers as it is told and remembers what it was asked."""

import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from vitascope.backends.remote.http import Clock

JOB = "video_1"


@dataclass(frozen=True)
class Asked:
    """One request: what it was for, its headers, its fields and its files."""

    kind: str
    method: str
    path: str
    headers: dict[str, str]
    fields: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the server's next answer for its kind, or to the usual one."""

    server: "VideoServer"

    def _any(self) -> None:
        asked = self._read()
        self.server.asked.append(asked)
        answers = self.server.answers[asked.kind]
        (answers.pop(0) if answers else getattr(self.server, f"usual_{asked.kind}"))(self)

    do_GET = do_POST = do_DELETE = _any

    def _read(self) -> Asked:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        fields, files = {}, {}
        kind = headers.get("content-type", "")
        if kind.startswith("multipart/"):
            for part in message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body).get_payload():
                name = part.get_param("name", header="content-disposition")
                content = part.get_payload(decode=True)
                if part.get_filename():
                    files[name] = content
                else:
                    fields[name] = content.decode()
        elif body:
            fields = json.loads(body)
        return Asked(self._kind(), self.command, self.path, headers, fields, files)

    def _kind(self) -> str:
        path = self.path.partition("?")[0]
        for end in ("models", "content", "cancel"):
            if path.endswith(f"/{end}"):
                return end
        if self.command == "DELETE":
            return "delete"
        return "create" if self.command == "POST" else "poll"

    def say(self, status: int, body: bytes, **headers: str) -> None:
        """Answer with a body; a header of "" is left out."""
        told = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        self.send_response(status)
        for name, value in told.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


def says(status: int = 200, body: Any = b"", **headers: str) -> Answer:
    """Return what answers so: bytes as they are, anything else as JSON. `_` in a header's name is a hyphen."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.say(status, content, **told)


def cut(handler: Handler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def refusal(message: str, param: str | None = None, status: int = 400) -> Answer:
    """Return what refuses in OpenAI's shape."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": "invalid_value"}
    return says(status, {"error": error})


class VideoServer(ThreadingHTTPServer):
    """Makes one clip, in as many looks as `states` has, and hands it over in parts when asked to."""

    daemon_threads = True

    def __init__(self, clip: bytes = b""):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.clip, self.owner, self.tag = clip, "", '"one"'
        self.hang = threading.Event()
        self.asked: list[Asked] = []
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.states: list[dict[str, Any]] = [
            {"status": "queued", "progress": 0},
            {"status": "in_progress", "progress": 50},
            {"status": "completed", "progress": 100},
        ]

    def of(self, kind: str) -> list[Asked]:
        """Return the requests of one kind."""
        return [asked for asked in self.asked if asked.kind == kind]

    def usual_models(self, handler: Handler) -> None:
        handler.say(200, json.dumps({"data": [{"id": "tiny", "owned_by": self.owner}]}).encode())

    def usual_create(self, handler: Handler) -> None:
        self._tell(handler, self.states[0])

    def usual_poll(self, handler: Handler) -> None:
        self._tell(handler, self.states[min(len(self.of("poll")), len(self.states) - 1)])

    def usual_cancel(self, handler: Handler) -> None:
        handler.say(404, b'{"detail":"Not Found"}')

    def usual_delete(self, handler: Handler) -> None:
        handler.say(200, json.dumps({"id": JOB, "deleted": True, "object": "video.deleted"}).encode())

    def usual_content(self, handler: Handler) -> None:
        told = {"Content-Type": "video/mp4", "ETag": self.tag}
        part = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if part is None or not self.tag or handler.headers.get("If-Range") != self.tag:
            handler.say(200, self.clip, **told)
        elif (start := int(part[1])) >= len(self.clip):
            handler.say(416, b"", **{"Content-Range": f"bytes */{len(self.clip)}"})
        else:
            told["Content-Range"] = f"bytes {start}-{len(self.clip) - 1}/{len(self.clip)}"
            handler.say(206, self.clip[start:], **told)

    def cut_after(self, count: int, promised: int | None = None) -> Answer:
        """Return what sends so many bytes of the clip, having promised all of them (or as many as said)."""

        def answer(handler: Handler) -> None:
            length = str(len(self.clip) if promised is None else promised)
            handler.say(
                200,
                self.clip[:count],
                **{"Content-Type": "video/mp4", "ETag": self.tag, "Content-Length": length},
            )

        return answer

    def _tell(self, handler: Handler, state: dict[str, Any]) -> None:
        body = {"id": JOB, "object": "video", "created_at": 1, "model": "tiny-1", **state}
        handler.say(200, json.dumps(body).encode())


class Ticks:
    """A clock that nobody waits for: it goes on by what is slept."""

    def __init__(self) -> None:
        self.time, self.slept = 0.0, []

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.slept.append(seconds)

    def clock(self) -> Clock:
        """Return the clock, whose chance is no chance: pauses are always at their longest."""
        return Clock(lambda: self.time, self.sleep, lambda: 1.0, lambda: 1_000_000_000.0)


@contextmanager
def running(server: VideoServer) -> Iterator[VideoServer]:
    """Run a server in a thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
