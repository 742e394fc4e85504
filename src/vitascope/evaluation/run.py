"""An evaluation: every prompt of a suite through the public pipeline, and before the judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vitascope.backends.base import Backend
from vitascope.evaluation.report import Judged, Report, SheetRow, judge_clip, judged_row, score
from vitascope.evaluation.suites import SPLITS, SuitePrompt
from vitascope.pipeline import generate
from vitascope.progress import Progress
from vitascope.toybox.classifier import Judge
from vitascope.types import Shot


@dataclass(frozen=True)
class Evaluation:
    """The report, every judged clip behind it, and moments of the first of each split for a sheet."""

    report: Report
    judged: tuple[Judged, ...]
    rows: tuple[SheetRow, ...]


def load_judge() -> Judge:
    """Return the judge that ships; raises `WeightsError`."""
    return Judge.load_shipped()


def evaluate(
    backend: Backend,
    judge: Judge,
    prompts: Sequence[SuitePrompt],
    progress: Progress,
    keep: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Render and judge every prompt; `keep` clips of each split go on the sheet.

    `said` is what every shot is told beside its prompt: steps and preset. Raises what the backend raises, and
    `Cancelled`.
    """
    judged: list[Judged] = []
    rows: list[SheetRow] = []
    with progress.phase("evaluate", len(prompts)):
        for prompt in prompts:
            shot = Shot(prompt=prompt.text, seed=prompt.seed, model=backend.card.id, **(settings or {}))
            frames = generate(shot, backend, Progress(lambda _: progress.check())).frames
            judged.append(judge_clip(judge, prompt, frames))
            if sum(clip.prompt.split == prompt.split for clip in judged) <= keep:
                rows.append(judged_row(judged[-1], frames))
            progress.step()
    by_split = {split: [clip for clip in judged if clip.prompt.split == split] for split in SPLITS}
    scores = {split: score(clips) for split, clips in by_split.items() if clips}
    return Evaluation(Report(backend.card.id, judge.card, scores), tuple(judged), tuple(rows))
