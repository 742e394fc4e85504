"""Toybox itself, killed at a random step of a job by SIGKILL: the next worker ends in the same bytes as `generate`."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from vitascope.jobs.service import open_service
from vitascope.types import Shot

PROMPT = "a cat walks in a garden"
STEPS = 8
RNG = random.SystemRandom()


def command(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "VITASCOPE_HOME": str(home)}
    return subprocess.Popen([sys.executable, "-m", "vitascope", *arguments], env=environment)


def test_a_killed_job_ends_in_the_bytes_of_generate(tmp_path):
    seed = RNG.randrange(2**32)
    service = open_service(tmp_path)
    job = service.submit(Shot(prompt=PROMPT, seed=seed, steps=STEPS))
    step = RNG.randint(1, STEPS - 1)
    print("seed", seed, "killed at step", step)
    worker = command(tmp_path, "worker")
    deadline = time.monotonic() + 300
    while (
        service.store.get(job.id).standing.step < step or service.store.get(job.id).standing.phase == "load"
    ):
        assert worker.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    worker.kill()
    worker.wait()
    assert command(tmp_path, "worker", "--once").wait(300) == 0
    done = service.store.get(job.id)
    assert (done.state, done.lost, done.attempt) == ("completed", 1, 2)
    whole = tmp_path / "whole.mp4"
    said = (PROMPT, "--seed", str(seed), "--steps", str(STEPS))
    assert command(tmp_path, "generate", *said, "-o", str(whole)).wait(300) == 0
    assert service.file(job.id).read_bytes() == whole.read_bytes()
