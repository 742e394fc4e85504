"""Jobs as rows of a database, and back: what is asked for by value has a column, all else is JSON in one."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from functools import cache
from importlib.resources import files
from typing import Any

from vitascope.jobs.job import (
    Charge,
    Delivery,
    Event,
    Failure,
    Job,
    LeaseExpiry,
    OutboxMessage,
    Output,
    Request,
    Standing,
)

Row = Mapping[str, Any]


_PLAIN = (
    "id",
    "state",
    "owner",
    "key",
    "priority",
    "round",
    "place",
    "max_attempts",
    "attempt",
    "lost",
    "worker",
    "created_at",
    "started_at",
    "finished_at",
    "deleted_at",
    "reached",
)


def to_row(job: Job, fingerprint: str = "") -> dict[str, Any]:
    """Return a job as the values of its columns, but for the number that the database gives it."""
    row = {name: getattr(job, name) for name in _PLAIN}
    return row | {
        "model": job.request.model,
        "request": _dump(_request(job.request)),
        "fingerprint": fingerprint,
        "lease_boot": job.expiry and job.expiry.boot,
        "lease_until": job.expiry and job.expiry.until,
        "cancel_wanted": int(job.cancel_wanted),
        "standing": _dump(_standing(job.standing)),
        "failure": job.failure and _dump(asdict(job.failure)),
        "outputs": _dump([asdict(output) for output in job.outputs]),
        "notes": _dump(job.notes),
    }


def to_job(row: Row) -> Job:
    """Return the job of a row."""
    outputs = [{**output, "size": tuple(output["size"])} for output in json.loads(row["outputs"])]
    return Job(
        **{name: row[name] for name in _PLAIN},
        number=row["number"],
        request=Request(**json.loads(row["request"])),
        expiry=None if row["lease_boot"] is None else LeaseExpiry(row["lease_boot"], row["lease_until"]),
        cancel_wanted=bool(row["cancel_wanted"]),
        standing=Standing(**json.loads(row["standing"])),
        failure=None if row["failure"] is None else Failure(**json.loads(row["failure"])),
        outputs=tuple(Output(**output) for output in outputs),
        notes=tuple(json.loads(row["notes"])),
    )


def to_event(row: Row) -> Event:
    """Return the event of a row."""
    return Event(row["id"], row["job"], row["type"], row["at"], json.loads(row["data"]))


def to_message(row: Row) -> OutboxMessage:
    """Return the message of a row."""
    return OutboxMessage(**{name: row[name] for name in ("id", "job", "type", "at", "owner", "tries")})


def to_delivery(row: Row) -> Delivery:
    """Return the delivery of a row."""
    return Delivery(**{one.name: row[one.name] for one in fields(Delivery)})


def to_charge(row: Row) -> Charge:
    """Return the charge of a row."""
    return Charge(**{one.name: row[one.name] for one in fields(Charge)})


@cache
def queries(folder: str = "sql") -> dict[str, str]:
    """Return the statements in a folder's files, but for those of its migrations, by their names."""
    found = files("vitascope.jobs.stores").joinpath(folder).iterdir()
    sql_files = [file for file in found if file.name.endswith(".sql") and not file.name[:4].isdecimal()]
    text = "\n".join(file.read_text("utf-8") for file in sql_files)
    named = (part.partition("\n") for part in text.split("-- name: ")[1:])
    return {name.strip(): statement.strip() for name, _, statement in named}


def migrations(folder: str = "sql") -> Iterator[tuple[int, str]]:
    """Yield the number and the statements of each step from an empty database to today's, in order."""
    steps = files("vitascope.jobs.stores").joinpath(folder).iterdir()
    for file in sorted(steps, key=lambda file: file.name):
        if file.name[:4].isdecimal():
            yield int(file.name[:4]), file.read_text("utf-8")


def _request(request: Request) -> dict[str, Any]:
    """Return a request without what was not said, so that programs of an earlier version can read it."""
    columns = asdict(request)
    new = ("trace", "film_json")
    return {name: value for name, value in columns.items() if name not in new or value is not None}


def _standing(standing: Standing) -> dict[str, Any]:
    """Return a standing without what only several clips have, so that programs of an earlier version can read it."""
    columns = asdict(standing)
    return {name: value for name, value in columns.items() if value or name not in ("clip", "clip_percent")}


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
