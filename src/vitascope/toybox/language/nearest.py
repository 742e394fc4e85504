"""The nearest known thing to an unknown word, by token embeddings and, for slips of the pen, by spelling."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

import numpy as np
from jaxtyping import Float

Embed = Callable[[Sequence[str]], np.ndarray]
"""Words or phrases to unit vectors, float32[words dim]."""

RELATED = 0.3
"""Cosine from which two words have something to do with each other."""
ALIKE = 0.8
"""Share of letters in common from which one word may be a misspelling of another."""


@dataclass(frozen=True)
class Nearest:
    """A known label and how near it is: 0 (nothing in common) to 1 (the same)."""

    label: str
    similarity: float


def embedder(table: Float[np.ndarray, "vocabulary dim"], encode: Callable[[str], Sequence[int]]) -> Embed:
    """Return an `Embed` over a table of token embeddings: the mean of a phrase's tokens, at length 1.

    `encode` gives the token ids of a phrase, without start or end marks. Vectors once made are kept.
    """

    @lru_cache(maxsize=20_000)
    def vector(phrase: str) -> np.ndarray:
        ids = list(encode(phrase))
        mean = table[ids].astype(np.float32).mean(axis=0) if ids else np.zeros(table.shape[1], np.float32)
        return mean / max(float(np.linalg.norm(mean)), 1e-9)

    return lambda phrases: np.stack([vector(phrase) for phrase in phrases])


def nearest(
    words: Iterable[str], known: Mapping[str, Sequence[str]], embed: Embed | None
) -> dict[str, Nearest]:
    """Return for each word the label with the likest phrase; `known` maps labels to their phrases.

    Without `embed` only the spelling is compared. Words with nothing in common with anything are left out.
    """
    pairs = [(label, phrase) for label, phrases in known.items() for phrase in phrases]
    asked = list(dict.fromkeys(words))
    if not pairs or not asked:
        return {}
    likeness = np.array([[_spelling(word, phrase) for _, phrase in pairs] for word in asked])
    if embed is not None:
        meaning = embed(asked) @ embed([phrase for _, phrase in pairs]).T
        likeness = np.where(likeness >= ALIKE, np.maximum(likeness, meaning), meaning)
    else:
        likeness = np.where(likeness >= ALIKE, likeness, 0.0)
    best = likeness.argmax(axis=1)
    return {
        word: Nearest(pairs[i][0], float(row[i]))
        for word, row, i in zip(asked, likeness, best, strict=True)
        if row[i] > 0
    }


def _spelling(word: str, phrase: str) -> float:
    if min(len(word), len(phrase)) < 4 or abs(len(word) - len(phrase)) > 2 or word[0] != phrase[0]:
        return 0.0
    return SequenceMatcher(None, word, phrase).ratio()
