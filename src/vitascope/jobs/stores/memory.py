"""A queue that is gone with its process, under the same rules as the one on the disk: for tests, ours and yours."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from vitascope.errors import VitascopeError
from vitascope.jobs.clock import Clock
from vitascope.jobs.job import FINISHED, Charge, Delivery, Event, Job, LeaseExpiry, OutboxMessage
from vitascope.jobs.stores.store import LEASE_SECONDS, Query, Store


@dataclass
class _State:
    """All that a transaction may have to take back."""

    jobs: dict[str, Job] = field(default_factory=dict)
    queued: set[str] = field(default_factory=set)
    fingerprints: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    messages: dict[str, tuple[OutboxMessage, float | None]] = field(default_factory=dict)
    deliveries: dict[tuple[str, str], Delivery] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    paused: bool = False
    last_event: int = 0

    def copy(self) -> "_State":
        return replace(
            self,
            jobs=dict(self.jobs),
            queued=set(self.queued),
            fingerprints=dict(self.fingerprints),
            events=list(self.events),
            messages=dict(self.messages),
            deliveries=dict(self.deliveries),
            charges=list(self.charges),
        )


class MemoryTables:
    """`Tables` of plain dictionaries."""

    quick = True

    def __init__(self) -> None:
        self._state, self._lock = _State(), threading.RLock()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[None]:
        """Do all of a block or none of it."""
        with self._lock:
            before = self._state.copy()
            try:
                yield
            except BaseException:
                self._state = before
                raise

    def insert(self, job: Job, fingerprint: str) -> Job:
        """Add a job at the end of the line."""
        jobs = self._state.jobs
        place = max((other.place for other in jobs.values()), default=0) + 1
        job = replace(job, number=len(jobs) + 1, place=place)
        self._state.fingerprints[job.id] = fingerprint
        self.save(job)
        return job

    def with_key(self, owner: str, key: str) -> tuple[Job, str] | None:
        """Return the owner's job with that key."""
        for job in self._state.jobs.values():
            if (job.owner, job.key) == (owner, key):
                return job, self._state.fingerprints[job.id]
        return None

    def load(self, job: str) -> Job | None:
        """Return a job."""
        return self._state.jobs.get(job)

    def save(self, job: Job) -> None:
        """Replace a job."""
        self._state.jobs[job.id] = job
        if job.state == "queued" and job.deleted_at is None:
            self._state.queued.add(job.id)
        else:
            self._state.queued.discard(job.id)

    def claim(self, worker: str, models: Sequence[str] | None, expiry: LeaseExpiry, now: float) -> Job | None:
        """Give the first job in line to a worker."""
        fitting = (job for job in self.line() if models is None or job.request.model in models)
        job = None if self._state.paused else next(fitting, None)
        if job is None:
            return None
        started = now if job.started_at is None else job.started_at
        self.save(
            replace(
                job,
                state="running",
                attempt=job.attempt + 1,
                worker=worker,
                expiry=expiry,
                started_at=started,
            )
        )
        return self._state.jobs[job.id]

    def overdue(self, expiry: LeaseExpiry) -> list[Job]:
        """Return the running jobs whose lease is over."""
        return [
            job
            for job in self._running()
            if job.expiry is None or job.expiry.boot != expiry.boot or job.expiry.until < expiry.until
        ]

    def held_by(self, worker: str) -> list[Job]:
        """Return the jobs that a worker has."""
        return [job for job in self._running() if job.worker == worker]

    def select(self, query: Query) -> list[Job]:
        """Return the jobs of a list."""
        jobs = sorted(self._alive(), key=lambda job: job.number, reverse=query.newest_first)
        found = [
            job
            for job in jobs
            if (query.states is None or job.state in query.states)
            and (query.owner is None or job.owner == query.owner)
            and (query.kind is None or job.request.kind == query.kind)
            and (
                query.after is None
                or (job.number < query.after if query.newest_first else job.number > query.after)
            )
        ]
        return found[: query.limit]

    def line(self, owner: str | None = None) -> list[Job]:
        """Return the queued jobs (of one owner) in the order of claims."""
        jobs = [self._state.jobs[name] for name in list(self._state.queued)]
        return sorted((job for job in jobs if owner in (None, job.owner)), key=_turn)

    def ahead(self, job: Job) -> int:
        """Return how many queued jobs go before one."""
        return sum(_turn(other) < _turn(job) for other in self.line())

    def counts(self) -> dict[str, int]:
        """Return how many jobs there are in each state."""
        return dict(Counter(job.state for job in self._alive()))

    def waiting(self, most: int, owner: str | None = None) -> int:
        """Return how many jobs are queued (of one owner), up to `most`."""
        if owner is None:
            return min(most, len(self._state.queued))
        return min(most, sum(job.owner == owner for job in self.line()))

    def rounds(self, job: Job) -> tuple[float | None, float]:
        """Return the last round of a job's owner, and the one that is at work."""
        line = [other for other in self.line() if other.priority == job.priority]
        mine = [other.round for other in line if other.owner == job.owner]
        same = [other.round for other in line if other.request.model == job.request.model]
        running = [other.round for other in self._running() if other.priority == job.priority]
        now = min(same or [other.round for other in line] or [max(running, default=0.0)])
        return max(mine, default=None), now

    def is_paused(self) -> bool:
        """Say whether nothing is to be claimed."""
        return self._state.paused

    def set_paused(self, paused: bool) -> None:
        """Stop or start the claiming."""
        self._state.paused = paused

    def log(self, job: str, type: str, at: float, data: Mapping[str, Any]) -> None:
        """Add an event."""
        self._state.last_event += 1
        self._state.events.append(Event(self._state.last_event, job, type, at, dict(data)))

    def events(self, job: str | None, after: int, limit: int) -> list[Event]:
        """Return the events after one."""
        return [
            event for event in self._state.events if event.id > after and (job is None or event.job == job)
        ][:limit]

    def last_event(self) -> int:
        """Return the id of the newest event."""
        return self._state.last_event

    def forget_progress(self, before: float) -> None:
        """Remove the progress events of jobs that were over before a time."""
        over = {
            job.id
            for job in self._state.jobs.values()
            if job.state in FINISHED and job.finished_at is not None and job.finished_at < before
        }
        kept = [event for event in self._state.events if event.type != "progress" or event.job not in over]
        self._state.events = kept

    def post(self, message: OutboxMessage) -> None:
        """Add a message."""
        if message.id in self._state.messages:
            raise VitascopeError(f"{message.id} was posted before")
        self._state.messages[message.id] = (message, message.at)

    def take_messages(self, now: float, until: float, limit: int) -> list[OutboxMessage]:
        """Return messages that are due."""
        due = [
            message
            for message, when in list(self._state.messages.values())
            if when is not None and when <= now
        ]
        taken = [replace(message, tries=message.tries + 1) for message in due[:limit]]
        self._state.messages |= {message.id: (message, until) for message in taken}
        return taken

    def settle_message(self, message: str, due: float | None) -> None:
        """Make a message due at another time, or never again."""
        self._state.messages[message] = (self._state.messages[message][0], due)

    def add_delivery(self, delivery: Delivery) -> None:
        """Add a delivery."""
        self._state.deliveries.setdefault((delivery.letter, delivery.endpoint), delivery)

    def take_deliveries(
        self, endpoints: Sequence[str], now: float, until: float, limit: int
    ) -> list[Delivery]:
        """Return deliveries that are due."""
        waiting = [delivery for delivery in self._state.deliveries.values() if delivery.endpoint in endpoints]
        due = sorted(
            (delivery.due, delivery.letter, delivery.endpoint)
            for delivery in waiting
            if delivery.state == "waiting" and delivery.due is not None and delivery.due <= now
        )
        keys = [(message, endpoint) for _, message, endpoint in due[:limit]]
        taken = {key: self._state.deliveries[key] for key in keys}
        taken = {
            key: replace(delivery, tries=delivery.tries + 1, due=until) for key, delivery in taken.items()
        }
        self._state.deliveries |= taken
        return sorted(taken.values(), key=lambda delivery: (delivery.at, delivery.letter))

    def due_endpoints(self, now: float) -> list[str]:
        """Return the endpoints to which a delivery is due."""
        waiting = list(self._state.deliveries.values())
        return sorted({one.endpoint for one in waiting if one.due is not None and one.due <= now})

    def settle_delivery(self, delivery: Delivery, claimed: int) -> None:
        """Say what became of a delivery."""
        key = (delivery.letter, delivery.endpoint)
        if (known := self._state.deliveries.get(key)) is not None and known.tries == claimed:
            self._state.deliveries[key] = delivery

    def deliveries(self, endpoint: str | None, limit: int) -> list[Delivery]:
        """Return deliveries, the newest first."""
        found = [
            delivery for delivery in self._state.deliveries.values() if endpoint in (None, delivery.endpoint)
        ]
        return sorted(found, key=lambda delivery: (delivery.at, delivery.letter), reverse=True)[:limit]

    def delivery_counts(self) -> list[tuple[str, str, int]]:
        """Return how many deliveries there are by endpoint and state."""
        counts = Counter((delivery.endpoint, delivery.state) for delivery in self._state.deliveries.values())
        return [(endpoint, state, number) for (endpoint, state), number in sorted(counts.items())]

    def resend(self, endpoint: str, now: float) -> int:
        """Make deliveries that were given up due anew."""
        given_up = {
            key: replace(delivery, state="waiting", tries=0, due=now)
            for key, delivery in self._state.deliveries.items()
            if delivery.endpoint == endpoint and delivery.state == "given_up"
        }
        self._state.deliveries |= given_up
        return len(given_up)

    def forget_deliveries(self, endpoint: str) -> None:
        """Remove the deliveries to an endpoint."""
        kept = {
            key: delivery for key, delivery in self._state.deliveries.items() if delivery.endpoint != endpoint
        }
        self._state.deliveries = kept

    def forget_messages(self, before: float) -> None:
        """Remove old messages and deliveries."""
        state = self._state
        state.messages = {
            name: message for name, message in state.messages.items() if message[0].at >= before
        }
        state.deliveries = {
            key: delivery for key, delivery in state.deliveries.items() if delivery.at >= before
        }

    def charge(self, charge: Charge) -> None:
        """Write down what a job costs."""
        self._state.charges.append(charge)

    def charges(self, owner: str, since: float) -> list[Charge]:
        """Return what an owner's jobs cost."""
        jobs = self._state.jobs
        return [
            charge
            for charge in list(self._state.charges)
            if (charge.owner == owner and charge.at > since)
            and (jobs[charge.job].state != "cancelled" or jobs[charge.job].started_at is not None)
        ]

    def uncharge(self, job: str) -> None:
        """Take back what a job costs."""
        self._state.charges = [charge for charge in self._state.charges if charge.job != job]

    def forget_charges(self, before: float) -> None:
        """Remove old charges."""
        self._state.charges = [charge for charge in self._state.charges if charge.at >= before]

    def check(self) -> str:
        """Return "ok"."""
        return "ok"

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _alive(self) -> Iterator[Job]:
        return (job for job in list(self._state.jobs.values()) if job.deleted_at is None)

    def _running(self) -> Iterator[Job]:
        return (job for job in list(self._state.jobs.values()) if job.state == "running")


def memory_store(clock: Clock | None = None, lease_seconds: float | int = LEASE_SECONDS) -> Store:
    """Return an empty store that is gone with this process."""
    return Store(MemoryTables(), clock, lease_seconds)


def _turn(job: Job) -> tuple[int, float, int, int]:
    return -job.priority, job.round, job.place, job.number
