"""A subject put into a box of the picture: as large as the box lets it be, and moving as far as it leaves room."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from vitascope.toybox.motion.infill import back, forth
from vitascope.toybox.motion.trajectory import Blocking, moved, standing

ROOM = 0.4
"""Share of its usual movement that a subject keeps where the box is too small for all of it."""
AWAY = -0.9
"""How far above the picture's middle somebody is who is not in the picture, in pictures."""
LARGEST = 0.3
"""Half the larger side of the largest subject that the model knows, in pictures."""


@dataclass(frozen=True)
class Area:
    """A box on the screen: its middle from the picture's own, and half its sides, in shares of the picture."""

    middle: Float[np.ndarray, " 2"]
    half: Float[np.ndarray, " 2"]


def area_of(wanted: Bool[np.ndarray, "height width"]) -> Area | None:
    """Return the box around the pixels that are to be made anew; None if there are none.

    Bars beside the picture are made anew as well, and are no part of it unless there is nothing else.
    """
    if not wanted.any():
        return None
    inner = _without_bars(wanted)
    wanted = inner if inner.any() else wanted
    sides = []
    for axis in (0, 1):
        marks = np.flatnonzero(wanted.any(axis=axis))
        sides.append(
            (marks[0] / wanted.shape[1 - axis] - 0.5, (marks[-1] + 1) / wanted.shape[1 - axis] - 0.5)
        )
    ends = np.array(sides)
    return Area(ends.mean(axis=1), (ends[:, 1] - ends[:, 0]) / 2)


def placed(way: Blocking, area: Area) -> Blocking:
    """Return a way over the screen within an area, from one over whatever plane."""
    backs = back(way.maps)
    half = np.abs(backs[..., :2]).sum(axis=-1).max(axis=0)
    low, high = backs[..., 2].min(axis=0), backs[..., 2].max(axis=0)
    reach = (high - low) / 2
    size = min(float((area.half / (half + ROOM * reach)).min()), LARGEST / float(half.max()))
    room = np.clip((area.half / size - half) / np.maximum(reach, 1e-6), 0.0, 1.0)
    middles = area.middle + size * room * (backs[..., 2] - (low + high) / 2)
    there = np.concatenate([size * backs[..., :2], middles[..., None]], axis=-1)
    return Blocking(forth(there), way.loops, way.crossing)


def away(frames: int) -> Blocking:
    """Return the way over the screen of somebody who is not in the picture at all."""
    out = standing(frames)
    return Blocking(moved(out.maps, np.array([0.0, AWAY])), out.loops)


def _without_bars(wanted: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Return the pixels without whole rows and columns at the edges of the picture."""
    rest = wanted.copy()
    for axis in (0, 1):
        whole = wanted.all(axis=1 - axis)
        kept = np.flatnonzero(~whole)
        first, last = (kept[0], kept[-1] + 1) if len(kept) else (0, 0)
        index = [slice(None), slice(None)]
        for bar in (slice(0, first), slice(last, None)):
            index[axis] = bar
            rest[tuple(index)] = False
    return rest
