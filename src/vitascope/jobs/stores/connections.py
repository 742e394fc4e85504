"""Connections to a Postgres server: few, shared by the threads of a process, and made anew when they are lost."""

import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from vitascope.errors import MissingExtraError, RequestError, StoreError

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
    from psycopg.rows import dict_row
except ImportError:
    raise MissingExtraError('a queue on Postgres needs psycopg: pip install ".[postgres]"') from None

Connection = psycopg.Connection[dict[str, Any]]

MOST = 8
PATIENCE_SECONDS = 20.0
"""How long a call waits for a server that was there before and is not any more: a restart, a failover."""

DEFAULTS = {
    "application_name": "vitascope",
    "connect_timeout": "10",
    # A server or a network that is gone without a word is noticed within a minute.
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""What holds where the address says nothing else."""


class Connections:
    """Up to `most` connections to the database that an address names, lent to one thread at a time."""

    def __init__(self, url: str, most: int = MOST, patience: float | int = PATIENCE_SECONDS):
        """Connect once; raises `RequestError` for an address that is none and `StoreError` at once."""
        try:
            options = conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            hint = "as in postgresql://user@host/name"
            raise RequestError("store", "is no address of a Postgres database", hint) from None
        self._info = make_conninfo("", **{**DEFAULTS, **options})
        # Never the address itself: a password may be in it.
        database = options.get("dbname") or options.get("user") or ""
        self.where = f"{options.get('host') or 'the local Postgres'}/{database}"
        self._patience = patience
        self._idle: list[Connection] = []
        self._free = threading.BoundedSemaphore(most)
        weakref.finalize(self, _close, self._idle)
        self._idle.append(self._connect(0.0))

    def take(self) -> Connection:
        """Return a connection that is the caller's until `give`; raises `StoreError`."""
        if not self._free.acquire(timeout=self._patience):
            raise StoreError(f"all connections to {self.where} are in use")
        try:
            try:
                return self._idle.pop()
            except IndexError:
                return self._connect(self._patience)
        except BaseException:
            self._free.release()
            raise

    def give(self, connection: Connection) -> None:
        """Take a connection back; where one is lost, those that were idle are as well."""
        if connection.closed:
            self.close()
        elif connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            self._idle.append(connection)
        else:
            connection.close()
        self._free.release()

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """Yield a connection."""
        connection = self.take()
        try:
            yield connection
        finally:
            self.give(connection)

    def close(self) -> None:
        """Close those that nobody has; the next call makes new ones."""
        _close(self._idle)

    def _connect(self, patience: float | int) -> Connection:
        deadline, wait = time.monotonic() + patience, 0.05
        while True:
            try:
                return Connection.connect(self._info, autocommit=True, row_factory=dict_row)
            except psycopg.OperationalError as error:
                if time.monotonic() + wait > deadline:
                    raise StoreError(f"store: {self.where}: {first_line(error)}") from None
            time.sleep(wait)
            wait = min(1.0, 2 * wait)


def _close(idle: list[Connection]) -> None:
    while idle:
        with suppress(IndexError):  # another thread may be faster
            idle.pop().close()


def first_line(error: Exception) -> str:
    """Return what a database says is wrong, as one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
