"""The report: marks per clip, the table of a model, and a sheet to look at."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw
from rich.table import Table
from rich.text import Text

from vitascope.deliver.provenance.marks import save_picture
from vitascope.evaluation.judge import expected, matters
from vitascope.evaluation.metrics.flicker import flicker
from vitascope.evaluation.metrics.warping import warping
from vitascope.evaluation.suites import SuitePrompt
from vitascope.toybox.classifier import Judge, JudgeCard, Verdict

METRICS = {"flicker": flicker, "warping": warping}
"""Temporal metrics, reported as ratios to rendered clips."""

PLACE = ("set", "time", "weather")


@dataclass(frozen=True)
class Goal:
    """A row of the table: its title, the heads it rests on, and what is to be reached on each split."""

    title: str
    heads: tuple[str, ...]
    seen: float
    held_out: float


GOALS = {
    "subject": Goal("subject", ("subject",), 0.90, 0.75),
    "action": Goal("action", ("action",), 0.85, 0.70),
    "place": Goal("set, time and weather", PLACE, 0.95, 0.90),
    "set": Goal("  set", ("set",), 0.95, 0.90),
    "time": Goal("  time of day", ("time",), 0.95, 0.90),
    "weather": Goal("  weather", ("weather",), 0.95, 0.90),
    "season": Goal("season", ("season",), 0.95, 0.90),
    "camera": Goal("camera", ("camera",), 0.95, 0.95),
    "style": Goal("style", ("style",), 0.95, 0.95),
}
"""Rows of shares, the higher the better."""

RATIO_GOAL = 1.1
"""What flicker and warping error may be at most, as multiples of rendered clips."""


@dataclass(frozen=True)
class Judged:
    """One prompt with what was seen in its clip: a mark per field that counts, and the temporal metrics."""

    prompt: SuitePrompt
    verdict: Verdict
    marks: Mapping[str, bool]
    metrics: Mapping[str, tuple[float, float]]
    """Per metric: its value, and its mean on rendered clips of that style and camera."""


def judge_clip(
    judge: Judge, prompt: SuitePrompt, frames: UInt8[np.ndarray, "frames height width 3"]
) -> Judged:
    """Judge one clip against its prompt. Only what the words say and the place can show is marked."""
    verdict, label = judge.judge(frames), prompt.asked()
    counts = matters(label)
    fields = [field for field in judge.card.heads if field in prompt.said and counts[field]]
    marks = {field: verdict.labels[field] == getattr(label, field) for field in fields}
    marks["place"] = all(marks.get(field, True) for field in PLACE)
    values = temporal_metrics(judge, frames)
    means = {name: expected(judge.card, name, label) for name in values}
    metrics = {name: (values[name], mean) for name, mean in means.items() if mean is not None}
    return Judged(prompt, verdict, marks, metrics)


def temporal_metrics(judge: Judge, frames: UInt8[np.ndarray, "frames height width 3"]) -> dict[str, float]:
    """Measure a clip at the judge's own size and length, so that any model compares with the reference."""
    small = (judge.look(frames) * 255 + 0.5).astype(np.uint8).transpose(0, 2, 3, 1)
    return {name: metric(small) for name, metric in METRICS.items()}


@dataclass(frozen=True)
class Scores:
    """A split's shares of right clips per row (and how many counted), the metrics' ratios, clips in all."""

    shares: Mapping[str, float]
    counted: Mapping[str, int]
    ratios: Mapping[str, float]
    clips: int


def score(judged: Sequence[Judged]) -> Scores:
    """Sum up the clips of one split. Rows that no clip counted for are left out."""
    marks = {row: [clip.marks[row] for clip in judged if row in clip.marks] for row in GOALS}
    pairs = {name: [clip.metrics[name] for clip in judged if name in clip.metrics] for name in METRICS}
    return Scores(
        {row: float(np.mean(right)) for row, right in marks.items() if right},
        {row: len(right) for row, right in marks.items() if right},
        {name: _ratio(rows) for name, rows in pairs.items() if rows},
        len(judged),
    )


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    return sum(value for value, _ in pairs) / max(sum(mean for _, mean in pairs), 1e-9)


@dataclass(frozen=True)
class Report:
    """What `vitascope evaluate` found: scores per split, and the judge's own standing."""

    model: str
    card: JudgeCard
    splits: Mapping[str, Scores]

    def barred(self) -> tuple[str, ...]:
        """Return the rows whose judges may not judge."""
        return tuple(row for row, goal in GOALS.items() if not all(map(self.card.may_judge, goal.heads)))

    def to_json(self) -> dict[str, Any]:
        """Return `{"seen": {row: share}, "held_out": {…}, "judge": {head: share}, …}`, figures rounded."""
        splits = {
            split: {name: round(value, 4) for name, value in (*scores.shares.items(), *scores.ratios.items())}
            | {"clips": scores.clips}
            for split, scores in self.splits.items()
        }
        judge = {head: round(share, 4) for head, share in self.card.accuracy.items()}
        return {"model": self.model, **splits, "judge": judge, "may_not_judge": list(self.barred())}


def table(report: Report) -> Table:
    """Lay a report out as a table with the goals beside the figures."""
    title = f"{report.model}: " + ", ".join(
        f"{scores.clips} prompts of {split.replace('_', '-')} compositions"
        for split, scores in report.splits.items()
    )
    table = Table(title=title, title_justify="left")
    table.add_column("measure")
    for split in report.splits:
        table.add_column(split.replace("_", "-"), justify="right")
        table.add_column("goal", justify="right", style="dim")
    table.add_column("the judge itself, on rendered clips", justify="right")
    barred = report.barred()
    for row, goal in GOALS.items():
        figures = [
            cell
            for split, scores in report.splits.items()
            for cell in _share_cells(scores.shares.get(row), getattr(goal, split), row in barred)
        ]
        standing = min(report.card.accuracy.get(head, 0.0) for head in goal.heads)
        table.add_row(goal.title, *figures, f"{standing:.1%}" + (" may not judge" if row in barred else ""))
    for name in METRICS:
        cells = [cell for scores in report.splits.values() for cell in _ratio_cells(scores.ratios.get(name))]
        table.add_row(f"{name} against rendered clips", *cells, "")
    return table


def _share_cells(share: float | None, goal: float, barred: bool) -> tuple[Text, str]:
    if share is None:
        return Text("–"), f"≥ {goal:.0%}"
    if barred:
        return Text(f"({share:.1%})", "dim"), f"≥ {goal:.0%}"
    return Text(f"{share:.1%}", "green" if share >= goal else "yellow"), f"≥ {goal:.0%}"


def _ratio_cells(ratio: float | None) -> tuple[Text, str]:
    goal = f"≤ {RATIO_GOAL:.1f}×"
    if ratio is None:
        return Text("–"), goal
    return Text(f"{ratio:.2f}×", "green" if ratio <= RATIO_GOAL else "yellow"), goal


def wrong_fields(judged: Judged) -> dict[str, str]:
    """Return the fields that came out wrong, each with the label seen in place of the one asked for."""
    return {f: judged.verdict.labels[f] for f, right in judged.marks.items() if not right and f != "place"}


def confusions(judged: Iterable[Judged], field: str, most: int = 5) -> list[tuple[str, str, int]]:
    """Return the commonest (asked, seen, times) of a field's wrong clips."""
    counts: dict[tuple[str, str], int] = {}
    for clip in judged:
        if clip.marks.get(field) is False:
            pair = getattr(clip.prompt.asked(), field), clip.verdict.labels[field]
            counts[pair] = counts.get(pair, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return [(label, answer, times) for (label, answer), times in ordered[:most]]


@dataclass(frozen=True)
class SheetRow:
    """Some moments of a clip, what was asked for, and in two lines' worth of words what came out right and wrong."""

    moments: UInt8[np.ndarray, "moments height width 3"]
    title: str
    right: str
    wrong: str


def moments(
    frames: UInt8[np.ndarray, "frames height width 3"], count: int = 4
) -> UInt8[np.ndarray, "n h w 3"]:
    """Return evenly spread frames, the first and the last among them."""
    return frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]


def judged_row(judged: Judged, frames: UInt8[np.ndarray, "frames height width 3"]) -> SheetRow:
    """Return a judged clip's row of the sheet: its prompt, what is right, what was seen in place of the rest."""
    right = [field for field, mark in judged.marks.items() if mark and field != "place"]
    return SheetRow(
        moments(frames),
        f"{judged.prompt.text} #{judged.prompt.seed}",
        " ".join(f"+{field}" for field in right),
        " ".join(f"-{field}: {answer}" for field, answer in wrong_fields(judged).items()),
    )


def draw_sheet(rows: Sequence[SheetRow], path: Path, columns: int = 2) -> None:
    """Write a picture of clips: moments of each, what was asked, what was right, what was wrong."""
    line, letter = 13, 6
    count, height, width = rows[0].moments.shape[:3]
    cell = (count * width + 8, height + 2 * line + 8)
    lines = -(-len(rows) // columns)
    sheet = Image.new("RGB", (cell[0] * columns, cell[1] * lines), "white")
    draw = ImageDraw.Draw(sheet)
    for index, row in enumerate(rows):
        x, y = index % columns * cell[0], index // columns * cell[1]
        sheet.paste(Image.fromarray(np.concatenate(list(row.moments), axis=1)), (x, y))
        letters = cell[0] // letter
        draw.text((x + 2, y + height + 1), row.title[:letters], "black")
        draw.text((x + 2, y + height + line), row.right[:letters], "#1a7f37")
        start = x + 2 + letter * len(row.right) + 10
        room = max(0, (x + cell[0] - start) // letter)
        draw.text((start, y + height + line), row.wrong[:room], "#c0392b")
    path.parent.mkdir(parents=True, exist_ok=True)
    save_picture(sheet, path, "PNG")
