"""A worker: it claims a job, renders it by the same road as `vitascope generate`, publishes its clips, and begins anew.

It is a process of its own, so that whatever ends it (a bug in native code, the out-of-memory killer, `kill -9`) ends
nothing else. What it leaves behind is enough for the next one to go on from the last step and end in the same bytes.
"""

import contextlib
import re
import secrets
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vitascope import pipeline, telemetry
from vitascope.backends.base import Backend, WorksInPasses
from vitascope.backends.registry import backend
from vitascope.deliver.mux import read_record
from vitascope.director.cut import cut
from vitascope.director.make import shots_of
from vitascope.director.shoot import rendered
from vitascope.director.storyboard import Storyboard
from vitascope.errors import (
    Cancelled,
    DiskFullError,
    InputFileError,
    LeaseLostError,
    OutputError,
    RequestError,
    StoreError,
    VitascopeError,
    is_memory_lack,
)
from vitascope.escaping import escaped
from vitascope.failpoints import failpoint
from vitascope.files import private_folder
from vitascope.jobs.backup import HOUR
from vitascope.jobs.heartbeat import Heartbeat, Why
from vitascope.jobs.job import Failure, Job, Output
from vitascope.jobs.liveness import Liveness, absent
from vitascope.jobs.model_cache import ModelCache
from vitascope.jobs.previews import EVERY_SECONDS, Previews
from vitascope.jobs.progress import JobProgress
from vitascope.jobs.service import JobService
from vitascope.jobs.storage import PREVIEW, checksum, facts, publish
from vitascope.progress import Event, Progress
from vitascope.resume import StateFolder
from vitascope.telemetry import Span
from vitascope.types import Shot

OUT_OF_MEMORY = Failure("out_of_memory", "it needed more memory than a job may have")
TIMED_OUT = Failure("timed_out", "it took longer than a job may take")

_PHASES = {
    "load": "worker: loading",
    "encode": "worker: encoding",
    "denoise": "worker: denoising",
    "decode": "worker: decoding",
    "write": "worker: writing",
    "cut": "worker: writing",
}


def worker_name() -> str:
    """Return a name that no other worker has, and that tells a person where it runs."""
    host = re.sub(r"[^\w-]", "-", socket.gethostname())[:40]
    return f"{host}-{secrets.token_hex(5)}"


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker works: which models it has (None: all), and when it goes.

    `once` ends it when nothing is left to claim; `keep` models stay loaded; a job may take `seconds` and the process
    `memory` bytes; an idle worker looks for jobs every `poll` seconds, a picture of the clip in the making is shown
    every `preview` seconds at most.
    """

    name: str = field(default_factory=worker_name)
    models: tuple[str, ...] | None = None
    once: bool = False
    keep: int = 1
    seconds: float | int | None = None
    memory: int | None = None
    poll: float | int = 0.5
    preview: float | int = EVERY_SECONDS


def say(line: str) -> None:
    """Write a line to the log of the worker: stderr."""
    print(f"vitascope: {escaped(line)}", file=sys.stderr, flush=True)


class Worker:
    """Works on the jobs of a service until it is told to go."""

    def __init__(
        self,
        service: JobService,
        options: WorkerOptions | None = None,
        find: Callable[[str], Backend] = backend,
        say: Callable[[str], None] = say,
    ):
        """Render with the backends that `find` finds, and tell `say` what happens."""
        self.service, self.options, self._say = service, options or WorkerOptions(), say
        self._models = ModelCache(find, self.options.keep)
        # No `threading.Event`: a signal handler that sets one can wait for the lock of the very thread it interrupted.
        self._leaving = False
        self._liveness: Liveness | None = None
        self._full = False
        self._problem: str | None = None
        self._backup_due = time.monotonic() + HOUR

    def leave(self) -> None:
        """Go as soon as the step at work is done; its job returns to the queue. Any thread or signal may call this."""
        self._leaving = True

    def run(self) -> None:
        """Work until told to leave, or (`once`) until nothing is left to do.

        The process works in the folder of the queue, as seen from which jobs name their files.
        """
        with contextlib.chdir(self.service.storage.path):
            self._run()

    def _run(self) -> None:
        self._liveness = self._appear()
        failpoint("worker: started")
        try:
            while not self._leaving:
                self._liveness.touch()
                self._back_up()
                if not self._look():
                    if self.options.once:
                        break
                    time.sleep(self.options.poll)
        finally:
            self._liveness.leave()
            self._models.release_all()
            self.service.store.close()

    def _appear(self) -> Liveness:
        return Liveness(self.service.storage.workers, self.options.name, self.service.store.lease_seconds / 2)

    def _back_up(self) -> None:
        """Back the queue up about once an hour, for queues without a server that does it."""
        if time.monotonic() < self._backup_due:
            return
        self._backup_due = time.monotonic() + HOUR
        try:
            self.service.back_up()
        except VitascopeError as error:
            self._say(f"backup: {error}")

    def _look(self) -> bool:
        """Work, or say why that cannot be done now and wait for better times."""
        try:
            found = self.work()
            self._problem = None
            return found
        except StoreError as error:
            if self.options.once:
                raise
            if self._problem != str(error):
                self._say(str(error))
            self._problem = str(error)
            return False

    def work(self) -> bool:
        """Make one job, if there is one; return whether there was."""
        store = self.service.store
        for name in absent(self.service.storage.workers):
            for job in store.release_worker(name):
                self._say(f"{job.id}: worker {name} died, now {job.state}")
        if not self._room():
            return False
        # After a pause others who were paused as well may renew their leases first.
        settled = self._liveness is None or self._liveness.pauses.settled
        job = store.claim(self.options.name, self.options.models, expire=settled)
        if job is not None:
            self._attend(job)
        return job is not None

    def _room(self) -> bool:
        """Say whether there is room for the files of a job, and complain once when there is not."""
        try:
            self.service.storage.check_space()
        except DiskFullError as error:
            if not self._full:
                self._say(str(error))
            self._full = True
            return False
        self._full = False
        return True

    def _attend(self, job: Job) -> None:
        """Make a job that was claimed, and say in the queue what came of it."""
        self._liveness = self._liveness or self._appear()
        failpoint("worker: claimed")
        self._say(f"{job.id}: attempt {job.attempt}")
        beating = Heartbeat(
            self.service.store, job, self._liveness, lambda: self._leaving, self.options.seconds
        )
        with self._traced(job) as span, beating as heartbeat:
            try:
                after = self._finish(job, heartbeat)
                _tell(span, after)
            except LeaseLostError:
                span.fail("lease_lost")
                self._say(f"{job.id}: another worker has it now")
                return
            except (DiskFullError, StoreError) as error:
                # Not even that could be written down. The lease will run out, and the next attempt finds the clips.
                span.fail(type(error).__name__)
                self._say(f"{job.id}: {error}")
                return
        failpoint("worker: told")
        # The message of a failure may hold words of the prompt, and so may that of an exception.
        self._say(f"{job.id}: {after.state}" + (f" ({after.failure.code})" if after.failure else ""))
        if after.deleted_at is not None:
            self.service.storage.remove(job.id)
        elif after.finished and after.state != "failed":
            self.service.storage.sweep(after)
            failpoint("worker: swept")

    def _traced(self, job: Job) -> AbstractContextManager[Span]:
        """Return the span of a claimed job, a part of the request that it came by."""
        told = {"vitascope.job.id": job.id, "vitascope.job.attempt": job.attempt}
        told |= {"vitascope.model": job.request.model, "vitascope.worker": self.options.name}
        told |= {"vitascope.job.age": round(self.service.store.clock.now() - job.created_at, 3)}
        return telemetry.span("job", job.request.trace, "consumer", told)

    def _finish(self, job: Job, heartbeat: Heartbeat) -> Job:
        """Make a job and end its attempt in the way that fits what happened. Raises `LeaseLostError`."""
        store, lease = self.service.store, job.lease
        try:
            with memory_limit(self.options.memory):
                outputs, notes = self._make(job, heartbeat)
            failpoint("worker: all published")
            return store.complete(lease, outputs, notes)
        except (LeaseLostError, DiskFullError, StoreError):
            raise
        except Cancelled:
            return self._broken_off(job, heartbeat.why)
        except MemoryError:
            self._models.release_all()
            return store.fail(lease, OUT_OF_MEMORY)
        except RequestError as error:
            return store.fail(lease, Failure("invalid_request", str(error)))
        except (OutputError, OSError) as error:
            return self._unwritten(job, error)
        except VitascopeError as error:
            return store.fail(lease, Failure(_code(error), str(error)))
        except Exception as error:
            if is_memory_lack(error):
                self._models.release_all()
                return store.fail(lease, OUT_OF_MEMORY)
            frames = "".join(traceback.format_tb(error.__traceback__)).rstrip()
            self._say(f"{job.id}: {type(error).__name__}, in\n{frames}")
            line = " ".join(f"{type(error).__name__}: {error}".split())
            return store.fail(lease, Failure("internal_error", line[:500]), again=True)

    def _broken_off(self, job: Job, why: Why | None) -> Job:
        """End an attempt that was broken off between two steps. Raises `LeaseLostError`."""
        store = self.service.store
        failpoint("worker: broken off")
        match why:
            case "cancelled":
                return store.stop(job.lease)
            case "timed_out":
                return store.fail(job.lease, TIMED_OUT)
            case "lost":
                raise LeaseLostError
            case _:
                return store.give_back(job.lease)

    def _unwritten(self, job: Job, error: Exception) -> Job:
        """End an attempt whose files could not be written: a full disk is not the job's fault, and it waits."""
        store = self.service.store
        try:
            self.service.storage.check_space()
        except DiskFullError:
            return store.give_back(job.lease)
        return store.fail(job.lease, Failure("output", str(error)), again=True)

    def _make(self, job: Job, heartbeat: Heartbeat) -> tuple[list[Output], tuple[str, ...]]:
        """Return the published clips of a job, and what was guessed or changed on the way."""
        renderer, request = self._models.get(job.request.model), job.request
        folder = self.service.storage.folder(job.id)
        private_folder(folder)
        failpoint("worker: folder made")
        previews = Previews(folder / PREVIEW, self.options.preview)
        passes = renderer.passes if isinstance(renderer, WorksInPasses) else lambda shot: 1
        job_progress = JobProgress(request.clips, passes, previews)
        progress = Progress(heartbeat.listener(job_progress, self._hear), lambda: heartbeat.why is not None)
        if (film := request.film) is not None:
            path = _film_made_before(folder) or folder / f"{job.attempt}-0.mp4"
            if not path.exists():
                _film(film, renderer, path, progress, job_progress)
            output = facts(path, *checksum(path))
            failpoint("worker: clip done")
            return [output], read_record(path).notes
        outputs, shot = [], request.shot
        assert shot.seed is not None
        for index in range(request.number):
            one = shot.model_copy(update={"seed": shot.seed + index})
            path = _made_before(folder, index, one)
            if path is None:
                path = folder / f"{job.attempt}-{index}.mp4"
                digest, size = _clip(one, renderer, path, progress, folder / "state")
            else:
                failpoint("worker: found made")
                digest, size = checksum(path)
            outputs.append(facts(path, digest, size))
            job_progress.next_clip()
            failpoint("worker: clip done")
        return outputs, read_record(folder / outputs[0].name).notes

    def _hear(self, event: Event) -> None:
        # Notes are for the job alone: they hold words of its prompt, and the log may be read by others.
        if event.note is None and (event.step > 0 or event.phase != "denoise") and not event.finished:
            failpoint(_PHASES.get(event.phase, "worker: loading"))


def _tell(span: Span, after: Job) -> None:
    """Tell a span what became of its job."""
    span.tell({"vitascope.job.state": after.state})
    if after.failure is not None:
        span.fail(after.failure.code)


def _film(
    board: Storyboard, renderer: Backend, path: Path, progress: Progress, job_progress: JobProgress
) -> None:
    """Make those shots of a film that are not there yet, and publish the film at `path`."""
    part = path.with_suffix(".part")
    shots = shots_of(board, renderer, path.parent / "shots", progress, lambda *_: job_progress.next_clip())
    cut(board, shots, part, progress)
    failpoint("worker: rendered")
    publish(part, path)


def _clip(
    shot: Shot, renderer: Backend, path: Path, progress: Progress, resume_folder: Path
) -> tuple[str, int]:
    """Render a shot from the last step that was kept of it, publish it at `path`, return checksum and size."""
    clip = rendered(shot, renderer, progress, resume_folder)
    failpoint("worker: rendered")
    part = path.with_suffix(".part")
    pipeline.deliver(clip, part, progress, force=True)
    return publish(part, path)


def _film_made_before(folder: Path) -> Path | None:
    """Return the film that an earlier attempt published before it died."""
    return next(iter(sorted(folder.glob("*-0.mp4"))), None)


def _made_before(folder: Path, index: int, shot: Shot) -> Path | None:
    """Return the clip that an earlier attempt published before it died, if it is the one that is wanted."""
    state = StateFolder(folder / "state")
    for path in sorted(folder.glob(f"*-{index}.mp4")):
        try:
            if state.made(shot, read_record(path)):
                return path
        except InputFileError:
            continue
    return None


@contextmanager
def memory_limit(limit: int | None) -> Iterator[None]:
    """Let this process have no more than `limit` bytes of data (None: any): asking for more is a `MemoryError`."""
    if limit is None or sys.platform == "win32":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _code(error: VitascopeError) -> str:
    """Return what programs call an error: `WeightsError` is `weights`."""
    name = type(error).__name__.removesuffix("Error")
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
