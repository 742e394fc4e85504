"""The simulation of `benchmarks/capacity.py` does what real workers do, and its figures add up."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from vitascope.jobs.service import JobService
from vitascope.jobs.storage import JobStorage
from vitascope.jobs.stores.memory import MemoryTables
from vitascope.jobs.stores.sqlite import SqliteTables
from vitascope.jobs.stores.store import Store
from vitascope.jobs.worker import Worker, WorkerOptions

capacity = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "capacity.py")))


def load(steps: int = 4, seconds: float | int = 6, jobs: int = 6, poll: float | int = 1):
    return capacity.Load(3600, jobs, steps, seconds, poll)


def test_a_virtual_worker_asks_of_the_store_what_a_real_one_asks(tmp_path):
    storage = JobStorage(tmp_path / "jobs")
    storage.make()
    service = JobService(Store(MemoryTables()), storage)
    meter = capacity.Meter(service.store.tables)
    service.submit(load().shot)
    assert Worker(service, WorkerOptions(), say=lambda line: None).work()
    told = capacity.measure(MemoryTables(), load(jobs=1))
    assert (told["durable_per_job"], told["light_per_job"]) == (
        meter.counts["durable"],
        meter.counts["light"],
    )
    assert told["durable_per_job"] == 3, "handed in, claimed, completed"


@pytest.mark.parametrize("held", [0, 30])
def test_the_figures_of_a_store_add_up(tmp_path, held):
    told = capacity.measure(SqliteTables(tmp_path / "queue.sqlite3"), load(), held)
    assert (told["jobs"], told["held"], told["workers"], told["durable_per_job"]) == (6, held, 8, 3)
    assert told["polls_per_job"] >= 6
    assert 300 < told["poll_bytes"] < 5000
    assert told["event_bytes_per_job"] > 500
    assert told["cpu_ms_per_transaction"] > 0
    assert told["most_jobs_an_hour_by_cpu"] == pytest.approx(3600 / told["share_of_a_core"], rel=0.05)


def test_a_longer_job_renews_its_lease_and_each_step_is_a_transaction():
    short, fine, long = (
        capacity.measure(MemoryTables(), load(steps, seconds, 4))["light_per_job"]
        for steps, seconds in ((4, 6), (20, 6), (4, 60))
    )
    assert fine == short + 16
    assert long == short + 8, "a beat each quarter of a lease of 30 s"
