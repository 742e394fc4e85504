"""Our exceptions; each one's docstring is its message where nothing more is said.

A message is one line that names what was wrong and what would be right; `exit_code` is what the command line
returns for it. `by_model` says that it is the model that could not: another one may (`fallback.first_able`).
"""

from collections.abc import Iterator
from contextlib import contextmanager


class VitascopeError(Exception):
    """Something went wrong."""

    exit_code = 1
    by_model = False

    def __init__(self, message: str | None = None):
        super().__init__(message or type(self).__doc__ or "")


class RequestError(VitascopeError):
    """The request asks for what cannot be done."""

    exit_code = 2

    def __init__(self, argument: str, problem: str, nearest: str | None = None):
        """Refuse `argument` (as in Python, with underscores); `nearest` is the nearest request that would work."""
        self.argument, self.problem, self.nearest = argument, problem, nearest
        self.by_model = argument == "model"
        super().__init__(f"{argument}: {problem}" + (f"; {nearest}" if nearest else ""))


class OutputError(VitascopeError):
    """The clip could not be written."""


class OutputExistsError(RequestError):
    """The file exists already."""


class MarkError(OutputError):
    """The file could not be marked as made by a machine, and is not written without its marks."""


class InputFileError(VitascopeError):
    """The file could not be read as a clip of ours."""


class WeightsError(VitascopeError):
    """The model's weights are missing or damaged; install vitascope again."""

    by_model = True


class RemoteError(VitascopeError):
    """The server cannot be reached, or does not do what was asked."""

    by_model = True


class DamagedStateError(VitascopeError):
    """What was kept of the clip cannot be used."""


class MissingExtraError(VitascopeError):
    """A part of vitascope that is not in the base install is needed."""

    by_model = True


class BrokenPictureError(VitascopeError):
    """The model made numbers that are no picture."""


class MemoryLackError(VitascopeError):
    """The memory of this machine is not enough for that."""


class Cancelled(VitascopeError):
    """Interrupted."""

    exit_code = 130


class JobNotFoundError(RequestError):
    """There is no such job."""


class JobConflictError(RequestError):
    """The job's state, or an earlier request with the same key, forbids it."""


class BudgetError(RequestError):
    """More was asked for than may be had in an hour or a day.

    `wait` is how many seconds it is until there is enough again; None where there never will be.
    """

    def __init__(self, argument: str, problem: str, nearest: str | None = None, wait: float | None = None):
        """Refuse `argument`, for so many seconds."""
        super().__init__(argument, problem, nearest)
        self.wait = wait


class QueueFullError(VitascopeError):
    """Too many jobs wait already; try again later."""


class BrokenFileError(VitascopeError):
    """A list that is kept in a file cannot be read."""


class LeaseLostError(VitascopeError):
    """The job has been given to another worker, or is over."""


class DiskFullError(OutputError):
    """The disk is too full to take more work."""


class StoreError(VitascopeError):
    """The database of the queue cannot be reached."""


class DamagedQueueError(StoreError):
    """The queue's file is damaged; put back a backup: vitascope jobs restore."""


class UndoneError(StoreError):
    """The database undid a change that was at odds with another one; it may be tried again."""


def is_memory_lack(error: BaseException) -> bool:
    """Say whether what was raised means that memory ran out: the one place that decides it.

    Types decide where there are any: Python's, ours, and torch's `OutOfMemoryError`, by name, since torch may not be
    there. Allocators of processors raise a plain `RuntimeError`, and ONNX Runtime an error of its own for all that goes
    wrong in native code: those say it in words only.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, MemoryError | MemoryLackError) or "OutOfMemoryError" in names:
        return True
    native = "RuntimeError" in names or type(error).__module__.startswith("onnxruntime")
    return native and any(sign in str(error).lower() for sign in _SIGNS_OF_LACK)


_SIGNS_OF_LACK = (
    *("out of memory", "can't allocate memory", "not enough memory"),
    *("bad_alloc", "bad allocation", "failed to allocate"),
)


@contextmanager
def asking_the_model() -> Iterator[None]:
    """Mark what is raised inside as the model's own failure, but for what the one who asks did or wants."""
    try:
        yield
    except (Cancelled, OutputError, DamagedStateError):
        raise
    except (VitascopeError, MemoryError) as error:
        if getattr(error, "argument", None) != "resume":
            error.by_model = True  # pyright: ignore[reportAttributeAccessIssue]
        raise
