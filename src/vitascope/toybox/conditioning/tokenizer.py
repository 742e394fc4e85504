"""Words to token ids, and to places in the space of word meanings, without any library for it.

The vocabulary is Llama's, of byte-pair pieces, as wordllama (MIT) ships it: a text file with one piece per line.
In it a space is "▁", pieces never cross from one word into the next, and a piece that joins two others comes the
earlier the sooner they are joined, so that the order of the lines is the whole of the algorithm.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32
from safetensors import safe_open

from vitascope.weights.tensors import SCALE

START = 1
"""Id of the start mark, which comes before the first word."""
_WORD = re.compile("▁+[^▁]*|[^▁]+")


class Encoding(NamedTuple):
    """A sentence as token ids, the start mark first."""

    ids: list[int]


class Tokenizer:
    """Splits sentences into the pieces of a vocabulary; unknown characters become their UTF-8 bytes."""

    def __init__(self, pieces: Sequence[str]):
        """Use a vocabulary: the piece of id i is `pieces[i]`."""
        self.pieces = tuple(pieces)
        self._ids = {piece: i for i, piece in enumerate(self.pieces)}
        # Spaces join each other only when nothing else is left to join: a word keeps the space before it.
        self._order = self._ids | {"▁▁": len(self.pieces)}
        self._word = lru_cache(maxsize=65536)(self._split)

    @classmethod
    def from_file(cls, path: str | Path) -> "Tokenizer":
        """Read a vocabulary of one piece per line."""
        with open(path, encoding="utf-8", newline="") as file:
            return cls(file.read().removesuffix("\n").split("\n"))

    def save(self, path: str | Path) -> None:
        """Write the vocabulary, one piece per line."""
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write("\n".join(self.pieces) + "\n")

    def encode(self, sentence: str) -> Encoding:
        """Return the ids of a sentence; an empty one has only the start mark."""
        text = ("▁" + sentence.replace(" ", "▁")) if sentence else ""
        return Encoding([START, *(i for word in _WORD.findall(text) for i in self._word(word))])

    def _split(self, word: str) -> tuple[int, ...]:
        """Join a word's characters pair by pair, the earliest piece of the vocabulary first and leftmost."""
        parts: list[str | None] = list(word)
        after = list(range(1, len(parts) + 1))
        before = list(range(-1, len(parts) - 1))
        waiting = [pair for i in range(len(parts) - 1) if (pair := self._pair(parts, i, i + 1))]
        heapify(waiting)
        while waiting:
            _, left, right, joined = heappop(waiting)
            if parts[left] is None or parts[right] is None or f"{parts[left]}{parts[right]}" != joined:
                continue
            parts[left], parts[right] = joined, None
            after[left] = after[right]
            if after[left] < len(parts):
                before[after[left]] = left
                if pair := self._pair(parts, left, after[left]):
                    heappush(waiting, pair)
            if before[left] >= 0 and (pair := self._pair(parts, before[left], left)):
                heappush(waiting, pair)
        return tuple(i for part in parts if part is not None for i in self._lookup(part))

    def _pair(self, parts: list[str | None], left: int, right: int) -> tuple[int, int, int, str] | None:
        joined = f"{parts[left]}{parts[right]}"
        place = self._order.get(joined)
        return None if place is None else (place, left, right, joined)

    def _lookup(self, part: str) -> list[int]:
        known = self._ids.get(part)
        return [known] if known is not None else [self._ids[f"<0x{byte:02X}>"] for byte in part.encode()]


class WordSpace:
    """The embedding table read for its own sake: words that mean alike lie near each other."""

    def __init__(self, tokenizer: Tokenizer, numbers: str | Path, name: str = "table"):
        """Read the table `name` (int8 rows and their scales, or plain) from the text encoder's numbers."""
        self.tokenizer = tokenizer
        with safe_open(numbers, framework="numpy") as file:
            self._rows: np.ndarray = file.get_tensor(name)
            plain = name + SCALE not in file.keys()  # noqa: SIM118
            scale = np.ones((1, 1), np.float32) if plain else file.get_tensor(name + SCALE)
        self._scale = np.broadcast_to(scale, (len(self._rows), 1))
        self._place = lru_cache(maxsize=65536)(self._mean)

    def embed(self, words: Sequence[str]) -> Float32[np.ndarray, "n dim"]:
        """Return the mean embedding of each word's tokens; an empty word lies at zero."""
        places = [self._place(word.strip().lower()) for word in words]
        return np.stack(places) if places else np.zeros((0, self._rows.shape[1]), np.float32)

    def _mean(self, word: str) -> Float32[np.ndarray, " dim"]:
        if ids := self.tokenizer.encode(word).ids[1:]:
            return (self._rows[ids] * self._scale[ids]).mean(axis=0).astype(np.float32)
        return np.zeros(self._rows.shape[1], np.float32)

    def similarity(self, words: Sequence[str], others: Sequence[str]) -> Float32[np.ndarray, "n m"]:
        """Return the cosine of each of `words` with each of `others`; an empty word is like none."""
        a, b = (unit(self.embed(side)) for side in (words, others))
        return a @ b.T


def unit(rows: Float32[np.ndarray, "n dim"]) -> Float32[np.ndarray, "n dim"]:
    """Return rows of length one; rows of zeros stay zeros."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
