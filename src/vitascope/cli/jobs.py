"""`vitascope jobs`: hand in, list, watch and cancel the jobs of the queue in the home folder."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitascope.cli.server_option import Anywhere, chosen
from vitascope.cli.shot_options import AsJson, Drawing, Force, Framing, Model, Output, Prompt, command
from vitascope.escaping import escaped, escaped_json

if TYPE_CHECKING:
    from vitascope.cli.remote import RemoteService
    from vitascope.jobs.job import Event, Job
    from vitascope.jobs.service import JobService

Name = Annotated[
    str, typer.Argument(metavar="JOB", help="Id of a job, or the beginning of it.", show_default=False)
]
Names = Annotated[
    list[str],
    typer.Argument(metavar="JOB...", help="Ids of jobs, or the beginnings of them.", show_default=False),
]

jobs = typer.Typer(
    name="jobs",
    cls=Anywhere,
    help="Submit, list and control the jobs of the queue.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@jobs.callback()
def place(
    server: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Use the queue of this server (set its token as VITASCOPE_TOKEN)."),
    ] = None,
) -> None:
    """Submit, list and control the jobs of the queue."""
    chosen.set(server)


@jobs.command()
@command
def submit(
    prompt: Prompt,
    *,
    framing: Framing,
    drawing: Drawing,
    model: Model = "toybox",
    number: Annotated[
        int, typer.Option("-n", metavar="N", help="Number of clips, with consecutive seeds.")
    ] = 1,
    priority: Annotated[int, typer.Option(help="Priority: higher goes first.")] = 0,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key: the same key never makes a second job.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Submit a clip to the queue and print the job's id."""
    from vitascope.api import make_shot

    shot = make_shot(prompt, model=model, **framing.shot_fields(drawing.fit), **drawing.shot_fields)
    # What was said, without the seed that was drawn where none was, is what makes two requests the same.
    request_fields = shot.model_dump(
        mode="json", exclude_defaults=True, exclude={"seed"} if drawing.seed is None else None
    )
    job = _service().submit(shot, number=number, asked=request_fields, key=key, priority=priority)
    for note in job.notes:
        print(f"note: {escaped(note)}", file=sys.stderr)
    _tell(job, as_json)


@jobs.command("ls")
def list_jobs(
    state: Annotated[list[str] | None, typer.Option(help="Only jobs in this state; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Number of jobs to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first."""
    service = _service()
    page = service.store.page(limit=limit, states=None if state is None else [_state(name) for name in state])
    if as_json:
        typer.echo(escaped_json([job.to_json() for job in page.jobs]))
        return
    for job in page.jobs:
        how_far = f"{job.standing.percent:3d} %" if job.state == "running" else ""
        created = time.strftime("%Y-%m-%d %H:%M", time.localtime(job.created_at))
        prompt = " ".join(job.request.shot.prompt.split())
        typer.echo(f"{job.id}  {job.state:<9}  {how_far:>5}  {created}  {escaped(prompt[:60])}")
    if page.more:
        print("there are more: say --limit", file=sys.stderr)
    _print_unknown(service)
    if service.store.paused:
        print("the queue is paused: nothing is begun before `vitascope jobs resume`", file=sys.stderr)


@jobs.command("show")
def show_job(job: Name, as_json: AsJson = False) -> None:
    """Print the details of a job."""
    from vitascope.cli.inspect import show

    service = _service()
    record = _named(service, job)
    if as_json:
        typer.echo(escaped_json(record.to_json() | {"files": _files(service, record)}))
        return
    row = record.to_json()
    shot, progress = row.pop("shot"), row.pop("progress")
    for name in ("created_at", "started_at", "finished_at"):
        row[name] = row[name] and time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row[name]))
    ahead = service.store.position(record.id)
    row |= {"outputs": _files(service, record), "waits for": None if ahead is None else f"{ahead} others"}
    row["progress"] = f"{progress['percent']} % {progress['phase']} {progress['step']}/{progress['total']}"
    show({name: value for name, value in {**row, **shot}.items() if value is not None})


@jobs.command()
def watch(job: Name, as_json: AsJson = False) -> None:
    """Follow a job until it ends, then print its files. Exit status 1 when it failed."""
    service = _service()
    record = _named(service, job)
    for event in _follow(service, record.id):
        _say(event, as_json)
    record = service.store.get(record.id)
    if not as_json:
        for file in _files(service, record):
            typer.echo(file)
    raise typer.Exit(0 if record.state == "completed" else 1)


@jobs.command()
def cancel(job: Names, as_json: AsJson = False) -> None:
    """Cancel jobs. A queued job ends now, a running one at its next step."""
    _apply(job, lambda service, name: service.store.cancel(name), as_json)


@jobs.command()
def retry(job: Names, as_json: AsJson = False) -> None:
    """Queue failed or cancelled jobs again."""
    _apply(job, lambda service, name: service.store.retry(name), as_json)


@jobs.command()
def clone(job: Names, as_json: AsJson = False) -> None:
    """Submit the same requests again."""
    _apply(job, lambda service, name: service.store.clone(name), as_json)


@jobs.command("rm")
def remove(job: Names, as_json: AsJson = False) -> None:
    """Delete jobs and their clips."""
    _apply(job, lambda service, name: service.delete(name), as_json)


@jobs.command()
def move(
    job: Name,
    before: Annotated[
        str | None, typer.Option(metavar="JOB", help="Move it directly before this job.")
    ] = None,
    first: Annotated[bool, typer.Option("--first", help="Move it to the front of the queue.")] = False,
    as_json: AsJson = False,
) -> None:
    """Move a queued job forward or, without an option, to the end."""
    service = _service()
    moved = _named(service, job)
    waiting = [name for name in service.store.line() if name.id != moved.id]
    target = None if before is None else _named(service, before).id
    if first and waiting:
        target = waiting[0].id
    _tell(service.store.move(moved.id, target), as_json)


@jobs.command()
def download(job: Name, output: Output = None, force: Force = False) -> None:
    """Download the clips of a job and print their files."""
    from vitascope.cli.remote import fetched

    service = _service()
    for file in fetched(service, _named(service, job), output, force):
        typer.echo(file)


@jobs.command()
def pause() -> None:
    """Pause the queue: start no more jobs. Running jobs finish."""
    _service().store.pause()


@jobs.command()
def resume() -> None:
    """Resume a paused queue."""
    _service().store.resume()


@jobs.command()
def prune(
    older_than: Annotated[
        float | None,
        typer.Option(metavar="DAYS", min=0, help="Delete jobs that ended more than this many days ago."),
    ] = None,
    max_gib: Annotated[
        float | None,
        typer.Option(
            metavar="GIB", min=0, help="Delete the oldest jobs until the clips fit into this many GiB."
        ),
    ] = None,
) -> None:
    """Delete old jobs and their clips, and print their ids."""
    seconds = None if older_than is None else older_than * 86_400
    size = None if max_gib is None else round(max_gib * 2**30)
    for name in _service().prune(older_than=seconds, max_bytes=size):
        typer.echo(name)


@jobs.command()
def adopt(
    job: Annotated[
        list[str] | None, typer.Argument(metavar="[JOB...]", help="Names of their folders. [default: all]")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Only print the ids.")] = False,
    owner: Annotated[str, typer.Option(metavar="NAME", help="Name of the token that will own them.")] = "",
    as_json: AsJson = False,
) -> None:
    """Adopt clips that the queue does not know, as after it was lost, and print the jobs' ids.

    Nothing ever removes such clips. Status 1 where a folder has to be left as it is.
    """
    from vitascope.cli.remote import RemoteService
    from vitascope.errors import RequestError
    from vitascope.jobs.adoption import adopt as take_in

    service = _service()
    if isinstance(service, RemoteService):
        raise RequestError(
            "server", "clips are taken in where they lie", "POST /api/v1/jobs/adopt does it there"
        )
    if listing:
        for name in service.unknown_folders():
            typer.echo(name)
        return
    adoption = take_in(service, job or None, owner)
    for matches in adoption.jobs:
        _tell(matches, as_json)
    for name, problem in adoption.problems.items():
        print(f"{name} is left as it is: {problem}", file=sys.stderr)
    if adoption.problems:
        raise typer.Exit(1)


@jobs.command()
def restore(
    backup: Annotated[
        Path | None,
        typer.Argument(metavar="[BACKUP]", help="File of the backup. [default: the newest intact one]"),
    ] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="Only print the backups, the newest first.")
    ] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Start a new, empty queue instead.")] = False,
) -> None:
    """Restore a damaged queue from a backup. Stop the server and its workers first.

    The old file is moved to the folder of the backups. Clips that the backup does not know are left alone: see adopt.
    """
    from vitascope.errors import RequestError
    from vitascope.jobs.backup import backups
    from vitascope.jobs.backup import restore as put_back
    from vitascope.jobs.service import queue_file
    from vitascope.settings import settings

    if chosen.get() is not None:
        raise RequestError("server", "a queue is restored where it lies", "leave --server out, there")
    if settings().store is not None:
        raise RequestError("store", "a queue in Postgres is restored by Postgres", "see docs/fleet.md")
    queue = queue_file(settings().home)
    if listing:
        for path in backups(queue):
            typer.echo(path)
        return
    result = put_back(queue, backup, empty=empty)
    typer.echo(f"restored {queue} from {result.backup}" if result.backup else f"{queue} will be a new queue")
    if result.moved is not None:
        print(f"the file of before is {result.moved}", file=sys.stderr)
    if result.backup is not None:
        _print_unknown(_service())


def _print_unknown(service: "JobService | RemoteService") -> None:
    """Say which folders of clips the queue here does not know."""
    from vitascope.jobs.retention import unknown_line
    from vitascope.jobs.service import JobService

    if isinstance(service, JobService) and (unknown := service.unknown_folders()):
        print(unknown_line(unknown), file=sys.stderr)


def _service() -> "JobService | RemoteService":
    if (url := chosen.get()) is not None:
        from vitascope.cli.remote import remote_service

        return remote_service(url)
    from vitascope.jobs.service import open_service
    from vitascope.settings import settings

    return open_service(settings().home, store=settings().store)


def _state(text: str) -> Any:
    from vitascope.errors import RequestError
    from vitascope.jobs.job import STATES

    if text not in STATES:
        raise RequestError("state", f"{text[:40]!r} is no state", f"known: {', '.join(STATES)}")
    return text


def _named(service: "JobService | RemoteService", name: str) -> "Job":
    """Return the job of that name, or the only one whose name begins so; raises `RequestError`."""
    from vitascope.errors import JobNotFoundError, RequestError
    from vitascope.jobs.job import ID_START

    try:
        return service.store.get(name)
    except JobNotFoundError:
        start = name if name.startswith(ID_START) else ID_START + name
        matches = [job for job in service.store.page(limit=10_000).jobs if job.id.startswith(start)]
        if not matches or not name.strip():
            raise
        if len(matches) > 1:
            raise RequestError("job", f"{name[:40]!r} begins the names of {len(matches)} jobs") from None
        return matches[0]


def _apply(
    names: Sequence[str], do: Callable[["JobService | RemoteService", str], "Job"], as_json: bool
) -> None:
    service = _service()
    for job_id in [_named(service, name).id for name in names]:
        _tell(do(service, job_id), as_json)


def _tell(job: "Job", as_json: bool) -> None:
    typer.echo(escaped_json(job.to_json()) if as_json else job.id)


def _files(service: "JobService | RemoteService", job: "Job") -> list[str]:
    from vitascope.cli.remote import RemoteService

    if isinstance(service, RemoteService):
        return service.files(job)
    return [str(service.storage.file(job, index)) for index in range(len(job.outputs))]


def _follow(service: "JobService | RemoteService", job: str, every: float = 0.2) -> Iterator["Event"]:
    """Yield the events of a job until it is over and all have been told."""
    from vitascope.cli.remote import RemoteService

    if isinstance(service, RemoteService):
        yield from service.follow(job)
        return
    last = 0
    while True:
        # The state is asked for first: what is over by then has all of its events.
        over = service.store.get(job).finished
        events = service.store.events(job, last)
        yield from events
        last = events[-1].id if events else last
        if over and not events:
            return
        if not events:
            time.sleep(every)


def _say(event: "Event", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"id": event.id, "type": event.type, "at": event.at, **event.data}))
        return
    data = event.data
    if event.type == "progress":
        line = f"{data['percent']:3d} %  {data['phase']} {data['step']}/{data['total']}"
        if (left := data.get("job_seconds_left")) is not None:
            line += f"  about {left:.0f} s left"
    else:
        line = "  ".join([event.type, *(str(data[name]) for name in ("because", "message") if name in data)])
    print(escaped(line), file=sys.stderr)
