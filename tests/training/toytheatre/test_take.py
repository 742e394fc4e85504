from dataclasses import replace

import numpy as np
import pytest

from vitascope.camera.path import AMOUNTS
from vitascope.toybox.scene import FIELDS, Scene
from vitascope.toybox.world import FULL, World, is_held_out
from vitascope.training.toytheatre.take import (
    Take,
    edit_pair,
    layout,
    sample_route,
    sample_take,
    told_camera,
)
from vitascope.types import VideoShape

SHAPE = VideoShape(num_frames=17, height=64, width=64, fps=8.0)
TAKE = Take(Scene("cat", "walk", "garden"), seed=5)


def test_a_seed_gives_the_same_layout_whatever_is_shown():
    other = replace(
        TAKE, scene=replace(TAKE.scene, time="night", season="winter", weather="snow", style="noir")
    )
    assert layout(other) == layout(TAKE)
    assert layout(replace(TAKE, seed=6)) != layout(TAKE)


def test_toys_go_along_with_a_pan():
    for camera, facing in (("pan-left", -1), ("pan-right", 1)):
        takes = [Take(replace(TAKE.scene, camera=camera), seed) for seed in range(8)]
        assert {layout(take).facing for take in takes} == {facing}
    assert layout(replace(TAKE, facing="left")).facing == -1


def test_the_camera_goes_as_far_as_words_can_ask():
    takes = [Take(replace(TAKE.scene, camera="pan-right"), seed) for seed in range(40)]
    shares = [told_camera(take, SHAPE)[-1, 0] / AMOUNTS["pan"] for take in takes]
    assert 0.6 <= min(shares) < 0.8
    assert 1.2 < max(shares) <= 1.4


def test_takes_are_drawn_from_the_world_alone():
    world = World(subjects=("cat",), sets=("garden", "snow"), styles=("clay",))
    takes = [sample_take(np.random.default_rng(i), world) for i in range(20)]
    assert {take.scene.subject for take in takes} == {"cat"}
    assert {take.scene.set for take in takes} <= {"garden", "snow"}
    assert len({take.seed for take in takes}) == 20


def test_an_edit_changes_one_field_and_says_so():
    rng = np.random.default_rng(0)
    for _ in range(60):
        take = sample_take(rng)
        other, instruction = edit_pair(rng, take)
        changed = [name for name in FIELDS if getattr(other.scene, name) != getattr(take.scene, name)]
        assert other.seed == take.seed
        assert instruction
        if other.empty:
            assert changed == []
            continue
        assert len(changed) == 1
        assert changed[0] not in ("subject", "set") or not is_held_out(other.scene)


def test_a_toy_can_be_added_to_an_empty_set_and_taken_away():
    rng = np.random.default_rng(0)
    edits = [edit_pair(rng, TAKE) for _ in range(60)]
    gone = [(other, words) for other, words in edits if other.empty]
    assert gone
    assert {words for _, words in gone} == {"remove the cat"}
    back, words = edit_pair(rng, gone[0][0])
    assert (back, words) == (TAKE, "add a cat")


def test_a_route_is_gone_along_under_a_camera_that_stands_still():
    takes = [sample_route(np.random.default_rng(i)) for i in range(20)]
    for take in takes:
        assert take.scene.camera == "static"
        assert 2 <= len(take.route) <= 4
        assert (take.facing == "right") == (take.route[-1][0] > take.route[0][0])


def test_an_edit_needs_something_to_change():
    scene = Scene("cat", "walk", "garden")
    one = {"actions": ("walk",), "sets": ("garden",), "seasons": ("summer",), "times": ("day",)}
    world = replace(
        FULL, subjects=("cat",), weathers=("clear",), styles=("clay",), cameras=("static",), **one
    )
    with pytest.raises(ValueError, match="nothing to change"):
        edit_pair(np.random.default_rng(0), Take(scene, 1), world)
