"""Our exceptions; each one's docstring is its message where nothing more is said.

A message is one line that names what was wrong and what would be right; `exit_code` is what the command line
returns for it.
"""


class VitascopeError(Exception):
    """Something went wrong."""

    exit_code = 1

    def __init__(self, message: str | None = None):
        super().__init__(message or type(self).__doc__ or "")


class RequestError(VitascopeError):
    """The request asks for what cannot be done."""

    exit_code = 2

    def __init__(self, argument: str, problem: str, nearest: str | None = None):
        """Refuse `argument` (as in Python, with underscores); `nearest` is the nearest request that would work."""
        self.argument, self.problem, self.nearest = argument, problem, nearest
        super().__init__(f"{argument}: {problem}" + (f"; {nearest}" if nearest else ""))


class OutputError(VitascopeError):
    """The clip could not be written."""


class OutputExistsError(RequestError):
    """The file exists already."""


class InputFileError(VitascopeError):
    """The file could not be read as a clip of ours."""


class WeightsError(VitascopeError):
    """The model's weights are missing or damaged; install vitascope again."""


class DamagedStateError(VitascopeError):
    """What was kept of the clip cannot be used."""


class MissingExtraError(VitascopeError):
    """A part of vitascope that is not in the base install is needed."""


class RemoteError(VitascopeError):
    """The server cannot be reached, or does not do what was asked."""


class Cancelled(VitascopeError):
    """Interrupted."""

    exit_code = 130


class JobNotFoundError(RequestError):
    """There is no such job."""


class JobConflictError(RequestError):
    """The job's state, or an earlier request with the same key, forbids it."""


class LeaseLostError(VitascopeError):
    """The job has been given to another worker, or is over."""


class DiskFullError(VitascopeError):
    """The disk is too full to take more work."""
