from collections.abc import Iterator
from pathlib import Path

import pytest

from vitascope.jobs.clock import HandClock
from vitascope.jobs.service import JobService, open_service
from vitascope.jobs.stores.memory import memory_store
from vitascope.jobs.stores.sqlite import sqlite_store
from vitascope.jobs.stores.store import Store
from vitascope.testing.chaos import run, take
from vitascope.testing.fakes import register_fakes
from vitascope.testing.postgres import Scratch, programs, scratch


@pytest.fixture(autouse=True)
def fakes():
    register_fakes()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def service(home: Path) -> JobService:
    """A service with an empty queue, in the folder `home`."""
    return open_service(home)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Scratch]:
    """A running Postgres server; `fresh()` gives the address of an empty place in it."""
    if programs() is None:
        pytest.skip("Postgres is not installed here (Debian: apt-get install postgresql)")
    with scratch() as server:
        yield server


@pytest.fixture
def clock() -> HandClock:
    """A clock that stands still."""
    return HandClock()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request, clock, tmp_path) -> Iterator[Store]:
    """An empty store of each kind: the contract of all of them."""
    if request.param == "memory":
        yield memory_store(clock)
    elif request.param == "sqlite":
        yield sqlite_store(tmp_path / "queue.sqlite3", clock)
    else:
        from vitascope.jobs.stores.postgres import postgres_store

        store = postgres_store(request.getfixturevalue("postgres").fresh(), clock)
        yield store
        store.close()


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory) -> dict[int, str]:
    """The checksums of what `take` gives for the first seeds when nobody disturbs the worker."""
    register_fakes()
    service = open_service(tmp_path_factory.mktemp("unbroken"))
    seeds = range(5)
    jobs = [service.submit(take(seed)).id for seed in seeds]
    assert run(service.storage.path.parent, "worker", "--once") == 0
    return {seed: service.store.get(job).outputs[0].sha256 for seed, job in zip(seeds, jobs, strict=True)}
