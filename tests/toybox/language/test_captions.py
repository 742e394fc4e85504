from dataclasses import replace

import numpy as np

from vitascope.toybox.language.captions import canonical, caption, describe
from vitascope.toybox.language.parse import parse
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import FULL, sample_scene

SCENE = Scene("cat", "walk", "garden", "spring", camera="zoom-in")


def scenes(num: int, seed: int) -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [sample_scene(rng) for _ in range(num)]


def test_the_fixed_form():
    assert canonical(SCENE) == "a cat walks in a garden in spring, day, clear, clay style"
    assert canonical(Scene("fish", "swim", "underwater")) == "a fish swims underwater, day, clear, clay style"


def test_what_a_caption_says_is_read_back():
    rng = np.random.default_rng(1)
    for scene in scenes(300, seed=2):
        written = describe(scene, rng)
        read = parse(written.text, FULL)
        assert written.said <= read.said, written.text
        assert {f: getattr(read.scene, f) for f in read.said} == {f: getattr(scene, f) for f in read.said}, (
            written.text
        )
        assert read.notes == (), written.text


def test_the_fixed_form_is_read_back():
    for scene in scenes(300, seed=3):
        assert parse(canonical(scene), FULL).scene == replace(scene, camera="static")


def test_a_scene_has_many_captions_and_the_same_generator_gives_the_same():
    texts = [caption(SCENE, np.random.default_rng(seed)) for seed in range(60)]
    assert len(set(texts)) > 50
    assert texts == [caption(SCENE, np.random.default_rng(seed)) for seed in range(60)]
    assert any("walking" in text for text in texts)
    assert any("strolls" in text or "strolling" in text for text in texts)
    assert any("zoom" in text for text in texts)


def test_captions_never_say_what_the_set_does_not_have():
    rng = np.random.default_rng(4)
    for _ in range(100):
        assert not describe(Scene("fish", "swim", "underwater"), rng).said & {"season", "time", "weather"}
