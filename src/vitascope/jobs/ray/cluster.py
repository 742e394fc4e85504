"""A fleet: workers on the machines of a Ray cluster, one per GPU, started again when they die.

Ray decides where a worker runs, and nothing else. An actor is a place: it starts the same `vitascope worker` that runs
beside a server, as a child process that dies with it. Which jobs there are and who has them is known to the queue
alone, and a place that is lost is one more worker that died. The process that speaks to Ray is not the server's either:
a cluster whose head is gone takes its drivers with it, and the server goes on taking jobs in.
"""

import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vitascope.errors import MissingExtraError, OutputError, RequestError
from vitascope.jobs.clock import SystemClock
from vitascope.jobs.ray.actor import LOOK_SECONDS, ActorOptions, WorkerActor
from vitascope.jobs.service import JobService
from vitascope.jobs.supervisor import Backoff, Process, Slot, Supervisor
from vitascope.jobs.worker import say

DIED = -9
"""How a worker ended whose place is gone."""
NOBODY = 2**30
"""A number that no process has."""
ANSWER_SECONDS = 5.0
CLOSE_SECONDS = 15.0
"""How long workers may take to finish their step; the one who watches over the fleet is content with twice that."""
PATIENCE = Backoff(0.5, 30.0, 20.0)
OBJECTS = 80 * 2**20
"""What the store of objects gets in a cluster that is started here; nothing of ours goes through it."""
TOLD = {"namespace": "vitascope", "logging_level": "error"}
"""What Ray is told whatever the cluster."""
ENDLESS = 2**50
SECRETS = frozenset({"VITASCOPE_TOKEN", "VITASCOPE_FAULT"})
"""What workers elsewhere are not told."""


@dataclass(frozen=True)
class FleetOptions:
    """Which cluster (`auto`: the one this machine is in, or a new one here; `local`: a new one here; `HOST:PORT`), and
    how many workers (None: one per GPU, or one per machine where nothing needs a GPU) for which models (None: all).

    `arguments` are told to every worker; none may hold more than `memory` bytes. `program` is the module it runs.
    """

    address: str = "auto"
    workers: int | None = None
    models: tuple[str, ...] | None = None
    arguments: tuple[str, ...] = ()
    memory: int | None = None
    program: str = "vitascope"


@dataclass(frozen=True)
class Node:
    """A machine of the cluster, and all that Ray may give away of it."""

    address: str
    cpus: float | int = 0
    gpus: float | int = 0
    memory: int = 0

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Node":
        """Return the machine that Ray tells of."""
        has = told.get("Resources", {})
        memory = int(has.get("memory", 0))
        return cls(told["NodeManagerAddress"], has.get("CPU", 0), has.get("GPU", 0), memory)


@dataclass(frozen=True)
class WorkerResources:
    """What a place for one worker has to have: GPUs, CPUs, bytes of memory."""

    gpus: float | int = 0
    cpus: float | int = 1
    memory: int = 0

    def __str__(self) -> str:
        """Say it in a line."""
        parts = [f"{self.gpus:g} GPU"] * bool(self.gpus) + [f"{self.cpus:g} CPU"] * bool(self.cpus)
        return ", ".join(parts + [f"{self.memory / 2**30:.0f} GiB of memory"] * bool(self.memory))

    def fits(self, node: Node) -> bool:
        """Say whether an empty machine has that."""
        return self.gpus <= node.gpus and self.cpus <= node.cpus and self.memory <= node.memory


def ask_for(models: Sequence[str] | None, nodes: Sequence[Node], threads: int = 0) -> WorkerResources:
    """Return what a worker for these models needs on these machines.

    A model of the catalogue gets a GPU where there are any, and memory by its memory plan, but never more than the
    largest machine has: the plan then finds another placement there. All else computes on as many CPUs as `threads`.
    """
    from vitascope.backends.registry import names
    from vitascope.weights.catalogue import catalogue

    said = tuple(catalogue()) if models is None else models
    heavy = [model for model in said if model not in names() and not model.startswith("remote:")]
    gpu = bool(heavy) and any(node.gpus for node in nodes)
    known = [] if models is None else [catalogue()[model] for model in heavy if model in catalogue()]
    most = max((node.memory for node in nodes), default=0)
    memory = min(most, max((_memory_for(entry, gpu) for entry in known), default=0))
    return WorkerResources(1, 1, memory) if gpu else WorkerResources(0, threads or 1, memory)


def _memory_for(entry: Any, gpu: bool) -> int:
    """Return the bytes of memory that the usual clip of a model needs beside the GPU, or in all where there is none."""
    from vitascope.weights.machine import Machine
    from vitascope.weights.memory_plan import fits_by_default

    placed = fits_by_default(entry, Machine(ENDLESS if gpu else 0, ENDLESS))
    if placed is None:
        return 0
    return placed.need.ram if gpu else placed.need.device


def check_address(address: str) -> None:
    """Raise one clear line when there is no Ray here, or nothing answers at an address; imports nothing."""
    if find_spec("ray") is None:
        raise MissingExtraError('a fleet needs Ray: pip install ".[cluster]"')
    if address in ("auto", "local"):
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdecimal():
        problem = f"{address[:80]!r} is not HOST:PORT of a cluster's head"
        raise RequestError("cluster", problem, "nearest: auto, or as in 10.0.0.7:6379")
    hint = f"start one there: ray start --head --port={port}"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS) as connection:
            if not _speaks_grpc(connection):
                raise RequestError("cluster", f"what answers at {address} is no Ray", hint)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError("cluster", f"nothing answers at {address} ({reason})", hint) from None


def _speaks_grpc(connection: socket.socket) -> bool:
    """Say whether it greets as HTTP/2 does (RFC 9113, 3.4): Ray would wait many minutes for what does not."""
    if os.environ.get("RAY_USE_TLS") == "1":
        return True
    settings_frame = 4
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, settings_frame, 0, 0, 0, 0, 0]))
    answer = b""
    while len(answer) < 4:
        part = connection.recv(9)
        if not part:
            return False
        answer += part
    return answer[3] == settings_frame


def connect(address: str, **local: Any) -> Any:
    """Return Ray, connected to a cluster; `local` is told to one that is started here.

    Raises `MissingExtraError` and `RequestError`.
    """
    check_address(address)
    # No line of a worker's log is swallowed because another is like it, and workers have the priority that they have
    # beside a server.
    quiet = {
        "RAY_DEDUP_LOGS": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "RAY_worker_niceness": "0",
        "RAY_NUM_REDIS_GET_RETRIES": "3",  # of some 30 s each, until a head that is silent is given up
    }
    os.environ |= {name: os.environ.get(name, value) for name, value in quiet.items()}
    import ray

    if ray.is_initialized():
        return ray
    if address == "local" or not _joined(ray, address):
        _start_here(ray, local)
    return ray


def _joined(ray: Any, address: str) -> bool:
    """Join a cluster, and say whether there was any to be found; raises `RequestError` for one that takes nobody in."""
    try:
        ray.init(address=address, **TOLD)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        line = " ".join(str(error).split())[:300]
        if address == "auto" and "Could not find any running" in line:
            return False
        hint = (
            f"on this machine first: ray start --address={address}; where it has a token: RAY_AUTH_MODE=token"
        )
        raise RequestError("cluster", f"{address} cannot be joined ({line})", hint) from None
    return True


def _start_here(ray: Any, local: Mapping[str, Any]) -> None:
    """Start a Ray for this machine alone, on loopback, behind a secret of its own."""
    from ray._private import ray_constants

    # What it does on systems where it serves one machine only; else it listens to the whole network.
    ray_constants.ENABLE_RAY_CLUSTER = False
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    own = {"include_dashboard": False, "object_store_memory": OBJECTS, "_node_ip_address": "127.0.0.1"}
    ray.init(address="local", **{**TOLD, **own, **local})


def check_store(service: JobService, nodes: Sequence[Node]) -> None:
    """Raise `RequestError` where several machines would share a queue that lies in a file."""
    machines = {node.address for node in nodes}
    if len(machines) > 1 and lies_here(service):
        problem = f"{len(machines)} machines cannot share a queue in SQLite"
        raise RequestError("cluster", problem, "keep the queue in Postgres, or say: --cluster local")


def lies_here(service: JobService) -> bool:
    """Say whether only this machine can open the queue."""
    from vitascope.jobs.stores.sqlite import SqliteTables

    return isinstance(service.store.tables, SqliteTables)


class RemoteWorker:
    """A worker in a place of a cluster, with the verbs that a supervisor needs; none of them waits."""

    def __init__(self, ray: Any, actor: Any, say: Callable[[str], None] = say):
        """Follow the worker of an actor that has just been asked for."""
        self._ray, self._actor, self._say = ray, actor, say
        self._ended, self._known = actor.run.remote(), actor.pids.remote()
        self._asked, self._bytes = None, 0
        self._status: int | None = None
        self._killed: float | None = None

    @property
    def pid(self) -> int:
        """The number of the worker's process on its own machine, `NOBODY` where there is none."""
        try:
            return self.pids()[1]
        except ProcessLookupError:
            return NOBODY

    def pids(self) -> tuple[int, int]:
        """Return the numbers of the actor's process and of the worker's; raises `ProcessLookupError`."""
        if self.waiting or self.poll() is not None:
            raise ProcessLookupError
        try:
            return self._ray.get(self._known)
        except self._ray.exceptions.RayError:
            raise ProcessLookupError from None

    @property
    def waiting(self) -> bool:
        """Whether it has not begun: no machine has room, or it is on its way there."""
        return self._status is None and not self._is_there(self._known)

    def poll(self) -> int | None:
        """Return how it ended, None while it has not."""
        if self._status is None and self._is_there(self._ended):
            try:
                self._status = self._ray.get(self._ended)
            except self._ray.exceptions.RayError as error:
                self._status = DIED
                self._say(why(error))
            self.kill()  # what it had of the machine is free for the next one
        elif (
            self._status is None
            and self._killed is not None
            and time.monotonic() > self._killed + ANSWER_SECONDS
        ):
            self._status = DIED
        return self._status

    def held(self) -> int:
        """Return how much memory it held when it was last heard of."""
        if self._asked is not None and self._is_there(self._asked):
            try:
                self._bytes = self._ray.get(self._asked)
            except self._ray.exceptions.RayError:
                self._bytes = 0
            self._asked = None
        if self._asked is None and not self.waiting:
            self._asked = self._actor.held.remote()
        return self._bytes

    def terminate(self) -> None:
        """Ask it to end; what has not begun is ended."""
        if self.waiting:
            self.kill()
        else:
            self._actor.terminate.remote()

    def kill(self) -> None:
        """End it, and its place."""
        self._killed = self._killed or time.monotonic()
        self._ray.kill(self._actor)

    def _is_there(self, wanted: Any) -> bool:
        return bool(self._ray.wait([wanted], timeout=0)[0])


def why(error: Exception) -> str:
    """Return in a line why a place is gone: what it said itself, or that it died."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if "creation task" not in str(error):
        return "a place of the cluster died"
    name, _, told = lines[-1].partition(": ")
    return f"no worker there: {told if name.rpartition('.')[2] == 'VitascopeError' else lines[-1]}"


class Cluster:
    """Where workers of a service are placed, by what their models need."""

    def __init__(
        self,
        ray: Any,
        service: JobService,
        options: FleetOptions,
        environment: Mapping[str, str] | None = None,
        say: Callable[[str], None] = say,
    ):
        """Place workers in the cluster that Ray is connected to; raises `RequestError` where they could not share."""
        self.ray, self.service, self.options, self._say = ray, service, options, say
        own = {name: value for name, value in os.environ.items() if name.startswith(("VITASCOPE_", "OTEL_"))}
        own |= {name: os.environ[name] for name in ("OMP_NUM_THREADS",) if name in os.environ}
        self._environment = {**own, **(environment or {})}
        for name in SECRETS:
            self._environment.pop(name, None)
        check_store(service, self.nodes())

    def nodes(self) -> list[Node]:
        """Return the machines of the cluster as they are now."""
        return [Node.of(told) for told in self.ray.nodes() if told["Alive"]]

    @property
    def ask(self) -> WorkerResources:
        """What each worker needs."""
        from vitascope.settings import settings

        return ask_for(self.options.models, self.nodes(), settings().threads)

    @property
    def number(self) -> int:
        """How many workers there should be now."""
        if self.options.workers is not None:
            return self.options.workers
        nodes = self.nodes()
        return int(sum(node.gpus for node in nodes)) if self.ask.gpus else len(nodes)

    def start(self, name: str) -> RemoteWorker:
        """Start a worker of that name where there is room for it, as soon as there is."""
        ask = self.ask
        if not any(ask.fits(node) for node in self.nodes()):
            self._say(f"no machine of the cluster has {ask}: the worker waits for one")
        place = self._remote.options(
            num_gpus=ask.gpus,
            num_cpus=ask.cpus,
            memory=ask.memory or None,
            max_restarts=0,  # a worker that died gets a new name first, so that whatever it still says is refused
            max_concurrency=4,
            scheduling_strategy="DEFAULT" if ask.gpus else "SPREAD",
        )
        return RemoteWorker(self.ray, place.remote(self._actor_options(name, ask)), self._say)

    @cached_property
    def _remote(self) -> Any:
        return self.ray.remote(WorkerActor)

    def _actor_options(self, name: str, ask: WorkerResources) -> ActorOptions:
        return ActorOptions(
            name,
            str(self.service.storage.path),
            mark(self.service.storage.path),
            SystemClock().boot if lies_here(self.service) else None,
            self.options.program,
            self.options.models,
            self.options.arguments,
            self._environment,
            probe=bool(ask.gpus) and self.options.models is not None,
            patience=3 * self.service.store.lease_seconds,
        )


def mark(jobs: Path) -> str:
    """Return the word by which a folder of jobs is known again on other machines, written there the first time."""
    file = jobs / "mark"
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(secrets.token_hex(16))
    except FileExistsError:
        pass
    except OSError as error:
        raise OutputError(f"home: {file} could not be written ({error.strerror})") from None
    return file.read_text("utf-8")


class Fleet(Supervisor):
    """Keeps the workers of a cluster alive; where nobody said how many, as many as its machines have room for."""

    def __init__(self, cluster: Cluster, patience: Backoff = PATIENCE, say: Callable[[str], None] = say):
        """Watch over the workers of a cluster."""
        memory = cluster.options.memory
        super().__init__(
            cluster.service, cluster.number, cluster.start, memory=memory, patience=patience, say=say
        )
        self._cluster, self._counted = cluster, time.monotonic()

    def tick(self) -> None:
        """Look after each worker once, and now and then after their number."""
        if time.monotonic() > self._counted + LOOK_SECONDS:
            self._counted = time.monotonic()
            self.resize(self._cluster.number)
        super().tick()

    def resize(self, number: int) -> None:
        """Have so many workers; those at work on machines that are there are never ended for it."""
        self._slots += [Slot() for _ in range(number - len(self._slots))]
        idle = [slot for slot in self._slots if _is_idle(slot.process)]
        for slot in idle[: max(0, len(self._slots) - number)]:
            if slot.process is not None:
                slot.process.kill()
                self._release_worker(slot)
            self._slots.remove(slot)


def _is_idle(process: Process | None) -> bool:
    return process is None or (isinstance(process, RemoteWorker) and process.waiting)


class FleetRun:
    """A fleet in a process of its own, until it is told to leave."""

    def __init__(self, service: JobService, options: FleetOptions):
        """Join the cluster. Raises `MissingExtraError` and `RequestError`."""
        self._leaving = False
        ray = connect(options.address)
        self.cluster = Cluster(ray, service, _with_memory(options))

    def leave(self) -> None:
        """End the workers after their steps; any thread or signal may call this."""
        self._leaving = True

    def run(self) -> None:
        """Keep workers alive until told to leave."""
        ask, number = self.cluster.ask, self.cluster.number
        say(f"a fleet of {number} on {len(self.cluster.nodes())} machines, each with {ask}")
        fleet = Fleet(self.cluster)
        try:
            while not self._leaving:
                fleet.tick()
                time.sleep(0.25)
        finally:
            fleet.close(CLOSE_SECONDS)
            self.cluster.ray.shutdown()


def _with_memory(options: FleetOptions) -> FleetOptions:
    if options.memory is None:
        return options
    told = (*options.arguments, "--memory", str(options.memory / 2**30))
    return replace(options, arguments=told)
