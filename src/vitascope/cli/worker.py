"""`vitascope worker`: a process that makes the jobs of the queue."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Annotated

import typer


def worker(
    models: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only jobs for these models. [default: all]")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Make what is queued, then leave.")] = False,
    keep: Annotated[int, typer.Option(min=1, help="Models that stay loaded between jobs.")] = 1,
    seconds: Annotated[float | None, typer.Option(min=0.001, help="How long a job may take.")] = None,
    memory: Annotated[
        float | None, typer.Option(metavar="GIB", min=0.01, help="How much memory the process may have.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the worker is called.", hidden=True)] = None,
    leash: Annotated[bool, typer.Option("--leash", help="Leave when stdin is closed.", hidden=True)] = False,
) -> None:
    """Make the jobs of the queue, one after the other, until interrupted."""
    from vitascope.jobs.desk import open_desk
    from vitascope.jobs.worker import Worker, WorkerOptions, worker_name
    from vitascope.settings import settings

    options = WorkerOptions(
        name=name or worker_name(),
        models=None if models is None else tuple(part.strip() for part in models.split(",") if part.strip()),
        once=once,
        keep=keep,
        seconds=seconds,
        memory=None if memory is None else round(memory * 2**30),
    )
    working = Worker(open_desk(settings().home, store=settings().store), options)
    # What is being made returns to the queue with its last step, and nobody needs to be told of an error.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: working.leave())
    if leash:
        threading.Thread(target=_wait_for_end, args=(working.leave,), daemon=True).start()
    working.run()


def _wait_for_end(leave: Callable[[], None]) -> None:
    # Not through sys.stdin, whose lock this thread would hold while the interpreter ends.
    while os.read(0, 1):
        pass
    leave()
