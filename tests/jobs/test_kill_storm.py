"""Many jobs, four workers, many kills: none lost, none published twice. `benchmarks/kill_storm.py` is the big one."""

import os
import random

from vitascope.jobs.drill import audit, fork_worker, storm

JOBS = int(os.environ.get("VITASCOPE_STORM_JOBS", "24"))
KILLS = int(os.environ.get("VITASCOPE_STORM_KILLS", "6"))


def test_no_job_is_lost_or_published_twice_in_a_storm_of_kills(desk, home, unbroken):
    seed = random.SystemRandom().randrange(2**32)
    print("storm of seed", seed)
    begin = fork_worker(home, pace=0.03)
    done = storm(desk, begin, jobs=JOBS, kills=KILLS, every=0.15, rng=random.Random(seed))
    assert audit(desk, unbroken) == []
    assert (done.jobs, desk.store.counts()) == (JOBS, {"completed": JOBS})
    assert done.kills > 0
    assert done.attempts > JOBS
    desk.tidy()
    for folder in desk.rooms.path.glob("video_*"):
        assert len(list(folder.iterdir())) == 1
