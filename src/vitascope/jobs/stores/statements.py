"""What the two stores of SQL have in common: a change of the queue is a named statement in the database's own words."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from vitascope.jobs.job import Charge, Delivery, Event, Job, LeaseExpiry, OutboxMessage
from vitascope.jobs.stores.rows import Row, to_charge, to_delivery, to_event, to_job, to_message, to_row
from vitascope.jobs.stores.store import Query

log = logging.getLogger("vitascope.jobs")

BROKEN_ROW = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What reading a damaged row raises."""


class Statements:
    """The part of `Tables` that is the same for every database; `_rows` runs one of its statements."""

    def _rows(self, name: str, values: Row | None = None) -> Sequence[Row]:
        """Run a statement to its end and return its rows."""
        raise NotImplementedError

    def _list(self, values: Sequence[str]) -> Any:
        """Return several values as one parameter."""
        return list(values)

    def _locking(self, name: str) -> str:
        """Return the name of the statement that also locks what it reads, inside a transaction."""
        return name

    def _job(self, name: str, values: Row) -> Job | None:
        rows = self._rows(name, values)
        return to_job(rows[0]) if rows else None

    def _jobs(self, name: str, values: Row) -> list[Job]:
        """Return the jobs of a statement's rows; one that cannot be read hides no other, and is left out."""
        jobs = []
        for row in self._rows(name, values):
            try:
                jobs.append(to_job(row))
            except BROKEN_ROW as error:
                log.error("job %s cannot be read: %s", row["id"], type(error).__name__)
        return jobs

    def insert(self, job: Job, fingerprint: str) -> Job:
        """Add a job at the end of the line."""
        return to_job(self._rows("insert", to_row(job, fingerprint))[0])

    def with_key(self, owner: str, key: str) -> tuple[Job, str] | None:
        """Return the owner's job with that key."""
        rows = self._rows("with_key", {"owner": owner, "key": key})
        return (to_job(rows[0]), rows[0]["fingerprint"]) if rows else None

    def load(self, job: str) -> Job | None:
        """Return a job."""
        return self._job(self._locking("load"), {"id": job})

    def save(self, job: Job) -> None:
        """Replace a job."""
        self._rows("save", to_row(job))

    def claim(self, worker: str, models: Sequence[str] | None, expiry: LeaseExpiry, now: float) -> Job | None:
        """Give the first job in line to a worker."""
        values = {"worker": worker, "models": None if models is None else self._list(models), "now": now}
        while rows := self._rows("claim", values | asdict(expiry)):
            try:
                return to_job(rows[0])
            except BROKEN_ROW as error:
                # Nobody could ever make it, and it would keep all those behind it waiting.
                log.error("job %s cannot be read: %s; it has failed", rows[0]["id"], type(error).__name__)
                failure = json.dumps({"code": "internal_error", "message": "its row in the queue is damaged"})
                self._rows("set_aside", {"id": rows[0]["id"], "failure": failure, "now": now})
        return None

    def overdue(self, expiry: LeaseExpiry) -> list[Job]:
        """Return the running jobs whose lease is over."""
        return self._jobs(self._locking("overdue"), asdict(expiry))

    def held_by(self, worker: str) -> list[Job]:
        """Return the jobs that a worker has."""
        return self._jobs(self._locking("held_by"), {"worker": worker})

    def select(self, query: Query) -> list[Job]:
        """Return the jobs of a list."""
        states = None if query.states is None else self._list(query.states)
        values = {"after": query.after, "limit": query.limit, "states": states, "owner": query.owner}
        values["kind"] = query.kind
        return self._jobs("newest" if query.newest_first else "oldest", values)

    def line(self, owner: str | None = None) -> list[Job]:
        """Return the queued jobs (of one owner) in the order of claims."""
        return self._jobs("line", {}) if owner is None else self._jobs("line_of", {"owner": owner})

    def ahead(self, job: Job) -> int:
        """Return how many queued jobs go before one."""
        values = {"priority": job.priority, "round": job.round, "place": job.place, "number": job.number}
        return self._rows("ahead", values)[0]["number"]

    def counts(self) -> dict[str, int]:
        """Return how many jobs there are in each state."""
        return {row["state"]: row["number"] for row in self._rows("counts")}

    def waiting(self, most: int, owner: str | None = None) -> int:
        """Return how many jobs are queued (of one owner), up to `most`."""
        if owner is None:
            return self._rows("waiting", {"most": most})[0]["number"]
        return self._rows("waiting_of", {"most": most, "owner": owner})[0]["number"]

    def rounds(self, job: Job) -> tuple[float | None, float]:
        """Return the last round of a job's owner, and the one that is at work."""
        values = {"owner": job.owner, "priority": job.priority, "model": job.request.model}
        row = self._rows("rounds", values)[0]
        return row["last"], row["now"]

    def log(self, job: str, type: str, at: float, data: Mapping[str, Any]) -> None:
        """Add an event."""
        self._rows("log", {"job": job, "type": type, "at": at, "data": json.dumps(data, ensure_ascii=False)})

    def events(self, job: str | None, after: int, limit: int) -> list[Event]:
        """Return the events after one."""
        values = {"after": after, "limit": limit}
        rows = (
            self._rows("events", values)
            if job is None
            else self._rows("events_of_job", values | {"job": job})
        )
        return [to_event(row) for row in rows]

    def last_event(self) -> int:
        """Return the id of the newest event."""
        return self._rows("last_event")[0]["id"]

    def forget_progress(self, before: float) -> None:
        """Remove the progress events of jobs that were over before a time."""
        self._rows("forget_progress", {"before": before})

    def post(self, message: OutboxMessage) -> None:
        """Add a message."""
        self._rows("post", asdict(message))

    def take_messages(self, now: float, until: float, limit: int) -> list[OutboxMessage]:
        """Return messages that are due."""
        rows = self._rows("take_messages", {"now": now, "until": until, "limit": limit})
        return sorted(map(to_message, rows), key=lambda message: (message.at, message.id))

    def settle_message(self, message: str, due: float | None) -> None:
        """Make a message due at another time, or never again."""
        self._rows("settle_message", {"id": message, "due": due})

    def add_delivery(self, delivery: Delivery) -> None:
        """Add a delivery."""
        self._rows("add_delivery", asdict(delivery))

    def take_deliveries(
        self, endpoints: Sequence[str], now: float, until: float, limit: int
    ) -> list[Delivery]:
        """Return deliveries that are due."""
        values = {"endpoints": self._list(endpoints), "now": now, "until": until, "limit": limit}
        rows = self._rows("take_deliveries", values)
        return sorted(map(to_delivery, rows), key=lambda one: (one.at, one.letter, one.endpoint))

    def due_endpoints(self, now: float) -> list[str]:
        """Return the endpoints to which a delivery is due."""
        return [row["endpoint"] for row in self._rows("due_endpoints", {"now": now})]

    def settle_delivery(self, delivery: Delivery, claimed: int) -> None:
        """Say what became of a delivery."""
        self._rows("settle_delivery", asdict(delivery) | {"claimed": claimed})

    def deliveries(self, endpoint: str | None, limit: int) -> list[Delivery]:
        """Return deliveries, the newest first."""
        return [to_delivery(row) for row in self._rows("deliveries", {"endpoint": endpoint, "limit": limit})]

    def delivery_counts(self) -> list[tuple[str, str, int]]:
        """Return how many deliveries there are by endpoint and state."""
        return [(row["endpoint"], row["state"], row["number"]) for row in self._rows("delivery_counts")]

    def resend(self, endpoint: str, now: float) -> int:
        """Make deliveries that were given up due anew."""
        return len(self._rows("resend", {"endpoint": endpoint, "now": now}))

    def forget_deliveries(self, endpoint: str) -> None:
        """Remove the deliveries to an endpoint."""
        self._rows("forget_deliveries", {"endpoint": endpoint})

    def forget_messages(self, before: float) -> None:
        """Remove old messages and deliveries."""
        self._rows("forget_old_deliveries", {"before": before})
        self._rows("forget_messages", {"before": before})

    def charge(self, charge: Charge) -> None:
        """Write down what a job costs."""
        self._rows("charge", asdict(charge))

    def charges(self, owner: str, since: float) -> list[Charge]:
        """Return what an owner's jobs cost."""
        return [to_charge(row) for row in self._rows("charges", {"owner": owner, "since": since})]

    def uncharge(self, job: str) -> None:
        """Take back what a job costs."""
        self._rows("uncharge", {"job": job})

    def forget_charges(self, before: float) -> None:
        """Remove old charges."""
        self._rows("forget_charges", {"before": before})
