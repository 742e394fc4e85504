"""The tasks before the judge: every case through the public road, the table with the goals beside it, and a sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from vitascope.evaluation.report import SheetRow, moments
from vitascope.evaluation.tasks import TASKS
from vitascope.evaluation.tasks.base import Case, Outcome, Row, Studio, Task
from vitascope.toybox.classifier import JudgeCard


@dataclass(frozen=True)
class TaskScore:
    """What a task's clips come to: a figure per row that any clip counted for, and how many did."""

    figures: Mapping[str, float]
    counted: Mapping[str, int]
    clips: int


@dataclass(frozen=True)
class TaskReport:
    """What `vitascope evaluate --task` found; `sources` says where first frames and clips to edit come from."""

    model: str
    card: JudgeCard
    sources: str
    said: Mapping[str, Any]
    tasks: Mapping[str, TaskScore]

    def to_json(self) -> dict[str, Any]:
        """Return `{"tasks": {name: {row: figure, …, "clips": n}}, "missed": [rows], …}`, figures rounded."""
        tasks = {
            name: {key: round(figure, 4) for key, figure in score.figures.items()} | {"clips": score.clips}
            for name, score in self.tasks.items()
        }
        settings = {name: value for name, value in self.said.items() if value is not None}
        return {
            "model": self.model,
            **settings,
            "sources": self.sources,
            "tasks": tasks,
            "missed": self.missed(),
        }

    def missed(self) -> list[str]:
        """Return "task: row" of every goal that was not reached, or not measured."""
        return [
            f"{name}: {row.key}"
            for name, score in self.tasks.items()
            for row in TASKS[name].rows
            if row.goal is not None and not (row.key in score.figures and row.reached(score.figures[row.key]))
        ]


def judge_tasks(
    names: Sequence[str], count: int, seed: int, studio: Studio, keep: int = 0
) -> tuple[TaskReport, tuple[SheetRow, ...]]:
    """Make and measure `count` cases of each task; moments of the first `keep` of each go on the sheet.

    The cases depend on the seed alone, and more of them begin with the fewer. Raises what the backend raises.
    """
    scores: dict[str, TaskScore] = {}
    rows: list[SheetRow] = []
    with studio.progress.phase("evaluate", count * len(names)):
        for name in names:
            task, outcomes = TASKS[name], []
            for index in range(count):
                rng = np.random.default_rng([seed, list(TASKS).index(name), index])
                case = task.draw(rng, studio)
                outcomes.append(task.run(case, studio))
                if index < keep:
                    rows.append(sheet_row(task, case, outcomes[-1]))
                studio.progress.step()
            scores[name] = sum_up(task, outcomes)
    card, settings = studio.judge.card, dict(studio.said)
    return TaskReport(studio.model, card, studio.sources.name, settings, scores), tuple(rows)


def sum_up(task: Task, outcomes: Sequence[Outcome]) -> TaskScore:
    """Return the figures of a task's clips."""
    values = {
        row.key: [outcome.values[row.key] for outcome in outcomes if row.key in outcome.values]
        for row in task.rows
    }
    figures = {row.key: row.sum_up(values[row.key]) for row in task.rows if values[row.key]}
    return TaskScore(figures, {key: len(values[key]) for key in figures}, len(outcomes))


def sheet_row(task: Task, case: Case, outcome: Outcome) -> SheetRow:
    """Return moments of a clip, with what was asked and what was measured."""
    parts = [f"{move.kind} {move.amount:+.2f}" for move in case.camera]
    parts += [f"{x:.2f},{y:.2f}" for _, x, y in case.path]
    singles = [row for row in task.rows if row.key in outcome.values and outcome.values[row.key].size == 1]
    lines: dict[bool, list[str]] = {True: [], False: []}
    for row in singles:
        value = float(outcome.values[row.key].item())
        good = row.reached(value) if row.goal is not None else value >= 0.5
        lines[good].append(f"{row.key} {value:.2f}")
    title = f"{task.name}: {case.text} {' '.join(parts)} #{case.seed}"
    return SheetRow(moments(outcome.frames), title, "  ".join(lines[True]), "  ".join(lines[False]))


def task_table(report: TaskReport) -> Table:
    """Lay a report out as a table with the goals beside the figures."""
    settings = "".join(f", {name} {value}" for name, value in report.said.items() if value is not None)
    title = f"{report.model}{settings}: first frames and clips to edit {report.sources}"
    table = Table(title=title, title_justify="left")
    table.add_column("task")
    table.add_column("measure")
    for column in ("figure", "goal", "clips", "the judge itself"):
        table.add_column(column, justify="right", style="dim" if column == "goal" else None)
    for name, score in report.tasks.items():
        for place, row in enumerate(TASKS[name].rows):
            cells = _cells(row, score, report.card)
            table.add_row(name if place == 0 else "", row.title, *cells)
    return table


def _cells(row: Row, score: TaskScore, card: JudgeCard) -> tuple[Text, str, str, str]:
    """Return figure, goal, how many clips counted, and how good the judge's head is on rendered clips."""
    figure = score.figures.get(row.key)
    goal = "" if row.goal is None else f"{'≤' if row.at_most else '≥'} {row.written(row.goal)}"
    standing = "" if row.head is None else f"{card.accuracy.get(row.head, 0.0):.1%}"
    if figure is None:
        return Text("–"), goal, "0", standing
    style = "" if row.goal is None else "green" if row.reached(figure) else "yellow"
    return Text(row.written(figure), style), goal, str(score.counted[row.key]), standing
