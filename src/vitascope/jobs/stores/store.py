"""The queue: every job ever handed in, what became of it, and who may work on it. It keeps what it was told.

One `Store` for all: what differs between a file, a server and a test is the `Tables` under it. Each method is one
transaction, and when it has returned, what it did is on the disk. Any number of processes may have a store of the same
queue open; threads may share one.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, runtime_checkable

from vitascope.errors import DiskFullError, JobConflictError, JobNotFoundError, QueueFullError, UndoneError
from vitascope.failpoints import failpoint
from vitascope.jobs import transitions
from vitascope.jobs.budget import DAY, NO_COST, NO_LIMITS, Budget, Cost
from vitascope.jobs.clock import Clock, SystemClock
from vitascope.jobs.job import (
    ID_START,
    MAX_ATTEMPTS,
    Charge,
    Delivery,
    Event,
    Failure,
    Job,
    Kind,
    Lease,
    LeaseExpiry,
    OutboxMessage,
    Output,
    Page,
    Request,
    Standing,
    State,
    new_id,
)
from vitascope.jobs.transitions import Transition

P = ParamSpec("P")
R = TypeVar("R")

LEASE_SECONDS = 30.0
RESERVE = 20
"""The part of a full line, one over this, that each owner may have although it is full."""
MAX_UNDONE = 6
DIED = Failure("worker_died", "its worker ended without a word")


@dataclass(frozen=True)
class Query:
    """Which jobs a list is of, those of `owner` (None: of all) in `states`, by age, after the job `after`.

    With a `kind` only those that are of it.
    """

    after: int | None = None
    limit: int = 20
    newest_first: bool = True
    states: tuple[State, ...] | None = None
    owner: str | None = None
    kind: Kind | None = None


@runtime_checkable
class Tables(Protocol):
    """What a store needs of a database; every method but `transaction` happens inside one, or reads alone.

    Deleted jobs stay in the tables (`load` finds them) and are left out of lists and counts.
    """

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[None]:
        """Do all of a block or none of it, as if nobody else wrote; `durable`: even if the power fails after.

        Raises `UndoneError` where none of it was done and it may be tried again.
        """
        ...

    def insert(self, job: Job, fingerprint: str) -> Job:
        """Add a job and return it with its `number` and, at the end of the line, its `place`."""
        ...

    def with_key(self, owner: str, key: str) -> tuple[Job, str] | None:
        """Return the owner's job with that idempotency key, and the fingerprint of its request."""
        ...

    def load(self, job: str) -> Job | None:
        """Return a job."""
        ...

    def save(self, job: Job) -> None:
        """Replace a job by what became of it."""
        ...

    def claim(self, worker: str, models: Sequence[str] | None, expiry: LeaseExpiry, now: float) -> Job | None:
        """Give the first job in line that needs one of the models to a worker, in one statement; not when paused."""
        ...

    def overdue(self, expiry: LeaseExpiry) -> list[Job]:
        """Return the running jobs whose lease ended before a moment, or in an earlier life of the machine."""
        ...

    def held_by(self, worker: str) -> list[Job]:
        """Return the jobs that a worker has."""
        ...

    def select(self, query: Query) -> list[Job]:
        """Return the jobs of a list."""
        ...

    def line(self, owner: str | None = None) -> list[Job]:
        """Return the queued jobs (of one owner) in the order in which they will be claimed."""
        ...

    def ahead(self, job: Job) -> int:
        """Return how many queued jobs will be claimed before one."""
        ...

    def counts(self) -> dict[str, int]:
        """Return how many jobs there are in each state that has any."""
        ...

    def waiting(self, most: int, owner: str | None = None) -> int:
        """Return how many jobs (of one owner) are queued, counted up to `most`, as fast whatever else has been kept."""
        ...

    def rounds(self, job: Job) -> tuple[float | None, float]:
        """Return the last round in which the owner of a job has one of its priority queued, and the one at work.

        That is the lowest one of the queued jobs for its model, else of all that are queued, else the highest of those
        that run.
        """
        ...

    def is_paused(self) -> bool:
        """Say whether nothing is to be claimed."""
        ...

    def set_paused(self, paused: bool) -> None:
        """Stop or start the claiming."""
        ...

    def log(self, job: str, type: str, at: float, data: Mapping[str, Any]) -> None:
        """Add an event."""
        ...

    def events(self, job: str | None, after: int, limit: int) -> list[Event]:
        """Return the events of a job (None: of all) after one, in order."""
        ...

    def last_event(self) -> int:
        """Return the id of the newest event, 0 where there is none."""
        ...

    def forget_progress(self, before: float) -> None:
        """Remove the progress events of jobs that were over before a time."""
        ...

    def post(self, message: OutboxMessage) -> None:
        """Add a message, due at once."""
        ...

    def take_messages(self, now: float, until: float, limit: int) -> list[OutboxMessage]:
        """Return messages that are due, each with one try more, and make them due again at `until`."""
        ...

    def settle_message(self, message: str, due: float | None) -> None:
        """Make a message due at another time, or never again."""
        ...

    def add_delivery(self, delivery: Delivery) -> None:
        """Add a delivery, unless its message is on its way to that endpoint already."""
        ...

    def take_deliveries(
        self, endpoints: Sequence[str], now: float, until: float, limit: int
    ) -> list[Delivery]:
        """Return waiting deliveries to these endpoints that are due, each with one try more, due again at `until`."""
        ...

    def due_endpoints(self, now: float) -> list[str]:
        """Return the endpoints to which a delivery is due."""
        ...

    def settle_delivery(self, delivery: Delivery, claimed: int) -> None:
        """Say what became of a delivery, unless somebody has taken it since it was taken with `claimed` tries."""
        ...

    def deliveries(self, endpoint: str | None, limit: int) -> list[Delivery]:
        """Return the deliveries to an endpoint (None: to all), the newest first."""
        ...

    def delivery_counts(self) -> list[tuple[str, str, int]]:
        """Return how many deliveries there are by endpoint and state."""
        ...

    def resend(self, endpoint: str, now: float) -> int:
        """Make all deliveries to an endpoint that were given up due anew; return how many."""
        ...

    def forget_deliveries(self, endpoint: str) -> None:
        """Remove all deliveries to an endpoint."""
        ...

    def forget_messages(self, before: float) -> None:
        """Remove messages, and their deliveries, from before a time."""
        ...

    def charge(self, charge: Charge) -> None:
        """Write down what a job costs."""
        ...

    def charges(self, owner: str, since: float) -> list[Charge]:
        """Return what an owner's jobs cost since then, the oldest first, but for those cancelled before they began."""
        ...

    def uncharge(self, job: str) -> None:
        """Take back what a job costs."""
        ...

    def forget_charges(self, before: float) -> None:
        """Remove charges from before a time."""
        ...

    def check(self) -> str:
        """Return "ok" or what is wrong with the database."""
        ...

    def close(self) -> None:
        """Let go of what this thread has open."""
        ...


def _transaction(
    committed: str | None = None, *, durable: bool = True
) -> Callable[[Callable[Concatenate["Store", P], R]], Callable[Concatenate["Store", P], R]]:
    """Make a method one transaction; on a full disk it is tried once more when room can be made.

    `committed` is the fault point right after it.
    """

    def decorate(method: Callable[Concatenate["Store", P], R]) -> Callable[Concatenate["Store", P], R]:
        @wraps(method)
        def whole(store: "Store", *arguments: P.args, **named: P.kwargs) -> R:
            def once() -> R:
                with store.tables.transaction(durable=durable):
                    return method(store, *arguments, **named)

            try:
                result = _undisturbed(once)
            except DiskFullError:
                if not store.make_room():
                    raise
                result = _undisturbed(once)
            if committed is not None:
                failpoint(committed)
            return result

        return whole

    return decorate


def _undisturbed(once: Callable[[], R]) -> R:
    """Do a transaction, and do it again where it was undone because of others who wrote at the same moment."""
    for tries in range(MAX_UNDONE):
        try:
            return once()
        except UndoneError:
            time.sleep(random.uniform(0, 0.02 * 2**tries))
    return once()


class Store:
    """The queue as servers, workers and people use it.

    Methods that name a job raise `JobNotFoundError` where there is none, and `JobConflictError` where its state forbids
    it; those that take a lease raise `LeaseLostError` when that has been lost, and then nothing was changed.
    """

    def __init__(
        self,
        tables: Tables,
        clock: Clock | None = None,
        lease_seconds: float | int = LEASE_SECONDS,
        make_room: Callable[[], bool] = lambda: False,
    ):
        """Use these tables; a lease that is not renewed ends after `lease_seconds`.

        `make_room` is called when the disk is full, and says whether it could free any of it.
        """
        self.tables, self.clock = tables, clock or SystemClock()
        self.lease_seconds, self.make_room = lease_seconds, make_room
        self.is_stopped: Callable[[str], bool] = lambda worker: False
        """Says of a worker whether it is alive and only stopped: its jobs go to others, and no attempt is lost."""

    @property
    def quick(self) -> bool:
        """Whether a read takes microseconds, so that nobody need leave an event loop for it."""
        return getattr(self.tables, "quick", False)

    @property
    def damage(self) -> str | None:
        """What is known to be wrong with the database, None while nothing is."""
        return getattr(self.tables, "damage", None)

    def back_up(self) -> bool:
        """Write a backup if the newest is an hour old, and return whether one was written.

        False where the database is backed up by means of its own (Postgres) or is gone with its process. Raises
        `DamagedQueueError`, `DiskFullError` and `OutputError`.
        """
        back_up_hourly: Callable[[], bool] | None = getattr(self.tables, "back_up_hourly", None)
        return back_up_hourly is not None and back_up_hourly()

    # For whoever wants clips.

    @_transaction("submit: committed")
    def submit(
        self,
        request: Request,
        *,
        key: str | None = None,
        owner: str = "",
        priority: int = 0,
        max_attempts: int = MAX_ATTEMPTS,
        notes: Sequence[str] = (),
        cost: Cost = NO_COST,
        budget: Budget = NO_LIMITS,
        max_queued: int | None = None,
        share: int = 1,
    ) -> Job:
        """Take a job in and return it; higher priorities go first, and among equal ones owners take turns.

        In each turn an owner has as many jobs as its `share` says, in the order in which they came.

        With a `key` that this owner has used before, the same request returns the job that is there already, and
        another one raises `JobConflictError`. Raises `BudgetError` where the owner has spent too much for its `cost`,
        and `QueueFullError` where more than `max_queued` jobs would wait, and more of this owner's than the part of
        that which each may have.
        """
        if key is not None and (before := self.tables.with_key(owner, key)) is not None:
            return _same(*before, request, key)
        failpoint("submit: begun")
        now = self.clock.now()
        job = Job(new_id(), request, owner=owner, key=key, priority=priority, created_at=now)
        job = replace(job, max_attempts=max_attempts, notes=tuple(notes))
        job = replace(job, round=self._next_round(job, share))
        job = self.tables.insert(job, request.fingerprint)
        self.tables.log(job.id, "queued", now, {})
        self._charge(job.id, owner, cost, budget)
        self._check_line(owner, max_queued)
        failpoint("submit: inserted")
        return job

    @_transaction("adopt: committed")
    def adopt(self, job: Job) -> Job:
        """Write down a finished job that the queue does not know, under its own name; nobody is charged or told.

        Raises `JobConflictError` for one that it knows, deleted ones included.
        """
        if self.tables.load(job.id) is not None:
            raise JobConflictError("job", f"{job.id} is in the queue already")
        job = self.tables.insert(job, job.request.fingerprint)
        self.tables.log(job.id, job.state, self.clock.now(), {"adopted": True})
        return job

    def get(self, job: str, owner: str | None = None) -> Job:
        """Return a job, if it is the owner's (None: whoever's)."""
        found = self.tables.load(job)
        if found is None or found.deleted_at is not None or owner not in (None, found.owner):
            raise JobNotFoundError("job", f"there is no {job[:60]!r}", "see: vitascope jobs ls")
        return found

    def page(
        self,
        after: str | None = None,
        limit: int = 20,
        order: Literal["asc", "desc"] = "desc",
        states: Sequence[State] | None = None,
        owner: str | None = None,
        kind: Kind | None = None,
    ) -> Page:
        """Return up to `limit` jobs by age after (not with) the job `after`, newest first unless `order` is asc.

        `after` may have been deleted since the page before this one.
        """
        number = None if after is None else self._cursor(after, owner)
        chosen = None if states is None else tuple(states)
        query = Query(number, limit + 1, order == "desc", chosen, owner, kind)
        found = self.tables.select(query)
        return Page(tuple(found[:limit]), len(found) > limit)

    def counts(self) -> dict[str, int]:
        """Return how many jobs there are in each state that has any."""
        return self.tables.counts()

    def waiting(self, most: int) -> int:
        """Return how many jobs are queued, counted no further than `most`, at a cost that old jobs do not add to."""
        return self.tables.waiting(most)

    def position(self, job: str) -> int | None:
        """Return how many jobs go before this one, None when it does not wait."""
        found = self.get(job)
        return self.tables.ahead(found) if found.state == "queued" else None

    def line(self, owner: str | None = None) -> list[Job]:
        """Return the queued jobs (of one owner) in the order in which they will be claimed."""
        return self.tables.line(owner)

    @_transaction("cancel: committed")
    def cancel(self, job: str) -> Job:
        """No longer want a job: one that waits is cancelled now, one that runs at its next step."""
        after = self._apply(transitions.cancelled(self.get(job), self.clock.now()))
        failpoint("cancel: saved")
        return after

    @_transaction("retry: committed")
    def retry(
        self,
        job: str,
        *,
        cost: Cost | None = None,
        budget: Budget = NO_LIMITS,
        max_queued: int | None = None,
        share: int = 1,
    ) -> Job:
        """Queue a failed or cancelled job again; where steps of it are still kept, it goes on from the last.

        With a `cost` its owner is charged once more, unless it was never begun. Raises `BudgetError` and
        `QueueFullError`.
        """
        found = self.get(job)
        change = transitions.again(found)
        if cost is not None:
            if found.started_at is None:
                self.tables.uncharge(job)
            self._charge(job, found.owner, cost, budget)
        change = replace(change, job=replace(change.job, round=self._next_round(change.job, share)))
        after = self._apply(change)
        self._check_line(found.owner, max_queued)
        return after

    def clone(
        self,
        job: str,
        *,
        key: str | None = None,
        priority: int | None = None,
        cost: Cost = NO_COST,
        budget: Budget = NO_LIMITS,
        max_queued: int | None = None,
        share: int = 1,
        trace: str | None = None,
    ) -> Job:
        """Hand in the same request once more, by another way (`trace`), whatever became of the first.

        Else as `submit`.
        """
        first = self.get(job)
        chosen = first.priority if priority is None else priority
        return self.submit(
            replace(first.request, trace=trace),
            key=key,
            owner=first.owner,
            priority=chosen,
            max_attempts=first.max_attempts,
            notes=first.notes,
            cost=cost,
            budget=budget,
            max_queued=max_queued,
            share=share,
        )

    @_transaction("delete: committed")
    def delete(self, job: str) -> Job:
        """Forget a job: nobody finds it any more, and what runs stops at its next step. Its files are the service's."""
        after = self._apply(transitions.deleted(self.get(job), self.clock.now()))
        failpoint("delete: saved")
        return after

    @_transaction("move: committed")
    def move(self, job: str, before: str | None = None) -> Job:
        """Let a queued job be claimed right before another one, or (None) as the last."""
        moved = self._queued(job)
        for one in transitions.in_order(self.tables.line(), moved, before):
            self.tables.save(one)
            failpoint("move: half saved")
        self.tables.log(job, "moved", self.clock.now(), {"before": before})
        return self.get(job)

    @_transaction()
    def prioritise(self, job: str, priority: int) -> Job:
        """Give a queued job another priority."""
        after = replace(self._queued(job), priority=priority)
        after = replace(after, round=self._next_round(after))
        return self._apply(Transition(after, "moved", {"priority": priority}))

    @_transaction("pause: committed")
    def pause(self) -> None:
        """Let nothing be claimed any more; what runs goes on."""
        self.tables.set_paused(True)

    @_transaction("resume: committed")
    def resume(self) -> None:
        """Let jobs be claimed again."""
        self.tables.set_paused(False)

    @property
    def paused(self) -> bool:
        """Whether nothing is to be claimed."""
        return self.tables.is_paused()

    # For workers, and for those who watch them.

    def claim(self, worker: str, models: Sequence[str] | None = None, *, expire: bool = True) -> Job | None:
        """Return the job that the worker is to make now, None where there is none for it (or for its models).

        Before, it takes their jobs from workers that have not been heard of for too long (`expire`).
        """
        if expire:
            self.expire()
        return self._claim(worker, models)

    @_transaction("claim: committed")
    def _claim(self, worker: str, models: Sequence[str] | None) -> Job | None:
        failpoint("claim: begun")
        job = self.tables.claim(worker, models, self._next_expiry(), self.clock.now())
        if job is not None:
            self._apply(transitions.claimed(job))
        failpoint("claim: updated")
        return job

    @_transaction("beat: committed", durable=False)
    def beat(self, lease: Lease, standing: Standing | None = None) -> bool:
        """Renew a lease and say how far the job is; return whether somebody wants it to stop.

        The one change that a failing power supply may take back: a step or two of progress.
        """
        failpoint("beat: begun")
        job = transitions.held(self._load(lease.job), lease)
        after = self._apply(
            transitions.beaten(job, self._next_expiry(), standing), logged=standing is not None
        )
        failpoint("beat: saved")
        return after.cancel_wanted

    def complete(self, lease: Lease, outputs: Sequence[Output], notes: Sequence[str] = ()) -> Job:
        """Publish a job's clips: from now on it is completed, once and for all."""
        return self._end(lease, lambda job, now: transitions.completed(job, outputs, notes, now))

    def fail(self, lease: Lease, failure: Failure, *, again: bool = False) -> Job:
        """End an attempt: for good, or with another one to follow (`again`) while there are any left."""
        return self._end(
            lease, lambda job, now: (transitions.lost if again else transitions.failed)(job, failure, now)
        )

    def stop(self, lease: Lease) -> Job:
        """End a job that somebody wanted to stop."""
        return self._end(lease, transitions.stopped)

    def give_back(self, lease: Lease) -> Job:
        """Return a job to the queue because the worker has to go; that does not count as an attempt."""
        return self._end(lease, transitions.returned)

    def expire(self) -> list[Job]:
        """Take their jobs from workers that have not been heard of for too long; return what became of the jobs."""
        return self._expire() if self.tables.overdue(self._present()) else []

    @_transaction("recover: committed")
    def _expire(self) -> list[Job]:
        overdue = self.tables.overdue(self._present())
        stopped = [job for job in overdue if job.worker is not None and self.is_stopped(job.worker)]
        returned = [self._apply(transitions.returned(job, self.clock.now())) for job in stopped]
        return returned + self._lose([job for job in overdue if job not in stopped], DIED)

    def release_worker(self, worker: str, failure: Failure = DIED, *, again: bool = True) -> list[Job]:
        """Take the jobs of a worker that is known to be dead, and say why it died; return what became of them.

        Without `again` they fail now, as when it was ended because of what the job needed.
        """
        return self._release_worker(worker, failure, again) if self.tables.held_by(worker) else []

    @_transaction("recover: committed")
    def _release_worker(self, worker: str, failure: Failure, again: bool) -> list[Job]:
        return self._lose(self.tables.held_by(worker), failure, again=again)

    # For whoever listens.

    def events(self, job: str | None = None, after: int = 0, limit: int = 1000) -> list[Event]:
        """Return what happened to a job (None: to any) after the event with that id, in order."""
        return self.tables.events(job, after, limit)

    def last_event(self) -> int:
        """Return the id of the newest event, so that one can listen from now on."""
        return self.tables.last_event()

    @_transaction()
    def forget_progress(self, seconds: float | int) -> None:
        """Drop the steps, not the milestones, from the log of jobs that were over so long ago."""
        self.tables.forget_progress(self.clock.now() - seconds)

    @_transaction()
    def forget_messages(self, seconds: float | int) -> None:
        """Drop news, and how it was delivered, that is so old."""
        self.tables.forget_messages(self.clock.now() - seconds)

    @_transaction()
    def forget_charges(self, seconds: float | int) -> None:
        """Drop what jobs cost that long ago."""
        self.tables.forget_charges(self.clock.now() - seconds)

    @_transaction("outbox: committed")
    def take_messages(self, limit: int = 20, hold_seconds: float | int = 60.0) -> list[OutboxMessage]:
        """Return news that webhooks have not had yet; nobody else gets the same ones while they are held."""
        now = self.clock.now()
        messages = self.tables.take_messages(now, now + hold_seconds, limit)
        failpoint("outbox: taken")
        return messages

    @_transaction("outbox: arrived")
    def message_delivered(self, message: str) -> None:
        """Never return a message again, because it has arrived or because nobody will ever take it."""
        self.tables.settle_message(message, None)

    @_transaction()
    def message_delayed(self, message: str, seconds: float | int) -> None:
        """Return a message again after so many seconds."""
        self.tables.settle_message(message, self.clock.now() + seconds)

    def check(self) -> str:
        """Return "ok" or what is wrong with the database."""
        return self.tables.check()

    def close(self) -> None:
        """Let go of what this thread has open; the store can be used again."""
        self.tables.close()

    def is_full(self, owner: str, max_queued: int, more: int = 1) -> bool:
        """Say whether too many jobs wait for so many `more` of an owner's.

        Where the line is full, an owner may still have a small part of it, so that nobody is kept out by others.
        """
        if self.tables.waiting(max_queued + 1) + more <= max_queued:
            return False
        part = max(1, max_queued // RESERVE)
        return self.tables.waiting(part + 1, owner) + more > part

    def _next_round(self, job: Job, share: int = 1) -> float:
        """Return the round of a job that comes into the line now: the one at work, or after the owner's last."""
        last, now = self.tables.rounds(job)
        return now if last is None else max(now, last + 1 / max(1, share))

    def _check_line(self, owner: str, max_queued: int | None) -> None:
        """Raise `QueueFullError` where more jobs wait than may, in the transaction that has just added one.

        On Postgres the event that was logged before locks a row until the end, so that nobody adds one meanwhile.
        """
        if max_queued is not None and self.is_full(owner, max_queued, 0):
            raise QueueFullError(f"{max_queued} jobs wait already; try again later")

    def _charge(self, job: str, owner: str, cost: Cost, budget: Budget) -> None:
        """Charge an owner if there is enough left, in the transaction that is open."""
        now = self.clock.now()
        if budget:
            budget.check(cost, self.tables.charges(owner, now - DAY), now)
        self.tables.charge(Charge(job, owner, now, cost.seconds, cost.megapixels))

    def _apply(self, change: Transition, *, logged: bool = True) -> Job:
        """Save a change, its event, and the message if it is news: all in the transaction that is open."""
        job, now = change.job, self.clock.now()
        self.tables.save(job)
        if logged:
            if job.finished:
                failpoint("finish: saved")
            self.tables.log(job.id, change.type, now, change.data)
        if change.news is not None:
            failpoint("finish: logged")
            name = f"evt_{job.id.removeprefix(ID_START)}{self.tables.last_event()}"
            self.tables.post(OutboxMessage(name, job.id, change.news, now, job.owner))
            failpoint("finish: posted")
        return job

    @_transaction("finish: committed")
    def _end(self, lease: Lease, change: Callable[[Job, float], Transition]) -> Job:
        job = transitions.held(self._load(lease.job), lease)
        return self._apply(change(job, self.clock.now()))

    def _lose(self, jobs: Sequence[Job], failure: Failure, *, again: bool = True) -> list[Job]:
        """Take jobs from their workers; the transaction that is open ends with it, or none of it holds."""
        end = transitions.lost if again else transitions.failed
        after = [self._apply(end(job, failure, self.clock.now())) for job in jobs]
        failpoint("recover: saved")
        return after

    def _load(self, job: str) -> Job:
        found = self.tables.load(job)
        if found is None:
            raise JobNotFoundError("job", f"there is no {job[:60]!r}")
        return found

    def _cursor(self, job: str, owner: str | None) -> int:
        found = self._load(job)
        if owner not in (None, found.owner):
            raise JobNotFoundError("after", f"there is no {job[:60]!r}")
        return found.number

    def _queued(self, job: str) -> Job:
        found = self.get(job)
        if found.state != "queued":
            raise JobConflictError("job", f"{job} is {found.state}", "only queued jobs can be moved")
        return found

    def _next_expiry(self) -> LeaseExpiry:
        return LeaseExpiry(self.clock.boot, self.clock.ticks() + self.lease_seconds)

    def _present(self) -> LeaseExpiry:
        return LeaseExpiry(self.clock.boot, self.clock.ticks())


def _same(job: Job, fingerprint: str, request: Request, key: str) -> Job:
    if fingerprint != request.fingerprint:
        raise JobConflictError("key", f"{key[:60]!r} was used for another request", "use a new key")
    return job
