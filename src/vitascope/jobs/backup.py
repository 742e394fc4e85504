"""Backups of the queue's file by SQLite's own means, and how one is put back.

`jobs/backups/queue-20261130-235900.sqlite3` is a copy of the queue as it was at that second (UTC). One is made every
hour and before each migration, and only a copy that is sound takes its place there, so that a damaged queue never
pushes a good backup out.
"""

import contextlib
import os
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from vitascope.errors import OutputError, RequestError, StoreError
from vitascope.failpoints import failpoint
from vitascope.files import private_folder, published

if TYPE_CHECKING:
    from vitascope.jobs.stores.sqlite import SqliteTables

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FOLDER = "backups"
HOUR = 3600.0
HOURLY = 6
"""How many hourly backups are kept: words of deleted jobs stay in them for no longer."""
MIGRATION_SECONDS = 7 * 24 * HOUR
"""How long the backup of before a migration is kept."""
SUFFIXES = ("", "-wal", "-shm")
"""What belongs to a queue's file."""


@dataclass(frozen=True)
class Restoration:
    """What was put back: the backup (None: a new queue), and the file that the old queue was moved to, if any."""

    backup: Path | None
    moved: Path | None


def back_up(tables: "SqliteTables", reason: str = "") -> Path:
    """Write a backup of the queue, remove those that are no longer kept, and return its path.

    Raises `DamagedQueueError` for a queue that is not sound, `DiskFullError` and `OutputError`; then the backups that
    are there stay as they are.
    """
    folder = tables.path.parent / FOLDER
    try:
        private_folder(folder)
    except OSError as error:
        raise OutputError(f"backups: {folder} could not be made ({error.strerror})") from None
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    target = folder / f"queue-{moment}{reason and '-'}{reason}.sqlite3"
    with published(target, force=True, argument="backups", private=True) as part:
        tables.back_up(part)
        failpoint("backup: written")
    _remove_old(folder)
    return target


def back_up_hourly(tables: "SqliteTables") -> bool:
    """Write a backup if the newest is older than an hour, whichever process made it; return whether one was written."""
    newest = max((_written_at(path) for path in backups(tables.path)), default=0.0)
    now = time.time()
    # A backup from the future is one of before the clock was set back.
    if now - HOUR < newest <= now:
        return False
    back_up(tables)
    return True


def backups(queue: Path) -> list[Path]:
    """Return the backups of a queue, the newest first."""
    found = (queue.parent / FOLDER).glob("queue-*.sqlite3")
    return sorted((path for path in found if path.is_file()), key=_written_at, reverse=True)


def restore(queue: Path, backup: Path | None = None, *, empty: bool = False) -> Restoration:
    """Put the newest sound backup in the place of a queue, or the one that is named, or (`empty`) a new queue.

    The old file is moved to the backups, and never removed. Raises `RequestError` where no backup is sound, and
    `StoreError` while a process has the queue open.
    """
    from vitascope.jobs.stores.sqlite import SqliteTables

    with _alone(queue):
        chosen = None if empty else _sound(queue, backup)
        moved = _set_aside(queue)
        if chosen is not None:
            with published(queue, force=True, argument="backups", private=True) as part:
                part.write_bytes(chosen.read_bytes())
                _skip_event_ids(part)
    if chosen is not None:
        SqliteTables(queue).close()
    return Restoration(chosen, moved)


def hold_open(queue: Path) -> object:
    """Say for as long as the returned object lives that this process has the queue open; see `restore`.

    Raises `StoreError` while the queue is put back.
    """
    if fcntl is None:
        return None
    try:
        file = os.open(_lock(queue), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None  # SQLite says in its own words what is wrong with the folder.
    handle = _Handle()
    weakref.finalize(handle, os.close, file)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreError(f"{queue} is being restored; try again in a moment") from None
    except OSError:
        return None  # a file system without locks
    return handle


class _Handle:
    """Something to hold on to."""


@contextmanager
def _alone(queue: Path) -> Iterator[None]:
    """Keep others from opening a queue for a block; raises `StoreError` where somebody has it open."""
    if fcntl is None:
        yield
        return
    file = os.open(_lock(queue), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            line = "is in use: stop the server and its workers first"
            raise StoreError(f"{queue} {line}") from None
        yield
    finally:
        os.close(file)


def _sound(queue: Path, backup: Path | None) -> Path:
    """Return the newest backup that is sound, or the one that is named if it is."""
    if backup is not None:
        if (problem := _problem(backup)) is not None:
            raise RequestError("backup", f"{backup} is no sound backup ({problem})")
        return backup
    found = backups(queue)
    for path in found:
        if _problem(path) is None:
            return path
    which = f"none of the {len(found)} backups in" if found else "there is no backup in"
    hint = "begin a new queue: vitascope jobs restore --empty, then take the clips in: vitascope jobs adopt"
    raise RequestError("backup", f"{which} {queue.parent / FOLDER}{' is sound' if found else ''}", hint)


def _problem(path: Path) -> str | None:
    """Return why a file cannot be put back as a queue; None where it can."""
    import apsw

    from vitascope.jobs.stores.rows import migrations

    if not path.is_file():
        return "it is not there"
    try:
        # Immutable: no log of changes is looked for or made beside it.
        address, flags = (
            f"file:{quote(str(path))}?immutable=1",
            apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
        )
        with contextlib.closing(apsw.Connection(address, flags=flags)) as file:
            if (found := str(file.pragma("integrity_check"))) != "ok":
                return found.splitlines()[0][:200]
            version = file.pragma("user_version")
            if not isinstance(version, int) or not 0 < version <= max(number for number, _ in migrations()):
                return "it was made by a later version of vitascope" if version else "it is no queue"
            file.execute("select count(*) from jobs").fetchall()
    except apsw.Error as error:
        return " ".join(str(error).split())[:200]
    return None


def _set_aside(queue: Path) -> Path | None:
    """Move a queue's files out of the way, and return where the first one went."""
    folder = queue.parent / FOLDER
    private_folder(folder)
    stem = f"replaced-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(2).hex()}.sqlite3"
    moved = None
    for suffix in SUFFIXES:
        file = queue.with_name(queue.name + suffix)
        if file.exists():
            file.replace(folder / f"{stem}{suffix}")
            moved = moved or folder / stem
    return moved


def _skip_event_ids(path: Path) -> None:
    """Let new events get ids that are larger than all that listeners may have seen after the backup was made."""
    import apsw

    with contextlib.closing(apsw.Connection(str(path))) as file:
        file.execute("update sqlite_sequence set seq = seq + 1000000 where name = 'events'")


def _remove_old(folder: Path) -> None:
    hourly = [path for path in backups(folder.parent / "queue") if "-before-" not in path.name]
    for path in hourly[HOURLY:]:
        path.unlink(missing_ok=True)
    limit = time.time() - MIGRATION_SECONDS
    for path in folder.glob("queue-*-before-*.sqlite3"):
        if _written_at(path) < limit:
            path.unlink(missing_ok=True)


def _written_at(path: Path) -> float:
    """Return when a file was written, 0 where it has gone meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _lock(queue: Path) -> Path:
    return queue.with_name(f"{queue.name}.lock")
