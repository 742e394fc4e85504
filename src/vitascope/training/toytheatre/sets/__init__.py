"""The sets of the theatre: twenty-two places, each painted in layers for a time of day and a season.

Adding a set? Copy `country.py::meadow`, name it in `PAINTERS`, and give it its ground in `GROUNDS`.
"""

import numpy as np

from vitascope.training.toytheatre.sets import (
    country,
    highlands,
    inside,
    kitchens,
    places,
    streets,
    waterside,
)
from vitascope.training.toytheatre.sets.canvas import blank
from vitascope.training.toytheatre.sets.look import Look, graded, look
from vitascope.training.toytheatre.sets.painted import Drift, Layer, Light, PaintedSet, Painter, Plane

__all__ = ["GROUNDS", "PAINTERS", "Drift", "Layer", "Light", "PaintedSet", "paint"]

PAINTERS: dict[str, Painter] = {
    "garden": country.garden, "meadow": country.meadow, "forest": country.forest, "farm": country.farm,
    "beach": places.beach, "desert": places.desert, "snow": places.snow, "city": places.city,
    "room": inside.room, "stage": inside.stage, "underwater": inside.underwater, "space": inside.space,
    "mountains": highlands.mountains, "castle": highlands.castle, "sea": waterside.sea, "lake": waterside.lake,
    "rink": waterside.rink, "street": streets.street, "road": streets.road, "playground": streets.playground,
    "kitchen": kitchens.kitchen, "table": kitchens.table,
}  # fmt: skip

GROUNDS = {
    "city": (0.94, 0.80), "stage": (0.93, 0.78), "room": (0.94, 0.79), "underwater": (0.94, 0.79),
    "sea": (0.89, 0.86), "lake": (0.95, 0.80), "rink": (0.95, 0.78), "street": (0.95, 0.80),
    "road": (0.95, 0.81), "kitchen": (0.95, 0.79), "table": (0.93, 0.78),
}  # fmt: skip
"""Where feet may stand, near and far, in heights of the picture; elsewhere `OPEN_GROUND`."""
OPEN_GROUND = (0.94, 0.76)

MEDIA = {"underwater": "water", "space": "space", "sea": "surface"}
"""What fills the air of a set, if it is not air."""

GLOSS = {"rink": 0.30, "kitchen": 0.10, "table": 0.08}
"""How much of itself a toy sees in the floor of a set."""

SHADES = {"sea": 0.45, "rink": 0.6}
"""How dark a shadow is on a set's ground, where it is not as dark as on land."""


def paint(set: str, time: str, season: str, rng: np.random.Generator, height: int, width: int) -> PaintedSet:
    """Paint a set for pictures of `height` x `width` pixels; `rng` decides only where the small things stand.

    Raises KeyError for an unknown set, time or season.
    """
    scene = look(set, time, season)
    # Each group of things draws from a stream of its own, so a season without flowers leaves the trees where they are.
    streams = np.random.default_rng(int(rng.integers(2**62)))
    planes = PAINTERS[set](scene, streams, lambda: blank(height, width))
    return PaintedSet(
        tuple(layer_of(plane, scene) for plane in planes),
        GROUNDS.get(set, OPEN_GROUND),
        Light(scene.time.lean, scene.time.toy),
        MEDIA.get(set, "air"),
        GLOSS.get(set, 0.0),
        SHADES.get(set, 1.0),
    )


def layer_of(plane: Plane, scene: Look) -> Layer:
    """Return a painted plane as a layer: out of focus by its blur, in the light of the time, in its haze."""
    canvas = plane.canvas
    if plane.blur:
        canvas.blur(plane.blur)
    # The sky is painted in the colours of its time.
    time = scene.time if plane.depth else scene.plain
    return Layer(
        graded(canvas.colour, canvas.alpha, canvas.light, time, plane.haze), plane.depth, plane.drift
    )
