import pytest

from vitascope.toybox.language.match import after_preposition, match, tokenize


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [
        ("A cat, walking!", ["a", "cat", ",", "walking", "!"]),
        ("black-and-white", ["black", "and", "white"]),
        ("the cat's café", ["the", "cat", "s", "cafe"]),
        ("🚀", [",", "a", "rocket", ","]),
        ("👍🏽", [",", "a", "thumbs", "up", ","]),
        ("", []),
    ],
)
def test_prompts_become_tokens(prompt: str, tokens: list[str]):
    assert tokenize(prompt) == tokens


def test_the_longest_phrase_wins():
    finds = match(["a", "cat", "under", "the", "sea", "by", "the", "sea"])
    assert [(find.words, find.meaning.labels) for find in finds] == [
        ("cat", ("cat",)),
        ("under the sea", ("underwater",)),
        ("by the sea", ("beach",)),
    ]


def test_a_word_means_what_its_place_makes_it():
    assert match(["a", "cat", "parks"])[-1].meaning.field == "action"
    assert match(["a", "cat", "in", "the", "park"])[-1].meaning.field == "set"
    assert match(["a", "rocket", "falls"])[-1].meaning.field == "action"
    assert match(["a", "rocket", "in", "fall"])[-1].meaning.field == "season"


def test_after_preposition():
    tokens = ["a", "cat", "in", "the", "garden", "and", "a", "dog"]
    assert after_preposition(tokens, 4)
    assert not after_preposition(tokens, 1)
    assert not after_preposition(tokens, 7)
