"""The service of a server: what `jobs --server URL` and `generate --server URL` talk to in place of the one here."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import typer

from vitascope.cli.progress_bar import Screen
from vitascope.client import Client, client_of
from vitascope.deliver.names import check_output, output_path
from vitascope.errors import RequestError, VitascopeError
from vitascope.escaping import escaped_json
from vitascope.files import published
from vitascope.jobs.job import Event, Failure, Job, Output, Page, Request, Standing, State
from vitascope.jobs.service import JobService
from vitascope.types import Shot


@dataclass(frozen=True)
class RemoteService:
    """A service elsewhere, with as much of `JobService` as the command line needs."""

    client: Client

    @property
    def store(self) -> "RemoteService":
        """The queue: the same thing, seen from here."""
        return self

    def submit(
        self, shot: Shot, *, number: int, asked: Mapping[str, Any], key: str | None, priority: int
    ) -> Job:
        """Hand in a shot."""
        answer = self.client.submit(shot, number=number, priority=priority, key=key, seeded="seed" in asked)
        return job_of(answer)

    def get(self, job: str) -> Job:
        """Return a job."""
        return job_of(self.client.job(job))

    def page(self, limit: int = 20, states: Sequence[State] | None = None) -> Page:
        """Return the newest jobs."""
        answer = self.client.jobs(min(limit, 500), tuple(states or ()))
        return Page(tuple(map(job_of, answer["data"])), answer["has_more"])

    def cancel(self, job: str) -> Job:
        """No longer want a job."""
        return job_of(self.client.do("cancel", job))

    def retry(self, job: str) -> Job:
        """Queue a job again."""
        return job_of(self.client.do("retry", job))

    def clone(self, job: str) -> Job:
        """Hand in the same request once more."""
        return job_of(self.client.do("clone", job))

    def move(self, job: str, before: str | None) -> Job:
        """Put a job elsewhere in the line."""
        return job_of(self.client.do("move", job, {"before": before}))

    def delete(self, job: str) -> Job:
        """Forget a job."""
        record = self.get(job)
        self.client.delete(job)
        return record

    def line(self) -> list[Job]:
        """Return the jobs that wait."""
        return [self.get(name) for name in self.client.queue()["line"]]

    def position(self, job: str) -> int | None:
        """Return how many jobs go before one."""
        return self.client.job(job)["waits_for"]

    def pause(self) -> None:
        """Begin no more jobs."""
        self.client.queue("pause")

    def resume(self) -> None:
        """Resume a paused queue."""
        self.client.queue("resume")

    @property
    def paused(self) -> bool:
        """Whether nothing is begun."""
        return self.client.queue()["paused"]

    def prune(self, **_: Any) -> list[str]:
        """Raise `RequestError`: what is old there is for those who run it."""
        raise RequestError("server", "jobs are pruned where they lie", "leave --server out, there")

    def follow(self, job: str) -> Iterator[Event]:
        """Yield what happens to a job until it is over."""
        for answer in self.client.events(job):
            data = {name: value for name, value in answer.items() if name not in ("id", "job", "type", "at")}
            yield Event(answer["id"], answer["job"], answer["type"], answer["at"], data)

    def files(self, job: Job) -> list[str]:
        """Return the addresses of a job's clips."""
        start = self.client.url.rstrip("/")
        return [f"{start}/api/v1/jobs/{job.id}/files/{index}" for index in range(len(job.outputs))]


def remote_service(url: str) -> RemoteService:
    """Return the service of a server."""
    return RemoteService(client_of(url))


def fetched(service: JobService | RemoteService, job: Job, output: Path | None, force: bool) -> list[Path]:
    """Copy the clips of a job to where they are wanted, and return their files; raises `RequestError`."""
    if not job.outputs:
        raise RequestError("job", f"{job.id} is {job.state}", "there is nothing to fetch")
    files = []
    for index, clip in enumerate(job.outputs):
        path = output_path(output, job.request.shot.prompt, clip.seed, several=len(job.outputs) > 1)
        check_output(path, force=force)
        if isinstance(service, RemoteService):
            service.client.download(job.id, path, index, force=force)
        else:
            with published(path, force=force) as part:
                shutil.copyfile(service.storage.file(job, index), part)
        files.append(path)
    return files


def job_of(answer: Mapping[str, Any]) -> Job:
    """Return the job that a server tells of."""
    shot = json.dumps(answer["shot"])
    outputs = [{field.name: output[field.name] for field in fields(Output)} for output in answer["outputs"]]
    # Where a picture is to be had is for those who can look at it.
    standing_fields = {field.name for field in fields(Standing)} - {"preview"}
    standing = Standing(
        **{name: value for name, value in answer["progress"].items() if name in standing_fields}
    )
    return Job(
        answer["id"],
        Request(shot, kind=answer["kind"], number=answer["number"], parent=answer["parent"]),
        state=answer["state"],
        priority=answer["priority"],
        attempt=answer["attempt"],
        cancel_wanted=answer["cancel_wanted"],
        standing=standing,
        failure=None if answer["error"] is None else Failure(**answer["error"]),
        outputs=tuple(Output(**{**output, "size": tuple(output["size"])}) for output in outputs),
        notes=tuple(answer["notes"]),
        created_at=answer["created_at"],
        started_at=answer["started_at"],
        finished_at=answer["finished_at"],
    )


def generate_there(
    shot: Shot,
    server: str,
    *,
    number: int,
    output: Path | None,
    wait: bool,
    seeded: bool,
    as_json: bool,
    force: bool,
) -> None:
    """Let a server make a shot; print the job's name (no `wait`), or fetch its clips and print their files."""
    assert shot.seed is not None
    if wait:
        for seed in range(shot.seed, shot.seed + number):
            check_output(output_path(output, shot.prompt, seed, several=number > 1), force=force)
    client = client_of(server)
    answer = client.submit(shot, number=number, seeded=seeded)
    bring_home(client, answer, output, wait=wait, as_json=as_json, force=force)


def bring_home(
    client: Client, answer: dict[str, Any], output: Path | None, *, wait: bool, as_json: bool, force: bool
) -> list[Path]:
    """Fetch the clips of a job that was handed in and print their files, or (no `wait`) print its name."""
    with Screen() as screen:
        for note in answer["notes"]:
            screen.say(f"note: {note}")
        if wait:
            answer = _watched(client, answer["id"], screen)
    files = fetched(RemoteService(client), job_of(answer), output, force) if wait else []
    if as_json:
        typer.echo(escaped_json({**answer, "files": [str(file) for file in files]}))
    elif not wait:
        typer.echo(answer["id"])
    else:
        for file in files:
            typer.echo(file)
    return files


def _watched(client: Client, name: str, screen: Screen) -> dict[str, Any]:
    """Return a job once it is over; Ctrl+C cancels it. Raises `VitascopeError` when nothing came of it."""
    try:
        for event in client.events(name):
            if event["type"] == "progress" and event["total"]:
                shot = f"shot {event['clip'] + 1}  " if event.get("clip") or event.get("clip_percent") else ""
                screen.say(
                    f"{event['percent']:3d} %  {shot}{event['phase']} {event['step']}/{event['total']}"
                )
    except KeyboardInterrupt:
        client.do("cancel", name)
        raise
    answer = client.job(name)
    if answer["state"] != "completed":
        why = answer["error"]["message"] if answer["error"] else answer["state"]
        raise VitascopeError(f"{name} came to nothing: {why}")
    return answer
