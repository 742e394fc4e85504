"""Workers on a real Ray cluster of this machine alone; what becomes of jobs is asked of the queue."""

import contextlib
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from vitascope import __version__
from vitascope.errors import MissingExtraError, RequestError, VitascopeError
from vitascope.jobs.clock import SystemClock
from vitascope.jobs.liveness import Liveness
from vitascope.jobs.ray import actor as places
from vitascope.jobs.ray import cluster as fleets
from vitascope.jobs.ray.actor import ActorOptions, resident_bytes
from vitascope.jobs.ray.cluster import (
    Cluster,
    Fleet,
    FleetOptions,
    Node,
    RemoteWorker,
    WorkerResources,
    ask_for,
)
from vitascope.jobs.stores.memory import memory_store
from vitascope.jobs.supervisor import Backoff
from vitascope.testing.chaos import audit, hit_place, storm, take

JOBS = int(os.environ.get("VITASCOPE_STORM_JOBS", "30"))
KILLS = int(os.environ.get("VITASCOPE_STORM_KILLS", "5"))
QUICK = Backoff(0.01, 0.1, 1.0)
FAKE = FleetOptions(workers=2, models=("fake",), program="vitascope.testing")
GIB = 2**30
BIG, SMALL = Node("10.0.0.1", cpus=16, gpus=4, memory=200 * GIB), Node("10.0.0.2", cpus=8, memory=16 * GIB)


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """A Ray that serves this process, on loopback, with room for four workers."""
    pytest.importorskip("ray", reason="the extra [cluster] is not installed")
    ray = fleets.connect("local", num_cpus=4, log_to_driver=False)
    yield ray
    ray.shutdown()


def place(ray: Any, service, pace: float = 0.0, **options) -> Cluster:
    """Return a cluster for a service, whose workers' fake network takes its time."""
    return Cluster(ray, service, replace(FAKE, **options), {"VITASCOPE_FAKE_SECONDS": str(pace)})


def wait_until(
    true: Callable[[], Any], tick: Callable[[], None] = lambda: None, seconds: float = 300
) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        tick()
        time.sleep(0.02)


@pytest.mark.parametrize("way", ["ray.kill", "SIGKILL"])
def test_an_actor_that_is_killed_in_the_middle_loses_nothing(ray, service, unbroken, way):
    job = service.submit(take(0, num_frames=17, steps=20)).id
    calm = service.submit(take(0)).id
    lines = []
    fleet = Fleet(place(ray, service, pace=0.05), QUICK, lines.append)
    try:
        wait_until(lambda: service.store.get(job).standing.step > 2, fleet.tick)
        worker = service.store.get(job).worker
        process = fleet.workers[worker]
        assert isinstance(process, RemoteWorker)
        actor, child = process.pids()
        wait_until(lambda: process.held() > 2**20, fleet.tick)
        if way == "ray.kill":
            process.kill()
        else:
            os.kill(actor, signal.SIGKILL)
        wait_until(lambda: not resident_bytes(child), fleet.tick)  # whatever it held is free
        wait_until(lambda: service.store.get(job).finished and service.store.get(calm).finished, fleet.tick)
    finally:
        fleet.close()
    done = service.store.get(job)
    assert (done.state, done.attempt, done.lost) == ("completed", 2, 1)
    steps = [e.data["step"] for e in service.store.events(job) if e.data.get("phase") == "denoise"]
    assert steps.count(1) == 1, "the first step was not made again"
    assert service.store.get(calm).outputs[0].sha256 == unbroken[0]
    assert any(worker in line for line in lines)
    assert list(service.storage.workers.iterdir()) == []


def test_no_job_is_lost_or_published_twice_in_a_storm_on_a_cluster(ray, service, unbroken):
    seed = random.SystemRandom().randrange(2**32)
    print("storm of seed", seed)
    rng = random.Random(seed)
    begin = place(ray, service, pace=0.03).start
    done = storm(service, begin, jobs=JOBS, kills=KILLS, workers=2, every=0.7, rng=rng, hit=hit_place(rng))
    assert audit(service, unbroken) == []
    assert (done.jobs, service.store.counts()) == (JOBS, {"completed": JOBS})
    assert done.kills > 0
    assert done.attempts > JOBS


def test_a_place_that_cannot_work_says_why_and_what_has_no_room_waits(ray, service):
    class Other(Cluster):
        def _actor_options(self, name: str, ask: WorkerResources) -> ActorOptions:
            return replace(super()._actor_options(name, ask), version="0.0.0")

    lines = []
    fleet = Fleet(Other(ray, service, replace(FAKE, workers=1), say=lines.append), QUICK, lines.append)
    try:
        wait_until(lambda: any("the fleet is of 0.0.0" in line for line in lines), fleet.tick)
    finally:
        fleet.close()
    (line, *_) = [line for line in lines if "the fleet is" in line]
    assert (
        line
        == f"no worker there: {socket.gethostname()} has vitascope {__version__}, and the fleet is of 0.0.0"
    )

    class Greedy(Cluster):
        ask = WorkerResources(gpus=64)

    waiting = Greedy(ray, service, FAKE, say=lines.append).start("w")
    assert "no machine of the cluster has 64 GPU, 1 CPU: the worker waits for one" in lines
    assert (waiting.waiting, waiting.poll()) == (True, None)
    assert waiting.pid == fleets.NOBODY
    waiting.terminate()
    wait_until(lambda: waiting.poll() == fleets.DIED)


def test_a_fleet_follows_the_machines_unless_a_number_was_said(service):
    class Three(Cluster):
        def nodes(self) -> list[Node]:
            return [replace(SMALL, address="10.0.0.2")] * size[0]

        def start(self, name: str) -> Any:
            raise AssertionError("nothing is started here")

    size = [3]
    fleet = Fleet(Three(None, service, replace(FAKE, workers=None)), QUICK)
    assert len(fleet._slots) == 3
    for size[0] in (5, 1):
        fleet.resize(fleet._cluster.number)
        assert len(fleet._slots) == size[0]
    assert len(Fleet(Three(None, service, FAKE), QUICK)._slots) == 2


def test_a_worker_is_placed_by_what_its_models_need():
    assert ask_for(("toybox",), [BIG, SMALL]) == WorkerResources(0, 1, 0)
    assert ask_for(("fake", "remote:other"), [BIG], threads=3) == WorkerResources(0, 3, 0)
    small, large = (ask_for((m,), [BIG, SMALL]) for m in ("wan2.1-t2v-1.3b", "wan2.1-t2v-14b"))
    assert (small.gpus, small.cpus, large.gpus) == (1, 1, 1)
    assert 10 * GIB < small.memory < large.memory < BIG.memory
    assert not large.fits(SMALL)
    assert ask_for(("toybox", "wan2.1-t2v-14b"), [BIG, SMALL]) == large
    assert ask_for(("wan2.1-t2v-14b",), [SMALL]) == WorkerResources(0, 1, SMALL.memory), (
        "the plan finds another placement"
    )
    assert ask_for(None, [BIG]) == WorkerResources(1, 1, 0)
    assert str(large).startswith("1 GPU, 1 CPU, ")


def test_models_that_do_not_fit_a_machine_are_not_asked_of_it():
    options = ActorOptions("w", "", "", None, "vitascope", ("toybox", "wan2.1-t2v-14b"), (), {}, probe=True)
    assert "toybox" in places.able(options)
    with pytest.raises(VitascopeError, match="cannot be told"):
        places.able(replace(options, models=()), "raise SystemExit(1)")
    with pytest.raises(VitascopeError, match=r"none of wan2.1-t2v-14b fits: .* has no GPU, 1\.0 GiB"):
        places.able(replace(options, models=("wan2.1-t2v-14b",)), "print(0, 2**30)")
    assert places.able(options, "print(8 * 2**30, 2**30)") == ("toybox",)


def test_several_machines_do_not_share_a_queue_in_a_file(service):
    fleets.check_store(service, [BIG])
    with pytest.raises(
        RequestError, match=r"cluster: 2 machines cannot share a queue in SQLite; keep .* Postgres"
    ):
        fleets.check_store(service, [BIG, SMALL])
    fleets.check_store(replace(service, store=memory_store()), [BIG, SMALL])


def test_a_machine_without_the_folder_of_the_queue_is_no_place(service, tmp_path):
    mark = fleets.mark(service.storage.path)
    assert fleets.mark(service.storage.path) == mark
    options = ActorOptions(
        "w", str(service.storage.path), mark, SystemClock().boot, "vitascope", None, (), {}
    )
    places.check_here(options)
    for wrong, words in (
        ({"mark": "another"}, "is not the folder of the queue: mount it there"),
        ({"jobs": str(tmp_path / "nowhere")}, "is not the folder of the queue"),
        ({"boot": "another"}, "cannot open a queue in SQLite that lies on another machine"),
        ({"version": "9.9"}, "and the fleet is of 9.9"),
    ):
        with pytest.raises(VitascopeError, match=words):
            places.check_here(replace(options, **wrong))


def _answer(server: socket.socket, line: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(line)


def test_a_ray_of_our_own_listens_on_loopback_behind_a_secret(ray):
    head = ray.get_runtime_context().gcs_address
    assert head.startswith("127.0.0.1:")
    fleets.check_address(head)
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
    pids = {str(child.pid) for child in psutil.Process().children(recursive=True)}
    for name in ("tcp", "tcp6"):
        for line in Path("/proc/net", name).read_text().splitlines()[1:]:
            local, state, inode = (line.split()[column] for column in (1, 3, 9))
            if state == "0A" and set(local.partition(":")[0]) == {"0"}:
                assert not pids & owners(inode), f"one of them listens to the whole network at {local}"


def owners(inode: str) -> set[str]:
    """Return the processes that have a socket."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) == f"socket:[{inode}]":
                found.add(link.parts[2])
    return found


def test_an_address_that_does_not_answer_is_one_line(monkeypatch):
    pytest.importorskip("ray", reason="the extra [cluster] is not installed")
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        free = server.getsockname()[1]
    for address, words in (
        (
            f"127.0.0.1:{free}",
            f"cluster: nothing answers at 127.0.0.1:{free} .*; start one there: ray start --head",
        ),
        ("ray://head:10001", "is not HOST:PORT of a cluster's head; nearest: auto"),
        ("head", "is not HOST:PORT"),
    ):
        with pytest.raises(RequestError, match=words) as refused:
            fleets.check_address(address)
        assert "\n" not in str(refused.value)
    with socket.create_server(("127.0.0.1", 0)) as server:
        other = f"127.0.0.1:{server.getsockname()[1]}"
        threading.Thread(
            target=_answer, args=(server, b"HTTP/1.1 400 Bad Request\r\n\r\n"), daemon=True
        ).start()
        with pytest.raises(RequestError, match=f"what answers at {other} is no Ray"):
            fleets.check_address(other)
    fleets.check_address("auto")
    monkeypatch.setattr(fleets, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "\.\[cluster\]"'):
        fleets.check_address("auto")


def test_a_worker_that_says_nothing_is_noticed_where_it_is(tmp_path):
    options = ActorOptions("w", str(tmp_path), "", None, "vitascope", None, (), {})
    folder = tmp_path / "workers" / "a-machine"
    folder.mkdir(parents=True)
    assert places.silence_of(options) == 0
    liveness = Liveness(folder, "w")
    os.utime(folder / "w.lock", (time.monotonic() - 1000,) * 2)
    assert 900 < places.silence_of(options) < 2000
    liveness.touch()
    assert places.silence_of(options) < 60
    liveness.leave()
