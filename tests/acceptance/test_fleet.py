"""Two servers that share a queue on Postgres and a folder: what one takes in the other makes, whoever is killed."""

import os
import signal

import pytest

from tests.acceptance.test_serve import SHOT, TOKEN, serve, until
from vitascope import pipeline
from vitascope.backends.registry import backend
from vitascope.client import Client
from vitascope.progress import Progress
from vitascope.testing.fakes import register_fakes
from vitascope.testing.postgres import programs, scratch


@pytest.mark.skipif(
    programs() is None, reason="Postgres is not installed here (Debian: apt-get install postgresql)"
)
def test_what_one_server_takes_in_another_makes_even_after_a_kill(tmp_path):
    register_fakes()
    whole = pipeline.generate(SHOT, backend("fake"), Progress()).save(tmp_path / "whole.mp4").read_bytes()
    with scratch() as postgres:
        store = ("--store", postgres.url)
        door, url = serve(tmp_path / "home", 0.0, "--workers", "0", *store)
        maker, _ = serve(tmp_path / "home", 0.2, "--workers", "1", *store)
        client = Client(url, TOKEN)
        try:
            job = client.submit(SHOT, key="once")
            until(lambda: client.job(job["id"])["progress"]["step"] >= 3)
            os.killpg(maker.pid, signal.SIGKILL)
            maker.wait()
            assert client.job(job["id"])["state"] == "running"
            maker, other = serve(tmp_path / "home", 0.0, "--workers", "1", *store)
            assert client.wait(job["id"])["state"] == "completed"
            assert client.job(job["id"])["attempt"] == 2
            for near in (url, other):
                file = Client(near, TOKEN).download(job["id"], tmp_path / f"{near[-5:]}.mp4")
                assert file.read_bytes() == whole, "not a byte is another"
        finally:
            for process in (door, maker):
                process.send_signal(signal.SIGTERM)
            assert [process.wait(60) for process in (door, maker)] == [143, 143]
    assert (tmp_path / "home" / "shared" / "queue.id").is_file()
    assert not (tmp_path / "home" / "jobs").exists()
