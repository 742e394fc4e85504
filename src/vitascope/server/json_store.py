"""A list in a JSON file that several servers and commands may read and change at the same time.

Readers see the list before a change or after it, never half of it. A writer holds a lock file, which the system
releases however the process ends, and reads the list again before it changes it.
"""

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from vitascope.errors import BrokenFileError, OutputError
from vitascope.files import published

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

T = TypeVar("T")


class JsonStore(Generic[T]):
    """Dataclasses in a file that only its owner may read."""

    def __init__(self, path: Path, argument: str, read: Callable[[dict[str, Any]], T]):
        """Store items at `path`; `read` makes an item of a JSON object, `argument` names the list in errors."""
        self._path, self._argument, self._read = path, argument, read
        self._lock = threading.Lock()
        self._seen: tuple[tuple[int, ...], tuple[T, ...]] = (), ()

    def all(self) -> tuple[T, ...]:
        """Return the list as it is now; the file is read again whenever it has changed. Raises `BrokenFileError`."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return ()
        # The inode tells apart two files written within one tick of the clock.
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp != self._seen[0]:
            self._seen = stamp, self._list()
        return self._seen[1]

    def change(self, change: Callable[[tuple[T, ...]], Iterable[T]]) -> None:
        """Replace the list by `change(list)` under the lock; if `change` raises, the list stays as it was.

        Raises `OutputError`.
        """
        with self._locked():
            self._save(change(self._list()))

    def _list(self) -> tuple[T, ...]:
        try:
            return tuple(map(self._read, json.loads(self._path.read_text("utf-8"))))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            # The message leaves out the content, which may be secret.
            reason = error.strerror if isinstance(error, OSError) else "damaged, or of a later version"
            hint = "mend it, put a backup back, or move it away and add what was in it again"
            raise BrokenFileError(
                f"{self._argument}: {self._path} cannot be read ({reason}): {hint}"
            ) from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock against other threads and processes."""
        lock = self._path.with_name(f".{self._path.name}.lock")
        with self._lock:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                problem = f"{lock} could not be made ({error.strerror})"
                raise OutputError(f"{self._argument}: {problem}") from None
            try:
                if fcntl is not None:
                    # The file stays: to remove it would let two hold the lock, one of each file of that name.
                    fcntl.flock(file, fcntl.LOCK_EX)
                yield
            finally:
                os.close(file)

    def _save(self, items: Iterable[T]) -> None:
        rows = [asdict(cast(Any, item)) for item in items]
        with published(self._path, force=True, argument=self._argument) as part:
            os.chmod(part, 0o600)
            part.write_text(json.dumps(rows, indent=1), "utf-8")
