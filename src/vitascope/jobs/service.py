"""The service where jobs are handed in and picked up: the queue and the folders of its jobs, kept in step.

Servers and the command line talk to a `JobService`. Whatever is about rows alone they ask of its `store`.
"""

import re
import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from vitascope import pipeline, telemetry
from vitascope.backends.registry import backend
from vitascope.director.film import Film
from vitascope.director.storyboard import storyboard
from vitascope.errors import DiskFullError, OutputError, RequestError, StoreError
from vitascope.failpoints import failpoint
from vitascope.jobs.budget import DAY, NO_LIMITS, Budget, Cost
from vitascope.jobs.job import FINISHED, MAX_ATTEMPTS, Job, Kind, Request
from vitascope.jobs.liveness import is_stopped
from vitascope.jobs.storage import MIN_FREE, JobStorage
from vitascope.jobs.stores.store import LEASE_SECONDS, Store
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.media.limits import printable
from vitascope.shot_fields import MAX_SEED
from vitascope.types import Shot

MAX_NUMBER = 64
ABANDONED_SECONDS = 3600.0
"""How long a file of nobody's may lie before it is taken for one that a killed process left."""

PROGRESS_SECONDS = 86_400.0
"""How long the single steps of a job that is over stay in its log."""

CREATION_SECONDS = 1.0
"""How long a queue's file may be empty before it is taken for a damaged one."""

MESSAGE_SECONDS = 30 * DAY
"""How long news is kept, and how it was delivered; it is given up long before."""


@dataclass(frozen=True)
class JobService:
    """A store, and the storage where the files of its jobs lie."""

    store: Store
    storage: JobStorage

    def submit(
        self,
        shot: Shot,
        *,
        kind: Kind = "generate",
        number: int = 1,
        parent: str | None = None,
        asked: Mapping[str, Any] | None = None,
        key: str | None = None,
        owner: str = "",
        priority: int = 0,
        max_attempts: int = MAX_ATTEMPTS,
        budget: Budget = NO_LIMITS,
        max_queued: int | None = None,
        share: int = 1,
        inspector: Inspector = LOCAL,
    ) -> Job:
        """Take in a shot, checked as far as it can be without rendering it, and return the job.

        Its files are copied first, so that they may change or go afterwards. `asked` is what the client said, if that
        was not the shot itself: it is kept for it, and decides whether two requests with one key are the same. Raises
        `RequestError` as `generate` does, `JobConflictError` for a key that was used for something else, `BudgetError`
        where the owner has spent too much, `QueueFullError` where more than `max_queued` jobs would wait, and
        `DiskFullError`; then nothing was taken in. An owner's `share` is as in `Store.submit`.
        """
        self.storage.check_space()
        said = dict(asked or shot.model_dump(mode="json", exclude_defaults=True))
        seed = secrets.randbelow(2**32) if shot.seed is None else shot.seed
        _check_number(number, seed)
        shot = shot.model_copy(update={"seed": seed})
        planned = pipeline.plan(shot, backend(shot.model), inspector)
        kept = self.storage.keep_inputs(planned.shot)
        request = Request.of(
            self.storage.keep_inputs(shot),
            kept,
            kind=kind,
            number=number,
            parent=parent,
            asked=said,
            trace=telemetry.carried(),
        )
        return self.store.submit(
            request,
            key=key,
            owner=owner,
            priority=priority,
            max_attempts=max_attempts,
            notes=_renamed(planned.notes, planned.shot, kept),
            cost=_cost(request),
            budget=budget,
            max_queued=max_queued,
            share=share,
        )

    def submit_film(
        self,
        film: Film,
        *,
        asked: Mapping[str, Any] | None = None,
        key: str | None = None,
        owner: str = "",
        priority: int = 0,
        max_attempts: int = MAX_ATTEMPTS,
        budget: Budget = NO_LIMITS,
        max_queued: int | None = None,
        share: int = 1,
        inspector: Inspector = LOCAL,
    ) -> Job:
        """Take in a film, every shot of it checked, and return the job; one job makes all shots. Else as `submit`."""
        self.storage.check_space()
        board = storyboard(film, inspector)
        takes, notes = [], board.notes
        for take in board.takes:
            kept = self.storage.keep_inputs(take.shot)
            notes = _renamed(notes, take.shot, kept)
            takes.append(take.model_copy(update={"shot": kept}))
        kept_board = board.model_copy(update={"takes": tuple(takes), "notes": notes})
        request = Request.of(
            board.whole(),
            board.whole(),
            kind="film",
            asked=dict(asked or film.said()),
            trace=telemetry.carried(),
            film_json=kept_board.model_dump_json(exclude_none=True),
        )
        return self.store.submit(
            request,
            key=key,
            owner=owner,
            priority=priority,
            max_attempts=max_attempts,
            notes=notes,
            cost=_cost(request),
            budget=budget,
            max_queued=max_queued,
            share=share,
        )

    def clone(
        self,
        job: str,
        *,
        budget: Budget = NO_LIMITS,
        max_queued: int | None = None,
        max_priority: int | None = None,
        share: int = 1,
    ) -> Job:
        """Hand in the same request once more, with the first one's priority up to `max_priority`.

        Raises `BudgetError` and `QueueFullError`.
        """
        first = self.store.get(job)
        return self.store.clone(
            job,
            priority=first.priority if max_priority is None else min(first.priority, max_priority),
            cost=_cost(first.request),
            budget=budget,
            max_queued=max_queued,
            share=share,
            trace=telemetry.carried(),
        )

    def retry(
        self, job: str, *, budget: Budget = NO_LIMITS, max_queued: int | None = None, share: int = 1
    ) -> Job:
        """Queue a failed or cancelled job again, and charge its owner again.

        Raises `BudgetError` and `QueueFullError`.
        """
        cost = _cost(self.store.get(job).request)
        return self.store.retry(job, cost=cost, budget=budget, max_queued=max_queued, share=share)

    def file(self, job: str, index: int = 0, owner: str | None = None) -> Path:
        """Return the file of a finished clip. Raises `RequestError` for a job that has none (yet)."""
        return self.storage.file(self.store.get(job, owner), index)

    def delete(self, job: str, owner: str | None = None) -> Job:
        """Forget a job and remove its files; a running one stops at its next step and is swept away by its worker."""
        self.store.get(job, owner)
        deleted = self.store.delete(job)
        if deleted.state != "running":
            self.storage.remove(job)
        return deleted

    def prune(self, *, older_than: float | int | None = None, max_bytes: int | None = None) -> list[str]:
        """Delete what was over `older_than` seconds ago, then the oldest until all clips fit into `max_bytes`.

        Return the names of the jobs that went. Only what is over is ever pruned. The queue is backed up before, if that
        is due; raises `DamagedQueueError` for one that is not sound, and then nothing is removed.
        """
        with suppress(DiskFullError, OutputError):  # what is pruned makes room for the next backup
            self.back_up()
        over = self._over()
        total, now = sum(job.bytes for job in over), self.store.clock.now()
        gone = []
        for job in over:
            old = older_than is not None and (job.finished_at or now) < now - older_than
            if old or (max_bytes is not None and total > max_bytes and job.bytes):
                total -= job.bytes
                gone.append(self.delete(job.id).id)
                failpoint("prune: deleted one")
        self.tidy()
        return gone

    def back_up(self) -> bool:
        """Write a backup of the queue if the newest is an hour old; raises as `Store.back_up`."""
        self.storage.check_space()
        return self.store.back_up()

    def unknown_folders(self) -> list[str]:
        """Return the names of the job folders that the queue has never known, as after the queue's file was lost."""
        return [name for name in self.storage.job_folders() if self.store.tables.load(name) is None]

    def tidy(self) -> None:
        """Remove what killed processes and deleted jobs have left, and lay in ballast again; now and then is enough.

        A folder is removed only where the queue says that its job was deleted: one that it does not know is left alone.
        """
        kept, unknown = set(), False
        for name in self.storage.job_folders():
            job = self.store.tables.load(name)
            if job is None:
                unknown = True
            elif job.deleted_at is not None and job.state != "running":
                self.storage.remove(name)
        for job in self._all():
            for given in (given for shot in job.request.shots for given in shot.givens):
                kept |= {Path(name).name for name in (given.source, given.mask) if name is not None}
            # It may have been retried since it was listed.
            if job.state in ("completed", "cancelled") and self.store.tables.load(job.id) == job:
                self.storage.sweep(job)
        failpoint("tidy: swept")
        if not unknown:
            # What the queue has lost may need its inputs again.
            self.storage.remove_inputs(kept, ABANDONED_SECONDS)
        self.store.forget_progress(PROGRESS_SECONDS)
        self.store.forget_messages(MESSAGE_SECONDS)
        self.store.forget_charges(2 * DAY)
        self.storage.make()

    def _over(self) -> list[Job]:
        return [job for job in self._all() if job.state in FINISHED]

    def _all(self) -> list[Job]:
        """Return all jobs, the oldest first."""
        jobs: list[Job] = []
        while True:
            page = self.store.page(jobs[-1].id if jobs else None, 500, "asc")
            jobs += page.jobs
            if not page.more:
                return jobs


def open_service(
    home: Path,
    *,
    lease_seconds: float | int = LEASE_SECONDS,
    min_free: int | None = None,
    store: SecretStr | None = None,
) -> JobService:
    """Return the service of a home folder, made if it is not there yet.

    `store` is the address of a Postgres database that several servers share, with the home folder; without one the
    queue lies in the home folder. Raises `MissingExtraError` without apsw or psycopg, `OutputError` where nothing can
    be written, `StoreError` where no database answers, and `RequestError` for a folder that is not that of its queue.
    """
    least = MIN_FREE if min_free is None else min_free
    if store is not None:
        return _shared_service(home, store.get_secret_value(), lease_seconds, least)
    from vitascope.jobs.stores.sqlite import sqlite_store

    storage = _made(JobStorage(queue_file(home).parent, least))
    _check_queue_file(storage)
    return _service(
        sqlite_store(storage.queue, lease_seconds=lease_seconds, make_room=storage.drop_ballast), storage
    )


def queue_file(home: Path) -> Path:
    """Return the file of the queue of a home folder, which need not be there."""
    return JobStorage(home.absolute() / "jobs").queue


def _shared_service(home: Path, url: str, lease_seconds: float | int, min_free: int) -> JobService:
    from vitascope.jobs.clock import SystemClock
    from vitascope.jobs.stores.postgres import PostgresTables

    tables = PostgresTables(url)
    # Two machines may go by one name, and two containers by one start of the machine.
    machine = f"{re.sub(r'[^a-zA-Z0-9-]', '-', socket.gethostname())[:40]}-{SystemClock().boot[:8]}"
    storage = _made(JobStorage(home.absolute() / "shared", min_free, machine=machine))
    tables.settle(storage.path)
    return _service(Store(tables, tables.clock, lease_seconds), storage)


def _service(store: Store, storage: JobStorage) -> JobService:
    store.is_stopped = partial(is_stopped, storage.workers)
    return JobService(store, storage)


def _check_queue_file(storage: JobStorage) -> None:
    """Raise `StoreError` for an empty queue file beside clips: a new queue in its place would forget all of them."""
    deadline = time.monotonic() + CREATION_SECONDS
    while _is_empty(storage) and (folders := len(list(storage.job_folders()))):
        # A process that is just making the file has it empty for a moment.
        if time.monotonic() > deadline:
            raise StoreError(
                f"{storage.queue} is empty, but {folders} folders of clips lie beside it: put a backup in its place "
                "(vitascope jobs restore), or remove the file and take the clips in (vitascope jobs adopt)"
            )
        time.sleep(0.05)


def _is_empty(storage: JobStorage) -> bool:
    """Say whether the queue's file is there and nothing was ever written to it or to its log of changes."""
    log = storage.queue.with_name(f"{storage.queue.name}-wal")
    try:
        return storage.queue.stat().st_size == 0 and not (log.exists() and log.stat().st_size)
    except FileNotFoundError:
        return False


def _made(storage: JobStorage) -> JobStorage:
    try:
        storage.make()
    except OSError as error:
        raise OutputError(f"home: {storage.path} could not be made ({error.strerror})") from None
    return storage


def _renamed(notes: tuple[str, ...], planned: Shot, kept: Shot) -> tuple[str, ...]:
    """Return notes in which files go by the names under which they are kept, and not by those of our folders."""
    for before, after in zip(planned.givens, kept.givens, strict=True):
        notes = tuple(note.replace(printable(before.source), after.source) for note in notes)
    return notes


def _cost(request: Request) -> Cost:
    """Return what all that is rendered for a request costs."""
    card = backend(request.model).card
    costs = [Cost.of(shot, 1, card) for shot in request.clips]
    return Cost(sum(cost.seconds for cost in costs), sum(cost.megapixels for cost in costs))


def _check_number(number: int, seed: int) -> None:
    if not 1 <= number <= MAX_NUMBER:
        nearest = 1 if number < 1 else MAX_NUMBER
        raise RequestError("n", f"{number} is outside 1 to {MAX_NUMBER}", f"nearest: {nearest}")
    if seed + number - 1 > MAX_SEED:
        nearest = f"nearest: {MAX_SEED - number + 1}"
        raise RequestError("seed", f"{seed} leaves no seeds for {number} clips", nearest)
