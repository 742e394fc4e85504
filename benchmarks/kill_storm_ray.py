"""The storm of `kill_storm.py` with Ray actors: workers on a cluster, killed in three ways. Nothing may be lost.

    python benchmarks/kill_storm_ray.py [--jobs 1000] [--kills 120] [--workers 4] [--address local]

A kill ends an actor (`ray.kill`), the process of an actor, or the worker in it (SIGKILL), at a random moment.
"""

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from kill_storm import PACE, SEEDS, Place, quiet, whole

from vitascope.jobs.ray.cluster import Cluster, FleetOptions, connect
from vitascope.jobs.service import open_service
from vitascope.testing.chaos import audit, hit_place, storm
from vitascope.testing.fakes import register_fakes


def main() -> None:
    """Run the storm and print one JSON object; status 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between kills, on average")
    parser.add_argument("--address", default="local", help="of the cluster, as for serve --cluster")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    told = parser.parse_args()
    register_fakes()
    rng = random.Random(told.seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        expected, service = whole(Place(home / "whole")), open_service(home / "storm")
        # Here a CPU is a place, however many there are.
        here = {"num_cpus": told.workers, "log_to_driver": False} if told.address == "local" else {}
        ray = connect(told.address, **here)
        options = FleetOptions(models=("fake",), program="vitascope.testing")
        cluster = Cluster(ray, service, options, PACE, quiet)
        done = storm(
            service,
            cluster.start,
            jobs=told.jobs,
            kills=told.kills,
            workers=told.workers,
            seeds=SEEDS,
            every=told.every,
            rng=rng,
            hit=hit_place(rng),
        )
        ray.shutdown()
        wrong = audit(service, expected)
    print(json.dumps({"seed": told.seed, **vars(done), "wrong": wrong[:20]}, indent=1))
    sys.exit(1 if wrong or done.jobs < told.jobs or done.kills < told.kills else 0)


if __name__ == "__main__":
    main()
