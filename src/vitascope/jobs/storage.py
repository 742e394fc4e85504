"""Where jobs keep their files: a folder for each, what they start from, and room for the day when the disk is full.

jobs/queue.sqlite3         the queue
jobs/video_…/state/        the last denoising step of a clip in the making
jobs/video_…/preview.webp  what the clip in the making looks like by now
jobs/video_…/3-0.mp4       clip 0, published by attempt 3: whole, on the disk, and never written to again
jobs/inputs/SHA256.png     pictures and videos that jobs start from, each kept once
jobs/workers/NAME.lock     held by a worker for as long as it lives
jobs/ballast               16 MiB that are given up when nothing else is left
"""

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from pathlib import Path

from vitascope.errors import DiskFullError, InputFileError, RequestError
from vitascope.failpoints import failpoint
from vitascope.files import private_folder, published
from vitascope.jobs.job import ID_START, Job, Output
from vitascope.settings import settings
from vitascope.types import Given, Shot

MIN_FREE = 256 * 2**20
"""Bytes that must be free on the disk before a job is taken in or begun."""
BALLAST = 16 * 2**20
PREVIEW = "preview.webp"


def free_bytes(path: Path) -> int:
    """Return how much of the disk under a path is free."""
    return shutil.disk_usage(path).free


@dataclass(frozen=True)
class JobStorage:
    """The folder of the queue; `free` says how many bytes are free there.

    Where several machines share the folder, `machine` tells this one's workers from those of others, whose locks it
    could not trust.
    """

    path: Path
    min_free: int = MIN_FREE
    free: Callable[[Path], int] = free_bytes
    machine: str = ""

    def make(self) -> None:
        """Make the folders, and lay in ballast if there is room for it."""
        for folder in (self.path, self.inputs, self.workers):
            private_folder(folder)
        ballast = self.path / "ballast"
        laid_in = _is_laid_in(ballast)
        if not laid_in and self.free(self.path) > self.min_free + BALLAST:
            _lay_in(ballast)

    @property
    def queue(self) -> Path:
        """The file of the queue."""
        return self.path / "queue.sqlite3"

    @property
    def inputs(self) -> Path:
        """The folder of what jobs start from."""
        return self.path / "inputs"

    @property
    def workers(self) -> Path:
        """The folder of the locks that living workers of this machine hold."""
        return self.path / "workers" / self.machine

    def folder(self, job: str) -> Path:
        """Return the folder of a job; raises `RequestError` for what is no job's name."""
        if not (job.startswith(ID_START) and job[len(ID_START) :].isalnum() and job.isascii()):
            raise RequestError("job", f"{job[:60]!r} is not the name of a job")
        return self.path / job

    def file(self, job: Job, index: int = 0) -> Path:
        """Return the file of a finished job's clip; raises `RequestError` where it has none of that index."""
        if not 0 <= index < len(job.outputs):
            raise RequestError("index", f"{job.id} has {len(job.outputs)} clips", "they are counted from 0")
        return self.folder(job.id) / job.outputs[index].name

    def preview(self, job: str) -> Path:
        """Return where the picture of a clip in the making lies, if there is one."""
        return self.folder(job) / PREVIEW

    def check_space(self) -> None:
        """Raise `DiskFullError` when there is too little left to begin anything."""
        free = self.free(self.path)
        if free < self.min_free:
            wanted = f"{free / 2**20:.0f} MiB are free, {self.min_free / 2**20:.0f} are wanted"
            raise DiskFullError(f"the disk of {self.path} is too full for more work: {wanted}")

    def drop_ballast(self) -> bool:
        """Give up the ballast, so that what has happened can still be written down; False when it is gone already."""
        try:
            (self.path / "ballast").unlink()
        except FileNotFoundError:
            return False
        return True

    def keep_inputs(self, shot: Shot) -> Shot:
        """Return the shot with its files copied to where they stay as they are, whatever happens to the originals.

        It names them as seen from the folder of the queue, where workers work: so a clip carries no path of this
        machine, and has the same bytes wherever the queue lies.
        """
        givens = []
        for given in shot.givens:
            kept = {"source": self._keep(given.source, given)}
            if given.mask is not None:
                kept["mask"] = self._keep(given.mask, given)
            givens.append(given.model_copy(update=kept))
        return shot.model_copy(update={"givens": tuple(givens)})

    def _keep(self, name: str, given: Given) -> str:
        source = Path(name)
        try:
            digest, _ = checksum(source)
        except OSError as error:
            raise InputFileError(f"{given.kind}: {source} could not be read ({error.strerror})") from None
        suffix = source.suffix.lower() if source.suffix[1:].isalnum() and source.suffix.isascii() else ""
        target = self.inputs / f"{digest}{suffix[:8]}"
        if target.exists():
            target.touch()  # it is young again: see `remove_inputs`
        else:
            with published(target, force=True, argument=given.kind, private=True) as part:
                shutil.copyfile(source, part)
        failpoint("input: kept")
        return target.relative_to(self.path).as_posix()

    def remove(self, job: str) -> None:
        """Remove all files of a job."""
        folder = self.folder(job)
        if folder.is_dir():
            for file in sorted(folder.glob("*.mp4")):
                forget_record(file)
                file.unlink(missing_ok=True)
                failpoint("delete: half removed")
            shutil.rmtree(folder, ignore_errors=True)
            failpoint("delete: all removed")

    def sweep(self, job: Job) -> None:
        """Remove whatever lies in the folder of a finished job beside its clips."""
        folder, kept = self.folder(job.id), {output.name for output in job.outputs}
        if not folder.is_dir():
            return
        for entry in folder.iterdir():
            if entry.name not in kept:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
                failpoint("sweep: half swept")
        if not kept:
            folder.rmdir()

    def remove_inputs(self, kept: Set[str], older_than: float | int) -> None:
        """Remove inputs that no job needs; young ones may be of a job that is just being handed in."""
        limit = time.time() - older_than
        for file in self.inputs.iterdir():
            if file.name not in kept and file.stat().st_mtime < limit:
                file.unlink(missing_ok=True)
                failpoint("tidy: input removed")

    def job_folders(self) -> Iterable[str]:
        """Return the names of the jobs that have a folder."""
        return sorted(entry.name for entry in self.path.glob(f"{ID_START}*") if entry.is_dir())


def _is_laid_in(ballast: Path) -> bool:
    """Say whether the ballast is there; a link in its place is not followed, for it may lead anywhere."""
    try:
        found = ballast.lstat()
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(found.st_mode) or found.st_size == BALLAST


def _lay_in(ballast: Path) -> None:
    """Take room on the disk, as a rule without writing to it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(ballast, flags, 0o600), "wb") as file:
        failpoint("ballast: made")
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, BALLAST)
        else:
            file.write(bytes(BALLAST))


def forget_record(clip: Path) -> None:
    """Remove what the home folder keeps of a clip's record, where the owner keeps records private."""
    if settings().marks.record == "private":
        from vitascope.deliver.mux import forget_record_of

        forget_record_of(clip)


def publish(part: Path, target: Path) -> tuple[str, int]:
    """Move a whole file to its place and return its checksum and size; from then on it is there, even without power."""
    failpoint("publish: written")
    digest, size = checksum(part)
    failpoint("publish: summed")
    part.chmod(0o600)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    failpoint("publish: synced")
    part.replace(target)
    failpoint("publish: renamed")
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    failpoint("publish: folder synced")
    return digest, size


def facts(path: Path, digest: str, size: int) -> Output:
    """Return what is told of a published clip, read from the clip itself; raises `InputFileError`."""
    import av

    from vitascope.deliver.mux import read_record

    shot = read_record(path).shot
    if shot.seed is None:
        raise InputFileError(f"{path.name} says no seed")
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        frames, fps = video.frames, float(video.average_rate or 1)
        pixels = (video.width, video.height)
    return Output(path.name, digest, size, frames / fps, frames, fps, pixels, shot.seed)


def checksum(path: Path) -> tuple[str, int]:
    """Return the SHA-256 and the size of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
