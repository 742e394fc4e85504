"""The 64 bits of a watermark, and the code that carries them through damage.

The code is LTE's tail-biting convolutional code of rate 1/3 (3GPP TS 36.212 §5.1.3.1: generators 133, 171, 165),
decoded by a Viterbi that runs around the circle. A check of 12 bits tells a right word from a guess.
"""

import hashlib
import hmac
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int8, Integer

BITS, CODED = 64, 192
VERSION = 1
CHECK_BITS = 12
FREE_BITS = BITS - 4 - CHECK_BITS
"""Bits that may be anything: those of the version and of the check follow."""
_GENERATORS = (0o133, 0o171, 0o165)
_STATES = 64


@dataclass(frozen=True)
class Payload:
    """What a watermark says: a `model`, as 12 bits of a checksum of its name, and the `id` of a clip, 36 bits."""

    model: int
    id: int

    def bits(self) -> Int8[np.ndarray, "64"]:
        """Return the 64 bits: version 4, model 12, id 36, check 12."""
        word = (VERSION << 48 | self.model << 36 | self.id) << CHECK_BITS
        word |= _check(word >> CHECK_BITS)
        return np.array([word >> place & 1 for place in reversed(range(BITS))], np.int8)

    def text(self) -> str:
        """Return the 64 bits as 16 hexadecimal digits."""
        return f"{int(''.join(map(str, self.bits())), 2):016x}"


def payload_of(model: str, told: bytes, key: bytes) -> Payload:
    """Return what the watermark of a clip says: `told` is all that decides the clip; without `key` it tells nothing."""
    digest = hmac.digest(key, told, "sha256")
    return Payload(model_number(model), int.from_bytes(digest[:5], "big") >> 4)


def model_number(model: str) -> int:
    """Return the 12 bits that stand for a model's name."""
    return int.from_bytes(hashlib.sha256(model.encode()).digest()[:2], "big") >> 4


def parse(bits: Integer[np.ndarray, "64"]) -> Payload | None:
    """Return what 64 bits say, None where their check or version is wrong."""
    word = int("".join(map(str, bits)), 2)
    body = word >> CHECK_BITS
    if body >> 48 != VERSION or _check(body) != word & 0xFFF:
        return None
    return Payload(body >> 36 & 0xFFF, body & (1 << 36) - 1)


def _check(body: int) -> int:
    return int.from_bytes(hashlib.sha256(b"check" + body.to_bytes(7, "big")).digest()[:2], "big") >> 4


def encode(bits: Integer[np.ndarray, "64"]) -> Int8[np.ndarray, "192"]:
    """Return the 192 signs (1 or -1) that stand for 64 bits."""
    # The register starts with the last six bits, so that the code has no beginning.
    windows = np.stack([np.roll(bits, delay) for delay in range(7)])
    taps = np.array([[generator >> (6 - delay) & 1 for delay in range(7)] for generator in _GENERATORS])
    return (1 - 2 * (taps @ windows % 2)).T.reshape(-1).astype(np.int8)


@cache
def _trellis() -> tuple[np.ndarray, np.ndarray]:
    """Return each state's two predecessors, and the three signs of the way from each."""
    states = np.arange(_STATES)
    # A state is the last six bits, the newest on top; a predecessor lost its oldest bit.
    before = np.stack([(states << 1 & 63) | lost for lost in (0, 1)], axis=1)
    register = (states[:, None] >> 5) << 6 | before
    signs = np.stack(
        [1 - 2 * (np.bitwise_count(register & generator) % 2).astype(np.int8) for generator in _GENERATORS],
        -1,
    )
    return before, signs.astype(np.float32)


def decode(soft: Float[np.ndarray, "words 192"]) -> Int8[np.ndarray, "words 64"]:
    """Return the likeliest 64 bits of each row of soft signs, positive where a sign is rather 1."""
    before, signs = _trellis()
    words = len(soft)
    steps = np.einsum("wts,pqs->twpq", soft.reshape(words, BITS, 3), signs)
    metric = np.zeros((words, _STATES), np.float32)
    turns = 3
    chosen = np.empty((turns * BITS, words, _STATES), np.int8)
    for number in range(turns * BITS):
        ways = metric[:, before] + steps[number % BITS]
        chosen[number] = ways[..., 1] > ways[..., 0]
        metric = ways.max(axis=-1)
        metric -= metric.max(axis=-1, keepdims=True)
    state, rows = metric.argmax(axis=-1), np.arange(words)
    bits = np.empty((words, turns * BITS), np.int8)
    for number in reversed(range(turns * BITS)):
        bits[:, number] = state >> 5
        state = before[state, chosen[number, rows, state]]
    # The first turn started and the last one ended anywhere: the middle one did neither.
    return bits[:, BITS : 2 * BITS]
