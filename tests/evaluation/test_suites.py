from dataclasses import replace

import pytest

from vitascope.evaluation.suites import draw_suite, suite
from vitascope.toybox.world import FULL, is_held_out


def test_a_suite_is_fixed_by_its_seed_and_longer_ones_begin_alike():
    short, long = draw_suite(FULL, "seen", 10), draw_suite(FULL, "seen", 25)
    assert long[:10] == short
    assert draw_suite(FULL, "seen", 10, seed=1) != short
    assert len({prompt.text for prompt in long}) == 25


def test_splits_keep_to_their_compositions():
    prompts = suite(FULL, ("seen", "held_out"), 15)
    assert [prompt.split for prompt in prompts] == ["seen"] * 15 + ["held_out"] * 15
    assert all(is_held_out(prompt.scene) == (prompt.split == "held_out") for prompt in prompts)


def test_what_the_words_do_not_say_is_not_asked_for():
    prompt = next(
        p for p in draw_suite(FULL, "seen", 60) if "style" not in p.said and p.scene.style != "clay"
    )
    assert prompt.asked().style == "clay"
    assert prompt.asked().subject == prompt.scene.subject


def test_a_world_without_held_out_compositions_is_refused():
    tiny = replace(FULL, subjects=("cat",), actions=("stand",), sets=("garden",))
    with pytest.raises(ValueError, match="compositions"):
        suite(tiny, ("seen", "held_out"), 3)
