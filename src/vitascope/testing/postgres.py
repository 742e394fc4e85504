"""A Postgres server of one's own in a temporary folder, for drills: tests and benchmarks start it and end it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from vitascope.errors import StoreError
from vitascope.jobs.stores.connections import psycopg

# What it keeps is thrown away with it: nothing has to reach the disk. `fsync` stays with benchmarks (`durable`).
CARELESS = ("fsync=off", "full_page_writes=off")
SETTINGS = ("listen_addresses=", "shared_buffers=32MB", "max_connections=60", "max_wal_size=256MB")


def programs() -> Path | None:
    """Return the folder of the newest Postgres's programs on this machine, None where there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    here = shutil.which("initdb")
    return Path(here).resolve().parent if here else None


class Scratch:
    """A running server that only this machine's processes reach, through a socket in its folder."""

    def __init__(self, bin: Path, folder: Path, durable: bool = False):
        """Make an empty database in a folder and start its server."""
        self._bin, self._folder, self._durable = bin, folder, durable
        self._schemas = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        # Postgres refuses to run as root.
        self._as, owner = _somebody()
        shutil.chown(folder, *owner)
        self._run(
            "initdb", "-D", self._data, "-U", "vitascope", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"
        )
        self.start()

    @property
    def url(self) -> str:
        """The address of its database."""
        return f"postgresql://vitascope@/postgres?host={self._folder}"

    def fresh(self) -> str:
        """Return an address of that database at which there is nothing yet: a schema of its own."""
        name = f"queue_{next(self._schemas)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"create schema {name}".encode())
        return f"{self.url}&options=-csearch_path%3D{name}"

    def start(self, seconds: float | int = 60.0) -> None:
        """Start it and wait until it answers; raises `StoreError`."""
        told = [*SETTINGS, f"unix_socket_directories={self._folder}", *(() if self._durable else CARELESS)]
        options = [part for setting in told for part in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            command = [*self._as, str(self._bin / "postgres"), "-D", self._data, *options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        deadline = time.monotonic() + seconds
        while True:
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise StoreError(f"Postgres does not start: {error}") from None
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it: at once with SIGINT, without any care with SIGQUIT."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._bin / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self._folder)
        if done.returncode:
            raise StoreError(f"{program}: {done.stderr.strip()[-500:]}")


@contextmanager
def scratch(*, durable: bool = False) -> Iterator[Scratch]:
    """Yield a server that is gone when the block ends; raises `StoreError` where Postgres is not installed.

    With `durable` it writes to the disk before it says that it has.
    """
    if (bin := programs()) is None:
        raise StoreError("Postgres is not installed here (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="vitascope-pg-"))
    try:
        server = Scratch(bin, folder, durable)
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _somebody() -> tuple[Sequence[str], tuple[int, int]]:
    """Return what a command begins with so that it is not root's, and the numbers of whose it is then."""
    if os.geteuid() != 0:
        return (), (os.geteuid(), os.getegid())
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        return ("setpriv", *ids), (user.pw_uid, user.pw_gid)
    raise StoreError("Postgres does not run as root, and there is nobody else")
