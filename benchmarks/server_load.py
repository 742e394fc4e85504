"""How fast a busy server answers: `python benchmarks/server_load.py [--jobs 1000] [--clients 50] [--streams 10]`.

A real server on loopback with a queue of waiting jobs; clients poll jobs over connections that stay open, as clients of
the videos API do (about once in half a second), while others listen to streams of events. Prints one JSON object: the
times of a status request in milliseconds, errors, and the server's memory before and after.
"""

import argparse
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from vitascope.jobs.desk import Desk, open_desk
from vitascope.jobs.drill import take
from vitascope.jobs.supervisor import resident_bytes
from vitascope.testing import register_fakes

POLL_SECONDS = 0.5


def fill(desk: Desk, number: int) -> list[str]:
    """Hand in so many jobs and return their names."""
    return [desk.submit(take(seed)).id for seed in range(number)]


def serve(home: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server without workers and return its process and port."""
    command = [sys.executable, "-m", "vitascope.testing", "serve", "--port", "0", "--workers", "0"]
    log = home / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--models", "fake"], stderr=out, env={**os.environ, "VITASCOPE_HOME": str(home)}
        )
    while (found := re.search(r"serving at http://[^:]+:(\d+)\n", log.read_text())) is None:
        time.sleep(0.1)
    return process, int(found[1])


def poll(port: int, names: list[str], until: float, times: list[float], errors: list[str]) -> None:
    """Ask for one job after another until a moment, and write down how long each answer took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    time.sleep(random.random() * POLL_SECONDS)
    while time.monotonic() < until:
        begun = time.perf_counter()
        try:
            connection.request("GET", f"/v1/videos/{random.choice(names)}")
            answer = connection.getresponse()
            answer.read()
            times.append(time.perf_counter() - begun)
            if answer.status != 200:
                errors.append(str(answer.status))
        except (OSError, http.client.HTTPException) as error:
            errors.append(repr(error))
            connection.close()
        time.sleep(POLL_SECONDS)


def listen(port: int, name: str) -> None:
    """Listen to what happens to a job until the server goes."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", f"/api/v1/jobs/{name}/events")
        while connection.getresponse().read1():
            pass
    except (OSError, http.client.HTTPException):
        return


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    for flag, usual in (("--jobs", 1000), ("--clients", 50), ("--streams", 10), ("--seconds", 20)):
        parser.add_argument(flag, type=int, default=usual)
    told = parser.parse_args()
    register_fakes()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        names = fill(open_desk(home), told.jobs)
        process, port = serve(home)
        times, errors, until = [], [], time.monotonic() + told.seconds
        for name in names[: told.streams]:
            threading.Thread(target=listen, args=(port, name), daemon=True).start()
        asked = (port, names, until, times, errors)
        clients = [threading.Thread(target=poll, args=asked) for _ in range(told.clients)]
        for client in clients:
            client.start()
        time.sleep(told.seconds / 4)
        before = resident_bytes(process.pid)
        for client in clients:
            client.join()
        after = resident_bytes(process.pid)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    print(json.dumps(report(vars(told), times, errors, (before, after))))


def report(
    told: dict[str, int], times: list[float], errors: list[str], memory: tuple[int, int]
) -> dict[str, object]:
    """Return what was measured: percentiles in milliseconds, memory in MiB."""
    ranked = sorted(1000 * one for one in times)
    shares = {
        f"p{share}_ms": round(ranked[int(share / 100 * (len(ranked) - 1))], 1) for share in (50, 90, 99, 100)
    }
    held = {
        name: round(size / 2**20, 1) for name, size in zip(("mib_before", "mib_after"), memory, strict=True)
    }
    return {**told, "requests": len(times), **shares, "errors": len(errors), **held, "cores": os.cpu_count()}


if __name__ == "__main__":
    main()
