"""`vitascope worker`: a process that makes the jobs of the queue."""

import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from vitascope.errors import RequestError

if TYPE_CHECKING:
    from vitascope.jobs.ray.cluster import FleetRun
    from vitascope.jobs.service import JobService
    from vitascope.jobs.worker import WorkerOptions


def worker(
    models: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only jobs for these models. [default: all]")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Make the queued jobs, then exit.")] = False,
    keep: Annotated[int, typer.Option(min=1, help="Number of models that stay loaded between jobs.")] = 1,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--time-limit", "--seconds", metavar="S", min=0.001, help="Longest time for a job in seconds."
        ),
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option(
            "--memory-limit", "--memory", metavar="GIB", min=0.01, help="Memory limit of the process in GiB."
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run workers on a Ray cluster: auto, local or HOST:PORT."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=4096, help="Number of workers on the cluster. [default: one per GPU]"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the worker is called.", hidden=True)] = None,
    leash: Annotated[bool, typer.Option("--leash", help="Leave when stdin is closed.", hidden=True)] = False,
    bound: Annotated[bool, typer.Option("--bound", help="Die with the parent.", hidden=True)] = False,
    program: Annotated[str, typer.Option(hidden=True)] = "vitascope",
) -> None:
    """Make the jobs of the queue, one after the other, until interrupted."""
    from vitascope.files import keep_private
    from vitascope.jobs.service import open_service
    from vitascope.jobs.worker import Worker, WorkerOptions, worker_name
    from vitascope.settings import settings
    from vitascope.telemetry import tracing

    options = WorkerOptions(
        name=name or worker_name(),
        models=None if models is None else tuple(part.strip() for part in models.split(",") if part.strip()),
        once=once,
        keep=keep,
        seconds=seconds,
        memory=None if memory is None else round(memory * 2**30),
    )
    if workers is not None and cluster is None:
        raise RequestError("workers", "this is one worker", "say it with --cluster")
    keep_private()
    service = open_service(settings().home, store=settings().store)
    working = (
        Worker(service, options) if cluster is None else _fleet(service, options, cluster, workers, program)
    )
    if bound:
        from vitascope.jobs.ray.actor import die_with_parent

        die_with_parent()
    # What is being made returns to the queue with its last step, and nobody needs to be told of an error.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: working.leave())
    if leash:
        threading.Thread(target=_wait_for_end, args=(working.leave,), daemon=True).start()
    with tracing("worker"):
        working.run()


def _fleet(
    service: "JobService", options: "WorkerOptions", address: str, workers: int | None, program: str
) -> "FleetRun":
    """Return what runs workers like this one on a cluster."""
    from vitascope.jobs.ray.cluster import FleetOptions, FleetRun

    if options.once:
        raise RequestError(
            "once", "a fleet works until it is interrupted", "leave it out, or leave out --cluster"
        )
    arguments = ["--keep", str(options.keep)]
    arguments += [] if options.seconds is None else ["--seconds", str(options.seconds)]
    return FleetRun(
        service, FleetOptions(address, workers, options.models, tuple(arguments), options.memory, program)
    )


def _wait_for_end(leave: Callable[[], None]) -> None:
    # Not through sys.stdin, whose lock this thread would hold while the interpreter ends.
    while os.read(0, 1):
        pass
    leave()
