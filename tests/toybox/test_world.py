import json

import numpy as np
import pytest

from vitascope.toybox.scene import FIELDS, Scene
from vitascope.toybox.world import FULL, World, cast, compositions, is_held_out, sample_scene

LABELS = {field: getattr(FULL, "weathers" if field == "weather" else field + "s") for field in FIELDS}


def test_scenes_are_known_sensible_and_never_held_out():
    rng = np.random.default_rng(0)
    for _ in range(500):
        scene = sample_scene(rng)
        assert all(getattr(scene, field) in LABELS[field] for field in FIELDS)
        assert scene.action in cast()[scene.subject].actions
        assert scene.set in cast()[scene.subject].sets
        assert not is_held_out(scene)


def test_held_out_scenes_are_held_out():
    rng = np.random.default_rng(0)
    assert all(is_held_out(sample_scene(rng, FULL, held_out=True)) for _ in range(100))


def test_about_one_in_twenty_compositions_is_held_out():
    count = {
        kept: sum(len(s) for a in compositions(FULL, kept).values() for s in a.values())
        for kept in (True, False)
    }
    assert 0.02 < count[True] / (count[True] + count[False]) < 0.08


def test_what_is_held_out_never_changes():
    assert is_held_out(Scene("cat", "walk", "garden")) is False
    assert [s for s in FULL.sets if is_held_out(Scene("horse", "run", s))] == HELD_OUT_FOR_A_RUNNING_HORSE


def test_a_smaller_world_draws_only_from_itself():
    world = World(subjects=("cat",), actions=("walk", "run"), sets=("garden", "city"), cameras=("static",))
    rng = np.random.default_rng(1)
    scenes = {sample_scene(rng, world) for _ in range(50)}
    assert {s.subject for s in scenes} == {"cat"}
    assert {s.set for s in scenes} <= {"garden", "city"}
    assert {s.camera for s in scenes} == {"static"}


def test_a_world_without_compositions_says_so():
    with pytest.raises(ValueError, match="no seen compositions"):
        sample_scene(np.random.default_rng(0), World(subjects=("fish",), sets=("desert",)))


def test_a_world_survives_json():
    assert World.from_json(json.loads(json.dumps(FULL.to_json()))) == FULL


HELD_OUT_FOR_A_RUNNING_HORSE = ["desert"]
