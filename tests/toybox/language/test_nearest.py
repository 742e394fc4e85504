import numpy as np
import pytest

from vitascope.toybox.language.nearest import embedder, nearest

WORDS = {"cat": 0, "kitten": 1, "car": 2, "lorry": 3, "big": 4}
TABLE = np.array([[1, 0, 0], [0.9, 0.3, 0], [0, 1, 0], [0.1, 0.8, 0], [0, 0, 1]], np.float32)
EMBED = embedder(TABLE, lambda phrase: [WORDS[word] for word in phrase.split() if word in WORDS])
KNOWN = {"cat": ("cat",), "car": ("car", "big car")}


def test_the_likest_meaning_wins():
    found = nearest(["kitten", "lorry"], KNOWN, EMBED)
    assert {word: near.label for word, near in found.items()} == {"kitten": "cat", "lorry": "car"}
    assert 0.9 < found["kitten"].similarity < 1


def test_a_phrase_is_the_mean_of_its_words_at_length_one():
    np.testing.assert_allclose(EMBED(["big car"]), [[0, 0.5**0.5, 0.5**0.5]], rtol=1e-6)


def test_a_word_without_tokens_is_like_nothing():
    assert nearest(["xyzzy"], KNOWN, EMBED) == {}


@pytest.mark.parametrize(("word", "label"), [("elefant", "elephant"), ("pengiun", "penguin")])
def test_without_meanings_the_spelling_decides(word: str, label: str):
    assert nearest([word], {"elephant": ("elephant",), "penguin": ("penguin",)}, None)[word].label == label


def test_short_or_different_words_are_not_taken_for_slips():
    assert nearest(["bat", "mouse"], {"cat": ("cat",), "house": ("house",)}, None) == {}


def test_nothing_known_or_nothing_asked_gives_nothing():
    assert nearest(["cat"], {}, EMBED) == {}
    assert nearest([], KNOWN, EMBED) == {}
