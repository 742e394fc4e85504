"""The queue in one SQLite file, by `apsw`, which brings a current SQLite along (older ones could corrupt a WAL).

WAL lets readers and one writer work side by side. `synchronous` is FULL for all that somebody was told about (a job
taken in, claimed, finished): it is on the disk before the call returns, even if the power fails. It is NORMAL for
heartbeats, which come at every step: a crash of the process loses none, a power cut the last few, and never the order.
A queue must lie on a local disk: SQLite's locks do not hold on network file systems.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vitascope.errors import DiskFullError, MissingExtraError, VitascopeError
from vitascope.faults import FaultPoint
from vitascope.jobs.clock import Clock
from vitascope.jobs.job import Charge, Delivery, Event, Grip, Job, Letter
from vitascope.jobs.rows import (
    Row,
    migrations,
    queries,
    to_charge,
    to_delivery,
    to_event,
    to_job,
    to_letter,
    to_row,
)
from vitascope.jobs.store import LEASE_SECONDS, Query, Store

try:
    import apsw
except ImportError:
    raise MissingExtraError('jobs are kept with apsw: pip install "vitascope[serve]"') from None

BUSY_SECONDS = 60.0
CHECKPOINT_PAGES = 1000


class SqliteTables:
    """`Tables` in a file; each thread has a connection of its own."""

    quick = True

    def __init__(self, path: Path):
        """Open the file, made if it is not there and brought up to date if it is old; raises `VitascopeError`."""
        self.path, self._local = path, threading.local()
        self._migrate()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[None]:
        """Do all of a block or none of it; raises `DiskFullError`."""
        connection = self._connection()
        try:
            connection.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
            connection.execute("begin immediate")
            yield
            connection.execute("commit")
        except BaseException as error:
            # A full disk may have ended the transaction already.
            if connection.in_transaction:
                connection.execute("rollback")
            if isinstance(error, apsw.FullError):
                raise DiskFullError from None
            raise

    def insert(self, job: Job, fingerprint: str) -> Job:
        """Add a job at the end of the line."""
        return to_job(self._rows("insert", to_row(job, fingerprint))[0])

    def with_key(self, owner: str, key: str) -> tuple[Job, str] | None:
        """Return the owner's job with that key."""
        rows = self._rows("with_key", {"owner": owner, "key": key})
        return (to_job(rows[0]), rows[0]["fingerprint"]) if rows else None

    def load(self, job: str) -> Job | None:
        """Return a job."""
        return self._job("load", {"id": job})

    def save(self, job: Job) -> None:
        """Replace a job."""
        self._rows("save", to_row(job))

    def claim(self, worker: str, models: Sequence[str] | None, grip: Grip, now: float) -> Job | None:
        """Give the first job in line to a worker."""
        told = {"worker": worker, "models": None if models is None else json.dumps(list(models)), "now": now}
        return self._job("claim", told | asdict(grip))

    def overdue(self, grip: Grip) -> list[Job]:
        """Return the running jobs whose lease is over."""
        return self._jobs("overdue", asdict(grip))

    def held_by(self, worker: str) -> list[Job]:
        """Return the jobs that a worker has."""
        return self._jobs("held_by", {"worker": worker})

    def select(self, query: Query) -> list[Job]:
        """Return the jobs of a list."""
        states = None if query.states is None else json.dumps(query.states)
        told = {"after": query.after, "limit": query.limit, "states": states, "owner": query.owner}
        return self._jobs("newest" if query.newest_first else "oldest", told)

    def line(self) -> list[Job]:
        """Return the queued jobs in the order of claims."""
        return self._jobs("line", {})

    def ahead(self, job: Job) -> int:
        """Return how many queued jobs go before one."""
        told = {"priority": job.priority, "place": job.place, "number": job.number}
        return self._rows("ahead", told)[0]["number"]

    def counts(self) -> dict[str, int]:
        """Return how many jobs there are in each state."""
        return {row["state"]: row["number"] for row in self._rows("counts")}

    def is_paused(self) -> bool:
        """Say whether nothing is to be claimed."""
        return bool(self._rows("is_paused")[0]["paused"])

    def set_paused(self, paused: bool) -> None:
        """Stop or start the claiming."""
        self._rows("set_paused", {"paused": int(paused)})

    def log(self, job: str, type: str, at: float, data: Mapping[str, Any]) -> None:
        """Add an event."""
        self._rows("log", {"job": job, "type": type, "at": at, "data": json.dumps(data, ensure_ascii=False)})

    def events(self, job: str | None, after: int, limit: int) -> list[Event]:
        """Return the events after one."""
        told = {"after": after, "limit": limit}
        rows = self._rows("events", told) if job is None else self._rows("events_of_job", told | {"job": job})
        return [to_event(row) for row in rows]

    def last_event(self) -> int:
        """Return the id of the newest event."""
        return self._rows("last_event")[0]["id"]

    def forget_progress(self, before: float) -> None:
        """Remove the progress events of jobs that were over before a time."""
        self._rows("forget_progress", {"before": before})

    def post(self, letter: Letter) -> None:
        """Add a letter."""
        self._rows("post", asdict(letter))

    def take_letters(self, now: float, until: float, limit: int) -> list[Letter]:
        """Return letters that are due."""
        rows = self._rows("take_letters", {"now": now, "until": until, "limit": limit})
        return sorted(map(to_letter, rows), key=lambda letter: (letter.at, letter.id))

    def settle_letter(self, letter: str, due: float | None) -> None:
        """Make a letter due at another time, or never again."""
        self._rows("settle_letter", {"id": letter, "due": due})

    def add_delivery(self, delivery: Delivery) -> None:
        """Add a delivery."""
        self._rows("add_delivery", asdict(delivery))

    def take_deliveries(
        self, endpoints: Sequence[str], now: float, until: float, limit: int
    ) -> list[Delivery]:
        """Return deliveries that are due."""
        told = {"endpoints": json.dumps(list(endpoints)), "now": now, "until": until, "limit": limit}
        rows = self._rows("take_deliveries", told)
        return sorted(map(to_delivery, rows), key=lambda one: (one.at, one.letter))

    def settle_delivery(self, delivery: Delivery, claimed: int) -> None:
        """Say what became of a delivery."""
        self._rows("settle_delivery", asdict(delivery) | {"claimed": claimed})

    def deliveries(self, endpoint: str | None, limit: int) -> list[Delivery]:
        """Return deliveries, the newest first."""
        return [to_delivery(row) for row in self._rows("deliveries", {"endpoint": endpoint, "limit": limit})]

    def delivery_counts(self) -> list[tuple[str, str, int]]:
        """Return how many deliveries there are by endpoint and state."""
        return [(row["endpoint"], row["state"], row["number"]) for row in self._rows("delivery_counts")]

    def resend(self, endpoint: str, now: float) -> int:
        """Make deliveries that were given up due anew."""
        return len(self._rows("resend", {"endpoint": endpoint, "now": now}))

    def forget_deliveries(self, endpoint: str) -> None:
        """Remove the deliveries to an endpoint."""
        self._rows("forget_deliveries", {"endpoint": endpoint})

    def forget_letters(self, before: float) -> None:
        """Remove old letters and deliveries."""
        self._rows("forget_old_deliveries", {"before": before})
        self._rows("forget_letters", {"before": before})

    def charge(self, charge: Charge) -> None:
        """Write down what a job costs."""
        self._rows("charge", asdict(charge))

    def charges(self, owner: str, since: float) -> list[Charge]:
        """Return what an owner's jobs cost."""
        return [to_charge(row) for row in self._rows("charges", {"owner": owner, "since": since})]

    def uncharge(self, job: str) -> None:
        """Take back what a job costs."""
        self._rows("uncharge", {"job": job})

    def forget_charges(self, before: float) -> None:
        """Remove old charges."""
        self._rows("forget_charges", {"before": before})

    def check(self) -> str:
        """Return "ok" or what is wrong with the file."""
        return "; ".join(row["integrity_check"] for row in self._rows("check"))

    def close(self) -> None:
        """Close this thread's connection."""
        if (connection := self._local.__dict__.pop("connection", None)) is not None:
            connection.close()

    def _job(self, name: str, told: Row) -> Job | None:
        rows = self._rows(name, told)
        return to_job(rows[0]) if rows else None

    def _jobs(self, name: str, told: Row) -> list[Job]:
        return [to_job(row) for row in self._rows(name, told)]

    def _rows(self, name: str, told: Row | None = None) -> list[Row]:
        """Run a statement to its end and return its rows."""
        return list(self._connection().execute(queries()[name], dict(told or {})))

    def _connection(self) -> apsw.Connection:
        connection = self._local.__dict__.get("connection")
        if connection is None:
            connection = self._local.connection = _open(self.path)
        return connection

    def _migrate(self) -> None:
        """Bring the file up to date; raises `VitascopeError` for one of a later version."""
        connection, known = self._connection(), list(migrations())
        with self.transaction():
            version: list[Any] = list(connection.execute("pragma user_version"))
            done = version[0]["user_version"]
            if done < known[-1][0]:
                FaultPoint("migrate: begun")
            if done > known[-1][0]:
                raise VitascopeError(
                    f"{self.path} was made by a later version of vitascope: install that one"
                )
            for number, statements in known:
                if number > done:
                    connection.execute(statements)
                    FaultPoint("migrate: stepped")
                    connection.execute(f"pragma user_version = {number}")
                    FaultPoint("migrate: counted")
        if done < known[-1][0]:
            FaultPoint("migrate: committed")


def sqlite_store(
    path: Path,
    clock: Clock | None = None,
    lease_seconds: float | int = LEASE_SECONDS,
    make_room: Callable[[], bool] = lambda: False,
) -> Store:
    """Return the store in a file, made if it is not there."""
    return Store(SqliteTables(path), clock, lease_seconds, make_room)


def _open(path: Path) -> apsw.Connection:
    """Open a file whose rows come as dictionaries; others that open it at the same time are waited for."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection = apsw.Connection(str(path))
            connection.set_busy_timeout(round(BUSY_SECONDS * 1000))
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma foreign_keys = on")
            connection.execute("pragma secure_delete = on")  # forgotten words are written over
            connection.execute(f"pragma wal_autocheckpoint = {CHECKPOINT_PAGES}")
            connection.row_trace = _named
            return connection
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise VitascopeError(f"{path} is locked by another process") from None
            time.sleep(0.01)
        except apsw.CantOpenError:
            raise VitascopeError(f"{path} cannot be opened") from None


def _named(cursor: apsw.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.get_description(), row, strict=True)}
