import string
from pathlib import Path

import numpy as np
import pytest

from vitascope.toybox.conditioning.tokenizer import START, Tokenizer, WordSpace
from vitascope.weights.tensors import quantise_rows, write_tensors

SPECIAL = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
JOINED = ["▁▁", "▁c", "at", "▁cat", "ca", "▁s", "▁d", "og", "▁dog"]
VOCABULARY = [*SPECIAL, *JOINED, "▁", *string.ascii_lowercase]


@pytest.fixture
def tokenizer() -> Tokenizer:
    return Tokenizer(VOCABULARY)


def pieces(tokenizer: Tokenizer, sentence: str) -> list[str]:
    return [tokenizer.pieces[i] for i in tokenizer.encode(sentence).ids]


def test_earlier_pieces_are_joined_first(tokenizer: Tokenizer):
    assert pieces(tokenizer, "cat") == ["<s>", "▁cat"]
    assert pieces(tokenizer, "cats dog") == ["<s>", "▁cat", "s", "▁dog"]
    assert pieces(tokenizer, "acat") == ["<s>", "▁", "a", "c", "at"]


def test_a_word_keeps_the_space_before_it(tokenizer: Tokenizer):
    assert pieces(tokenizer, "a  cat") == ["<s>", "▁", "a", "▁", "▁cat"]
    assert pieces(tokenizer, "   ") == ["<s>", "▁▁", "▁▁"]


def test_unknown_characters_become_bytes(tokenizer: Tokenizer):
    assert pieces(tokenizer, "é\n") == ["<s>", "▁", "<0xC3>", "<0xA9>", "<0x0A>"]


def test_nothing_has_only_the_start_mark(tokenizer: Tokenizer):
    assert tokenizer.encode("").ids == [START]


def test_a_vocabulary_comes_back_as_it_was(tokenizer: Tokenizer, tmp_path: Path):
    odd = Tokenizer([*VOCABULARY, "\r", "a\u2028b"])
    odd.save(tmp_path / "tokens.txt")
    assert Tokenizer.from_file(tmp_path / "tokens.txt").pieces == odd.pieces


def test_a_very_long_word_is_split_too(tokenizer: Tokenizer):
    ids = tokenizer.encode("catdog" * 500).ids
    assert ids == [START, *([VOCABULARY.index(piece) for piece in ("▁cat", "d", "og")]), *ids[4:]]
    assert ids[4:8] * 499 == ids[4:]


def test_words_lie_where_their_tokens_lie(tokenizer: Tokenizer, tmp_path: Path):
    table = np.random.default_rng(0).standard_normal((len(VOCABULARY), 16)).astype(np.float32)
    rows, scale = quantise_rows(table)
    write_tensors(tmp_path / "text.safetensors", {"table": rows, "table.row_scale": scale})
    space = WordSpace(tokenizer, tmp_path / "text.safetensors")
    cat, dogs, none = space.embed([" Cat ", "dogs", ""])
    ids = tokenizer.encode("dogs").ids[1:]
    np.testing.assert_allclose(cat, table[VOCABULARY.index("▁cat")], atol=0.02)
    np.testing.assert_allclose(dogs, table[ids].mean(axis=0), atol=0.02)
    assert not none.any()
    similar = space.similarity(["cat", "dog", ""], ["cat", "dog"])
    np.testing.assert_allclose(np.diag(similar[:2]), 1, atol=1e-5)
    assert not similar[2].any()
