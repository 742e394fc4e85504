import json
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.server.conftest import clip, context, fakes, live, png, serve_app, service, work  # noqa: F401
from vitascope.client import Client
from vitascope.errors import JobConflictError, JobNotFoundError, OutputExistsError, RemoteError, RequestError
from vitascope.jobs.worker import Worker, WorkerOptions
from vitascope.types import Given, Shot

SHOT = Shot(prompt="a cat", model="fake", num_frames=5, seed=7)


@pytest.fixture
def client(live) -> Client:  # noqa: F811
    return Client(live, sleep=lambda seconds: time.sleep(min(seconds, 0.05)))


@pytest.fixture
def working(service):  # noqa: F811
    """A worker beside the test."""
    worker = Worker(service, WorkerOptions(poll=0.05))
    thread = threading.Thread(target=worker.run)
    thread.start()
    yield
    worker.leave()
    thread.join(60)


def test_a_shot_is_handed_in_watched_and_fetched(client, working, tmp_path: Path):
    picture = tmp_path / "cat.png"
    picture.write_bytes(png())
    shot = SHOT.model_copy(update={"givens": (Given(kind="image", source=str(picture)),)})
    job = client.submit(shot, number=2)
    types = [event["type"] for event in client.events(job["id"])]
    assert (types[0], types[-1]) == ("queued", "completed")
    done = client.wait(job["id"])
    assert done["state"] == "completed"
    file = client.download(job["id"], tmp_path / "out.mp4", 1)
    assert file.stat().st_size == done["outputs"][1]["bytes"]
    with pytest.raises(OutputExistsError):
        client.download(job["id"], file)
    client.delete(job["id"])
    with pytest.raises(JobNotFoundError, match="there is no"):
        client.job(job["id"])


def test_what_the_server_refuses_is_the_same_error_here(client):
    with pytest.raises(RequestError, match="nearest: 64x48"):
        client.submit(SHOT.model_copy(update={"size": (9, 9)}))
    name = client.submit(SHOT)["id"]
    assert client.do("cancel", name)["state"] == "cancelled"
    with pytest.raises(JobConflictError, match="cancelled already"):
        client.do("cancel", name)
    assert client.queue("pause")["paused"]
    assert [job["id"] for job in client.jobs(states=("cancelled",))["data"]] == [name]


@pytest.mark.parametrize(
    "url", ["localhost:8188", "ftp://a", "http://", "http://user:word@host", "file:///etc/passwd"]
)
def test_only_addresses_of_servers_are_taken(url):
    with pytest.raises(RequestError, match="is not an address"):
        Client(url)


def answering(*answers: bytes) -> str:
    """The address of a server that answers each connection with the next of the answers."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listening:
            for answer in answers:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def response(status: str, body: object, *headers: str) -> bytes:
    told = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(told)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + told


def quick(url: str) -> Client:
    return Client(url, sleep=lambda seconds: None)


def test_a_server_that_is_busy_or_breaks_off_is_asked_again():
    busy = response("429 Too Many", {"error": {"message": "full"}}, "Retry-After: 1")
    assert quick(answering(busy, b"", response("200 OK", {"id": "a"}))).job("a") == {"id": "a"}
    with pytest.raises(RemoteError, match="full"):
        quick(answering(busy, busy, busy, busy)).job("a")


def test_what_must_not_happen_twice_is_not_asked_twice():
    with pytest.raises(RemoteError, match="broke off"):
        quick(answering(b"", response("200 OK", {"id": "a"}))).do("clone", "a")


def test_redirects_and_other_servers_are_not_followed():
    moved = response("302 Found", {}, "Location: http://127.0.0.1:1/")
    with pytest.raises(RemoteError, match="answers 302"):
        quick(answering(moved)).job("a")
    with pytest.raises(RemoteError, match="no JSON"):
        quick(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")).job("a")


def test_half_a_clip_is_no_clip(tmp_path: Path):
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    with pytest.raises(RemoteError, match="broke off"):
        quick(answering(half, half, half, half)).download("a", tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_nobody_there_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(RemoteError, match="cannot be reached"):
        quick(f"http://127.0.0.1:{port}").queue()
