import pytest

from vitascope.errors import RequestError
from vitascope.planning.rules import FrameRule, RateRule
from vitascope.planning.shape import plan_edit, plan_extension, plan_rate
from vitascope.types import Shot
from vitascope.weights.catalogue import catalogue

TOYBOX = FrameRule(default=41, most=4801)


@pytest.mark.parametrize(
    ("rule", "frames", "near", "up", "down"),
    [
        (TOYBOX, 7, 9, 9, 5),
        (TOYBOX, 8, 9, 9, 5),
        (TOYBOX, 9, 9, 9, 9),
        (FrameRule(step=33, offset=0, default=132, most=1452), 70, 66, 99, 66),
        (FrameRule(step=33, offset=0, default=132, most=1452), 1, 33, 33, 33),
        (FrameRule(step=33, offset=0, default=132, most=1452), 1460, 1452, 1452, 1452),
        (FrameRule(step=8, offset=1, default=161, most=257), 51, 49, 57, 49),
        (FrameRule(step=1, default=25, most=25, choices=(14, 25)), 20, 25, 25, 14),
        (FrameRule(step=1, default=25, most=25, choices=(14, 25)), 30, 25, 25, 25),
        (FrameRule(step=4, default=81, most=121, least=49), 3, 49, 49, 49),
    ],
)
def test_a_length_snaps_to_a_rule_either_way(rule, frames, near, up, down):
    assert (rule.snap(frames), rule.snap_up(frames), rule.snap_down(frames)) == (near, up, down)


@pytest.mark.parametrize(
    ("name", "frames", "seconds", "total", "note"),
    [
        ("helios-14b", 70, 0.3, 99, "seconds: 0.3 becomes 1.208 (99 frames in all): helios-14b makes 33k"),
        ("helios-14b", 49, 1, 66, "seconds: 1 becomes 0.7083 (66 frames in all): helios-14b makes 33k"),
        ("ltx-video-0.9.5", 51, 1, 73, "seconds: 1 becomes 0.88 (73 frames in all): ltx-video-0.9.5 makes 8k+1"),
        ("wan2.1-vace-1.3b", 49, 1, 65, ""),
    ],
)  # fmt: skip
def test_a_clip_goes_on_by_the_models_own_rule(name, frames, seconds, total, note):
    entry = catalogue()[name]
    planned, lead, notes = plan_extension(frames, seconds, entry.frames, entry.fps, name)
    assert (planned, lead) == (total, 0)
    assert [line.startswith(note) for line in notes] == [True] * bool(note)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("name", sorted(catalogue()))
def test_an_extended_clip_is_longer_than_its_source_for_every_model(name, before):
    rule, fps = catalogue()[name].frames, catalogue()[name].fps
    for frames in {1, 5, rule.default - 1, rule.default, rule.longest - 1} & set(range(1, rule.longest)):
        for seconds in (0.01, 0.3, 1.0, (rule.longest - frames) / fps):
            if seconds * fps > rule.longest - frames + 1e-6:
                continue
            total, lead, notes = plan_extension(frames, seconds, rule, fps, name, before=before)
            assert frames < total <= rule.longest
            assert rule.snap(total) == total
            assert 0 < lead < total if before else lead == 0
            new = lead if before else total - frames
            assert abs(new - seconds * fps) <= max(rule.step, rule.shortest, 11)
            assert all(note.startswith("seconds: ") for note in notes)
            assert bool(notes) is (abs(new - seconds * fps) > 1e-6)


@pytest.mark.parametrize(
    ("frames", "seconds", "argument", "text"),
    [
        (9, 0, "seconds", "0 is not a length; nearest: 0.125"),
        (9, float("nan"), "seconds", "nan is not a length"),
        (4705, 100, "seconds", "100 is more than toybox can add; nearest: 12"),
        (4801, 1, "video", "lasts 600.125 s, and toybox makes 600.125 s at most; give a shorter one"),
    ],
)
def test_what_cannot_be_added_is_refused(frames, seconds, argument, text):
    with pytest.raises(RequestError) as caught:
        plan_extension(frames, seconds, TOYBOX, 8.0, "toybox")
    assert caught.value.argument == argument
    assert text in str(caught.value)


def test_a_source_begins_a_whole_step_into_the_clip_that_leads_up_to_it():
    assert plan_extension(50, 1.0, TOYBOX, 8.0, "toybox", before=True)[:2] == (8 + 49, 8)


def test_an_edit_is_as_long_as_its_source_or_hardly_shorter():
    assert [plan_edit(frames, TOYBOX, 8.0, "toybox") for frames in (1, 49, 52, 4804)] == [1, 49, 49, 4801]
    with pytest.raises(RequestError, match="video: lasts 625 s"):
        plan_edit(5000, TOYBOX, 8.0, "toybox")


def test_a_strict_model_refuses_the_rate_that_another_snaps():
    shot, rule = Shot(prompt="a cat", fps=30), RateRule.only(24.0)
    assert plan_rate(shot, rule, "m") == (24.0, ("fps: 30 becomes 24, the rate of m",))
    with pytest.raises(RequestError, match="fps: 30 is not the frame rate of m; nearest: 24"):
        plan_rate(shot, rule, "m", strict=True)
