import numpy as np

from vitascope.toybox.conditioning.text import encode_texts, tokenize
from vitascope.toybox.conditioning.tokenizer import Tokenizer

PIECES = ["<unk>", "<s>", "</s>", "▁a", "▁c", "at", "▁cat", "a", "c", "t", "▁"]
TOKENIZER = Tokenizer(PIECES)


def network(ids, mask):
    states = np.repeat(ids[:, :, None], 3, axis=2).astype(np.float32) * mask[..., None]
    return {"states": states, "pooled": states.sum(axis=1)}


def test_a_sentence_starts_with_the_mark_and_is_padded():
    ids, mask = tokenize("a cat", TOKENIZER, max_words=5)
    assert ids.tolist() == [1, 3, 6, 0, 0]
    assert mask.tolist() == [True, True, True, False, False]


def test_a_long_sentence_is_cut():
    ids, mask = tokenize("a cat " * 50, TOKENIZER, max_words=4)
    assert ids.tolist() == [1, 3, 6, 3]
    assert mask.all()


def test_the_null_text_is_padding_only():
    ids, mask = tokenize("  ", TOKENIZER, max_words=4)
    assert not ids.any()
    assert not mask.any()


def test_sentences_are_encoded_together():
    text, null = encode_texts(("a cat", ""), TOKENIZER, network, max_words=4)
    assert text.states[:, 0].tolist() == [1.0, 3.0, 6.0, 0.0]
    assert text.pooled.tolist() == [10.0, 10.0, 10.0]
    assert not null.mask.any()
