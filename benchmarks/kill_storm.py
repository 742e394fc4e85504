"""A storm: many jobs, four workers, a SIGKILL every moment. Nothing may be lost, doubled or damaged.

    python benchmarks/kill_storm.py [--jobs 1000] [--kills 120] [--workers 4] [--toybox 20]

The storm's workers are real `vitascope worker` processes of the fake model, each of which imports everything anew after
it was killed. `--toybox N` then makes N clips with the weights that ship, each of whose workers is killed once, at a
random step.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from vitascope.jobs.desk import Desk, open_desk
from vitascope.jobs.drill import audit, storm, take
from vitascope.jobs.supervisor import Patience, Supervisor, starter
from vitascope.testing import register_fakes
from vitascope.types import Shot

FAKE = (sys.executable, "-m", "vitascope.testing")
PACE = {"VITASCOPE_FAKE_SECONDS": "0.02"}
"""How long a call of the fake network takes, so that most kills meet a job in the middle of its denoising."""
SEEDS = 5


def whole(home: Path) -> dict[int, str]:
    """Return the checksums of an undisturbed worker's clips by seed."""
    desk = open_desk(home)
    jobs = [desk.submit(take(seed)).id for seed in range(SEEDS)]
    finish(desk, Supervisor(desk, 1, starter(home, program=FAKE, log=home / "log"), say=quiet))
    return {seed: desk.store.get(job).outputs[0].sha256 for seed, job in enumerate(jobs)}


def finish(desk: Desk, crew: Supervisor) -> None:
    """Let a crew make all that waits."""
    try:
        while sum(desk.store.counts().get(state, 0) for state in ("queued", "running")):
            crew.tick()
            time.sleep(0.02)
    finally:
        crew.close()


def quiet(line: str) -> None:
    """Say nothing."""


def toybox(folder: Path, number: int, rng: random.Random) -> dict[str, int]:
    """Make clips with the shipped weights twice, whole and with each worker killed once, and count what differs."""
    made = []
    for name, kills in (("whole", False), ("killed", True)):
        desk = open_desk(folder / name)
        jobs = [desk.submit(Shot(prompt="a cat walks in a garden", seed=seed)).id for seed in range(number)]
        begin = starter(folder / name, log=folder / "log")
        crew = Supervisor(desk, 1, begin, patience=Patience(0.01, 0.1, 1.0), say=quiet)
        try:
            for job in jobs:
                total = desk.store.get(job).request.planned.steps or 1
                step = rng.randrange(total) if kills else None
                while not (now := desk.store.get(job)).finished:
                    crew.tick()
                    at = now.standing
                    if (
                        step is not None
                        and at.phase == "denoise"
                        and at.step >= step
                        and now.worker in crew.workers
                    ):
                        crew.workers[now.worker].kill()
                        step = None
                    time.sleep(0.002)
        finally:
            crew.close()
        made.append([desk.store.get(job) for job in jobs])
    same = sum(a.outputs[0].sha256 == b.outputs[0].sha256 for a, b in zip(*made, strict=True))
    return {"jobs": number, "killed": sum(job.lost for job in made[1]), "same_bytes": same}


def main() -> None:
    """Run the storm and print one JSON object; status 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--every", type=float, default=0.5, help="seconds between kills, on average")
    parser.add_argument("--toybox", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    told = parser.parse_args()
    register_fakes()
    rng = random.Random(told.seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        expected, desk = whole(home / "whole"), open_desk(home / "storm")
        begin = starter(home / "storm", program=FAKE, environment=PACE, log=home / "log")
        done = storm(
            desk,
            begin,
            jobs=told.jobs,
            kills=told.kills,
            workers=told.workers,
            seeds=SEEDS,
            every=told.every,
            rng=rng,
        )
        wrong = audit(desk, expected)
        result = {"seed": told.seed, **vars(done), "wrong": wrong[:20]}
        if told.toybox:
            result["toybox"] = toybox(home, told.toybox, rng)
    print(json.dumps(result, indent=1))
    spoiled = told.toybox and result["toybox"]["same_bytes"] < told.toybox
    sys.exit(1 if wrong or done.jobs < told.jobs or done.kills < told.kills or spoiled else 0)


if __name__ == "__main__":
    main()
