"""A server with its workers on a Ray cluster, in real processes: what speaks to Ray is killed, the server is not."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vitascope import pipeline
from vitascope.backends.registry import backend
from vitascope.client import Client
from vitascope.progress import Progress
from vitascope.testing.fakes import register_fakes
from vitascope.types import Shot

SHOT = Shot(prompt="a cat walks in a garden", model="fake", num_frames=17, seed=7, steps=20)
TOKEN = "a-secret-for-tests"


def until(true, seconds: float = 300.0):
    """Return what is true in the end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError("it never came true")


def driver(server: int) -> int | None:
    """Return the number of the process of a server that speaks to the cluster."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == server and b"--cluster" in (stat.parent / "cmdline").read_bytes():
                return int(stat.parent.name)
        except OSError:
            continue
    return None


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_a_server_outlives_what_speaks_to_its_cluster(tmp_path):
    pytest.importorskip("ray", reason="the extra [cluster] is not installed")
    register_fakes()
    clip = pipeline.generate(SHOT, backend("fake"), Progress())
    whole = clip.save(tmp_path / "whole.mp4").read_bytes()
    told = {"VITASCOPE_FAKE_SECONDS": "0.2", "VITASCOPE_TOKEN": TOKEN}
    command = [sys.executable, "-m", "vitascope.testing", "serve", "--port", "0", "--models", "fake"]
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--program", "vitascope.testing", "--cluster", "local", "--workers", "1"],
            env={**os.environ, **told, "VITASCOPE_HOME": str(tmp_path / "home")},
            stderr=out,
        )
    try:
        url = until(lambda: re.search(r"serving at (http://\S+)\n", log.read_text()))[1]
        client = Client(url, TOKEN)
        job = client.submit(SHOT)["id"]
        reached = until(lambda: client.job(job)["progress"]["step"] > 2 and client.job(job)["progress"])
        assert reached["phase"] == "denoise"
        os.kill(driver(process.pid), signal.SIGKILL)
        assert client.job(job)["state"] == "running", "the server answers"
        until(lambda: client.job(job)["state"] == "completed")
        file = client.download(job, tmp_path / "again.mp4")
        assert file.read_bytes() == whole, "not a byte is another"
        steps = [e["step"] for e in client.events(job) if e.get("phase") == "denoise"]
        assert steps.count(1) == 1, "the first step was not made again"
        assert client.job(job)["attempt"] == 2
    except BaseException:
        print(log.read_text())
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 143
    assert list((tmp_path / "home" / "jobs" / "workers").iterdir()) == []
    assert driver(process.pid) is None
