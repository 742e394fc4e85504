"""Many jobs, four workers, many kills: none lost, none published twice. `benchmarks/kill_storm.py` is the big one."""

import os
import random

from pydantic import SecretStr

from vitascope.jobs.service import JobService, open_service
from vitascope.testing.chaos import audit, fork_worker, storm

JOBS = int(os.environ.get("VITASCOPE_STORM_JOBS", "24"))
KILLS = int(os.environ.get("VITASCOPE_STORM_KILLS", "6"))


def weather(
    service: JobService, unbroken: dict[int, str], jobs: int, kills: int, store: str | None = None
) -> None:
    """Let a storm go over a service, and look at what it has left."""
    seed = random.SystemRandom().randrange(2**32)
    print("storm of seed", seed)
    begin = fork_worker(service.storage.path.parent, pace=0.03, store=store)
    done = storm(service, begin, jobs=jobs, kills=kills, every=0.15, rng=random.Random(seed), say=print)
    assert audit(service, unbroken) == []
    assert (done.jobs, service.store.counts()) == (jobs, {"completed": jobs})
    assert done.kills > 0
    assert done.attempts > jobs
    service.tidy()
    for folder in service.storage.path.glob("video_*"):
        assert len(list(folder.iterdir())) == 1


def test_no_job_is_lost_or_published_twice_in_a_storm_of_kills(service, unbroken):
    weather(service, unbroken, JOBS, KILLS)


def test_nor_on_postgres(postgres, home, unbroken):
    url = postgres.fresh()
    service = open_service(home, store=SecretStr(url))
    weather(service, unbroken, 60, 8, url)
    service.store.close()


def test_a_storm_that_gets_nowhere_is_given_up(service, unbroken):
    service.store.pause()
    storm(service, fork_worker(service.storage.path.parent), jobs=3, kills=0, workers=1, patience=0.2)
    assert [line.split(": ")[1] for line in audit(service, unbroken)] == ["queued (None)"] * 3
