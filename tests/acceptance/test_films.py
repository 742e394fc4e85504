"""A film of Toybox, whose process is killed by SIGKILL in its second shot: it goes on there, to the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from vitascope.director.film import parse_film
from vitascope.jobs.service import open_service

SHOTS = (
    {"prompt": "a cat walks in a garden", "num_frames": 5, "steps": 4},
    {"prompt": "a cat jumps in a garden", "num_frames": 5, "steps": 6, "continue": True},
)


def test_a_film_killed_in_its_second_shot_ends_in_the_same_bytes(tmp_path: Path):
    service = open_service(tmp_path)
    film = parse_film({"title": "A walk", "seed": 7, "shots": SHOTS})
    whole, broken = service.submit_film(film), service.submit_film(film)
    service.store.cancel(broken.id)
    assert worker(tmp_path, "--once").wait(600) == 0
    service.store.retry(broken.id)
    beaten = worker(tmp_path)
    deadline = time.monotonic() + 600
    while not (service.store.get(broken.id).standing.clip == 1 and steps(service, broken.id) >= 2):
        assert beaten.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    beaten.send_signal(signal.SIGKILL)
    beaten.wait()
    assert service.store.get(broken.id).state == "running"
    assert len(list((service.storage.folder(broken.id) / "shots").glob("*.mp4"))) == 1
    assert worker(tmp_path, "--once").wait(600) == 0
    done = service.store.get(broken.id)
    assert (done.state, done.lost, done.attempt) == ("completed", 1, 2)
    assert service.file(broken.id).read_bytes() == service.file(whole.id).read_bytes()
    after = [
        event.data
        for event in service.store.events(broken.id)
        if event.type == "progress" and event.data["clip"] == 0
    ]
    assert max(event["percent"] for event in after) < 60, "the first shot is made once"
    clip = [event.data["clip"] for event in service.store.events(broken.id) if event.type == "progress"]
    assert clip == sorted(clip), "and never begun again"


def steps(service, job: str) -> int:
    standing = service.store.get(job).standing
    return standing.step if standing.phase == "denoise" else 0


def worker(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "VITASCOPE_HOME": str(home)}
    return subprocess.Popen([sys.executable, "-m", "vitascope", "worker", *arguments], env=environment)
