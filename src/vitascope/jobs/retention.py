"""The retention: about once an hour it backs the queue up, forgets old jobs and clears away what others have left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vitascope.errors import DamagedQueueError, VitascopeError
from vitascope.jobs.service import JobService

HOUR = 3600.0
FIRST = 60.0
"""Seconds after the start of the first round: what a start is about comes before."""


@dataclass(frozen=True)
class RetentionPolicy:
    """For how many seconds jobs are kept that are over, and how many bytes their clips may take; None is for ever."""

    seconds: float | int | None = None
    max_bytes: int | None = None


KEEP_ALL = RetentionPolicy()


class Retention:
    """Tidies a service. Call `tick` as often as you like; whoever watches the workers does."""

    def __init__(
        self, service: JobService, keep: RetentionPolicy = KEEP_ALL, say: Callable[[str], None] = print
    ):
        """Keep as much of the service's jobs as `keep` says, and tell `say` what went."""
        self._service, self._keep, self._say = service, keep, say
        self._due = service.store.clock.ticks() + FIRST
        self._unknown: list[str] = []

    def tick(self) -> bool:
        """Do a round if it is time for one; return whether it was. What goes wrong is told, and tried again later."""
        if self._service.store.clock.ticks() < self._due:
            return False
        self._due = self._service.store.clock.ticks() + HOUR
        try:
            self._service.back_up()
        except DamagedQueueError as error:
            self._say(str(error))
            return True
        except (VitascopeError, OSError) as error:
            self._say(f"backup: {error}")
        try:
            self._report_unknown()
            gone = self._service.prune(older_than=self._keep.seconds, max_bytes=self._keep.max_bytes)
        except (VitascopeError, OSError) as error:
            self._say(f"tidying: {error}")
            return True
        if gone:
            self._say(f"tidying: {len(gone)} jobs and their clips are forgotten")
        return True

    def _report_unknown(self) -> None:
        """Say once which folders the queue does not know."""
        unknown = self._service.unknown_folders()
        if unknown and unknown != self._unknown:
            self._say(f"tidying: {unknown_line(unknown)}")
        self._unknown = unknown


def unknown_line(folders: Sequence[str]) -> str:
    """Return what a person is told about folders that the queue does not know."""
    names = ", ".join(folders[:3]) + (" …" if len(folders) > 3 else "")
    told = f"{len(folders)}: {names}"
    return f"folders of clips that the queue does not know are left alone ({told}); see: vitascope jobs adopt"
