"""A server as a backend: a shot becomes a request, the job is waited for, and what it made comes home as a clip."""

import os
import uuid
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, urlsplit

from vitascope.backends.base import Card
from vitascope.backends.remote.dialects import (
    ARGUMENTS,
    DIALECTS,
    Dialect,
    encoded,
    fields,
    plan,
    recognised,
)
from vitascope.backends.remote.download import Fetch, download
from vitascope.backends.remote.http import PASSING, Clock, Wire
from vitascope.backends.remote.job_file import KeptJob
from vitascope.backends.remote.media_transfer import LIMITS_OF_CLIPS, Footage, footage, picture
from vitascope.backends.remote.responses import Answer, Job, quote_safely, read_job, refusal
from vitascope.deliver.record import make_record
from vitascope.errors import RemoteError, RequestError
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.planning.prompt import caption_as_written
from vitascope.planning.rules import FrameRule, RateRule
from vitascope.progress import Progress
from vitascope.settings import RemoteServer, settings
from vitascope.shot_fields import MAX_FPS
from vitascope.types import Clip, Plan, Record, Shot

USUAL_SECONDS, USUAL_FPS, MOST_SECONDS = 4, 24.0, 3600
"""What servers make where nothing is said (OpenAI's default length, the open servers' default rate), and our limit."""
FIRST_POLL, LONGEST_POLL, SLOWER = 0.5, 5.0, 1.3
"""Seconds between two questions after a job, at first and at most, and how they grow."""
SHORTEST_POLL, LONGEST_WAIT = 0.05, 60.0
"""The same, where the server says how many."""
CANCEL_SECONDS = 5.0
MOST_BYTES = LIMITS_OF_CLIPS.bytes
FIRST_TRIES = 3
"""How often a server is asked what it is, before it counts as not there."""
PARTS = 100
"""Steps that the progress of a job is shown in."""


class Remote:
    """Renders shots on the server that the settings call NAME."""

    def __init__(
        self,
        name: str,
        server: RemoteServer | None = None,
        clock: Clock | None = None,
        environ: Mapping[str, str] = os.environ,
    ):
        """Use a server of the settings, or one that is described here. Raises `RequestError` for an unknown name."""
        self.name, self.who = name, f"remote:{name}"
        self.server = server or _configured(name)
        self._clock, self._environ = clock or Clock(), environ

    @cached_property
    def card(self) -> Card:
        """What any server can do: what it makes of size, length and words, it decides itself. Nobody is asked."""
        return Card(
            id=self.who,
            licence="the server's terms",
            frames=FrameRule(
                step=1, offset=0, default=int(USUAL_SECONDS * USUAL_FPS), most=int(MOST_SECONDS * USUAL_FPS)
            ),
            size=None,
            rate=RateRule(default=USUAL_FPS, least=1.0, most=MAX_FPS),
            steps=0,
            guidance_scale=0.0,
            camera_limits={},
            takes=frozenset({"frame"}),
        )

    def plan(self, shot: Shot, inspector: Inspector = LOCAL) -> Plan:
        """Refuse what cannot travel and leave the rest to the server. Raises `RequestError` and `RemoteError`.

        With the dialect "auto" the server is asked, once, what it is.
        """
        return plan(caption_as_written(shot), self._dialect, self.who)

    def render(self, shot: Shot, progress: Progress, resume_folder: Path | None = None) -> Clip:
        """Have a planned shot made. Raises `RemoteError`, `RequestError` for what is refused there, and `Cancelled`."""
        wire, job_file = self._wire(progress), KeptJob.of(resume_folder, shot, self.server.url)
        with progress.phase("ask"):
            job = self._find_job(wire, job_file) or self._create_job(wire, shot)
            job_file.write(job.id)
        try:
            with progress.phase("render", PARTS):
                job = self._wait_for(wire, job, progress)
        except RemoteError:
            raise
        except BaseException:  # Ctrl+C too: nobody wants what the server still works on, unless it is kept
            if job_file.folder is None:
                self._cancel(wire, job)
            else:
                wire.note(f"{self.who} goes on with its job {job.id}: the same command fetches it")
            raise
        with progress.phase("download", PARTS), TemporaryDirectory(prefix="vitascope-") as folder:
            came = self._download(wire, job, Path(folder) / "clip.mp4", progress)
        job_file.clear()
        return Clip(came.frames, came.fps, self._record(shot, job, came, progress))

    @cached_property
    def _key(self) -> str | None:
        """The key, from the environment; raises `RequestError` where it is missing, never saying it."""
        name = self.server.key_env
        if name is None:
            return None
        key = self._environ.get(name, "").strip()
        if not key:
            problem = f"{self.who} needs its key in the environment variable {name}, which is not set"
            raise RequestError("model", problem, f"export {name}=…")
        if not (key.isascii() and key.isprintable()):
            raise RequestError("model", f"the key in {name} has characters that no key has", "set it anew")
        return key

    @cached_property
    def _dialect(self) -> Dialect:
        if self.server.dialect != "auto":
            return DIALECTS[self.server.dialect]
        wire = self._wire(Progress())
        hasty = self.server.model_copy(update={"tries": min(FIRST_TRIES, self.server.tries)})
        answer = replace(wire, server=hasty).ask("GET", "/models")
        if answer.status in (401, 403):
            raise refusal(answer, ARGUMENTS)
        try:
            body = answer.json() if answer.status == 200 else {}
        except RemoteError:
            body = {}
        return DIALECTS[recognised(answer.headers, body)]

    def _wire(self, progress: Progress) -> Wire:
        return Wire(self.who, self.server, self._key, self._clock, progress.check, progress.note)

    def _find_job(self, wire: Wire, job_file: KeptJob) -> Job | None:
        """Return the job that a run before has asked for, if the server still has it and did not fail."""
        name = job_file.read()
        if name is None:
            return None
        try:
            job, _ = self._poll(wire, Job(name, "waiting", ""))
        except _GoneError as error:
            wire.note(f"{error}: asking anew")
            return None
        return None if job.state in ("failed", "cancelled") else job

    def _create_job(self, wire: Wire, shot: Shot) -> Job:
        """Ask for the clip and return its job."""
        image = picture(shot.givens[0], shot.size) if shot.givens else None
        kind, body = encoded(fields(shot, self._dialect, self.server.model), image, self._dialect)
        headers = {"Content-Type": kind, "Idempotency-Key": str(uuid.uuid4())}
        once = not (self.server.idempotent or self._dialect.idempotent)
        answer = wire.ask("POST", "/videos", headers=headers, body=body, once=once)
        if answer.status not in (200, 201, 202):
            raise refusal(answer, ARGUMENTS)
        return read_job(answer)

    def _wait_for(self, wire: Wire, job: Job, progress: Progress) -> Job:
        """Return the job when it is done. Raises `RemoteError` when it failed or takes too long."""
        until, watch = self._clock.now() + self.server.job_seconds, _Watch(self.who, progress)
        pause, wait = FIRST_POLL, None
        while not watch.is_done(job):
            if self._clock.now() > until:
                self._cancel(wire, job)
                seconds = f"{self.server.job_seconds:g} s"
                raise RemoteError(f"{self.who} has not finished within {seconds} (job {job.id})")
            wire.sleep(pause if wait is None else wait)
            pause = min(pause * SLOWER, LONGEST_POLL)
            job, wait = self._poll(wire, job)
        return job

    def _poll(self, wire: Wire, job: Job) -> tuple[Job, float | None]:
        """Return how a job is, and how long the server says to wait until it is looked at again."""
        final = (500, 502, 504) if self._dialect.errors_are_final else ()
        passing = tuple(status for status in PASSING if status not in final)
        answer = wire.ask("GET", _path(job), passing=passing)
        if answer.status != 200:
            error = _GoneError if answer.status in (404, 410) else RemoteError
            raise error(f"{self.who} says of its job {job.id}: {answer.complaint} ({answer.status})")
        return read_job(answer, job.id), _poll_after(answer)

    def _download(self, wire: Wire, job: Job, file: Path, progress: Progress) -> Footage:
        until = self._clock.now() + self.server.download_seconds
        fetch = Fetch(f"{_path(job)}/content", MOST_BYTES, until, job.sha256, _Meter(progress).to)
        try:
            download(wire, fetch, file)
            return footage(file, self.who)
        except RemoteError as error:
            raise RemoteError(f"{error} (job {job.id})") from None

    def _cancel(self, wire: Wire, job: Job) -> None:
        """Ask the server to stop; whatever comes of it is said, and nothing is raised."""
        server = self.server.model_copy(
            update={"tries": 1, "connect_seconds": CANCEL_SECONDS, "answer_seconds": CANCEL_SECONDS}
        )
        last = replace(wire, server=server, check=lambda: None)
        why = "it has no way to"
        for method, path in self._dialect.cancels:
            try:
                answer = last.ask(method, _path(job) + path, once=True)
                if answer.status < 300:
                    wire.note(f"{self.who} was asked to stop its job {job.id}")
                    return
                why = f"it answers {answer.status}"
            except RemoteError as error:
                why = str(error)
        wire.note(f"{self.who} may go on with its job {job.id}: it could not be stopped ({why})")

    def _record(self, shot: Shot, job: Job, came: Footage, progress: Progress) -> Record:
        """Return how the clip was made, as far as the server tells."""
        count, height, width, _ = came.frames.shape
        result = shot.model_copy(
            update={
                "size": (width, height),
                "aspect_ratio": None,
                "fps": came.fps,
                "num_frames": count,
                "seconds": count / came.fps,
                "camera": shot.camera or (),
            }
        )
        model = job.model or self.server.model or "a model that it does not name"
        notes = (
            f"made by {model} at {urlsplit(self.server.url).netloc}, job {quote_safely(job.id, self._key)}",
        )
        if job.prompt and job.prompt != (shot.caption or shot.prompt):
            notes += (f'the server read the prompt as: "{job.prompt}"',)
        notes += _differences(shot, result) + came.notes
        for note in notes:
            progress.note(note)
        record = make_record(result, {"remote model": model}, progress)
        return replace(record, notes=notes)


class _GoneError(RemoteError):
    """A server does not know a job any more."""


class _Watch:
    """Looks at a job each time it is told of, and shows how far it is."""

    def __init__(self, who: str, progress: Progress):
        self._who, self._progress, self._meter, self._strange = who, progress, _Meter(progress), ""

    def is_done(self, job: Job) -> bool:
        """Say whether a job is done; raises `RemoteError` when it will never be."""
        if job.state in ("failed", "cancelled"):
            why = job.error or "it does not say why"
            raise RemoteError(f"{self._who} {job.status}: {why} (job {job.id})")
        if job.state == "unknown" and job.status != self._strange:
            self._strange = job.status
            self._progress.note(f"{self._who} says {job.status!r}, which is not known: waiting on")
        if job.progress is not None and job.state != "waiting":
            self._meter.to(job.progress)
        return job.state == "done"


class _Meter:
    """Shows shares of a phase as its steps, never going back."""

    def __init__(self, progress: Progress):
        self._progress, self._steps = progress, 0

    def to(self, share: float) -> None:
        """Go on to a share of the whole."""
        while self._steps < int(share * PARTS):
            self._steps += 1
            self._progress.step()


def _configured(name: str) -> RemoteServer:
    configured = settings().remotes
    if name in configured:
        return configured[name]
    problem = f"'remote:{name[:40]}' is not in the settings"
    servers = f"known: {', '.join(f'remote:{entry}' for entry in configured)}; " if configured else ""
    raise RequestError(
        "model", problem, f"{servers}add [remotes.NAME] to {settings().home / 'settings.toml'}"
    )


def _path(job: Job) -> str:
    return f"/videos/{quote(job.id, safe='')}"


def _poll_after(answer: Answer) -> float | None:
    """Return the seconds after which a server wants to be asked again, if it says so and is not silly about it."""
    text = answer.headers.get("openai-poll-after-ms", "")
    return (
        min(max(int(text) / 1000, SHORTEST_POLL), LONGEST_WAIT)
        if text.isascii() and text.isdigit() and len(text) < 8
        else None
    )


def _differences(request: Shot, result: Shot) -> tuple[str, ...]:
    """Return what the server made otherwise than it was asked to."""
    notes = ()
    if request.size not in (None, result.size):
        assert request.size is not None
        assert result.size is not None
        notes += (
            f"size: {request.size[0]}x{request.size[1]} was asked for, {result.size[0]}x{result.size[1]} came",
        )
    if request.num_frames not in (None, result.num_frames):
        notes += (f"num_frames: {request.num_frames} were asked for, {result.num_frames} came",)
    elif (
        request.seconds
        and result.seconds
        and result.fps
        and abs(request.seconds - result.seconds) > 1.5 / result.fps
    ):
        notes += (f"seconds: {request.seconds:g} were asked for, {result.seconds:g} came",)
    if request.fps and result.fps and abs(request.fps - result.fps) > 0.01:
        notes += (f"fps: {request.fps:g} was asked for, {result.fps:g} came",)
    return notes
