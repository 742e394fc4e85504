import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from tests.evaluation.clips import CARD, FlatJudge, plain
from vitascope.evaluation.report import (
    Report,
    confusions,
    draw_sheet,
    judge_clip,
    judged_row,
    score,
    table,
    wrong_fields,
)
from vitascope.evaluation.suites import SuitePrompt
from vitascope.toybox.classifier import Judge
from vitascope.toybox.scene import Scene

JUDGE = Judge(FlatJudge(), CARD)
ALL = frozenset(CARD.heads)
RIGHT = SuitePrompt("a cat walks in a garden", Scene("cat", "walk", "garden"), ALL, 1, "seen")
WRONG = SuitePrompt(
    "a dog walks on a beach at night", Scene("dog", "walk", "beach", time="night"), ALL, 2, "seen"
)


def judged(prompt: SuitePrompt):
    return judge_clip(JUDGE, prompt, plain(9, 32, 32))


def test_marks_compare_what_was_said_with_what_was_seen():
    assert all(judged(RIGHT).marks.values())
    assert wrong_fields(judged(WRONG)) == {"subject": "cat", "set": "garden", "time": "day"}
    assert judged(WRONG).marks["place"] is False


def test_what_was_not_said_is_not_marked():
    quiet = replace(WRONG, said=frozenset({"subject", "action", "set"}))
    assert set(judged(quiet).marks) == {"subject", "action", "set", "place"}


def test_scores_are_shares_and_ratios():
    scores = score([judged(RIGHT), judged(WRONG)])
    assert scores.shares["subject"] == 0.5
    assert scores.shares["action"] == 1.0
    assert scores.counted["set"] == 2
    assert scores.ratios == {"flicker": 0.0, "warping": 0.0}
    assert "season" not in scores.shares
    assert confusions([judged(RIGHT), judged(WRONG)], "subject") == [("dog", "cat", 1)]


def test_a_head_that_may_not_judge_gives_no_verdict():
    report = Report("fake", CARD, {"seen": score([judged(RIGHT)])})
    assert report.barred() == ("action", "season")
    text = io.StringIO()
    Console(file=text, width=120).print(table(report))
    (action,) = [line for line in text.getvalue().splitlines() if "action" in line]
    assert "(100.0%)" in action
    assert "60.0% may not judge" in action
    data = json.loads(json.dumps(report.to_json()))
    assert data["seen"]["subject"] == 1.0
    assert data["judge"]["action"] == 0.6
    assert data["may_not_judge"] == ["action", "season"]


def test_the_table_keeps_its_goals_beside_the_figures():
    report = Report("fake", CARD, {"seen": score([judged(RIGHT)]), "held_out": score([judged(WRONG)])})
    text = io.StringIO()
    Console(file=text, width=140).print(table(report))
    (subject,) = [line for line in text.getvalue().splitlines() if "subject" in line]
    assert [word for word in subject.split() if "%" in word] == ["100.0%", "90%", "0.0%", "75%", "99.0%"]


@pytest.mark.parametrize("clips", [1, 3])
def test_a_sheet_shows_every_clip(tmp_path, clips):
    row = judged_row(judged(WRONG), plain(9, 32, 48))
    draw_sheet([row] * clips, tmp_path / "deep" / "sheet.png")
    with Image.open(tmp_path / "deep" / "sheet.png") as sheet:
        assert sheet.width == 2 * (4 * 48 + 8)
        assert np.asarray(sheet).min() == 0
