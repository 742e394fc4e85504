"""The queue in a Postgres database, by `psycopg`: for several servers that share one.

Claims are `FOR UPDATE SKIP LOCKED`: no worker waits for a row that another is taking. Whatever is read inside a
transaction in order to be changed is locked there. What two transactions do to each other (a deadlock, the same key
handed in twice) and what a lost connection undoes is done again (`UndoneError`); where the connection was lost in the
middle of a commit, the server is asked what became of it. Heartbeats do not wait for the disk
(`synchronous_commit = off`).

Time is the server's: all who share the queue go by one clock. A transaction whose process has been stopped in the
middle is ended by the server after some seconds, so that nobody waits for it.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from vitascope.errors import DiskFullError, RequestError, StoreError, UndoneError, VitascopeError
from vitascope.faults import FaultPoint
from vitascope.files import published
from vitascope.jobs.clock import Clock, SystemClock
from vitascope.jobs.connections import MOST, PATIENCE_SECONDS, Connection, Connections, first_line, psycopg
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

FOLDER = "sql/postgres"
CLOCK_SECONDS = 5.0
"""How long this machine's clock carries the server's on before that is read again."""
MIGRATING = 0x7669746173636F70
"""The advisory lock under which the tables are made and changed."""

_BEGIN = (
    "begin; set local idle_in_transaction_session_timeout = '15s'; set local lock_timeout = '30s'; "
    "{}select extract(epoch from clock_timestamp())::float8 as now"
)
_NOW = "select extract(epoch from clock_timestamp())::float8 as now"
_SOON = "set local synchronous_commit = off; "
_AGAIN = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.UniqueViolation,  # a key that somebody else has just used: next time it is found
    psycopg.errors.ReadOnlySqlTransaction,  # after a failover, an address that is no longer the first server's
)


class ServerClock:
    """The database's clock, read with each transaction and carried on in between by the seconds since boot here.

    So the clocks of the machines that share a queue may be wrong by hours, or be set.
    """

    boot = "database"

    def __init__(self, read: Callable[[], float], here: Clock | None = None):
        """Read the server's clock by `read` when it has not been heard of for a while."""
        self._read, self._here = read, here or SystemClock()
        self._heard: tuple[float, float] | None = None

    def hear(self, now: float) -> None:
        """Note what the server's clock says now."""
        self._heard = (now, self._here.ticks())

    def now(self) -> float:
        """Return Unix seconds by the server's clock."""
        heard = self._heard
        passed = None if heard is None else self._here.ticks() - heard[1]
        if heard is None or passed is None or not 0 <= passed < CLOCK_SECONDS:
            self.hear(now := self._read())
            return now
        return heard[0] + passed

    def ticks(self) -> float:
        """Return the same: where several machines share a queue, there is no boot to count from."""
        return self.now()


class PostgresTables:
    """`Tables` in a Postgres database."""

    def __init__(self, url: str, patience: float | int = PATIENCE_SECONDS, here: Clock | None = None):
        """Connect, and make or bring up to date the tables.

        Raises `RequestError` for an address that is none, `StoreError` where nobody answers there, and
        `VitascopeError` for tables of a later version.
        """
        self._connections, self._local = Connections(url, patience=patience), threading.local()
        self.where, self._patience = self._connections.where, patience
        self.clock = ServerClock(lambda: self._read(_NOW, None)[0]["now"], here)
        try:
            self._migrate()
        except psycopg.Error as error:
            raise VitascopeError(f"store: {self.where}: {first_line(error)}") from None

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[None]:
        """Do all of a block or none of it; raises `UndoneError` where it is to be done again."""
        connection = self._begin(durable)
        self._local.connection = connection
        try:
            yield
            self._commit(connection)
        except psycopg.Error as error:
            _undo(connection)
            _raise(error, connection)
        except BaseException:
            _undo(connection)
            raise
        finally:
            self._local.connection = None
            self._connections.give(connection)

    def insert(self, job: Job, fingerprint: str) -> Job:
        """Add a job at the end of the line."""
        return to_job(self._rows("insert", to_row(job, fingerprint))[0])

    def with_key(self, owner: str, key: str) -> tuple[Job, str] | None:
        """Return the owner's job with that key."""
        rows = self._rows("with_key", {"owner": owner, "key": key})
        return (to_job(rows[0]), rows[0]["fingerprint"]) if rows else None

    def load(self, job: str) -> Job | None:
        """Return a job."""
        # No text of Postgres holds a NUL: there is no such job.
        return None if "\0" in job else self._job(self._locking("load"), {"id": job})

    def save(self, job: Job) -> None:
        """Replace a job."""
        self._rows("save", to_row(job))

    def claim(self, worker: str, models: Sequence[str] | None, grip: Grip, now: float) -> Job | None:
        """Give the first job in line that nobody is just taking to a worker."""
        told = {"worker": worker, "models": None if models is None else list(models), "now": now}
        return self._job("claim", told | asdict(grip))

    def overdue(self, grip: Grip) -> list[Job]:
        """Return the running jobs whose lease is over, but for those that somebody is just dealing with."""
        return self._jobs(self._locking("overdue"), asdict(grip))

    def held_by(self, worker: str) -> list[Job]:
        """Return the jobs that a worker has."""
        return self._jobs(self._locking("held_by"), {"worker": worker})

    def select(self, query: Query) -> list[Job]:
        """Return the jobs of a list."""
        states = None if query.states is None else list(query.states)
        told = {"after": query.after, "limit": query.limit, "states": states, "owner": query.owner}
        return self._jobs("newest" if query.newest_first else "oldest", told)

    def line(self) -> list[Job]:
        """Return the queued jobs in the order of claims."""
        # Rows that had to be waited for come as they are now, in the order in which they were.
        return sorted(self._jobs(self._locking("line"), {}), key=_turn)

    def ahead(self, job: Job) -> int:
        """Return how many queued jobs go before one."""
        told = {"priority": job.priority, "place": job.place, "number": job.number}
        return self._rows("ahead", told)[0]["number"]

    def counts(self) -> dict[str, int]:
        """Return how many jobs there are in each state."""
        return {row["state"]: row["number"] for row in self._rows("counts")}

    def is_paused(self) -> bool:
        """Say whether nothing is to be claimed."""
        return self._rows("is_paused")[0]["paused"]

    def set_paused(self, paused: bool) -> None:
        """Stop or start the claiming."""
        self._rows("set_paused", {"paused": paused})

    def log(self, job: str, type: str, at: float, data: Mapping[str, Any]) -> None:
        """Add an event. From here on other transactions that log wait until this one has ended."""
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
        """Return deliveries that are due, but for those that somebody is just taking."""
        told = {"endpoints": list(endpoints), "now": now, "until": until, "limit": limit}
        rows = self._rows("take_deliveries", told)
        return sorted(map(to_delivery, rows), key=lambda one: (one.at, one.letter, one.endpoint))

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
        """Return what an owner's jobs cost; inside a transaction, nothing is added to that until it ends."""
        if self._held() is not None:
            self._rows("wait_for_others")
        return [to_charge(row) for row in self._rows("charges", {"owner": owner, "since": since})]

    def uncharge(self, job: str) -> None:
        """Take back what a job costs."""
        self._rows("uncharge", {"job": job})

    def forget_charges(self, before: float) -> None:
        """Remove old charges."""
        self._rows("forget_charges", {"before": before})

    def check(self) -> str:
        """Return "ok", or what is wrong with the tables: all of them are read, and compared with one another."""
        return "; ".join(row["wrong"] for row in self._rows("check")) or "ok"

    def close(self) -> None:
        """Close the connections that nobody has."""
        self._connections.close()

    def settle(self, folder: Path) -> None:
        """Make a folder the one where the files of this queue lie, or see that it is; raises `VitascopeError`.

        A server that keeps its files elsewhere would look for clips where nobody puts them, and clear away those of
        another queue.
        """
        note = folder / "queue.id"
        with self.transaction():
            queue = self._rows("folder")[0]
            found = note.read_text("utf-8").strip() if note.is_file() else None
            if found == queue["id"] and queue["has_folder"]:
                return
            if found not in (None, queue["id"]) or (found is None and queue["has_folder"]):
                why = "is of another queue" if found else "is not the one that the queue's other servers use"
                hint = f"mount theirs there; if it is lost, write {queue['id']} into {note}"
                raise RequestError("home", f"the folder {folder} {why}", hint)
            self._rows("take_folder")
            with published(note, force=True, argument="home") as part:
                part.write_text(queue["id"] + "\n", "utf-8")

    def _begin(self, durable: bool) -> Connection:
        """Return a connection on which a transaction has begun; one that was lost while it was idle is passed over."""
        for _ in range(MOST + 1):
            connection = self._connections.take()
            try:
                cursor = connection.execute(_BEGIN.format("" if durable else _SOON).encode(), prepare=False)
                while cursor.nextset():
                    pass
                self.clock.hear(cursor.fetchall()[0]["now"])
                return connection
            except BaseException as error:
                lost = connection.closed
                _undo(connection)
                self._connections.give(connection)
                if isinstance(error, psycopg.Error) and not lost:
                    _raise(error, connection)
                if not lost:
                    raise
        raise StoreError(f"store: {self.where} loses every connection")

    def _commit(self, connection: Connection) -> None:
        """Commit, and where the connection is lost meanwhile find out whether it came to that."""
        (row,) = connection.execute("select pg_current_xact_id_if_assigned()::text as id").fetchall()
        try:
            connection.execute("commit")
        except psycopg.OperationalError:
            if not connection.closed or (row["id"] is not None and not self._happened(row["id"])):
                raise

    def _happened(self, transaction: str) -> bool:
        """Say whether a transaction was committed."""
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            try:
                rows = self._read("select pg_xact_status(%(id)s::xid8) as status", {"id": transaction})
            except RequestError:  # the server was started anew and never heard of it
                return False
            if rows[0]["status"] != "in progress":
                return rows[0]["status"] == "committed"
            time.sleep(0.05)
        raise StoreError(f"store: {self.where} does not say whether a change was made")

    def _job(self, name: str, told: Row) -> Job | None:
        rows = self._rows(name, told)
        return to_job(rows[0]) if rows else None

    def _jobs(self, name: str, told: Row) -> list[Job]:
        return [to_job(row) for row in self._rows(name, told)]

    def _locking(self, name: str) -> str:
        """Return the name of the statement that also locks what it reads, where that may be changed in a moment."""
        return name if self._held() is None else f"{name}_locked"

    def _held(self) -> Connection | None:
        """Return the connection of the transaction that this thread is in."""
        return self._local.__dict__.get("connection")

    def _rows(self, name: str, told: Row | None = None) -> list[dict[str, Any]]:
        """Run a statement to its end and return its rows."""
        statement = queries(FOLDER)[name]
        connection = self._held()
        return self._read(statement, told) if connection is None else _run(connection, statement, told)

    def _read(self, statement: str, told: Row | None) -> list[dict[str, Any]]:
        """Run a statement that changes nothing, by another connection where one was lost since it was last used."""
        for _ in range(MOST + 1):
            with self._connections.lent() as connection:
                try:
                    return _run(connection, statement, told)
                except psycopg.Error as error:
                    if not connection.closed:
                        _raise(error, connection)
        raise StoreError(f"store: {self.where} loses every connection")

    def _migrate(self) -> None:
        """Bring the tables up to date; raises `VitascopeError` for those of a later version."""
        known = list(migrations(FOLDER))
        if self._version(known[-1][0]) == known[-1][0]:
            return
        with self._connections.lent() as connection, connection.transaction():
            # Servers that start together wait for one another here, and find the work done.
            connection.execute("select pg_advisory_xact_lock(%s)", [MIGRATING])
            connection.execute("create table if not exists vitascope_version (version bigint not null)")
            FaultPoint("migrate: begun")
            done = self._done(connection)
            for number, statements in known:
                if number > done:
                    connection.execute(statements.encode(), prepare=False)
                    FaultPoint("migrate: stepped")
            connection.execute("delete from vitascope_version")
            connection.execute(
                "insert into vitascope_version (version) values (%s)", [max(done, known[-1][0])]
            )
            FaultPoint("migrate: counted")
        FaultPoint("migrate: committed")

    def _version(self, newest: int) -> int:
        """Return the version of the tables, 0 where there are none."""
        with self._connections.lent() as connection:
            (row,) = connection.execute("select to_regclass('vitascope_version') is null as bare").fetchall()
            done = 0 if row["bare"] else self._done(connection)
        if done > newest:
            raise VitascopeError(
                f"the queue at {self.where} was made by a later version of vitascope: install that one"
            )
        return done

    @staticmethod
    def _done(connection: Connection) -> int:
        rows = connection.execute("select version from vitascope_version").fetchall()
        return rows[0]["version"] if rows else 0


def postgres_store(url: str, clock: Clock | None = None, lease_seconds: float | int = LEASE_SECONDS) -> Store:
    """Return the store in a database, whose tables are made if they are not there; it goes by the server's clock."""
    tables = PostgresTables(url)
    return Store(tables, clock or tables.clock, lease_seconds)


def _run(connection: Connection, statement: str, told: Row | None) -> list[dict[str, Any]]:
    cursor = connection.execute(statement.encode(), told)
    return cursor.fetchall() if cursor.description else []


def _undo(connection: Connection) -> None:
    """End a transaction without a trace; where the connection is lost the server does that."""
    if not connection.closed:
        try:
            connection.execute("rollback")
        except psycopg.Error:
            connection.close()


def _raise(error: psycopg.Error, connection: Connection) -> NoReturn:
    """Raise what an error of the database means to a store."""
    line = first_line(error)
    if isinstance(error, psycopg.errors.DiskFull):
        raise DiskFullError("the disk of the database is full") from None
    if connection.closed or isinstance(error, _AGAIN):
        if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            connection.close()
        raise UndoneError(f"store: {line}") from None
    if isinstance(error, psycopg.DataError):
        raise RequestError("request", f"the database cannot keep it ({line})") from None
    raise VitascopeError(f"store: {line}") from error


def _turn(job: Job) -> tuple[int, int, int]:
    return -job.priority, job.place, job.number
