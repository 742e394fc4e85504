"""Many jobs, four workers, many kills: none lost, none published twice. `benchmarks/kill_storm.py` is the big one."""

import os
import random

from pydantic import SecretStr

from vitascope.jobs.service import Desk, open_desk
from vitascope.testing.chaos import audit, fork_worker, storm

JOBS = int(os.environ.get("VITASCOPE_STORM_JOBS", "24"))
KILLS = int(os.environ.get("VITASCOPE_STORM_KILLS", "6"))


def weather(desk: Desk, unbroken: dict[int, str], jobs: int, kills: int, store: str | None = None) -> None:
    """Let a storm go over a desk, and look at what it has left."""
    seed = random.SystemRandom().randrange(2**32)
    print("storm of seed", seed)
    begin = fork_worker(desk.rooms.path.parent, pace=0.03, store=store)
    done = storm(desk, begin, jobs=jobs, kills=kills, every=0.15, rng=random.Random(seed), say=print)
    assert audit(desk, unbroken) == []
    assert (done.jobs, desk.store.counts()) == (jobs, {"completed": jobs})
    assert done.kills > 0
    assert done.attempts > jobs
    desk.tidy()
    for folder in desk.rooms.path.glob("video_*"):
        assert len(list(folder.iterdir())) == 1


def test_no_job_is_lost_or_published_twice_in_a_storm_of_kills(desk, unbroken):
    weather(desk, unbroken, JOBS, KILLS)


def test_nor_on_postgres(postgres, home, unbroken):
    url = postgres.fresh()
    desk = open_desk(home, store=SecretStr(url))
    weather(desk, unbroken, 60, 8, url)
    desk.store.close()


def test_a_storm_that_gets_nowhere_is_given_up(desk, unbroken):
    desk.store.pause()
    storm(desk, fork_worker(desk.rooms.path.parent), jobs=3, kills=0, workers=1, patience=0.2)
    assert [line.split(": ")[1] for line in audit(desk, unbroken)] == ["queued (None)"] * 3
