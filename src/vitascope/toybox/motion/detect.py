"""Where the subject of a given picture is: found by drawing it in many places and seeing which drawing fits best.

The transformer's field says what a subject looks like at a place (`nn/dit.py`), so it can be asked the other way round
(analysis by synthesis). What is found is one of the trajectories of `trajectory.py`, begun where the picture shows
it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float, Float32, Int

from vitascope.toybox.motion.trajectory import Blocking, middle, mirrored, moved, subject_channels

Tokens = Int[np.ndarray, " some"]
"""Which tokens of a latent frame, by number."""
Draw = Callable[[Float32[np.ndarray, "tries numbers"], Tokens], Float32[np.ndarray, "tries some latent"]]
"""What is told of the subject to what some tokens of the picture's latent frame look like then."""

COARSE = 4
"""Latent channels that are compared: the first ones hold most of the picture, the later ones its texture."""
PLACES = np.linspace(-0.36, 0.36, 7)
WIDE = (-0.06, -0.03, 0.0, 0.03, 0.06)
NARROW = (-0.02, 0.0, 0.02)
SIZES = (0.9, 1.0, 1.1)
MOST_WAYS = 24
AT_ONCE = 32
FEW = 12
"""Tries that are compared by all tokens, not by half of them."""
EDGE = 0.5
CLEARLY = 0.9
"""The error with the subject drawn, against that of a picture nobody says it is in, up to which it counts as found."""


@dataclass(frozen=True)
class Try:
    """A way that begins with its subject's middle at (x, y) on the screen, so many times its usual size."""

    way: Blocking
    place: tuple[float, float]
    size: float = 1.0

    def begun(self, camera: Float[np.ndarray, "3 3"]) -> Blocking:
        """Return the whole way, begun there."""
        x, y, _ = camera @ np.array([*self.place, 1.0])
        maps = self.way.maps / self.size
        by = np.array([x, y]) - middle(maps[:1])[0]
        return Blocking(moved(maps, np.broadcast_to(by, (len(maps), 2))), self.way.loops, self.way.crossing)

    def stays(self) -> bool:
        """Say whether the subject's middle stays in the picture, as far as the camera leaves it there."""
        middles = middle(self.way.maps / self.size)
        return bool((np.abs(middles - middles[:1] + self.place) <= EDGE).all())

    def told(self, camera: Float[np.ndarray, "3 3"]) -> Float32[np.ndarray, " numbers"]:
        """Return what is told of the subject in the first latent frame."""
        begun = self.begun(camera)
        whole = np.concatenate([begun.maps[0], [[0.0, 0.0, 1.0]]])
        return subject_channels((whole @ camera)[None, :2], begun.loops[:1])[0]


def find(
    picture: Float32[np.ndarray, "tokens latent"],
    ways: Sequence[Blocking],
    camera: Float[np.ndarray, "3 3"],
    draw: Draw,
) -> Blocking | None:
    """Return the way that begins where the subject of a picture is and looks as it does, or None if none fits.

    `picture` is its latents; `camera` leads from the screen to the plane of the ways (`blocking.through_camera`).
    """
    if not ways:
        return None
    ways = sorted(ways[:MOST_WAYS], key=lambda way: float(np.linalg.det(way.maps[0, :, :2].astype(float))))

    def best(tries: Sequence[Try]) -> tuple[float, Try]:
        error, number = nearest(picture, np.stack([each.told(camera) for each in tries]), draw)
        return error, tries[number]

    # Which way round a subject is can be seen only where it has been placed well: both are followed to the end.
    found = [_nearest(facing, best) for facing in (ways, [_turned(way) for way in ways])]
    error, there = min(found, key=lambda one: one[0])
    nobody = unseen(picture, draw, there.told(camera))
    return there.begun(camera) if error <= CLEARLY * nobody else None


def unseen(
    picture: Float32[np.ndarray, "tokens latent"], draw: Draw, told: Float32[np.ndarray, " numbers"]
) -> float:
    """Return how far a picture is from what is drawn when nobody says that the subject is in it."""
    return float(errors_of(picture, np.zeros_like(told)[None], draw)[0])


def _nearest(
    ways: Sequence[Blocking], best: Callable[[Sequence[Try]], tuple[float, Try]]
) -> tuple[float, Try]:
    """Return the best try with ways that face one way: where it is, then as what it appears, then how large."""
    typical = ways[len(ways) // 2]
    _, coarse = best([Try(typical, place) for place in product(PLACES, PLACES)])
    _, placed = best([Try(typical, place) for place in _around(coarse.place, WIDE)])
    tries = [Try(way, placed.place) for way in ways]
    # Nobody is asked for in order to leave the picture.
    _, posed = best([each for each in tries if each.stays()] or tries)
    return best([Try(posed.way, place, size) for place in _around(placed.place, NARROW) for size in SIZES])


def _around(place: tuple[float, float], steps: Sequence[float]) -> list[tuple[float, float]]:
    return [(place[0] + across, place[1] + down) for across, down in product(steps, steps)]


def nearest(
    picture: Float32[np.ndarray, "tokens latent"], told: Float32[np.ndarray, "tries numbers"], draw: Draw
) -> tuple[float, int]:
    """Return the error of the try whose drawing is nearest to a picture, and its number.

    All are compared by half of the tokens, at half the cost, and the best few by all of them.
    """
    count, some = len(picture), half(len(picture))
    roughly = errors_of(picture, told, draw, some)
    few = np.argsort(roughly, kind="stable")[:FEW]
    others = np.setdiff1d(np.arange(count), some)
    rest = errors_of(picture, told[few], draw, others)
    errors = (len(some) * roughly[few] + len(others) * rest) / count
    return float(errors.min()), int(few[errors.argmin()])


def errors_of(
    picture: Float32[np.ndarray, "tokens latent"],
    told: Float32[np.ndarray, "tries numbers"],
    draw: Draw,
    tokens: Tokens | None = None,
) -> Float[np.ndarray, " tries"]:
    """Return how far the drawing of each try is from the picture, or some tokens of it."""
    tokens = np.arange(len(picture)) if tokens is None else tokens
    parts = [told[start : start + AT_ONCE] for start in range(0, len(told), AT_ONCE)]
    drawn = np.concatenate([draw(part, tokens)[..., :COARSE] for part in parts])
    return np.square(drawn - picture[tokens, :COARSE]).mean((1, 2))


def half(count: int) -> Tokens:
    """Return half of so many tokens, spread over the picture whatever its width (by the Thue-Morse sequence)."""
    return np.array([number for number in range(count) if number.bit_count() % 2 == 0])


def _turned(way: Blocking) -> Blocking:
    return Blocking(mirrored(way.maps), way.loops, way.crossing)
