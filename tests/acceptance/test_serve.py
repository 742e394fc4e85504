"""The whole service in real processes: started, killed without warning, started again."""

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
from vitascope.errors import RemoteError
from vitascope.progress import Progress
from vitascope.testing.fakes import register_fakes
from vitascope.types import Shot

SHOT = Shot(prompt="a cat walks in a garden", model="fake", num_frames=17, seed=7, steps=20)
TOKEN = "a-secret-for-tests"


def serve(home: Path, pace: float, *options: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start the service, and return its process and address once it listens."""
    told = {"VITASCOPE_HOME": str(home), "VITASCOPE_FAKE_SECONDS": str(pace), "VITASCOPE_TOKEN": TOKEN}
    command = [sys.executable, "-m", "vitascope.testing", "serve", "--port", "0", "--models", "fake"]
    log = home.with_name(f"{home.name}-{time.monotonic_ns()}.log")
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--program", "vitascope.testing", *options],
            env={**os.environ, **told},
            stderr=out,
            start_new_session=True,
        )
    found = until(
        lambda: re.search(r"serving at (http://\S+)\n", log.read_text()) or process.poll() is not None
    )
    assert isinstance(found, re.Match), log.read_text()
    return process, found[1]


def until(true, seconds: float = 120.0):
    """Return what is true in the end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError("it never came true")


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    """The bytes of the clip when nobody disturbs anything."""
    register_fakes()
    clip = pipeline.generate(SHOT, backend("fake"), Progress())
    return clip.save(tmp_path / "whole.mp4").read_bytes()


def test_what_was_running_when_everything_was_killed_is_finished_by_the_next_server(tmp_path, whole):
    process, url = serve(tmp_path / "home", 0.2)
    client = Client(url, TOKEN)
    job = client.submit(SHOT, key="once")

    def step() -> int:
        told = client.job(job["id"])["progress"]
        return told["step"] if told["phase"] == "denoise" else 0

    try:
        reached = until(lambda: step() >= 3 and step())
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with pytest.raises(RemoteError):
        Client(url, TOKEN, sleep=lambda seconds: None).job(job["id"])

    process, url = serve(tmp_path / "home", 0.0)
    client = Client(url, TOKEN)
    try:
        assert client.submit(SHOT, key="once")["id"] == job["id"], "it is known"
        assert client.wait(job["id"])["state"] == "completed"
        file = client.download(job["id"], tmp_path / "again.mp4")
        assert file.read_bytes() == whole, "not a byte is another"
        steps = [
            event["step"]
            for event in client.events(job["id"])
            if event["type"] == "progress" and event["phase"] == "denoise"
        ]
        assert steps.count(1) == 1, "the first step was not made again"
        assert len(steps) < 20 + reached + 5
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    assert list((tmp_path / "home" / "jobs" / "workers").iterdir()) == []


def test_a_port_that_is_taken_and_a_door_without_a_lock_are_one_line(tmp_path):
    command = [sys.executable, "-m", "vitascope", "serve", "--port", "0", "--host", "0.0.0.0"]
    told = {**os.environ, "VITASCOPE_HOME": str(tmp_path)}
    told.pop("VITASCOPE_TOKEN", None)
    done = subprocess.run(command, env=told, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--host: 0.0.0.0 can be reached by others, and there is no token" in done.stderr
