"""A storm: many jobs, four workers, a SIGKILL every moment. Nothing may be lost, doubled or damaged.

    python benchmarks/kill_storm.py [--store postgres] [--jobs 1000] [--kills 120] [--workers 4] [--toybox 20]

The storm's workers are real `vitascope worker` processes of the fake model, each of which imports everything anew after
it was killed. With `--store postgres` the queue lies in a Postgres server that is started for it (Debian: postgresql),
with fsync on. `--toybox N` also makes N clips with the weights that ship, twice: undisturbed, and with the worker of
each killed once, at a random denoising step. `--jobs 0` leaves out the storm.

The status is 1 when anything is wrong, or when fewer were killed than wanted.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from vitascope.jobs.job import Job
from vitascope.jobs.service import JobService, open_service
from vitascope.jobs.supervisor import Backoff, Process, Supervisor, starter
from vitascope.testing.chaos import audit, storm, take
from vitascope.testing.fakes import register_fakes
from vitascope.types import Shot

FAKE = (sys.executable, "-m", "vitascope.testing")
REAL = (sys.executable, "-m", "vitascope")
PACE = {"VITASCOPE_FAKE_SECONDS": "0.02"}
"""How long a call of the fake network takes, so that most kills meet a job in the middle of its denoising."""
SEEDS = 5
QUICK = Backoff(0.01, 0.1, 1.0)
STUCK_SECONDS = 900.0
"""After so long without a change a drill is given up: something hangs."""


@dataclass(frozen=True)
class Place:
    """Where a queue lies: a home folder, and the address of its database if it has one."""

    home: Path
    store: str | None = None

    def open(self) -> JobService:
        """Return its service."""
        return open_service(self.home, store=None if self.store is None else SecretStr(self.store))

    def worker(self, program: Sequence[str], **environment: str) -> Callable[[str], Process]:
        """Return what starts a worker of it."""
        told = {"VITASCOPE_STORE": self.store or "", **environment}
        return starter(self.home, program=program, environment=told, log=self.home / "log")


def whole(place: Place) -> dict[int, str]:
    """Return the checksums of an undisturbed worker's clips by seed."""
    service = place.open()
    jobs = [service.submit(take(seed)).id for seed in range(SEEDS)]
    crew = Supervisor(service, 1, place.worker(FAKE), say=quiet)
    for job in jobs:
        finish(service, crew, job, lambda now: None)
    crew.close()
    return {seed: service.store.get(job).outputs[0].sha256 for seed, job in enumerate(jobs)}


def finish(service: JobService, crew: Supervisor, job: str, look: Callable[[Job], None]) -> None:
    """Let a crew make a job, and show it to `look` all the while; raises `TimeoutError` where it hangs."""
    last, moved = None, time.monotonic()
    while not (now := service.store.get(job)).finished:
        crew.tick()
        look(now)
        if now != last:
            last, moved = now, time.monotonic()
        if time.monotonic() > moved + STUCK_SECONDS:
            raise TimeoutError(f"{job} hangs: {now.state}, {now.standing}")
        time.sleep(0.002)


def quiet(line: str) -> None:
    """Say nothing."""


def say(line: str) -> None:
    """Say it at once, beside the table."""
    print(line, file=sys.stderr, flush=True)


def toybox(places: tuple[Place, Place], number: int, rng: random.Random) -> dict[str, object]:
    """Make clips with the shipped weights, undisturbed and with each worker killed once, and count what differs."""
    made = []
    for place, kills in zip(places, (False, True), strict=True):
        service = place.open()
        jobs = [
            service.submit(Shot(prompt="a cat walks in a garden", seed=seed)).id for seed in range(number)
        ]
        crew = Supervisor(service, 1, place.worker(REAL), patience=QUICK, say=quiet)
        try:
            for job in jobs:
                steps = service.store.get(job).request.planned.steps or 1
                finish(service, crew, job, killer(crew, rng.randrange(steps)) if kills else lambda now: None)
                say(f"toybox {job}: {service.store.get(job).state}{', killed once' * kills}")
        finally:
            crew.close()
        made.append([service.store.get(job) for job in jobs])
    same = sum(sums(a) == sums(b) for a, b in zip(*made, strict=True))
    killed = sum(job.lost == 1 for job in made[1])
    return {"clips": number, "killed once": killed, "bytes as unbroken": same}


def killer(crew: Supervisor, step: int) -> Callable[[Job], None]:
    """Return what kills the worker of a job, once, when it has made so many denoising steps of it."""
    left = [step]

    def look(now: Job) -> None:
        ripe = left and now.standing.phase == "denoise" and now.standing.step >= left[0]
        if ripe and now.worker in crew.workers:
            crew.workers[now.worker].kill()
            left.clear()

    return look


def sums(job: Job) -> tuple[str, list[str]]:
    """Return how a job ended and the checksums of its clips."""
    return job.state, [output.sha256 for output in job.outputs] or [job.id]


def weather(
    told: argparse.Namespace, places: tuple[Place, Place], rng: random.Random
) -> tuple[dict, list[str]]:
    """Let the storm go over a queue; return its figures, and what is wrong."""
    expected, place = whole(places[0]), places[1]
    service = place.open()
    done = storm(
        service,
        place.worker(FAKE, **PACE),
        jobs=told.jobs,
        kills=told.kills,
        workers=told.workers,
        seeds=SEEDS,
        every=told.every,
        rng=rng,
        say=say if told.verbose else quiet,
        patience=STUCK_SECONDS,
    )
    wrong = audit(service, expected)
    if done.kills < told.kills:
        wrong.append(f"only {done.kills} of {told.kills} were killed")
    figures = {"jobs": told.jobs, "completed": done.jobs, "killed": done.kills, "attempts": done.attempts}
    return figures | {"seconds": round(done.seconds, 1), "database": service.store.check()}, wrong


def table(title: str, figures: dict) -> None:
    """Print figures, one a line."""
    print(f"\n{title}\n" + "\n".join(f"  {name:<20}{value}" for name, value in figures.items()), flush=True)


def main() -> None:
    """Run what was asked for and print tables; status 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description="Kill workers at random and look at what is left.")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--every", type=float, default=0.5, help="seconds between kills, on average")
    parser.add_argument("--toybox", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--verbose", action="store_true", help="say which workers ended")
    told = parser.parse_args()
    register_fakes()
    if told.store == "postgres":
        from vitascope.testing.postgres import scratch

        server = scratch(durable=True)
    else:
        server = nullcontext()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, server as postgres:
        names = iter(("whole", "storm", "toybox", "toybox-killed"))

        def place() -> Place:
            home = Path(folder) / next(names)
            home.mkdir()
            return Place(home, None if postgres is None else postgres.fresh())

        pairs = (place(), place()), (place(), place())
        if told.jobs:
            figures, wrong = weather(told, pairs[0], random.Random(told.seed))
            table(f"storm on {told.store}, seed {told.seed}", figures | {"wrong": len(wrong)})
        if told.toybox:
            figures = toybox(pairs[1], told.toybox, random.Random(told.seed))
            table(f"toybox on {told.store}, seed {told.seed}", figures)
            wrong += [f"toybox: {figures}"] if set(figures.values()) != {told.toybox} else []
    for line in wrong[:20]:
        print("wrong:", line)
    print("\nall is well" if not wrong else f"\n{len(wrong)} things are wrong", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
