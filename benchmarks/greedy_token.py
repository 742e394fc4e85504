"""What one token at full tilt leaves to another: `python benchmarks/greedy_token.py [--greedy 1] [--seconds 20]`.

A real server on loopback. A modest token asks for something five times a second: its list, one of its videos, the
queue, and now and then for a new video. First it is alone; then `--greedy` other tokens do all they can beside it, over
`--connections` connections each that never pause (lists, single videos, new videos, new videos with a picture that
takes long to look at, uploads, tests of a webhook endpoint that never answers), and as many streams of events as a
token may have. Prints one JSON object: the modest token's times in milliseconds, alone and beside the others, what it
was refused, and what the others were answered. The aim is a 99th percentile of 300 ms on two cores.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vitascope.server.shares import MAX_STREAMS
from vitascope.server.tokens import Tokens
from vitascope.server.webhooks.endpoints import FILE, Endpoints

PAUSE_SECONDS = 0.2
SIDE = 7071
"""Pixels of the greedy picture's side: as many as are taken, in some kilobytes."""
BOUNDARY = "vitascope-boundary"


@dataclass
class Asked:
    """What a token was answered: seconds by what it asked for, and statuses."""

    times: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)


@dataclass
class Client:
    """A connection that stays open, of one token."""

    port: int
    secret: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json"
    ) -> tuple[int, bytes]:
        """Send a request, and return the status and the body of its answer."""
        lines = [f"{method} {path} HTTP/1.1", "host: localhost", f"authorization: Bearer {self.secret}"]
        lines += [f"content-type: {kind}", f"content-length: {len(body)}"] if body else ["content-length: 0"]
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return int(head[9:12]), await self.reader.readexactly(length)


async def connect(port: int, secret: str) -> Client:
    """Return a connection of a token."""
    return Client(port, secret, *await asyncio.open_connection("127.0.0.1", port))


def slow_picture() -> bytes:
    """Return a small PNG of very many pixels in black and white."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 1, 0, 0, 0, 0))
    rows = zlib.compress(bytes(SIDE // 8 + 2) * SIDE, 9)
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def form(part: str, data: bytes, **texts: str) -> tuple[bytes, str]:
    """Return the body and the type of a form with one file."""
    lines = [
        f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in texts.items()
    ]
    lines.append(f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{part}"; filename="a.png"\r\n\r\n')
    return "".join(
        lines
    ).encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"


async def repeat(port: int, secret: str, request: tuple[Any, ...], asked: Asked) -> None:
    """Ask for the same again and again, as fast as it is answered."""
    client = await connect(port, secret)
    while True:
        status, _ = await client.ask(*request)
        asked.statuses[status] += 1


async def listen(port: int, secret: str) -> None:
    """Listen to all that happens to a token's jobs."""
    client = await connect(port, secret)
    head = f"GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\n\r\n"
    client.writer.write(head.encode())
    while await client.reader.read(1 << 16):
        pass


async def be_greedy(port: int, secret: str, endpoint: str, connections: int, seconds: float) -> Asked:
    """Do all that a token can for so many seconds, and return what it was answered."""
    asked, text = Asked(), json.dumps({"prompt": "a cat", "num_frames": 5}).encode()
    client = await connect(port, secret)
    _, told = await client.ask("POST", "/v1/videos", text)
    name, picture = json.loads(told)["id"], slow_picture()
    requests: list[tuple[Any, ...]] = [
        ("GET", "/v1/videos?limit=100"),
        ("GET", f"/v1/videos/{name}"),
        ("POST", "/v1/videos", text),
        ("POST", "/v1/videos", *form("input_reference", picture, prompt="a cat", num_frames="5")),
        ("POST", "/api/v1/uploads", *form("file", picture)),
        ("POST", f"/v1/webhook_endpoints/{endpoint}/test"),
    ]
    tasks = [asyncio.create_task(listen(port, secret)) for _ in range(MAX_STREAMS)]
    tasks += [
        asyncio.create_task(repeat(port, secret, requests[number % len(requests)], asked))
        for number in range(connections)
    ]
    await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return asked


async def be_modest(port: int, secret: str, seconds: float) -> Asked:
    """Ask for one thing after another with pauses between them, and write down how long each answer took."""
    asked, client = Asked(), await connect(port, secret)
    text = json.dumps({"prompt": "a dog", "num_frames": 5}).encode()
    _, told = await client.ask("POST", "/v1/videos", text)
    requests = {
        "list": ("GET", "/v1/videos"),
        "video": ("GET", f"/v1/videos/{json.loads(told)['id']}"),
        "queue": ("GET", "/api/v1/queue"),
        "create": ("POST", "/v1/videos", text),
    }
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        what = "create" if number % 10 == 9 else ("list", "video", "queue")[number % 3]
        begin = time.perf_counter()
        status, _ = await client.ask(*requests[what])
        asked.times.setdefault(what, []).append(time.perf_counter() - begin)
        asked.statuses[status] += 1
        number += 1
        await asyncio.sleep(PAUSE_SECONDS)
    return asked


def greed(port: int, secrets: list[tuple[str, str]], connections: int, seconds: float, answers: Any) -> None:
    """Be all greedy tokens, in a process of their own."""

    async def all_of_them() -> list[Asked]:
        return await asyncio.gather(*(be_greedy(port, *one, connections, seconds) for one in secrets))

    total: Counter[int] = Counter()
    for asked in asyncio.run(all_of_them()):
        total += asked.statuses
    answers.put(dict(total))


@contextlib.contextmanager
def serving(home: Path):
    """Run a server without workers and yield its port."""
    command = [
        sys.executable,
        "-m",
        "vitascope.testing",
        "serve",
        "--port",
        "0",
        "--workers",
        "0",
        "--models",
        "fake",
    ]
    log = home / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stderr=out, env={**os.environ, "VITASCOPE_HOME": str(home)})
    while (found := re.search(r"serving at http://[^:]+:(\d+)\n", log.read_text())) is None:
        time.sleep(0.1)
    try:
        yield int(found[1])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def percentile(values: list[float], share: int) -> float:
    """Return a percentile of seconds in milliseconds."""
    ranked = sorted(values) or [0.0]
    return round(1000 * ranked[min(len(ranked) - 1, round(share / 100 * len(ranked)))], 1)


def report(asked: Asked) -> dict[str, object]:
    """Return what a token was answered, and how fast."""
    times = [one for some in asked.times.values() for one in some]
    found: dict[str, object] = {"requests": len(times), "statuses": dict(asked.statuses)}
    found |= {f"p{share}_ms": percentile(times, share) for share in (50, 90, 99, 100)}
    return found | {f"{what}_p99_ms": percentile(some, 99) for what, some in asked.times.items()}


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for flag, usual in (("--greedy", 1), ("--connections", 60), ("--seconds", 20)):
        parser.add_argument(flag, type=int, default=usual)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0), backlog=1024) as silent,
    ):
        home = Path(folder)
        tokens, endpoints = Tokens(home / "tokens.json"), Endpoints(home / FILE)
        modest = tokens.add("modest", "write")
        secrets = []
        for number in range(options.greedy):
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            endpoint = endpoints.add(url, owner=f"greedy{number}", private=True)
            secrets.append((tokens.add(f"greedy{number}", "write"), endpoint.id))
        with serving(home) as port:
            alone = asyncio.run(be_modest(port, modest, options.seconds / 2))
            answers: Any = multiprocessing.get_context("spawn").Queue()
            told = (port, secrets, options.connections, options.seconds + 4, answers)
            others = multiprocessing.get_context("spawn").Process(target=greed, args=told)
            others.start()
            time.sleep(3)
            beside = asyncio.run(be_modest(port, modest, options.seconds))
            answered = answers.get(timeout=60)
            others.join(30)
    found = {
        **vars(options),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[1],
        "greedy_statuses": answered,
    }
    print(json.dumps({**found, "alone": report(alone), "beside": report(beside)}))


if __name__ == "__main__":
    main()
