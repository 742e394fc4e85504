"""What a painter hands over: layers, where toys may stand, and the light that falls on them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, UInt8

from vitascope.training.toytheatre.sets.canvas import Canvas, Colour
from vitascope.training.toytheatre.sets.look import Look


@dataclass(frozen=True)
class Drift:
    """How a layer moves by itself: clouds go along at `speed`, waves sway across and heave up and down in circles.

    Lengths are in picture heights, `speed` in heights per second to the right, `hertz` in circles per second.
    """

    speed: float = 0.0
    sway: float = 0.0
    heave: float = 0.0
    hertz: float = 0.0
    phase: float = 0.0

    def offset(self, times: Float64[np.ndarray, " frames"]) -> Float64[np.ndarray, "frames 2"]:
        """Return how far the layer has moved to the right and down at each time, in heights."""
        angle = 2 * np.pi * (self.hertz * times + self.phase)
        return np.stack([self.speed * times + self.sway * np.sin(angle), self.heave * np.cos(angle)], axis=-1)


@dataclass(frozen=True)
class Plane:
    """A canvas at a depth, with the share of it that haze takes away and how far it is out of focus (in heights)."""

    canvas: Canvas
    depth: float
    haze: float = 0.0
    blur: float = 0.0
    drift: Drift | None = None


@dataclass(frozen=True)
class Layer:
    """One strip of a set: straight alpha, 1.5 pictures high and 2 wide, the picture in its middle.

    `depth` says how much it moves with the camera: 0 = sky, does not move; 1 = where the toys are; above 1 =
    in front of them. `drift` says how it moves by itself, None where it stands still.
    """

    rgba: UInt8[np.ndarray, "4 strip_height strip_width"]
    depth: float
    drift: Drift | None = None


@dataclass(frozen=True)
class Light:
    """How light falls on toys: shadows lean to `direction` (-1 left .. 1 right), colours are times `colour`."""

    direction: float
    colour: Colour


@dataclass(frozen=True)
class PaintedSet:
    """A set ready for toys: layers from back to front; feet may stand between the heights `ground` (near, far).

    `gloss` is how much of itself a toy sees in the floor, `shade` how dark its shadow is there (1 = as on land).
    """

    layers: tuple[Layer, ...]
    ground: tuple[float, float]
    light: Light
    medium: str
    gloss: float = 0.0
    shade: float = 1.0


Painter = Callable[[Look, np.random.Generator, Callable[[], Canvas]], tuple[Plane, ...]]
"""Paints a set under a look; the last argument makes blank canvases. Planes come back to front, the sky first."""
