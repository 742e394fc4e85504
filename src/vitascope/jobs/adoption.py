"""Clips that the queue does not know, and how they are taken in again.

A queue that was lost, removed or restored from an old backup leaves folders of clips behind. Nothing removes them: only
a row with `deleted_at` makes a folder removable. Each clip carries its own shot, and so the job can be written anew.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vitascope.deliver.mux import read_record
from vitascope.director.storyboard import storyboard_of
from vitascope.errors import InputFileError, RequestError
from vitascope.jobs.job import Job, Request
from vitascope.jobs.service import JobService
from vitascope.jobs.storage import checksum, facts

_CLIP = re.compile(r"(\d{1,9})-(\d{1,3})\.mp4", re.ASCII)


@dataclass(frozen=True)
class Adoption:
    """The jobs that were taken in, and why the other folders were left alone."""

    jobs: tuple[Job, ...]
    problems: Mapping[str, str]


def adopt(service: JobService, names: Sequence[str] | None = None, owner: str = "") -> Adoption:
    """Take clips that the queue does not know in as completed jobs of `owner`; None names all of them.

    A folder is left as it is where a clip in it cannot be read, or where it has none. Raises `RequestError` for a name
    that is no folder here or that the queue knows.
    """
    unknown = service.unknown_folders()
    if names is not None:
        for name in names:
            if name not in unknown:
                problem = f"{name[:60]!r} is no folder of clips that the queue does not know"
                raise RequestError("job", problem, "list them: vitascope jobs adopt --list")
    jobs, problems = [], {}
    for name in unknown if names is None else names:
        try:
            job = _read_job(service.storage.folder(name), owner)
        except (InputFileError, OSError) as error:
            problems[name] = str(error)
            continue
        jobs.append(service.store.adopt(job))
    return Adoption(tuple(jobs), problems)


def _read_job(folder: Path, owner: str) -> Job:
    """Return the completed job that a folder of clips stands for; raises `InputFileError`."""
    files: dict[int, tuple[int, Path]] = {}
    for file in folder.glob("*.mp4"):
        if (found := _CLIP.fullmatch(file.name)) is None:
            raise InputFileError(f"{file.name} is no clip of a job")
        attempt, index = int(found[1]), int(found[2])
        # A worker that died between publishing a clip and saying so leaves the clip of an earlier attempt.
        files[index] = max(files.get(index, (0, file)), (attempt, file))
    if not files:
        raise InputFileError("it has no finished clip")
    paths = [files[index][1] for index in sorted(files)]
    outputs = tuple(facts(path, *checksum(path)) for path in paths)
    record = read_record(paths[0])
    if record.film is None:
        request = Request.of(record.shot, record.shot, number=len(outputs))
    else:
        film = storyboard_of(record).model_dump_json(exclude_none=True)
        request = Request.of(record.shot, record.shot, kind="film", film_json=film)
    written_at = [path.stat().st_mtime for path in paths]
    return Job(
        folder.name,
        request,
        state="completed",
        owner=owner,
        attempt=max(attempt for attempt, _ in files.values()),
        outputs=outputs,
        notes=record.notes,
        created_at=min(written_at),
        started_at=min(written_at),
        finished_at=max(written_at),
    )
