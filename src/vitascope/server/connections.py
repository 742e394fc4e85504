"""Connections under limits: how many there may be, how long a request's head may be, and how long it may take.

The server that runs below knows none of these. Without them one peer that opens sockets and sends half a request keeps
everybody out: each socket is a file of this process, and the system gives it a limited number of them.
"""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from vitascope.server.errors import Refusal

MAX_HEAD_BYTES = 32 * 1024
"""Bytes of a request's first line and headers together."""
MAX_HEADERS = 100
PIECE_BYTES = 8 * 1024
"""A head is read in pieces of this size, so that what comes in one packet is refused before all of it is parsed."""
MAX_FILES = 65_536
"""Open files that the process asks the system for, at most."""
MAX_CONNECTIONS = 4096
ALL_BUSY = "too many connections are open; try again later"


@dataclass
class ConnectionLimits:
    """How many connections there may be, in all and from one address, and how many there are.

    A request's head must be there within `head_seconds` of its first byte (of the connection, for the first one); while
    a body is awaited, something must come every `body_seconds`. Used from the thread of the event loop alone.
    """

    total: int = MAX_CONNECTIONS
    per_peer: int = MAX_CONNECTIONS // 4
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    peers: Counter[str] = field(default_factory=Counter)

    def take(self, peer: str) -> bool:
        """Count a connection of a peer and return True; False where there are enough already."""
        if self.peers.total() >= self.total or self.peers[peer] >= self.per_peer:
            return False
        self.peers[peer] += 1
        return True

    def give_back(self, peer: str) -> None:
        """Count a connection of a peer no longer."""
        self.peers[peer] -= 1
        if self.peers[peer] <= 0:
            del self.peers[peer]


def raise_file_limit() -> int:
    """Raise the number of files that this process may open as far as the system lets it, and return it."""
    try:
        import resource
    except ImportError:  # Windows
        return 8192
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        return target
    return MAX_FILES if soft == resource.RLIM_INFINITY else soft


def limits_for(files: int, total: int | None = None) -> tuple[ConnectionLimits, int]:
    """Return the limits of a process that may open so many files, and how many connections may wait to be taken in.

    A part of the files stays for the queue, uploads and clips. Those that wait are taken in all at once before the
    first of them can be refused, so that they have to fit into that part as well.
    """
    reserve = min(1024, files // 4)
    most = max(1, min(total or MAX_CONNECTIONS, files - reserve))
    return ConnectionLimits(most, max(1, most // 4)), max(1, reserve // 2)


def limited_protocol(limits: ConnectionLimits) -> type[HttpToolsProtocol]:
    """Return the protocol class that keeps these limits."""
    return type("LimitedProtocol", (LimitedProtocol,), {"limits": limits})


class LimitedProtocol(HttpToolsProtocol):
    """HTTP/1.1 on one connection, under limits."""

    limits = ConnectionLimits()

    def __init__(self, *args: Any, **options: Any):
        """Begin with the head of the first request."""
        super().__init__(*args, **options)
        self._peer: str | None = None
        self._is_in_head, self._head_bytes, self._piece = True, 0, 0
        self._heard = 0.0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take a connection in, or refuse it."""
        super().connection_made(transport)
        peer = self.client[0] if self.client else ""
        if not self.limits.take(peer):
            self._refuse(Refusal(503, ALL_BUSY, "too_many_connections", headers={"retry-after": "10"}))
            return
        self._peer = peer
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for another connection."""
        self._stop_clock()
        if self._peer is not None:
            self.limits.give_back(self._peer)
            self._peer = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came, a head piece by piece."""
        self._heard = self.loop.time()
        if self._is_in_head and self._deadline is None and self._is_idle():
            self._expect_head()
        while data and not self.transport.is_closing():
            piece = data[:PIECE_BYTES] if self._is_in_head else data
            data, self._piece = data[len(piece) :], len(piece)
            super().data_received(piece)
            self._head_bytes += len(piece)
            if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES:
                line = f"the first line and the headers have more than {MAX_HEAD_BYTES // 1024} KiB"
                self._refuse(Refusal(431, line, "headers_too_large"))

    def on_message_begin(self) -> None:
        """Start the clock of a head."""
        super().on_message_begin()
        if self._deadline is None:
            self._expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count the headers."""
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            self._refuse(Refusal(431, f"there are more than {MAX_HEADERS} headers", "headers_too_large"))

    def on_headers_complete(self) -> None:
        """Expect the body."""
        self._stop_clock()
        if self.transport.is_closing():
            return
        self._is_in_head = False
        self._deadline = self.loop.call_later(self.limits.body_seconds, self._check_body)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, unless its head was refused."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the next head, of which some may have come in this very piece."""
        self._stop_clock()
        self._is_in_head, self._head_bytes = True, -self._piece
        if not self.transport.is_closing():
            super().on_message_complete()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(self.limits.head_seconds, self._check_head)

    def _check_head(self) -> None:
        if self._is_idle():
            line = f"no whole request came within {self.limits.head_seconds:g} s"
            self._refuse(Refusal(408, line, "too_slow"))
        else:  # an answer is on its way, and the beginning of another request waits behind it
            self._expect_head()

    def _check_body(self) -> None:
        """Close where nothing has come for too long although it was wanted."""
        silent = self.loop.time() - self._heard
        if self.flow.read_paused or silent < self.limits.body_seconds:
            wait = max(0.1, self.limits.body_seconds - (0 if self.flow.read_paused else silent))
            self._deadline = self.loop.call_later(wait, self._check_body)
            return
        line = f"nothing of the body came for {self.limits.body_seconds:g} s"
        self._refuse(Refusal(408, line, "too_slow"))

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, refusal: Refusal) -> None:
        """Answer without the app, unless another answer is on its way, and close."""
        self._stop_clock()
        if self.transport.is_closing():
            return
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            body = json.dumps(refusal.body()).encode()
            headers = {
                "content-type": "application/json",
                "content-length": str(len(body)),
                "connection": "close",
            }
            lines = [f"{name}: {value}\r\n" for name, value in {**headers, **refusal.headers}.items()]
            self.transport.write(STATUS_LINE[refusal.status] + "".join(lines).encode() + b"\r\n" + body)
        self.transport.close()
