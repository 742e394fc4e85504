"""`vitascope evaluate`: how well a model follows its words, and does its tasks, by the judge's word."""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from vitascope.cli import shot_options
from vitascope.cli.progress_bar import Screen
from vitascope.escaping import escaped_json


@dataclass(frozen=True)
class Asked:
    """What is to be evaluated, and how it is to be told."""

    prompts: int
    seed: int
    said: dict[str, Any]
    as_json: bool
    sheet: Path | None
    model: str

    @property
    def keep(self) -> int:
        """How many clips of each kind go on the sheet."""
        return 20 if self.sheet else 0


def evaluate(
    task: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Judge a task: image, camera, path, restyle, add, extend, keyframes, retake, inpaint or all. "
            "[default: words]",
        ),
    ] = None,
    prompts: Annotated[int, typer.Option(min=1, max=10_000, help="Prompts of each split or task.")] = 200,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the suite: the same seed gives the same prompts and clips.")
    ] = 0,
    seen: Annotated[bool, typer.Option("--seen", help="Only compositions from the training split.")] = False,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Only compositions that are held out from training.")
    ] = False,
    preset: shot_options.Preset = None,
    steps: shot_options.Steps = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
    sheet: Annotated[
        Path | None, typer.Option(help="Also write a contact sheet of the judged clips (.png).")
    ] = None,
    model: Annotated[str, typer.Option(help="Model that renders the clips.")] = "toybox",
) -> None:
    """Render a suite of prompts, judge every clip, and print the scores with their targets."""
    from vitascope.errors import RequestError

    options = Asked(prompts, seed, {"preset": preset, "steps": steps}, as_json, sheet, model)
    if task is None:
        judge_words(options, {"seen": seen, "held_out": held_out})
    elif seen or held_out:
        split = "seen" if seen else "held_out"
        raise RequestError(split, "has no meaning for a task", "leave it out")
    else:
        judge_tasks(options, task)


def judge_words(options: Asked, splits: dict[str, bool]) -> None:
    """Judge how well clips follow their prompts."""
    from vitascope.backends.registry import backend
    from vitascope.evaluation.report import draw_sheet, table
    from vitascope.evaluation.run import evaluate as run
    from vitascope.evaluation.run import load_judge
    from vitascope.evaluation.sources import world_of
    from vitascope.evaluation.suites import SPLITS, suite
    from vitascope.progress import Progress

    chosen = [split for split in SPLITS if splits[split] or not any(splits.values())]
    renderer, judge = backend(options.model), load_judge()
    prompts = suite(world_of(renderer), chosen, options.prompts, options.seed)
    with Screen() as screen:
        evaluation = run(renderer, judge, prompts, Progress(screen), options.keep, options.said)
        if options.sheet is not None:
            draw_sheet(evaluation.rows, options.sheet)
            screen.say(f"sheet: {options.sheet}")
    if options.as_json:
        typer.echo(escaped_json(evaluation.report.to_json()))
        return
    show(table(evaluation.report))
    if barred := evaluation.report.barred():
        typer.echo(
            f"figures in brackets: the judge is below 97 % on rendered clips there ({', '.join(barred)})"
        )


def judge_tasks(options: Asked, task: str) -> None:
    """Judge one task, or all."""
    from vitascope.backends.registry import backend
    from vitascope.errors import RequestError
    from vitascope.evaluation.report import draw_sheet
    from vitascope.evaluation.run import load_judge
    from vitascope.evaluation.sources import sources
    from vitascope.evaluation.task_report import judge_tasks as run
    from vitascope.evaluation.task_report import task_table
    from vitascope.evaluation.tasks import TASKS
    from vitascope.evaluation.tasks.base import Studio
    from vitascope.progress import Progress

    if task not in (*TASKS, "all"):
        raise RequestError("task", f"{task[:40]!r} is not known", f"it may be: {', '.join(TASKS)}, all")
    names = list(TASKS) if task == "all" else [task]
    renderer, judge = backend(options.model), load_judge()
    with Screen() as screen, tempfile.TemporaryDirectory() as folder:
        given = sources(renderer, options.model, Path(folder), options.said)
        studio = Studio(renderer, options.model, judge, given, Path(folder), options.said, Progress(screen))
        report, rows = run(names, options.prompts, options.seed, studio, options.keep)
        if options.sheet is not None:
            draw_sheet(rows, options.sheet)
            screen.say(f"sheet: {options.sheet}")
    if options.as_json:
        typer.echo(escaped_json(report.to_json()))
        return
    show(task_table(report))
    if missed := report.missed():
        typer.echo(f"not reached: {', '.join(missed)}")


def show(table: object) -> None:
    """Print a table."""
    from rich.console import Console

    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120).print(table)
