import pytest

from vitascope.toybox.language.hypernyms import relative
from vitascope.toybox.world import World

WORLD = World(subjects=("cat", "dog", "horse", "fish", "rocket", "car"))


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("zebra", "horse"),
        ("tiger", "cat"),
        ("wolf", "dog"),
        ("shark", "fish"),
        ("lorry", "car"),
        ("flying saucer", "rocket"),
    ],
)
def test_a_thing_becomes_a_member_of_its_family(words: str, label: str):
    assert relative(words, WORLD, None) == label


def test_without_family_one_of_the_same_realm():
    assert relative("train", World(subjects=("cat", "rocket")), None) == "rocket"
    assert relative("owl", World(subjects=("rocket", "horse")), None) == "horse"


def test_without_realm_anything():
    assert relative("guitar", World(subjects=("fish",)), None) == "fish"


def test_words_of_no_family_have_no_relatives():
    assert relative("quickly", WORLD, None) is None
