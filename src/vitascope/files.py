"""Files that appear whole or not at all, whatever ends the process that writes them."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vitascope.errors import DiskFullError, OutputError, OutputExistsError
from vitascope.failpoints import failpoint

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says when there is no room left."""


def keep_private() -> None:
    """Let files and folders that this process makes from now on be for its own user alone, whatever its umask was.

    For servers and workers, whose files hold what many people said.
    """
    os.umask(0o077)


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may enter, and return it; others lose their rights to one that is there.

    Folders above it that are missing are made likewise.
    """
    for folder in reversed([path, *path.parents]):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)  # whatever the umask took away
    if os.name == "posix" and (found := path.stat()).st_uid == os.getuid() and found.st_mode & 0o077:
        path.chmod(0o700)
    return path


@contextmanager
def published(path: Path, *, force: bool, argument: str = "output", private: bool = False) -> Iterator[Path]:
    """Yield a new file beside `path` that takes its place when all went well and vanishes when not.

    Raises `OutputError` for whatever the system refuses, and `OutputExistsError` for a file that appeared meanwhile;
    both name the `argument` that asked for the file. A `private` file is for its owner alone.
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f"{_stem(target)}{secrets.token_hex(4)}.part")
    try:
        # Created by ourselves, so that a name that was there before is never written over.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o666))
        if private:
            part.chmod(0o600)  # whatever the umask took away
        failpoint("file: made")
        yield part
        failpoint("file: written")
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        failpoint("file: synced")
        _publish(part, target, force=force)
    except FileExistsError:
        raise OutputExistsError(argument, f"{path} exists", "say --force to write over it") from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        kind = DiskFullError if error.errno in FULL else OutputError
        raise kind(f"{argument}: {path} could not be written ({reason})") from None
    finally:
        part.unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Remove what a process that was killed while it wrote `path` has left beside it."""
    target = Path(os.path.realpath(path))
    start = _stem(target)
    for part in target.parent.iterdir():
        if part.name.startswith(start) and part.suffix == ".part" and len(part.name) == len(start) + 13:
            part.unlink(missing_ok=True)


def _stem(target: Path) -> str:
    return f".{target.name[:80]}."


def _publish(part: Path, target: Path, *, force: bool) -> None:
    if force:
        part.replace(target)
    else:
        try:
            os.link(part, target)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            part.replace(target)
    failpoint("file: renamed")
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    failpoint("file: folder synced")
