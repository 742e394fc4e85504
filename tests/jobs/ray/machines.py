"""A Ray cluster of several machines in one: `python -m tests.jobs.ray.machines HOME` plays it and reports.

Each machine is a raylet of its own with one GPU that is none. Machines are really killed; what becomes of workers and
jobs is asked of the queue. It has a process to itself, since a process can be of one cluster only.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from vitascope.jobs.ray.cluster import Cluster, Fleet, FleetOptions, RemoteWorker, WorkerResources
from vitascope.jobs.service import JobService, open_service
from vitascope.jobs.supervisor import Backoff
from vitascope.testing.chaos import take
from vitascope.testing.fakes import register_fakes

PACE, STEPS = 0.1, 30
QUICK = Backoff(0.05, 0.5, 1.0)
QUIET = {"RAY_worker_niceness": "0"}
# For nobody else on the network: on loopback, and behind a secret.
QUIET |= {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
}
MACHINE = {"node_ip_address": "127.0.0.1", "num_cpus": 1, "num_gpus": 1, "object_store_memory": 80 * 2**20}


class OneEach(Cluster):
    """Places a worker per GPU for a model that needs none."""

    ask = WorkerResources(gpus=1)


class Play:
    """A cluster, a service, and who works where."""

    def __init__(self, home: Path):
        """Start a head without a GPU, and two machines with one."""
        os.environ |= QUIET
        import ray
        from ray.cluster_utils import Cluster as Machines

        register_fakes()
        head = {
            "node_ip_address": "127.0.0.1",
            "num_cpus": 1,
            "object_store_memory": 80 * 2**20,
            "include_dashboard": False,
        }
        self.machines = Machines(initialize_head=True, head_node_args=head)
        self.nodes = [self.machines.add_node(**MACHINE) for _ in range(2)]
        ray.init(address=self.machines.address, log_to_driver=False)
        self.ray, self.service = ray, open_service(home, lease_seconds=5.0)
        options = FleetOptions(program="vitascope.testing")
        places = OneEach(ray, self.service, options, {"VITASCOPE_FAKE_SECONDS": str(PACE)})
        self.places, self.fleet = places, Fleet(places, QUICK)

    def until(self, true: Callable[[], Any], seconds: float = 240) -> None:
        """Let the fleet live until something is true."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, "it never came true"
            self.fleet.tick()
            time.sleep(0.05)

    def at_work(self) -> dict[int, RemoteWorker]:
        """Return the workers that live, by the process of their machine."""
        found = {}
        for process in self.fleet.workers.values():
            assert isinstance(process, RemoteWorker)
            try:
                actor, _ = process.pids()
                found[psutil.Process(actor).ppid()] = process
            except (ProcessLookupError, psutil.NoSuchProcess):
                continue
        return found

    def resize(self) -> int:
        """Let the fleet count its machines now, and return how many workers there should be."""
        self.fleet.resize(self.places.number)
        return len(self.fleet._slots)

    def close(self) -> None:
        """End it all."""
        self.fleet.close()
        self.ray.shutdown()
        self.machines.shutdown()


def raylet(node: Any) -> int:
    """Return the process that is a machine."""
    return node.all_processes["raylet"][0].process.pid


def steps(service: JobService, job: str) -> int:
    return service.store.get(job).standing.step


def play(home: Path) -> dict[str, Any]:
    """Play it through: two machines, one of which dies, and a third that comes."""
    stage = Play(home)
    service, told = stage.service, {}
    try:
        jobs = [service.submit(take(seed, num_frames=17, steps=STEPS)).id for seed in range(2)]
        stage.until(lambda: all(steps(service, job) > 1 for job in jobs))
        told["one each"] = set(stage.at_work()) == {raylet(node) for node in stage.nodes}
        devices = [
            psutil.Process(one.pids()[1]).environ().get("CUDA_VISIBLE_DEVICES")
            for one in stage.at_work().values()
        ]
        told["devices"] = devices
        lost = {
            name
            for name, one in stage.fleet.workers.items()
            if one is stage.at_work()[raylet(stage.nodes[0])]
        }
        stage.machines.remove_node(stage.nodes[0], allow_graceful=False)
        stage.until(lambda: not lost & set(stage.fleet.workers))
        stage.until(lambda: stage.resize() == 1)
        told["left"] = set(stage.at_work()) == {raylet(stage.nodes[1])}
        third = stage.machines.add_node(**MACHINE)
        stage.until(lambda: stage.resize() == 2)
        stage.until(lambda: set(stage.at_work()) == {raylet(stage.nodes[1]), raylet(third)})
        stage.until(lambda: all(service.store.get(job).finished for job in jobs))
    finally:
        stage.close()
    done = [service.store.get(job) for job in jobs]
    told |= {"states": [job.state for job in done], "lost": sorted(job.lost for job in done)}
    firsts = [
        [
            event.data["step"] for event in service.store.events(job) if event.data.get("phase") == "denoise"
        ].count(1)
        for job in jobs
    ]
    return told | {"first steps": firsts, "check": service.store.check()}


if __name__ == "__main__":
    print(json.dumps(play(Path(sys.argv[1]))))
