import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from vitascope.jobs.job import Job
from vitascope.jobs.service import JobService
from vitascope.jobs.storage import JobStorage
from vitascope.jobs.stores.memory import memory_store
from vitascope.jobs.worker import Worker, WorkerOptions
from vitascope.server.app import make_app
from vitascope.server.context import ServerContext, open_context
from vitascope.testing.fakes import register_fakes, synthetic_clip


@pytest.fixture(autouse=True)
def fakes() -> None:
    register_fakes()


@pytest.fixture
def service(tmp_path: Path) -> JobService:
    """A service whose queue is in memory: worker, server and test share one process."""
    storage = JobStorage(tmp_path / "jobs")
    storage.make()
    return JobService(memory_store(), storage)


@pytest.fixture
def context(tmp_path: Path, service: JobService) -> ServerContext:
    return open_context(tmp_path, service, models=("fake",))


@pytest.fixture
def client(context: ServerContext):
    """Somebody on this machine."""
    with TestClient(make_app(context), base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def work(service: JobService) -> Callable[[], None]:
    """Let a worker do all that it finds."""
    return lambda: Worker(service, WorkerOptions(once=True)).run()


@pytest.fixture
def made(client: TestClient, work, service: JobService) -> Job:
    """A video that is finished."""
    name = client.post("/v1/videos", json={"prompt": "a cat", "num_frames": 5, "seed": 7}).json()["id"]
    work()
    return service.store.get(name)


def png(width: int = 64, height: int = 48, colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> bytes:
    """The bytes of a small video."""
    return synthetic_clip().save(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()


@pytest.fixture
def serve_app() -> Iterator[Callable[[FastAPI], str]]:
    """What serves an app on this machine until the test ends, and returns its address."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(serving(app))


@pytest.fixture
def live(context: ServerContext, serve_app: Callable[[FastAPI], str]) -> str:
    """The address of a server that listens on this machine."""
    return serve_app(make_app(context))


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an app for as long as a block lasts, and yield its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    listening.close()
