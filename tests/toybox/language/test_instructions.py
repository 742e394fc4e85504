from dataclasses import replace

import pytest

from vitascope.tasks import edited
from vitascope.toybox.language.instructions import instruction, names_subject
from vitascope.toybox.language.resolve import resolve
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import FULL
from vitascope.types import Plan, Shot

CAT = Scene("cat", "walk", "garden", "spring")


@pytest.mark.parametrize(
    ("prompt", "taught"),
    [
        ("make it night", "make it night"),
        ("Turn the day into night!", "make it night"),
        ("as a pencil drawing", "turn it into a pencil drawing"),
        ("in the style of film noir", "turn it into film noir"),
        ("add a dog", "add a dog"),
        ("please put an elephant into the picture", "add an elephant"),
        ("remove the cat", "remove the cat"),
        ("get rid of the horse", "remove the horse"),
        ("replace the cat with a dog", "replace the cat with a dog"),
        ("turn the horse into a dragon", "replace the horse with a dragon"),
        ("let it snow", "make it snow"),
        ("make it winter", "change the season to winter"),
        ("move it to the beach", "move it to a beach"),
        ("put it in space", "move it to space"),
    ],
)
def test_an_instruction_is_put_as_the_model_was_taught(prompt: str, taught: str):
    asked = instruction(prompt)
    assert asked is not None
    assert asked.text == taught


@pytest.mark.parametrize("prompt", ["a cat walks in a garden", "a dog runs at night", "qwertz"])
def test_a_description_is_no_instruction(prompt: str):
    assert instruction(prompt) is None


@pytest.mark.parametrize(
    ("prompt", "scene", "after"),
    [
        ("make it night", CAT, Scene("cat", "walk", "garden", "spring", "night")),
        ("make it winter", CAT, Scene("cat", "walk", "garden", "winter")),
        ("as a pencil drawing", CAT, Scene("cat", "walk", "garden", "spring", style="pencil")),
        ("move it to the desert", CAT, Scene("cat", "walk", "desert")),
        ("replace the cat with a dog", CAT, Scene("dog", "walk", "garden", "spring")),
        ("replace the cat with a taxi", CAT, Scene("taxi", "drive", "garden", "spring")),
        ("make it sunset", Scene("rocket", "fly", "space"), None),
        ("add a dog", CAT, None),
        ("remove the cat", CAT, None),
    ],
)
def test_what_becomes_of_a_scene(prompt: str, scene: Scene, after: Scene | None):
    asked = instruction(prompt)
    assert asked is not None
    assert asked.after(scene, FULL) == after


def edit(prompt: str, shown: Scene | None, **said) -> Plan:
    shot = Shot(prompt=prompt, givens=(edited("in.mp4"),), **said)
    return resolve(shot, FULL, watch=lambda: shown)


def test_an_edit_of_what_is_known_names_who_is_in_it():
    planned = edit("make it night", replace(CAT, camera="pan-left"))
    assert planned.shot.caption == "a cat walks in a garden in spring, night, clear, clay style"
    assert planned.shot.givens[0].shows == "a cat walks in a garden in spring, day, clear, clay style"
    assert [move.kind for move in planned.shot.camera or ()] == ["pan"]
    assert any("a cat walks" in note and "pan-left" in note for note in planned.notes)
    assert edit("make it night", CAT, style="noir").shot.caption == (
        "a cat walks in a garden in spring, night, clear, noir style"
    )


@pytest.mark.parametrize("prompt", ["make it night", "remove the cat", "add a dog"])
def test_an_edit_of_what_nobody_knows_stays_an_instruction(prompt: str):
    planned = edit(prompt, None)
    assert planned.shot.caption == prompt
    assert planned.shot.givens[0].shows is None
    assert planned.shot.camera == ()


@pytest.mark.parametrize("prompt", ["remove the cat", "add a dog"])
def test_who_comes_or_goes_is_told_as_an_instruction(prompt: str):
    assert edit(prompt, CAT).shot.caption == prompt


def test_a_description_says_what_there_will_be_and_the_source_what_there_is():
    planned = edit("a dog runs at night", CAT)
    assert (planned.shot.caption or "").startswith("a dog runs")
    assert (planned.shot.givens[0].shows or "").startswith("a cat walks")


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ("a dog in a garden", True),
        ("add a dog", True),
        ("ein Hund im Garten", True),
        ("remove the dog", False),
        ("an empty street at sunset", False),
        ("a quiet street", False),
    ],
)
def test_a_prompt_names_subject_who_is_to_be_there_or_nobody(prompt: str, named: bool):
    assert names_subject(prompt) is named
