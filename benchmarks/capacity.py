"""What a job costs the queue, and how many an hour it can bear.

    python benchmarks/capacity.py [--stores memory,sqlite,postgres] [--rates 10,1000,100000] [--held 0]

The store is the real one; workers, clients and time are not. Virtual workers claim jobs, tell the steps that a real
render told, renew leases and complete; virtual clients poll; a clock is moved from one event to the next. So an hour of
a fleet of thousands takes as long as its transactions take, and that is what is measured: transactions and reads per
job, CPU milliseconds of this process (and of the database's, for Postgres), and waiting for the disk. `--held` is how
many finished jobs the queue holds already. Prints one JSON object per store and rate.
"""

import argparse
import heapq
import itertools
import json
import math
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

from vitascope import pipeline
from vitascope.backends.registry import backend
from vitascope.errors import VitascopeError
from vitascope.jobs.clock import HandClock, PauseDetector
from vitascope.jobs.heartbeat import Heartbeat
from vitascope.jobs.job import Event as Told
from vitascope.jobs.job import Job, Output, Request
from vitascope.jobs.liveness import Liveness
from vitascope.jobs.progress import JobProgress
from vitascope.jobs.stores.memory import MemoryTables
from vitascope.jobs.stores.sqlite import SqliteTables
from vitascope.jobs.stores.store import Store, Tables
from vitascope.jobs.worker import WorkerOptions
from vitascope.progress import Event, Progress
from vitascope.testing.chaos import take
from vitascope.testing.fakes import FakeLatents, register_fakes
from vitascope.types import Shot

WATCH_SECONDS = 0.25
"""How often a server looks for leases that are over."""
STORES = ("memory", "sqlite", "postgres")
CLIP = Output("1-0.mp4", "0" * 64, 400_000, 4.0, 65, 16.0, (256, 256), seed=0)


@dataclass(frozen=True)
class Load:
    """Jobs that come evenly, `rate` an hour, each of `steps` steps and `seconds` long; its client asks every `poll`."""

    rate: float | int = 1000
    jobs: int = 200
    steps: int = 16
    seconds: float | int = 60.0
    poll: float | int = 2.0

    @property
    def workers(self) -> int:
        """Workers that can just make what is there at once, and a fifth more."""
        return math.ceil(1.2 * min(self.jobs, self.rate * self.seconds / 3600))

    @property
    def shot(self) -> Shot:
        """The shot of every job."""
        return take(0, num_frames=17, steps=self.steps)


class Meter:
    """Counts what is asked of tables, and how long that takes."""

    def __init__(self, tables: Tables):
        """Begin to count."""
        self.counts: Counter[str] = Counter()
        self._inside = False
        names = (
            name for name in vars(Tables) if not name.startswith("_") and name not in ("transaction", "close")
        )
        for name in names:
            setattr(tables, name, self._counted(getattr(tables, name)))
        tables.transaction = self._counted_transaction(tables.transaction)  # pyright: ignore

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def counted(*told: Any, **named: Any) -> Any:
            self.counts["statements" if self._inside else "reads"] += 1
            return method(*told, **named)

        return counted

    def _counted_transaction(self, transaction: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def counted(*, durable: bool = True) -> Iterator[None]:
            self.counts["durable" if durable else "light"] += 1
            self._inside = True
            try:
                with transaction(durable=durable):
                    yield
            finally:
                self._inside = False

        return counted


class Still(Liveness):
    """The liveness of a worker that is no process."""

    def __init__(self) -> None:
        self.pauses = PauseDetector(math.inf)

    def touch(self) -> None:
        """Do nothing."""


def script(load: Load) -> list[tuple[float, Event]]:
    """Return what a render of the job tells, and after what share of its time: heard once from a real one."""
    heard: list[Event] = []
    progress = Progress(heard.append)
    clip = pipeline.generate(load.shot, backend("fake"), progress)
    with tempfile.TemporaryDirectory() as folder:
        pipeline.deliver(clip, Path(folder) / "clip.mp4", progress, force=True)
    return [(number / len(heard), event) for number, event in enumerate(heard)]


class Simulation:
    """Workers, clients and a server of one queue, in virtual time."""

    def __init__(self, store: Store, clock: HandClock, load: Load):
        """Make everything ready."""
        self.store, self.clock, self.load = store, clock, load
        self.script, self.request = script(load), Request.of(load.shot, load.shot, asked={"prompt": "a cat"})
        self.passes = FakeLatents().passes
        self.told: Counter[str] = Counter()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order, self._over = itertools.count(), 0

    def run(self) -> None:
        """Let the jobs come, be made and be fetched."""
        load = self.load
        for number in range(load.jobs):
            self._at(number * 3600 / load.rate, self._arrive)
        for number in range(load.workers):
            self._at(number / load.workers * load.seconds, lambda name=f"w{number}": self._look(name))
        self._at(0.0, self._watch)
        start = self.clock.now()
        while self._heap and self._over < load.jobs:
            when, _, act = heapq.heappop(self._heap)
            self.clock.wait(max(0.0, start + when - self.clock.now()))
            act()

    def _at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (when, next(self._order), act))

    def _after(self, seconds: float | int, act: Callable[[], None]) -> None:
        self._at(self.clock.ticks() + seconds, act)

    def _arrive(self) -> None:
        self.store.waiting(1000)  # the server asks whether the line is full
        job = self.store.submit(self.request)
        self._after(self.load.poll, lambda: self._ask(job.id))

    def _ask(self, name: str) -> None:
        job = self.store.get(name)
        if job.state == "queued":
            self.store.position(name)
        self.told["polls"] += len(json.dumps(job.to_json()))
        self.told["asked"] += 1
        if not job.finished:
            self._after(self.load.poll, lambda: self._ask(name))

    def _watch(self) -> None:
        self.store.expire()
        self._after(WATCH_SECONDS, self._watch)

    def _look(self, worker: str) -> None:
        job = self.store.claim(worker)
        if job is None:
            self.told["idle"] += 1
            self._after(WorkerOptions().poll, lambda: self._look(worker))
        else:
            self._make(worker, job)

    def _make(self, worker: str, job: Job) -> None:
        """Let a worker's heartbeat hear what a render tells, at its time; it beats by itself in between."""
        heartbeat = Heartbeat(self.store, job, Still(), lambda: False)
        listen = heartbeat.listener(JobProgress([job.request.planned], self.passes), lambda event: None)
        for share, event in self.script:
            self._after(share * self.load.seconds, lambda event=event: listen(event))
        beats = int(self.load.seconds / (self.store.lease_seconds / 4))
        for number in range(beats):
            self._after((number + 1) * self.store.lease_seconds / 4, heartbeat.beat)
        self._after(self.load.seconds, lambda: self._publish(worker, job))

    def _publish(self, worker: str, job: Job) -> None:
        self.store.complete(job.lease, [CLIP])
        self._over += 1
        self.told["events"] += sum(map(_size, self.store.tables.events(job.id, 0, 1000)))
        self._look(worker)


def _size(event: Told) -> int:
    """Return how many bytes a listener is sent."""
    told = json.dumps({"job": event.job, "type": event.type, "at": event.at, **event.data})
    return len(f"id: {event.id}\nevent: {event.type}\ndata: {told}\n\n")


def fill(store: Store, held: int, request: Request) -> None:
    """Put jobs into the tables that were completed long ago."""
    with store.tables.transaction(durable=False):
        for number in range(held):
            job = Job(f"video_old{number:09}", request, created_at=0.0)
            job = store.tables.insert(job, request.fingerprint)
            store.tables.save(replace(job, state="completed", finished_at=1.0, outputs=(CLIP,)))


def measure(
    tables: Tables, load: Load, held: int = 0, elsewhere: Callable[[], float] = lambda: 0.0
) -> dict[str, Any]:
    """Return what the jobs of a load cost; `elsewhere` tells the CPU seconds of the database's own processes."""
    clock = HandClock()
    store = Store(tables, clock)
    simulation = Simulation(store, clock, load)
    fill(store, held, simulation.request)
    meter = Meter(tables)
    far, cpu, wall = elsewhere(), time.process_time(), time.perf_counter()
    simulation.run()
    far, cpu, wall = elsewhere() - far, time.process_time() - cpu, time.perf_counter() - wall
    done = store.counts().get("completed", 0) - held
    assert done == load.jobs, f"{done} of {load.jobs} jobs are completed"
    return report(load, held, meter.counts, simulation.told, (cpu, far, wall), clock.ticks())


def report(
    load: Load,
    held: int,
    counts: Counter[str],
    sent: Counter[str],
    spent: tuple[float, float, float],
    passed: float,
) -> dict[str, Any]:
    """Return the figures. A look for work that found none is no part of a job, but the time it took is."""
    cpu, far, wall = spent
    each, idle = load.jobs, sent["idle"]
    durable, transactions = counts["durable"] - idle, counts["durable"] + counts["light"]
    told: dict[str, Any] = {
        "rate": load.rate,
        "jobs": load.jobs,
        "steps": load.steps,
        "held": held,
        "workers": load.workers,
    }
    per_job = {
        "durable": durable,
        "light": counts["light"],
        "idle_looks": idle,
        "reads": counts["reads"],
        "polls": sent["asked"],
        "event_bytes": sent["events"],
    }
    told |= {f"{name}_per_job": round(count / each, 2) for name, count in per_job.items()}
    told |= {
        "poll_bytes": round(sent["polls"] / max(1, sent["asked"])),
        "virtual_minutes": round(passed / 60, 2),
    }
    ms = {"cpu": cpu, "database_cpu": far, "wall": wall}
    told |= {f"{name}_ms_per_job": round(1000 * seconds / each, 2) for name, seconds in ms.items()}
    told |= {"cpu_ms_per_transaction": round(1000 * (cpu + far) / transactions, 3)}
    return (
        told
        | {
            "transactions_a_second": round(transactions / each * load.rate / 3600, 3),
            "share_of_a_core": round((cpu + far) / each * load.rate / 3600, 6),
            "most_jobs_an_hour_by_cpu": round(3600 * each / (cpu + far)),
            "most_jobs_an_hour_by_wall": round(3600 * each / wall),
        }
        | ({"most_jobs_an_hour_by_database_cpu": round(3600 * each / far)} if far else {})
    )


@contextmanager
def opened(name: str, folder: Path) -> Iterator[tuple[Tables, Callable[[], float]]]:
    """Yield the empty tables of a store, and what tells the CPU seconds of its database."""
    if name == "memory":
        yield MemoryTables(), lambda: 0.0
    elif name == "sqlite":
        tables = SqliteTables(Path(tempfile.mkdtemp(dir=folder)) / "queue.sqlite3")
        yield tables, lambda: 0.0
        tables.close()
    else:
        from vitascope.jobs.stores.postgres import PostgresTables
        from vitascope.testing.postgres import scratch

        with scratch(durable=True) as server:
            tables = PostgresTables(server.fresh())
            yield tables, lambda: database_seconds(folder)
            tables.close()


def database_seconds(_: Path) -> float:
    """Return the CPU seconds of all Postgres processes that this process started, those that ended included."""
    ticks, parents = 0, {os.getpid()}
    rows = [_stat(path) for path in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name))]
    for row in rows:
        if row and row["parent"] in parents and row["name"] == "postgres":
            parents.add(row["pid"])
            ticks += row["own"] + (row["ended"] if row["parent"] == os.getpid() else 0)
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(path: Path) -> dict[str, Any] | None:
    try:
        head, _, tail = (path / "stat").read_text().rpartition(")")
    except OSError:
        return None
    fields = tail.split()
    own, ended = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return {
        "pid": int(path.name),
        "name": head.partition("(")[2],
        "parent": int(fields[1]),
        "own": own,
        "ended": ended,
    }


def main() -> None:
    """Measure each store at each rate."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stores", default=",".join(STORES))
    parser.add_argument("--rates", default="10,1000,100000", help="jobs an hour")
    parser.add_argument("--jobs", type=int, default=300, help="jobs of a run, but of one hour at most")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long a job takes")
    parser.add_argument("--poll", type=float, default=2.0, help="how often a client asks")
    parser.add_argument("--held", type=int, default=0, help="finished jobs that are there already")
    told = parser.parse_args()
    register_fakes()
    with tempfile.TemporaryDirectory() as folder:
        for name, rate in itertools.product(told.stores.split(","), map(float, told.rates.split(","))):
            jobs = max(1, min(told.jobs, round(rate)))
            load = Load(rate, jobs, told.steps, told.seconds, told.poll)
            try:
                with opened(name, Path(folder)) as (tables, elsewhere):
                    line = {"store": name} | measure(tables, load, told.held, elsewhere)
            except (ImportError, VitascopeError) as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
                continue
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
