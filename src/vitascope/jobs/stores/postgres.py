"""The queue in a Postgres database, by `psycopg`: for several servers that share one.

Claims are `FOR UPDATE SKIP LOCKED`: no worker waits for a row that another is taking. Whatever is read inside a
transaction in order to be changed is locked there. What two transactions do to each other (a deadlock, the same key
handed in twice) and what a lost connection undoes is done again (`UndoneError`); where the connection was lost in the
middle of a commit, the server is asked what became of it. Heartbeats do not wait for the disk
(`synchronous_commit = off`).

Time is the server's: all who share the queue go by one clock. A transaction whose process has been stopped in the
middle is ended by the server after some seconds, so that nobody waits for it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from vitascope.errors import DiskFullError, RequestError, StoreError, UndoneError, VitascopeError
from vitascope.failpoints import failpoint
from vitascope.files import published
from vitascope.jobs.clock import Clock, SystemClock
from vitascope.jobs.job import Charge, Job
from vitascope.jobs.stores.connections import (
    MOST,
    PATIENCE_SECONDS,
    Connection,
    Connections,
    first_line,
    psycopg,
)
from vitascope.jobs.stores.rows import (
    Row,
    migrations,
    queries,
    to_charge,
)
from vitascope.jobs.stores.statements import Statements
from vitascope.jobs.stores.store import LEASE_SECONDS, Store

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
        # The server does not sleep with this machine.
        self._read, self._here = read, here or SystemClock(asleep=True)
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


class PostgresTables(Statements):
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

    def load(self, job: str) -> Job | None:
        """Return a job."""
        # No text of Postgres holds a NUL: there is no such job.
        return None if "\0" in job else self._job(self._locking("load"), {"id": job})

    def line(self, owner: str | None = None) -> list[Job]:
        """Return the queued jobs (of one owner) in the order of claims."""
        if owner is not None:
            return super().line(owner)
        # Rows that had to be waited for come as they are now, in the order in which they were.
        return sorted(self._jobs(self._locking("line"), {}), key=_turn)

    def is_paused(self) -> bool:
        """Say whether nothing is to be claimed."""
        return self._rows("is_paused")[0]["paused"]

    def set_paused(self, paused: bool) -> None:
        """Stop or start the claiming."""
        self._rows("set_paused", {"paused": paused})

    def charges(self, owner: str, since: float) -> list[Charge]:
        """Return what an owner's jobs cost; inside a transaction, nothing is added to that until it ends."""
        if self._held() is not None:
            self._rows("wait_for_others")
        return [to_charge(row) for row in self._rows("charges", {"owner": owner, "since": since})]

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

    def _locking(self, name: str) -> str:
        """Return the name of the statement that also locks what it reads, where that may be changed in a moment."""
        return name if self._held() is None else f"{name}_locked"

    def _held(self) -> Connection | None:
        """Return the connection of the transaction that this thread is in."""
        return self._local.__dict__.get("connection")

    def _rows(self, name: str, values: Row | None = None) -> list[dict[str, Any]]:
        """Run a statement to its end and return its rows."""
        statement = queries(FOLDER)[name]
        connection = self._held()
        return self._read(statement, values) if connection is None else _run(connection, statement, values)

    def _read(self, statement: str, values: Row | None) -> list[dict[str, Any]]:
        """Run a statement that changes nothing, by another connection where one was lost since it was last used."""
        for _ in range(MOST + 1):
            with self._connections.lent() as connection:
                try:
                    return _run(connection, statement, values)
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
            failpoint("migrate: begun")
            done = self._done(connection)
            for number, statements in known:
                if number > done:
                    connection.execute(statements.encode(), prepare=False)
                    failpoint("migrate: stepped")
            connection.execute("delete from vitascope_version")
            connection.execute(
                "insert into vitascope_version (version) values (%s)", [max(done, known[-1][0])]
            )
            failpoint("migrate: counted")
        failpoint("migrate: committed")

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


def _run(connection: Connection, statement: str, values: Row | None) -> list[dict[str, Any]]:
    cursor = connection.execute(statement.encode(), values)
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


def _turn(job: Job) -> tuple[int, float, int, int]:
    return -job.priority, job.round, job.place, job.number
