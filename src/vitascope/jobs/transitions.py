"""What may become of a job: plain functions from a job to the job after it, and the errors where that may not be.

They know no database, so that every store obeys the same rules. `held` is the fence: whatever a worker does goes
through it, and a worker that has lost its lease is refused.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from vitascope.errors import JobConflictError, LeaseLostError
from vitascope.jobs.job import Failure, Job, Lease, LeaseExpiry, Output, Request, Standing, State


@dataclass(frozen=True)
class Transition:
    """A job after something happened to it, and what the log (and, if it is news, the webhook) is told."""

    job: Job
    type: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def news(self) -> str | None:
        """The name under which the world outside hears of it, None where it does not."""
        ended = self.type in ("completed", "failed", "cancelled") and self.job.deleted_at is None
        return f"video.{self.type}" if ended else None


def held(job: Job, lease: Lease) -> Job:
    """Return the job if the lease still holds it; raises `LeaseLostError`."""
    if job.state != "running" or (job.worker, job.attempt) != (lease.worker, lease.attempt):
        raise LeaseLostError(f"{job.id} is no longer attempt {lease.attempt} of {lease.worker}")
    return job


def claimed(job: Job) -> Transition:
    """A worker has taken it (the store did that in one statement); the log is told."""
    return Transition(job, "running", {"attempt": job.attempt})


def beaten(job: Job, expiry: LeaseExpiry, standing: Standing | None) -> Transition:
    """Its worker lives, and may have made a step; what is done of the whole never shrinks."""
    percent = job.standing.percent
    if standing is not None:
        standing = replace(standing, percent=min(99, max(percent, standing.percent)))
    after = replace(job, expiry=expiry, standing=standing or job.standing)
    return Transition(after, "progress", asdict(after.standing))


def completed(job: Job, outputs: Sequence[Output], notes: Sequence[str], now: float) -> Transition:
    """Its clips are published."""
    done = replace(job.standing, percent=100, seconds_left=0.0, job_seconds_left=0.0)
    after = replace(_over(job, "completed", now), outputs=tuple(outputs), notes=tuple(notes), standing=done)
    return Transition(after, "completed", {"percent": 100})


def failed(job: Job, failure: Failure, now: float) -> Transition:
    """It cannot be made, now or ever."""
    after = replace(_over(job, "failed", now), failure=failure)
    return Transition(after, "failed", {"code": failure.code, "message": failure.message})


def stopped(job: Job, now: float) -> Transition:
    """It has ended because somebody wanted that."""
    return Transition(_over(job, "cancelled", now), "cancelled")


def returned(job: Job, now: float) -> Transition:
    """Its worker gives it back, having kept what it made so far; nobody counts that as an attempt."""
    if job.cancel_wanted:
        return stopped(job, now)
    return Transition(_waiting(job), "queued", {"attempt": job.attempt})


def lost(job: Job, failure: Failure, now: float) -> Transition:
    """An attempt ended without a result: it is tried again, or fails when it was tried often enough.

    One that got further than the attempt lost before it does not count: a job that a machine often breaks off, but that
    goes on each time, comes to its end. How far it is only grows, so this ends, too.
    """
    if job.cancel_wanted:
        return stopped(job, now)
    reached = job.standing.exact_percent
    further = job.reached is not None and reached > job.reached
    job = replace(job, lost=job.lost if further else job.lost + 1, reached=max(reached, job.reached or 0.0))
    if job.lost < job.max_attempts:
        return Transition(_waiting(job), "queued", {"attempt": job.attempt, "because": failure.message})
    message = (
        f"{failure.message}, the last of {job.lost} attempts" if job.max_attempts > 1 else failure.message
    )
    return failed(job, replace(failure, message=message), now)


def cancelled(job: Job, now: float) -> Transition:
    """Somebody no longer wants it: what waits ends at once, what runs ends at its next step."""
    if job.state == "queued":
        return stopped(job, now)
    if job.state == "running":
        return Transition(replace(job, cancel_wanted=True), "cancelling")
    raise JobConflictError("job", f"{job.id} is {job.state} already")


def again(job: Job) -> Transition:
    """What failed or was cancelled is to be made after all; what it had made so far is used."""
    if job.state not in ("failed", "cancelled"):
        raise JobConflictError(
            "job", f"{job.id} is {job.state}", "only failed and cancelled jobs can be retried"
        )
    fresh = replace(
        job, lost=0, reached=None, failure=None, cancel_wanted=False, finished_at=None, standing=Standing()
    )
    return Transition(_waiting(fresh), "queued")


def deleted(job: Job, now: float) -> Transition:
    """Nobody will hear of it again: its words and its key are forgotten, and what runs is told to stop."""
    state = "cancelled" if job.state == "queued" else job.state
    after = replace(
        job,
        state=state,
        request=Request('{"prompt": ""}', kind=job.request.kind),
        key=None,
        notes=(),
        outputs=(),
        cancel_wanted=job.state == "running",
        finished_at=job.finished_at or now,
        deleted_at=now,
    )
    return Transition(after, "deleted")


def in_order(line: Sequence[Job], moved: Job, before: str | None) -> list[Job]:
    """Return the jobs of a line that get another place when one of them is moved before another (None: to the end).

    The one that is moved takes the priority of its new neighbour; places are dealt out anew among those of that
    priority, and only who really moved is returned.
    """
    others = [job for job in line if job.id != moved.id]
    at = next((i for i, job in enumerate(others) if job.id == before), len(others))
    if before is not None and at == len(others):
        raise JobConflictError("before", f"{before} is not queued", "name a job that waits")
    if not others:
        return []
    priority = others[at].priority if at < len(others) else others[-1].priority
    group = [*others[:at], replace(moved, priority=priority), *others[at:]]
    group = [job for job in group if job.priority == priority]
    places = sorted((job.round, job.place) for job in group)
    was = {job.id: job for job in line}
    dealt = [
        replace(job, round=round, place=place) for job, (round, place) in zip(group, places, strict=True)
    ]
    return [job for job in dealt if job != was[job.id]]


def _over(job: Job, state: State, now: float) -> Job:
    return replace(job, state=state, worker=None, expiry=None, finished_at=now)


def _waiting(job: Job) -> Job:
    return replace(job, state="queued", worker=None, expiry=None)
