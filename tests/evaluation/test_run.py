import pytest

from tests.evaluation.clips import CARD, FlatJudge
from vitascope.errors import Cancelled
from vitascope.evaluation.run import evaluate
from vitascope.evaluation.suites import suite
from vitascope.progress import Progress
from vitascope.testing.fakes import FakeBackend
from vitascope.toybox.classifier import Judge
from vitascope.toybox.world import FULL


def test_every_prompt_is_rendered_and_judged():
    events = []
    prompts = suite(FULL, ("seen", "held_out"), 3)
    found = evaluate(FakeBackend(), Judge(FlatJudge(), CARD), prompts, Progress(events.append), keep=2)
    assert [clip.prompt for clip in found.judged] == list(prompts)
    assert {split: scores.clips for split, scores in found.report.splits.items()} == {
        "seen": 3,
        "held_out": 3,
    }
    assert len(found.rows) == 4
    assert [event.step for event in events if event.phase == "evaluate"][-1] == 6


def test_an_evaluation_can_be_cancelled():
    prompts = suite(FULL, ("seen",), 2)
    with pytest.raises(Cancelled):
        evaluate(FakeBackend(), Judge(FlatJudge(), CARD), prompts, Progress(cancelled=lambda: True))
