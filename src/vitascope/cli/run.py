"""What every command that makes clips does with a shot: plan, render and deliver it, once or with seeds that follow."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from vitascope import pipeline
from vitascope.api import drawn_seed
from vitascope.backends.base import Backend
from vitascope.backends.registry import backend
from vitascope.cli.inspect import show
from vitascope.cli.progress_bar import Screen
from vitascope.deliver.mux import Movie, read, read_record
from vitascope.deliver.names import check_output, output_path, sheet_path
from vitascope.deliver.sheet import save_sheet
from vitascope.deliver.stream import stream
from vitascope.errors import InputFileError, RequestError
from vitascope.escaping import escaped_json
from vitascope.fallback import first_able
from vitascope.files import sweep
from vitascope.progress import Progress
from vitascope.resume import StateFolder
from vitascope.shot_fields import MAX_SEED
from vitascope.types import Clip, Plan, Record, Shot, VideoShape

MAX_NUMBER = 64


@dataclass(frozen=True)
class Delivery:
    """Where clips go and how: the flags beside those that make the shot."""

    output: Path | None = None
    number: int = 1
    resume: Path | None = None
    stream: bool = False
    as_json: bool = False
    dry_run: bool = False
    force: bool = False

    def check(self) -> None:
        """Raise `RequestError` for flags that do not go together or are out of range."""
        if not 1 <= self.number <= MAX_NUMBER:
            nearest = 1 if self.number < 1 else MAX_NUMBER
            raise RequestError("n", f"{self.number} is outside 1 to {MAX_NUMBER}", f"nearest: {nearest}")
        if not self.stream:
            return
        for used, flag in (
            (self.number > 1, f"-n {self.number}"),
            (self.output is not None, "--output"),
            (self.as_json, "--json"),
        ):
            if used:
                raise RequestError(
                    "stream", f"writes one clip to stdout, which {flag} forbids", "leave one out"
                )
        if sys.stdout.isatty() and not self.dry_run:
            raise RequestError(
                "stream",
                "stdout is a terminal",
                "send it on, as in: vitascope generate ... --stream | ffplay -",
            )

    def seed(self, wanted_seed: int | None) -> int:
        """Return the seed that was said, or else that of the run kept in the folder, or else a drawn one."""
        seed_kept = kept_seed(self.resume) if wanted_seed is None else wanted_seed
        return drawn_seed() if seed_kept is None else seed_kept

    @property
    def folder(self) -> StateFolder | None:
        """The folder where steps are kept, if there is to be one."""
        return None if self.resume is None else StateFolder(self.resume)


@dataclass(frozen=True)
class Take:
    """One clip to make: its shot, its file, and why it is not made by a model that was named before."""

    shot: Shot
    path: Path
    notes: tuple[str, ...] = ()


def kept_seed(resume: Path | None) -> int | None:
    """Return the seed of the run whose steps are kept in a folder, None where there is none."""
    seeds = [] if resume is None else StateFolder(resume).seeds()
    return seeds[0] if seeds else None


def make(draft: Callable[[str], Plan], models: Sequence[str], delivery: Delivery) -> None:
    """Make what was asked for of a shot, with the first of the models that can, and say so on stdout."""
    results: dict[Path, dict[str, Any]] = {}

    def attempt(model: str, notes: tuple[str, ...]) -> None:
        drafted = draft(model)
        _make(drafted.shot, notes + drafted.notes, delivery, results)

    first_able(models, attempt)


def _make(
    shot: Shot, notes: tuple[str, ...], delivery: Delivery, results: dict[Path, dict[str, Any]]
) -> None:
    """Make all clips of a shot but those that a model before has `made`."""
    renderer = backend(shot.model)
    takes = _takes(shot, notes, delivery, renderer)
    if delivery.dry_run:
        _tell([_planned(take, renderer) for take in takes], delivery)
    elif delivery.stream:
        _stream(takes[0], delivery, renderer)
    else:
        _make_files(takes, delivery, renderer, results)
    if delivery.folder is not None and not delivery.dry_run:
        delivery.folder.clear(take.shot for take in takes)


def _takes(shot: Shot, notes: tuple[str, ...], delivery: Delivery, renderer: Backend) -> list[Take]:
    """Return the clips to make, having checked before any work that they can be made and kept."""
    assert shot.seed is not None
    number = delivery.number
    if number > 1 and shot.seed + number - 1 > MAX_SEED:
        nearest = f"nearest: {MAX_SEED - number + 1}"
        raise RequestError("seed", f"{shot.seed} leaves no seeds for {number} clips", nearest)
    takes = []
    for seed in range(shot.seed, shot.seed + number):
        path = output_path(delivery.output, shot.prompt, seed, several=number > 1)
        takes.append(Take(shot.model_copy(update={"seed": seed}), path, notes))
    if delivery.folder is not None:
        # Only a planned shot can be compared with those that a folder holds.
        planned = pipeline.plan(shot, renderer).shot
        delivery.folder.check([planned.model_copy(update={"seed": take.shot.seed}) for take in takes])
    return takes


def _planned(take: Take, renderer: Backend) -> dict[str, Any]:
    """Plan a shot and return what would be made; its notes are told at once."""
    planned = pipeline.plan(take.shot, renderer)
    notes = take.notes + planned.notes
    for note in notes:
        Screen().say(f"note: {note}")
    return {
        "path": str(take.path),
        "dry_run": True,
        "notes": list(notes),
        "shot": planned.shot.model_dump(mode="json", exclude_none=True),
    }


def _make_files(
    takes: list[Take], delivery: Delivery, renderer: Backend, results: dict[Path, dict[str, Any]]
) -> None:
    """Make every clip not `made` yet, each a file as soon as it is whole, and a sheet of all if there are several."""
    records = {take.path: _already_made(take, delivery) for take in takes}
    for take in takes:
        if records[take.path] is None and take.path not in results:
            check_output(take.path, force=delivery.force)
    overwrite = delivery.force or any(records.values())
    sheet = sheet_path([take.path for take in takes]) if len(takes) > 1 else None
    if sheet is not None:
        check_output(sheet, force=overwrite)
    for take in takes:
        if take.path not in results:
            results[take.path] = _make_file(take, records[take.path], delivery, renderer)
    if sheet is not None:
        save_sheet([take.path for take in takes], sheet, force=overwrite)
        if delivery.folder is not None:
            sweep(sheet)
        if not delivery.as_json:
            Screen().say(f"sheet: {sheet}")
    _tell([results[take.path] for take in takes], delivery, sheet)


def _already_made(take: Take, delivery: Delivery) -> Record | None:
    """Return the record of a file that a resumed run has finished before, None where it has not."""
    if delivery.folder is None or not take.path.is_file():
        return None
    try:
        record = read_record(take.path)
    except InputFileError:
        return None
    return record if delivery.folder.made(take.shot, record) else None


def _make_file(take: Take, record: Record | None, delivery: Delivery, renderer: Backend) -> dict[str, Any]:
    """Make one clip, unless it is there, and return what was made; without --json the file's name goes to stdout."""
    with Screen(whole=True) as screen:
        progress = Progress(screen)
        if record is not None:
            clip = read(take.path)
        else:
            clip = pipeline.generate(take.shot, renderer, progress, take.notes, delivery.resume)
            pipeline.deliver(clip, take.path, progress, force=delivery.force)
        spent = progress.seconds_spent
        if not delivery.as_json:
            how = "made before" if record else f"made in {sum(spent.values()):.1f} s"
            screen.say(f"{_size(_shape(clip))}, seed {clip.record.shot.seed}, {how}")
    if delivery.folder is not None:
        delivery.folder.finished(take.shot)
        sweep(take.path)
    if not delivery.as_json:
        typer.echo(str(take.path))
    return {"path": str(take.path), **_facts(clip), "seconds_spent": _rounded(spent)}


def _stream(take: Take, delivery: Delivery, renderer: Backend) -> None:
    """Make one clip and write it to stdout while it is made; it ends silently when the reader closes the pipe."""
    with Screen(whole=True) as screen:
        progress = Progress(screen)
        made = pipeline.stream(take.shot, renderer, progress, take.notes, delivery.resume)
        stream(made.frames, made.fps, made.record, sys.stdout.buffer, made)
        spent = sum(progress.seconds_spent.values())
        screen.say(f"seed {made.record.shot.seed}, made in {spent:.1f} s")


def _shape(clip: Clip | Movie) -> VideoShape:
    count, height, width, _ = clip.frames.shape
    return VideoShape(count, height, width, clip.fps)


def _size(shape: VideoShape) -> str:
    return f"{shape.seconds:g} s, {shape.width}x{shape.height}, {shape.fps:g} fps"


def _facts(clip: Clip | Movie) -> dict[str, Any]:
    record, shape = clip.record, _shape(clip)
    return {
        "seed": record.shot.seed,
        "seconds": shape.seconds,
        "num_frames": shape.num_frames,
        "fps": shape.fps,
        "width": shape.width,
        "height": shape.height,
        "notes": list(record.notes),
        "shot": record.shot.model_dump(mode="json", exclude_none=True),
        "weights": dict(record.weights),
    }


def _rounded(spent: dict[str, float]) -> dict[str, float]:
    return {phase: round(seconds, 3) for phase, seconds in spent.items()}


def _tell(results: list[dict[str, Any]], delivery: Delivery, sheet: Path | None = None) -> None:
    """Print what was made, or would be, in the form that was asked for."""
    if delivery.as_json:
        summary = {"clips": results} if sheet is None else {"clips": results, "sheet": str(sheet)}
        typer.echo(escaped_json(results[0] if delivery.number == 1 else summary))
    elif delivery.dry_run:
        for result in results:
            show({"file": result["path"], **result["shot"]})
