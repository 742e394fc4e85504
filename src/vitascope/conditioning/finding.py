"""Where the subject of a given picture is: found by drawing it in many places and seeing which drawing fits best.

The transformer's field says what a subject looks like at a place (`nn/dit.py`), so it can be asked the other way round
(analysis by synthesis). What is found is one of the ways of `conditioning/blocking.py`, begun where the picture shows
it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float, Float32

from vitascope.conditioning.blocking import Blocking, middle, mirrored, moved, subject_channels

Draw = Callable[[Float32[np.ndarray, "tries 15"]], Float32[np.ndarray, "tries tokens latent"]]
"""What is told of the subject to what the picture's latent frame looks like then."""

COARSE = 16
"""Latent channels that are compared: the first ones hold most of the picture, the later ones its texture."""
PLACES = np.linspace(-0.36, 0.36, 7)
STEPS = (-0.06, -0.03, 0.0, 0.03, 0.06)
SIZES = (0.9, 1.0, 1.1)
MOST_WAYS = 24
AT_ONCE = 32
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

    def told(self, camera: Float[np.ndarray, "3 3"]) -> Float32[np.ndarray, " 15"]:
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
    ways = [facing for way in ways for facing in (way, _turned(way))]
    middling = len(ways) // 4 * 2

    def best(tries: Sequence[Try], count: int) -> list[tuple[float, Try]]:
        told = np.stack([each.told(camera) for each in tries])
        errors = _errors(picture, told, draw)
        return [(float(errors[i]), tries[i]) for i in np.argsort(errors, kind="stable")[:count]]

    spread = [Try(way, place) for way in ways[middling:][:2] for place in product(PLACES, PLACES)]
    spots = dict.fromkeys(each.place for _, each in best(spread, 2))
    _, nearest = best([Try(way, place) for place in spots for way in ways], 1)[0]
    x, y = nearest.place
    around = [Try(nearest.way, (x + dx, y + dy), size) for dx, dy, size in product(STEPS, STEPS, SIZES)]
    error, found = best(around, 1)[0]
    unseen = _errors(picture, np.zeros((1, len(found.told(camera))), np.float32), draw)[0]
    return found.begun(camera) if error <= CLEARLY * unseen else None


def _errors(
    picture: Float32[np.ndarray, "tokens latent"], told: Float32[np.ndarray, "tries 15"], draw: Draw
) -> Float[np.ndarray, " tries"]:
    """Return how far the drawing of each try is from the picture."""
    parts = [told[start : start + AT_ONCE] for start in range(0, len(told), AT_ONCE)]
    drawn = np.concatenate([draw(part)[..., :COARSE] for part in parts])
    return np.square(drawn - picture[:, :COARSE]).mean((1, 2))


def _turned(way: Blocking) -> Blocking:
    return Blocking(mirrored(way.maps), way.loops, way.crossing)
