import numpy as np
import pytest

from tests.evaluation.clips import CARD, FlatJudge, plain
from vitascope.evaluation.judge import matters
from vitascope.toybox.classifier import Judge, JudgeCard, area_weights, resample, resize
from vitascope.toybox.scene import Scene


def test_a_card_survives_its_file(tmp_path):
    CARD.save(tmp_path / "judge.json")
    assert JudgeCard.load(tmp_path / "judge.json") == CARD


def test_only_a_head_that_is_right_on_rendered_clips_may_judge():
    assert CARD.may_judge("subject")
    assert not CARD.may_judge("action")
    assert not CARD.may_judge("nothing")


@pytest.mark.parametrize("count", [1, 5, 17, 40])
def test_clips_of_any_length_and_size_are_judged(count):
    verdict = Judge(FlatJudge(), CARD).judge(plain(count, 50, 30))
    assert verdict.labels["subject"] == "cat"
    assert 0 < verdict.sureness["subject"] <= 1


def test_resampling_keeps_both_ends():
    numbers = np.arange(40)
    assert resample(numbers, 5).tolist() == [0, 10, 20, 29, 39]
    assert resample(numbers[:2], 4).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(("old", "new"), [(128, 96), (96, 96), (50, 96), (1, 8)])
def test_resizing_weighs_areas(old, new):
    weights = area_weights(old, new)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)
    if old >= new:
        np.testing.assert_allclose(weights.sum(0), new / old, rtol=1e-4)


def test_a_plain_picture_stays_plain():
    assert (resize(plain(2, 50, 30, value=77), 24) == 77).all()


def test_what_a_place_cannot_show_does_not_matter():
    assert not matters(Scene("cat", "walk", "room"))["weather"]
    assert not matters(Scene("cat", "walk", "beach"))["season"]
    assert all(matters(Scene("cat", "walk", "garden", "spring")).values())


def test_pictures_are_seen_one_by_one_and_together():
    judge = Judge(FlatJudge(), CARD)
    shares = judge.stills(plain(3, 50, 30)).shares
    assert {name: share.shape for name, share in shares.items()}["set"] == (3, 2)
    likely = judge.likely(plain(3, 50, 30))
    assert likely["set"]["garden"] > likely["set"]["beach"]
    assert sum(likely["set"].values()) == pytest.approx(1)
