"""Every task from its drawing to its figures: with the fake backend, and once each with the weights that ship."""

import numpy as np
import pytest

from tests.evaluation.clips import CARD, FlatJudge
from vitascope.backends import registry
from vitascope.evaluation.sources import Made, Rendered, sources
from vitascope.evaluation.task_report import judge_tasks, sum_up
from vitascope.evaluation.tasks import TASKS
from vitascope.evaluation.tasks.base import Outcome, Studio
from vitascope.evaluation.tasks.camera import gain, pooled
from vitascope.evaluation.tasks.joins import jump
from vitascope.testing.fakes import FakeBackend
from vitascope.toybox.backend import Toybox
from vitascope.toybox.classifier import Judge
from vitascope.toybox.language.instructions import instruction
from vitascope.weights.folder import WeightsFolder


@pytest.fixture
def fake(tmp_path, monkeypatch) -> Studio:
    monkeypatch.setitem(registry._HOMES, "fake", "vitascope.testing.fakes:FakeBackend")
    backend, said = FakeBackend(), {"steps": 1}
    given = Made(backend, "fake", tmp_path, said)
    return Studio(backend, "fake", Judge(FlatJudge(), CARD), given, tmp_path, said)


def drawn(name: str, studio: Studio, count: int = 30) -> list:
    return [TASKS[name].draw(np.random.default_rng([3, index]), studio) for index in range(count)]


def test_an_image_is_of_something_that_happens(fake):
    cases = drawn("image", fake)
    assert not {case.scene.action for case in cases} & {"stand", "grow", "fall"}
    assert len({case.text for case in cases}) > 20


def test_cameras_go_no_further_than_the_model_has_seen(fake):
    cases = drawn("camera", fake)
    assert {move.kind for case in cases for move in case.camera} == {"pan", "tilt", "zoom"}
    assert all(abs(move.amount) <= 1 for case in cases for move in case.camera)
    amounts = [move.amount for case in cases for move in case.camera]
    assert min(amounts) < -0.1
    assert max(amounts) > 0.1


def test_paths_last_as_long_as_the_clip(fake):
    for case in drawn("path", fake):
        times, x, y = zip(*case.path, strict=True)
        assert (times[0], times[-1]) == (0.0, 2.0)
        assert 0.15 <= min(x) <= max(x) <= 0.85
        assert 0.35 <= min(y) <= max(y) <= 0.75


def test_restyles_ask_for_something_else_and_are_understood(fake):
    cases = drawn("restyle", fake, 60)
    assert {case.field for case in cases} == {"style", "time", "season"}
    for case in cases:
        assert case.label != getattr(case.scene, case.field)
        assert instruction(case.text) is not None, case.text


def test_clips_are_extended_at_both_ends(fake):
    assert {case.field for case in drawn("extend", fake)} == {"after", "before"}
    assert not {case.scene.action for case in drawn("extend", fake)} & {"grow", "fall"}
    assert len({case.scene.camera for case in drawn("extend", fake, 20)}) > 2


def test_a_cut_is_a_jump_and_a_clip_that_goes_on_is_not():
    frames = np.repeat(np.arange(0, 180, 20, dtype=np.uint8), 8 * 8 * 3).reshape(9, 8, 8, 3)
    inside = np.arange(8) >= 4
    assert jump(frames, np.array([3]), inside) == pytest.approx(1)
    cut = np.concatenate([255 - frames[:4], frames[4:]])
    assert jump(cut, np.array([3]), inside) == pytest.approx(115 / 20)
    assert jump(frames[[0] * 9], np.array([3]), inside) == 0


def test_boxes_lie_in_the_picture(fake):
    for case in drawn("inpaint", fake):
        left, top, wide, high = case.box
        assert min(left, top) >= 0 < 0.4 <= min(wide, high)
        assert max(left + wide, top + high) <= 1


def test_what_is_added_is_named(fake):
    for case in drawn("add", fake):
        asked = instruction(case.text)
        assert asked is not None
        assert (asked.kind, asked.text) == ("add", case.text)


@pytest.mark.parametrize("name", list(TASKS))
def test_a_task_is_measured_through_the_whole_road(fake, name):
    report, rows = judge_tasks([name], 2, 0, fake, keep=1)
    score = report.tasks[name]
    assert score.clips == 2
    # The flat judge does not say where the subject is, and knows no seasons: what it cannot judge has no figure.
    keys = {row.key for row in TASKS[name].rows} - {"error", "near", "joins", "inside"}
    assert set(score.figures) <= keys
    assert name in ("restyle", "extend") or set(score.figures) == keys
    assert len(rows) == 1
    assert rows[0].title.startswith(name)
    again, _ = judge_tasks([name], 2, 0, fake)
    assert again == report


def test_a_goal_that_was_not_measured_is_missed(fake):
    report, _ = judge_tasks(["path"], 1, 0, fake)
    assert report.missed() == ["path: error"]


def test_a_longer_suite_begins_with_the_shorter_one(fake):
    assert drawn("image", fake, 2) == drawn("image", fake, 5)[:2]


def test_clips_are_pooled_not_averaged():
    near, far = np.array([[0.0, 0.0], [1.0, 0.5]]), np.array([[0.0, 0.0], [10.0, 5.0]])
    assert pooled([near, far]) == pytest.approx(1)
    assert gain([near, far]) == pytest.approx(0.5)
    blank = np.zeros((1, 8, 8, 3), np.uint8)
    score = sum_up(TASKS["add"], [Outcome(blank, {"present": np.array([mark])}) for mark in (1.0, 0.0)])
    assert score.figures == {"present": 0.5}
    assert score.counted == {"present": 2}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory) -> Studio:
    """The weights that ship, on two quick steps, with first frames of the theatre."""
    folder, backend, said = tmp_path_factory.mktemp("judged"), Toybox(threads=1), {"steps": 2}
    given = sources(backend, "toybox", folder, said)
    assert isinstance(given, Rendered)
    return Studio(backend, "toybox", Judge.load(WeightsFolder.shipped(), 1), given, folder, said)


@pytest.mark.parametrize("name", list(TASKS))
def test_the_shipped_weights_are_judged(shipped, name):
    report, _ = judge_tasks([name], 1, 1, shipped)
    score = report.tasks[name]
    assert score.clips == 1
    assert all(np.isfinite(figure) for figure in score.figures.values())
    goals = {row.key for row in TASKS[name].rows if row.goal is not None}
    assert goals <= set(score.figures), "every goal is measured"
    assert report.sources == "rendered by the toy theatre"


def test_the_judge_sees_where_a_rendered_subject_is_and_that_it_is_the_same(shipped):
    """The meters of the tasks `path` and `image`, on clips whose truth is known."""
    from vitascope.evaluation.metrics.likeness import likeness
    from vitascope.evaluation.metrics.way import way_error
    from vitascope.evaluation.metrics.whereabouts import whereabouts
    from vitascope.training.rendered import middles
    from vitascope.training.toytheatre.take import sample_route

    errors, same, firsts = [], [], {}
    for seed in range(4):
        take = sample_route(np.random.default_rng(seed), shipped.world)
        pictures, truths = shipped.sources._theatre.render([take])
        frames = np.ascontiguousarray(pictures[0].numpy().transpose(0, 2, 3, 1))
        seen = shipped.judge.stills(frames)
        assert seen.middles is not None
        errors.append(way_error(whereabouts(frames, seen.middles), middles(truths[0])))
        same.append(likeness(seen.embeddings[0], seen.embeddings[1:]))
        firsts[take.scene.subject] = seen.embeddings[0]
    assert np.mean(errors) < 0.05
    assert np.mean(same) > 0.85
    one, *others = firsts.values()
    assert likeness(one, np.stack(others)) < 0.7
