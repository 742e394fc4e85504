import pytest

from vitascope.prompt.edits import instruction


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
