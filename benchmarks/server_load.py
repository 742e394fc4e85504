"""How fast a busy server answers: `python benchmarks/server_load.py [--jobs 1000] [--clients 50] [--streams 10]`.

A real server on loopback with a queue of waiting jobs; clients poll jobs over connections that stay open, as clients of
the videos API do (about once in half a second), while others listen to streams of events. Prints one JSON object: the
times of a status request in milliseconds, errors, how much work a request is for the server and for us, how late our
own clock rings (what is measured below that is ours), and the server's memory.

`--seconds S` is how long it is measured for. `--soak MINUTES` goes on for so long, and one job after another is handed
in, moved, told of in the streams and removed meanwhile; a line of JSON goes to stderr every `--every` seconds. Memory
must stay flat: `mib_per_hour` is how fast it grew over the second half. `--hurry N` does everything N times as often,
so that an hour's requests take 60 / N minutes.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from vitascope.jobs.service import JobService, open_service
from vitascope.jobs.supervisor import resident_bytes
from vitascope.testing.chaos import take
from vitascope.testing.fakes import register_fakes

POLL_SECONDS = 0.5
TURN_SECONDS = 0.25
"""How often a job is handed in and removed again while we soak."""


@dataclass
class Seen:
    """What was measured: seconds of each answer and of each late ring of our clock, errors, events heard, memory."""

    times: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    events: int = 0
    turns: int = 0
    memory: list[tuple[float, float]] = field(default_factory=list)


def fill(service: JobService, number: int) -> list[str]:
    """Hand in so many jobs and return their names."""
    return [service.submit(take(seed)).id for seed in range(number)]


def serve(home: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server without workers and return its process and port."""
    command = [sys.executable, "-m", "vitascope.testing", "serve", "--port", "0", "--workers", "0"]
    log = home / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--models", "fake", "--max-queued", "1000000"],
            stderr=out,
            env={**os.environ, "VITASCOPE_HOME": str(home)},
        )
    while (found := re.search(r"serving at http://[^:]+:(\d+)\n", log.read_text())) is None:
        time.sleep(0.1)
    return process, int(found[1])


@dataclass
class Line:
    """A connection that stays open: as little between us and the socket as can be, since we share the machine."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send a request, and return the status and the body of its answer."""
        head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
        self.writer.write(head.encode() + b"content-type: application/json\r\n\r\n" + body)
        told = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(told.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return int(told[9:12]), await self.reader.readexactly(length)


async def dial(port: int) -> Line:
    """Return a connection."""
    return Line(*await asyncio.open_connection("127.0.0.1", port))


async def poll(port: int, names: list[str], hurry: float, seen: Seen) -> None:
    """Ask for one job after another, and write down how long each answer took."""
    line = await dial(port)
    await asyncio.sleep(random.random() * POLL_SECONDS)
    while True:
        begun = time.perf_counter()
        status, _ = await line.ask("GET", f"/v1/videos/{random.choice(names)}")
        seen.times.append(time.perf_counter() - begun)
        if status != 200:
            seen.errors.append(str(status))
        await asyncio.sleep(POLL_SECONDS / hurry)


async def listen(port: int, name: str | None, seen: Seen) -> None:
    """Listen to what happens to a job, or (None) to all of them, and count the events."""
    line = await dial(port)
    path = "/api/v1/events" if name is None else f"/api/v1/jobs/{name}/events"
    line.writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    while data := await line.reader.read(1 << 16):
        seen.events += data.count(b"\nevent: ")
    seen.errors.append("a stream ended")


async def turn(port: int, hurry: float, seen: Seen) -> None:
    """Hand in one job after another, change its place, and remove it: what a server does all day."""
    line, body = await dial(port), json.dumps({"prompt": "a cat", "num_frames": 5}).encode()
    while True:
        status, told = await line.ask("POST", "/v1/videos", body)
        name = json.loads(told).get("id")
        also = [
            await line.ask("POST", f"/api/v1/jobs/{name}/move", b'{"first": true}'),
            await line.ask("GET", "/v1/videos?limit=20"),
            await line.ask("GET", "/api/v1/queue"),
            await line.ask("DELETE", f"/v1/videos/{name}"),
        ]
        seen.errors += [f"turn {one}" for one in (status, *(answer[0] for answer in also)) if one != 200]
        seen.turns += 1
        await asyncio.sleep(TURN_SECONDS / hurry)


async def watch_ourselves(seen: Seen) -> None:
    """Write down by how much we are late ourselves: no answer can be measured more exactly than that."""
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(0.05)
        seen.late.append(time.perf_counter() - begun - 0.05)


async def weigh(pid: int, every: float, loud: bool, seen: Seen) -> None:
    """Write down the server's memory now and then."""
    began = time.monotonic()
    while True:
        seen.memory.append((time.monotonic() - began, resident_bytes(pid) / 2**20))
        if loud:
            told = {"seconds": round(seen.memory[-1][0]), "mib": round(seen.memory[-1][1], 1)}
            told |= {"requests": len(seen.times), "turns": seen.turns, "errors": len(seen.errors)}
            print(json.dumps(told), file=sys.stderr, flush=True)
        await asyncio.sleep(every)


async def load(told: argparse.Namespace, port: int, pid: int, names: list[str]) -> Seen:
    """Do to a server what `told` says, for as long as it says."""
    seen = Seen()
    work = [poll(port, names, told.hurry, seen) for _ in range(told.clients)]
    work += [listen(port, name, seen) for name in names[: told.streams]]
    work += [watch_ourselves(seen), weigh(pid, told.every, bool(told.soak), seen)]
    if told.soak:
        work += [turn(port, told.hurry, seen), listen(port, None, seen)]
    tasks = [asyncio.create_task(one) for one in work]
    done, waiting = await asyncio.wait(tasks, timeout=told.seconds, return_when=asyncio.FIRST_COMPLETED)
    for one in done:
        seen.errors.append(repr(one.exception()))
    for one in waiting:
        one.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*waiting, return_exceptions=True)
    seen.memory.append((float(told.seconds), resident_bytes(pid) / 2**20))
    return seen


def cpu_seconds(pid: int) -> float:
    """Return how long a process has been at work."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for flag, usual in (("--jobs", 1000), ("--clients", 50), ("--streams", 10), ("--seconds", 20)):
        parser.add_argument(flag, type=int, default=usual)
    parser.add_argument("--soak", type=float, default=0, metavar="MINUTES")
    parser.add_argument("--hurry", type=float, default=1, metavar="N")
    parser.add_argument("--every", type=float, default=10, metavar="SECONDS")
    told = parser.parse_args()
    told.seconds = told.soak * 60 or told.seconds
    register_fakes()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        names = fill(open_service(home), told.jobs)
        process, port = serve(home)
        before, ours = cpu_seconds(process.pid), time.process_time()
        seen = asyncio.run(load(told, port, process.pid, names))
        spent = cpu_seconds(process.pid) - before, time.process_time() - ours
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    print(json.dumps(report(told, seen, spent)))
    sys.exit(bool(seen.errors))


def report(told: argparse.Namespace, seen: Seen, spent: tuple[float, float]) -> dict[str, object]:
    """Return what was measured: percentiles in milliseconds, memory in MiB."""
    number = max(1, len(seen.times))
    found: dict[str, object] = {**vars(told), "requests": len(seen.times), "events": seen.events}
    found |= {f"p{share}_ms": _percentile(seen.times, share) for share in (50, 90, 99, 100)}
    found |= {
        "our_p99_late_ms": _percentile(seen.late, 99),
        "errors": len(seen.errors),
        "first": seen.errors[:3],
    }
    found |= {
        "server_cpu_ms_per_request": round(1000 * spent[0] / number, 2),
        "our_cpu_ms_per_request": round(1000 * spent[1] / number, 2),
    }
    found |= {"mib_before": round(seen.memory[0][1], 1), "mib_after": round(seen.memory[-1][1], 1)}
    return found | {"turns": seen.turns, "mib_per_hour": _growth(seen.memory), "cores": os.cpu_count()}


def _percentile(values: list[float], share: int) -> float:
    ranked = sorted(values) or [0.0]
    return round(1000 * ranked[int(share / 100 * (len(ranked) - 1))], 1)


def _growth(memory: list[tuple[float, float]]) -> float:
    """Return by how many MiB an hour memory grew over the second half, by the straight line that fits best."""
    half = [one for one in memory if one[0] >= memory[-1][0] / 2]
    if len(half) < 3:
        return 0.0
    mean_x, mean_y = (sum(one[axis] for one in half) / len(half) for axis in (0, 1))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in half) / sum((x - mean_x) ** 2 for x, _ in half)
    return round(3600 * slope, 2)


if __name__ == "__main__":
    main()
