"""Reads the watermark: from one picture or many frames, whatever their scale, crop or mirroring.

What is found by chance is bounded by calculation. Under a key that a picture knows nothing of, the 384 numbers that
carry the code have random signs, so by Hoeffding's inequality a given word agrees with them to the degree
t = c·y / |y| with a probability below exp(-t²/2), whatever the picture. There are 2^48 words, and each is tried at some
places; where to try is decided by the pilot alone, whose signs are others. The sum of all is the reported bound.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, UInt8
from PIL import Image

from vitascope.deliver.provenance.codes import CODED, FREE_BITS, Payload, decode, encode, parse
from vitascope.deliver.provenance.watermark import (
    OUTER,
    REPEATS,
    TILE,
    Carriers,
    carriers,
    cell_size,
    normalised,
)

BOUND = 1e-7
"""A watermark is found only where chance finds one with less than this probability."""
SIDE = int(OUTER) + 1
TRIES, LIKELY = 12, 4
"""Places at which the word is read."""
WORK_SIDE = 400
"""A picture with a longer short side than this (twice it) is made smaller first."""


VIEWS: tuple[Callable[[int], bool], ...] = (
    lambda since: since == 0,
    lambda since: since % 16 == 0,
    lambda since: since < 3,
    lambda since: True,
)
"""Which frames are looked at together, by how long ago the last key frame was.

A pattern that stands still while the picture moves fades from frame to frame after a key frame; codecs with a pyramid
of frames take most care of every sixteenth; and where nothing moves all frames are better than few.
"""


@dataclass(frozen=True)
class Found:
    """A watermark that was found: what it says, how surely, at which scale, and whether the picture is mirrored."""

    payload: Payload
    score: float
    bound: float
    period: float
    mirrored: bool


@dataclass(frozen=True)
class _Place:
    pilot: float
    period: tuple[float, float]
    mirrored: bool
    shift: tuple[float, float]


def detect(frames: Iterable[tuple[UInt8[np.ndarray, "height width"], int]], key: bytes) -> Found | None:
    """Return the watermark of frames, None where there is none under a key.

    Each is its luma and how many frames the last key frame lies before it: 0 for key frames and for pictures. All have
    one size.
    """
    sums: list[tuple[Any, int]] = [(0.0, 0)] * len(VIEWS)
    for luma, since in frames:
        apart, _ = normalised(_workable(luma))
        for number, wanted in enumerate(VIEWS):
            if wanted(since):
                total, count = sums[number]
                sums[number] = total + apart, count + 1
    # Views of the same number of frames are the same view.
    views = {count: total / count for total, count in sums if count}
    return search([mean.astype(np.float32) for mean in views.values()], key)


def _workable(luma: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width"]:
    factor = min(luma.shape) // WORK_SIDE
    return luma if factor < 2 else np.asarray(Image.fromarray(luma).reduce(factor))


def search(means: Sequence[Float32[np.ndarray, "height width"]], key: bytes) -> Found | None:
    """Return the watermark in means over frames, each tried at likely scales first and then at all."""
    waves, tried = carriers(key), 0
    pictures = [Waves(mean) for mean in means]
    for likely in (True, False):
        for picture in pictures if likely else [*pictures[:1], *pictures[1:][-1:]]:
            height, width = picture.apart.shape
            usual = TILE * cell_size(width, height)
            periods = [usual * scale for scale in (1.0, 0.5, 2.0)] if likely else candidates(width, height)
            places = [place for period in periods for place in _places(picture, waves, period)]
            places.sort(key=lambda place: -place.pilot)
            places = [
                _refined(picture, waves, place) for place in _apart(places)[: LIKELY if likely else TRIES]
            ]
            tried += len(places)
            if (found := _read(picture, waves, places, tried)) is not None:
                return found
    return None


def candidates(width: int, height: int) -> list[float]:
    """Return the periods, in pixels, that a tile may have: closer together where there are more tiles across."""
    short, wide = min(width, height), max(width, height)
    period, most, found = max(0.08 * short, 2.1 * OUTER), 0.75 * short, []
    while period < most:
        found.append(period)
        period *= 1 + period / (15.0 * wide)
    return found


class Waves:
    """The waves of any period in one picture."""

    def __init__(self, apart: Float32[np.ndarray, "height width"]):
        """Look for waves in a residual."""
        self.apart = apart

    @cached_property
    def padded(self) -> np.ndarray:
        """All waves of the picture, twice as close together as it has pixels, seen from its middle."""
        height, width = self.apart.shape
        rows, columns = 2 * height, 2 * width
        whole = np.fft.rfft2(self.apart, (rows, columns))
        whole *= np.exp(1j * np.pi * np.fft.fftfreq(rows, 1 / rows) * height / rows)[:, None]
        whole *= np.exp(1j * np.pi * np.arange(whole.shape[1]) * width / columns)
        return whole

    def near(self, y: np.ndarray, x: np.ndarray, period: float) -> np.ndarray:
        """Return the waves of frequencies to a period, each from the nearest one that was looked at."""
        height, width = self.apart.shape
        back = x < 0
        rows = np.rint(y * (2 * height) / period).astype(int) * np.where(back, -1, 1)
        columns = np.rint(np.abs(x) * (2 * width) / period).astype(int)
        inside = (np.abs(rows) < height) & (columns <= width)
        values = np.where(inside, self.padded[np.where(inside, rows, 0), np.where(inside, columns, 0)], 0)
        values = np.where(back, values.conj(), values)
        return values * np.exp(-1j * np.pi * (y * height + x * width) / period)

    def rows(self, period: float) -> np.ndarray:
        """Return the waves of a vertical period, 0 to SIDE of them to a period, for each column."""
        height = len(self.apart)
        turns = np.outer(np.arange(SIDE + 1), np.arange(height, dtype=np.float32) * (2 * np.pi / period))
        both = np.concatenate([np.cos(turns), -np.sin(turns)]).astype(np.float32) @ self.apart
        return both[: SIDE + 1] + 1j * both[SIDE + 1 :]

    def across(self, rows: np.ndarray, period: float) -> np.ndarray:
        """Return the waves of both periods: rows of frequencies 0 to SIDE, columns -SIDE to SIDE."""
        width = self.apart.shape[1]
        turns = np.outer(np.arange(width, dtype=np.float32) * (2 * np.pi / period), np.arange(SIDE + 1))
        half = (np.cos(turns) - 1j * np.sin(turns)).astype(np.complex64)
        return np.concatenate([rows @ half[:, :0:-1].conj(), rows @ half], axis=1) / self.apart.size

    def spectrum(self, period: tuple[float, float]) -> np.ndarray:
        """Return the waves of periods (y, x)."""
        return self.across(self.rows(period[0]), period[1])


def _whitened(waves: Carriers, whole: np.ndarray, mirrored: bool) -> np.ndarray:
    """Return each wave of a key in a spectrum, all frequencies equally strong, none of them overwhelming."""
    y, x = waves.frequencies.T
    return _level(waves, whole[y, SIDE - x] if mirrored else whole[y, SIDE + x])


def _level(waves: Carriers, values: np.ndarray) -> np.ndarray:
    power = np.square(np.abs(values))
    level = np.sqrt(np.bincount(waves.rings, power) / np.bincount(waves.rings))
    scaled = values / (level[waves.rings] + 1e-12)
    return scaled / np.maximum(1.0, np.abs(scaled) / 1.5)


def _unit(values: np.ndarray) -> np.ndarray:
    return values / (np.linalg.norm(values) + 1e-12)


def _places(picture: Waves, waves: Carriers, period: float) -> list[_Place]:
    """Return the likeliest places of the pattern for a period, by the pilot."""
    found, pilot = [], waves.pilot
    y, x = waves.frequencies.T
    for mirrored in (False, True):
        values = _level(waves, picture.near(y, -x if mirrored else x, period))[pilot]
        field = np.zeros((TILE, TILE), np.complex128)
        field[y[pilot], x[pilot]] = _unit(values * np.conj(waves.signs[pilot]))
        surface = np.fft.ifft2(field).real * TILE**2
        for _ in range(2):
            place = np.unravel_index(surface.argmax(), surface.shape)
            shift = (float(place[0]), float(place[1]))
            found.append(_Place(float(surface[place]), (period, period), mirrored, shift))
            rows, columns = np.ix_(*(np.arange(at - 2, at + 3) % TILE for at in place))
            surface[rows, columns] = -np.inf
    return found


def _apart(places: Sequence[_Place]) -> list[_Place]:
    """Return places without near doubles, the best of each."""
    kept: list[_Place] = []
    for place in places:
        near = any(
            place.mirrored == one.mirrored
            and abs(place.period[0] / one.period[0] - 1) < 0.004
            and max(abs(a - b) for a, b in zip(place.shift, one.shift, strict=True)) < 2
            for one in kept
        )
        if not near:
            kept.append(place)
        if len(kept) >= TRIES:
            break
    return kept


def _refined(apart: Waves, waves: Carriers, place: _Place) -> _Place:
    """Return a place with its periods and shift made finer, by the pilot."""
    best = place
    for fine in (0.25, 0.1):
        for axis in (0, 1):
            step = fine * best.period[axis] / (3.0 * apart.apart.shape[axis])
            rows = None if axis == 0 else apart.rows(best.period[0])
            around = []
            for number in (-2, -1, 0, 1, 2):
                period = list(best.period)
                period[axis] *= 1 + number * step
                whole = apart.across(apart.rows(period[0]) if rows is None else rows, period[1])
                around.append(_at(whole, waves, (period[0], period[1]), best.mirrored, best.shift))
            best = max(around, key=lambda one: one.pilot)
    return best


def _at(
    whole: np.ndarray, waves: Carriers, period: tuple[float, float], mirrored: bool, near: tuple[float, float]
) -> _Place:
    """Return the best shift near another one for a period, to a quarter of a cell."""
    pilot = waves.pilot
    values = _unit(_whitened(waves, whole, mirrored)[pilot] * np.conj(waves.signs[pilot]))
    y, x = waves.frequencies[pilot].T
    offsets = np.arange(-2, 2.01, 0.25)
    rows = np.exp(2j * np.pi * np.outer(near[0] + offsets, y) / TILE)
    columns = np.exp(2j * np.pi * np.outer(near[1] + offsets, x) / TILE)
    surface = np.real((rows * values) @ columns.T)
    at = np.unravel_index(surface.argmax(), surface.shape)
    shift = (float(near[0] + offsets[at[0]]), float(near[1] + offsets[at[1]]))
    return _Place(float(surface[at]), period, mirrored, shift)


def soft_signs(apart: Waves, waves: Carriers, place: _Place) -> Float[np.ndarray, " signs"]:
    """Return the numbers that carry the code's signs at a place."""
    values = _whitened(waves, apart.spectrum(place.period), place.mirrored)
    y, x = waves.frequencies.T
    values = values * np.exp(2j * np.pi * (y * place.shift[0] + x * place.shift[1]) / TILE)
    values = values[waves.data]
    signs = waves.signs[waves.data]
    soft = np.empty(2 * len(values))
    soft[0::2], soft[1::2] = np.real(values) * np.real(signs), np.imag(values) * np.imag(signs)
    return soft


def _read(apart: Waves, waves: Carriers, places: Sequence[_Place], tried: int) -> Found | None:
    """Return what the pattern says at the best of some places, if it cannot be chance."""
    if not places:
        return None
    soft = np.stack([soft_signs(apart, waves, place) for place in places])
    best: Found | None = None
    for place, row, bits in zip(places, soft, decode(_together(soft)), strict=True):
        payload = parse(bits)
        if payload is None:
            continue
        score = float(np.tile(encode(bits), REPEATS) @ row / (np.linalg.norm(row) + 1e-12))
        bound = chance(score, tried)
        if bound < BOUND and (best is None or score > best.score):
            best = Found(payload, score, bound, place.period[1], place.mirrored)
    return best


def _together(soft: np.ndarray) -> np.ndarray:
    """Return one number for each sign of the code, of all waves that carry it."""
    return soft.reshape(len(soft), REPEATS, CODED).sum(axis=1).astype(np.float32)


def chance(score: float, tried: int) -> float:
    """Return a bound of the probability that some word agrees so well at one of the tried places by chance."""
    return min(1.0, math.exp(min(0.0, FREE_BITS * math.log(2) + math.log(max(1, tried)) - score**2 / 2)))
