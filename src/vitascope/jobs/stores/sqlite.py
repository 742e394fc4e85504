"""The queue in one SQLite file, by `apsw`, which brings a current SQLite along (older ones could corrupt a WAL).

WAL lets readers and one writer work side by side. `synchronous` is FULL for all that somebody was told about (a job
taken in, claimed, finished): it is on the disk before the call returns, even if the power fails. It is NORMAL for
heartbeats, which come at every step: a crash of the process loses none, a power cut the last few, and never the order.
A queue must lie on a local disk: SQLite's locks do not hold on network file systems.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from vitascope.errors import DamagedQueueError, DiskFullError, MissingExtraError, VitascopeError
from vitascope.failpoints import failpoint
from vitascope.jobs.backup import back_up, back_up_hourly, hold_open
from vitascope.jobs.clock import Clock
from vitascope.jobs.stores.rows import (
    Row,
    migrations,
    queries,
)
from vitascope.jobs.stores.statements import Statements
from vitascope.jobs.stores.store import LEASE_SECONDS, Store

try:
    import apsw
except ImportError:
    raise MissingExtraError('jobs are kept with apsw: pip install ".[serve]"') from None

BUSY_SECONDS = 60.0
CHECKPOINT_PAGES = 1000
DAMAGE = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError)
"""What SQLite says of a file that is not as it wrote it."""


class SqliteTables(Statements):
    """`Tables` in a file; each thread has a connection of its own."""

    quick = True

    def __init__(self, path: Path):
        """Open the file, made if it is not there and brought up to date if it is old; raises `VitascopeError`."""
        self.path, self._local = path, threading.local()
        self.damage: str | None = None
        """What is known to be wrong with the file, since this process met it; None while nothing is."""
        self._use = hold_open(path)
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
            if isinstance(error, DAMAGE):
                raise self._damaged(error) from None
            raise

    def is_paused(self) -> bool:
        """Say whether nothing is to be claimed."""
        return bool(self._rows("is_paused")[0]["paused"])

    def set_paused(self, paused: bool) -> None:
        """Stop or start the claiming."""
        self._rows("set_paused", {"paused": int(paused)})

    def check(self) -> str:
        """Return "ok" or what is wrong with the file, and remember it."""
        try:
            found = "; ".join(row["integrity_check"] for row in self._rows("check"))
        except DamagedQueueError as error:
            return str(error)
        self.damage = None if found == "ok" else str(damaged(self.path, found))
        return found

    def back_up_hourly(self) -> bool:
        """Write a backup beside the queue if the newest is older than an hour; return whether one was written."""
        return back_up_hourly(self)

    def back_up(self, target: Path) -> None:
        """Write a copy of the queue as it is at this moment to a file that is not there yet, and check the copy.

        Raises `DamagedQueueError` where the copy is not sound: it is of no use then.
        """
        try:
            with closing(apsw.Connection(str(target))) as copy:
                # All pages in one step: in between, each change of another process would begin the copy anew. Readers
                # and writers of a WAL wait for nobody meanwhile.
                with copy.backup("main", self._connection(), "main") as backup:
                    backup.step(-1)
                found = str(copy.pragma("quick_check"))
                copy.pragma("journal_mode", "delete")
        except DAMAGE as error:
            raise self._damaged(error) from None
        except apsw.FullError:
            raise DiskFullError from None
        if found != "ok":
            raise self._damaged(found)

    def close(self) -> None:
        """Close this thread's connection."""
        if (connection := self._local.__dict__.pop("connection", None)) is not None:
            connection.close()

    def _list(self, values: Sequence[str]) -> str:
        return json.dumps(list(values))

    def _rows(self, name: str, values: Row | None = None) -> list[Row]:
        """Run a statement to its end and return its rows; raises `DamagedQueueError`."""
        try:
            return list(self._connection().execute(queries()[name], dict(values or {})))
        except DAMAGE as error:
            raise self._damaged(error) from None

    def _damaged(self, problem: object) -> DamagedQueueError:
        """Remember what is wrong with the file, and return the error that says so."""
        error = damaged(self.path, problem)
        self.damage = str(error)
        return error

    def _connection(self) -> apsw.Connection:
        connection = self._local.__dict__.get("connection")
        if connection is None:
            connection = self._local.connection = _open(self.path)
        return connection

    def _migrate(self) -> None:
        """Bring the file up to date; raises `VitascopeError` for one of a later version."""
        connection, known = self._connection(), list(migrations())
        if 0 < self._checked_version() < known[-1][0]:
            back_up(self, f"before-{known[-1][0]}")
        with self.transaction():
            done = self._version()
            if done < known[-1][0]:
                failpoint("migrate: begun")
            if done > known[-1][0]:
                raise VitascopeError(
                    f"{self.path} was made by a later version of vitascope: install that one, or put back a backup "
                    "of before (vitascope jobs restore)"
                )
            for number, statements in known:
                if number > done:
                    connection.execute(statements)
                    failpoint("migrate: stepped")
                    connection.execute(f"pragma user_version = {number}")
                    failpoint("migrate: counted")
        if done < known[-1][0]:
            failpoint("migrate: committed")

    def _checked_version(self) -> int:
        try:
            return self._version()
        except DAMAGE as error:
            raise self._damaged(error) from None

    def _version(self) -> int:
        """Return how many migrations the file has had."""
        version: list[Any] = list(self._connection().execute("pragma user_version"))
        return version[0]["user_version"]


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
            _make_private(path)
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
        except DAMAGE as error:
            raise damaged(path, error) from None


def _make_private(path: Path) -> None:
    """Make the file if it is not there, for its owner alone: SQLite gives the files beside it the same rights."""
    with suppress(OSError):  # SQLite says in its own words what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if (found := path.stat()).st_mode & 0o077 and os.name == "posix" and found.st_uid == os.getuid():
            path.chmod(0o600)


def damaged(path: Path, problem: object) -> DamagedQueueError:
    """Return the error that names a damaged file, and what to do."""
    line = " ".join(str(problem).split())[:200].removeprefix("CorruptError: ").removeprefix("NotADBError: ")
    return DamagedQueueError(
        f"{path} is damaged ({line}): stop the server and its workers, then put back a backup: vitascope jobs restore"
    )


def _named(cursor: apsw.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.get_description(), row, strict=True)}
