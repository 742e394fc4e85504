"""Words to the states of the text encoder."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int64

from vitascope.toybox.conditioning.tokenizer import Tokenizer
from vitascope.types import Text


def tokenize(
    sentence: str, tokenizer: Tokenizer, max_words: int
) -> tuple[Int64[np.ndarray, " words"], Bool[np.ndarray, " words"]]:
    """Return ids and mask of a sentence, padded with zeros to `max_words` and cut there.

    The first word is the tokenizer's start mark, in whose place the encoder gathers the whole sentence. An empty
    sentence is the null text: padding only.
    """
    ids = np.zeros(max_words, np.int64)
    mask = np.zeros(max_words, np.bool_)
    if sentence.strip():
        words = tokenizer.encode(sentence).ids[:max_words]
        ids[: len(words)] = words
        mask[: len(words)] = True
    return ids, mask


def encode_texts(
    sentences: Sequence[str],
    tokenizer: Tokenizer,
    network: Callable[..., Mapping[str, np.ndarray]],
    max_words: int,
) -> tuple[Text, ...]:
    """Encode several sentences at once; "" becomes the null text."""
    pairs = [tokenize(sentence, tokenizer, max_words) for sentence in sentences]
    ids, mask = (np.stack(column) for column in zip(*pairs, strict=True))
    states, pooled = network(ids=ids, mask=mask).values()
    return tuple(
        Text(np.asarray(words, np.float32), seen, np.asarray(whole, np.float32))
        for words, seen, whole in zip(states, mask, pooled, strict=True)
    )
