"""What a painter hands over: layers, where toys may stand, and the light that falls on them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from vitascope.training.toytheatre.sets.canvas import Canvas, Colour
from vitascope.training.toytheatre.sets.look import Look


@dataclass(frozen=True)
class Plane:
    """A canvas at a depth, with the share of it that haze takes away and how far it is out of focus (in heights)."""

    canvas: Canvas
    depth: float
    haze: float = 0.0
    blur: float = 0.0


@dataclass(frozen=True)
class Layer:
    """One strip of a set: straight alpha, 1.5 pictures high and 2 wide, the picture in its middle.

    `depth` says how much it moves with the camera: 0 = sky, does not move; 1 = where the toys are; above 1 =
    in front of them.
    """

    rgba: UInt8[np.ndarray, "4 strip_height strip_width"]
    depth: float


@dataclass(frozen=True)
class Light:
    """How light falls on toys: shadows lean to `direction` (-1 left .. 1 right), colours are times `colour`."""

    direction: float
    colour: Colour


@dataclass(frozen=True)
class PaintedSet:
    """A set ready for toys: layers from back to front; feet may stand between the heights `ground` (near, far)."""

    layers: tuple[Layer, ...]
    ground: tuple[float, float]
    light: Light
    medium: str


Painter = Callable[[Look, np.random.Generator, Callable[[], Canvas]], tuple[Plane, ...]]
"""Paints a set under a look; the last argument makes blank canvases. Planes come back to front, the sky first."""
