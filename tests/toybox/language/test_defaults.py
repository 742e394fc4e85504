import itertools

import pytest

from vitascope.toybox.language.defaults import complete, oddities
from vitascope.toybox.scene import FIELDS, Scene
from vitascope.toybox.world import FULL, cast, is_held_out


def test_nothing_said_is_a_plain_scene_of_what_training_showed():
    scene = complete({}, FULL)
    assert scene == complete({}, FULL)
    assert oddities(scene) == ()
    assert not is_held_out(scene)


@pytest.mark.parametrize("subject", FULL.subjects)
def test_every_subject_alone_gets_a_scene_that_suits_it(subject: str):
    scene = complete({"subject": subject}, FULL)
    assert scene.action in cast()[subject].actions
    assert scene.set in cast()[subject].sets
    assert not is_held_out(scene)


def test_whatever_is_said_the_scene_is_whole_and_keeps_subject_action_and_set():
    for action, place in itertools.product(FULL.actions, FULL.sets):
        said = {
            "subject": FULL.subjects[0],
            "action": action,
            "set": place,
            "weather": "snow",
            "time": "night",
        }
        scene = complete(said, FULL)
        assert (scene.action, scene.set) == (action, place)
        assert all(getattr(scene, field) in getattr(FULL, field + "s") for field in FIELDS)


def test_a_place_is_chosen_that_can_show_what_is_said():
    assert complete({"subject": "cat", "season": "winter", "weather": "snow"}, FULL).season == "winter"
    assert complete({"subject": "fish", "action": "swim"}, FULL).set == "underwater"


def test_oddities_name_what_was_never_shown():
    assert oddities(Scene("fish", "walk", "desert")) == ("a fish that walks", "a fish in a desert")
    assert oddities(Scene("cat", "walk", "garden", "summer", weather="snow")) == ("snow in summer",)
