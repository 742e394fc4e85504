"""The real server on a real socket: half-open requests, endless heads, too many connections, and an end that comes."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import uvicorn

from vitascope.server.app import make_app
from vitascope.server.connections import MAX_HEAD_BYTES, ConnectionLimits, limited_protocol, limits_for
from vitascope.server.serve import Throttle

HALF = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "
POST = (
    b"POST /v1/videos HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def limits() -> ConnectionLimits:
    return ConnectionLimits(total=60, per_peer=40, head_seconds=1.0, body_seconds=1.0)


@pytest.fixture
def port(context, limits):
    """The port of a server that keeps limits."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        make_app(context),
        http=limited_protocol(limits),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(30)
    listening.close()


def answer(connection: socket.socket, seconds: float = 10.0) -> bytes:
    """Return all that comes until the other side closes."""
    connection.settimeout(seconds)
    came = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            came += piece
    return came


def ask(port: int, request: bytes = WHOLE, host: str = "127.0.0.1") -> bytes:
    """Return the beginning of what is answered."""
    with socket.create_connection((host, port), 10) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        with contextlib.suppress(ConnectionResetError):
            return connection.recv(65536)
    return b""


def test_half_a_request_is_given_up_within_its_time(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(HALF)
        began = time.monotonic()
        assert answer(connection).startswith(b"HTTP/1.1 408 ")
        assert 0.8 < time.monotonic() - began < 4


def test_drops_of_a_head_do_not_make_its_time_longer(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        began = time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(HALF)
            while time.monotonic() - began < 5:
                connection.sendall(b"x")
                time.sleep(0.2)
        assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "beginning",
    [b"", b"\r\n\r\n", WHOLE + HALF, WHOLE + b"\r\n\r\n", WHOLE + WHOLE + b"G"],
    ids=["nothing", "empty lines", "half a second one", "empty lines after one", "a letter after two"],
)
def test_no_connection_stays_that_asks_for_nothing(port, limits, beginning):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(beginning)
        came = answer(connection)
    assert came.count(b"HTTP/1.1 200 OK") == beginning.count(WHOLE)
    until(lambda: not limits.peers)


def test_a_body_that_stops_is_given_up(port):
    head = POST % 90
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head + b'{"prompt": ')
        assert answer(connection).startswith(b"HTTP/1.1 408 ")


def test_a_slow_body_that_goes_on_is_taken(port):
    body = b'{"prompt": "a cat", "num_frames": 5}'
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(POST % len(body))
        for start in range(0, len(body), 8):
            connection.sendall(body[start : start + 8])
            time.sleep(0.3)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: " + b"x" * 1_000_000,
        b"GET /" + b"x" * 1_000_000, b"GET /healthz?" + b"a=1&" * 250_000,
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-A: 1\r\n" * 1000,
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"x" * 1_000_000,
        b"\r\n" * 500_000, WHOLE + b"GET /" + b"x" * 1_000_000,
    ],
    ids=["header", "URL", "query", "many headers", "name of a header", "empty lines", "URL of the second"],
)  # fmt: skip
def test_a_head_without_end_is_refused(port, head):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(head)
        came = answer(connection)
    assert came == b"" or b"HTTP/1.1 431 " in came or b"HTTP/1.1 400 " in came, came[:200]
    assert ask(port).startswith(b"HTTP/1.1 200 "), "others are answered"


def test_a_usual_head_is_taken(port):
    cookie = b"Cookie: " + b"x" * 16_000
    headers = b"\r\n".join(b"X-%d: 1" % number for number in range(80))
    request = WHOLE.replace(b"\r\n\r\n", b"\r\n" + cookie + b"\r\n" + headers + b"\r\n\r\n")
    assert len(request) < MAX_HEAD_BYTES
    assert ask(port, request).startswith(b"HTTP/1.1 200 ")


def test_hundreds_of_half_open_requests_of_one_peer_keep_nobody_else_out(port, limits):
    limits.head_seconds = 4.0
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(300)]
        for connection in crowd:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(HALF)
        until(lambda: limits.peers.total() == limits.per_peer)
        # Another address of this machine.
        other = socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0))
        with other:
            other.sendall(WHOLE)
            assert other.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert ask(port).startswith(b"HTTP/1.1 503 "), "the peer itself has had enough"
        until(lambda: not limits.peers)
        assert ask(port).startswith(b"HTTP/1.1 200 "), "while all of them are still held open"


def test_there_are_limits_for_all_peers_together_and_room_for_what_else_opens_files():
    for files in (64, 256, 1024, 65_536):
        limits, backlog = limits_for(files)
        assert limits.total + backlog < files
        assert limits.per_peer <= limits.total
        assert backlog >= 1
    assert limits_for(65_536, 100)[0].total == 100
    limits = ConnectionLimits(total=4, per_peer=3)
    assert [limits.take("a") for _ in range(4)] == [True, True, True, False]
    assert [limits.take("b"), limits.take("c")] == [True, False]
    limits.give_back("a")
    assert limits.take("c")
    assert set(limits.peers) == {"a", "b", "c"}


def test_streams_of_one_token_are_counted(client, context):
    secret = context.tokens.add("ann", "write")
    bearer = {"authorization": f"Bearer {secret}"}
    context.streams.most = 2
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(context.streams.taking("ann"))
        refused = client.get("/api/v1/events", headers=bearer)
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "too_many_at_once"
        with context.streams.taking("bob"):
            pass
    name = client.post("/v1/videos", json={"prompt": "a cat"}, headers=bearer).json()["id"]
    client.post(f"/v1/videos/{name}/cancel", headers=bearer)
    told = client.get(f"/api/v1/jobs/{name}/events", headers=bearer)
    assert told.status_code == 200, "one that was closed makes room"
    with context.streams.taking("ann"), context.streams.taking("ann"):
        pass


def test_what_goes_wrong_thousands_of_times_is_one_line_a_minute():
    throttle = Throttle(seconds=0.2)

    def record(name: str = "asyncio") -> logging.LogRecord:
        return logging.LogRecord(
            name, logging.ERROR, "", 0, "socket.accept() out of system resource", (), None
        )

    assert [throttle.filter(record()) for _ in range(1000)].count(True) == 1
    assert throttle.filter(record("vitascope.server"))
    time.sleep(0.25)
    later = record()
    assert throttle.filter(later)
    assert later.getMessage() == "socket.accept() out of system resource (999 more in the minute before)"


STUCK = """
import re, socket, sys, threading, time
import uvicorn
from vitascope.server.shutdown import Server

async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    if scope["path"] == "/lock":  # nothing else of this process runs from here on
        re.match("(a+)+$", "a" * 80 + "b")
    while True:
        time.sleep(0.01)

with socket.create_server(("127.0.0.1", 0)) as listening:
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    Server(config, seconds=1.5).run([listening])
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("path", [b"/lock", b"/busy"])
def test_sigterm_ends_a_server_whose_request_never_ends(path):
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    port = int(process.stdout.readline())
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"200" in connection.recv(100)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        _, said = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGKILL
    assert 1 < time.monotonic() - began < 8
    assert (
        said.splitlines()[-1]
        == "vitascope: the server has not ended 1.5 s after it was told to, and is killed"
    )


def until(true, seconds: float = 20.0) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
