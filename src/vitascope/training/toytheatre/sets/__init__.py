"""The sets of the theatre: twelve places, each painted in layers for a time of day and a season.

Adding a set? Copy `country.py::meadow`, name it in `PAINTERS`, and give it its ground in `GROUNDS`.
"""

import numpy as np

from vitascope.training.toytheatre.sets import country, inside, places
from vitascope.training.toytheatre.sets.canvas import blank
from vitascope.training.toytheatre.sets.look import Look, graded, look
from vitascope.training.toytheatre.sets.painted import Layer, Light, PaintedSet, Painter, Plane

__all__ = ["GROUNDS", "PAINTERS", "Layer", "Light", "PaintedSet", "paint"]

PAINTERS: dict[str, Painter] = {
    "garden": country.garden, "meadow": country.meadow, "forest": country.forest, "farm": country.farm,
    "beach": places.beach, "desert": places.desert, "snow": places.snow, "city": places.city,
    "room": inside.room, "stage": inside.stage, "underwater": inside.underwater, "space": inside.space,
}  # fmt: skip

GROUNDS = {"city": (0.94, 0.80), "stage": (0.93, 0.78), "room": (0.94, 0.79), "underwater": (0.94, 0.79)}
"""Where feet may stand, near and far, in heights of the picture; elsewhere `OPEN_GROUND`."""
OPEN_GROUND = (0.94, 0.76)

MEDIA = {"underwater": "water", "space": "space"}
"""What fills the air of a set, if it is not air."""


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
    )


def layer_of(plane: Plane, scene: Look) -> Layer:
    """Return a painted plane as a layer: out of focus by its blur, in the light of the time, in its haze."""
    canvas = plane.canvas
    if plane.blur:
        canvas.blur(plane.blur)
    # The sky is painted in the colours of its time.
    time = scene.time if plane.depth else scene.plain
    return Layer(graded(canvas.colour, canvas.alpha, canvas.light, time, plane.haze), plane.depth)
