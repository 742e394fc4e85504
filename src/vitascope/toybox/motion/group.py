"""Two or three subjects in one clip: who stands where, how large, and who hides whom.

Each subject comes with a way of its own over the set, as if it were alone there. It keeps what its action does to it
(hops, turns, sizes); where it is comes from how it stands to the others. All lengths are shares of the picture, y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vitascope.toybox.motion.trajectory import Blocking, Maps, moved, square
from vitascope.types import CastMember

SIZES = {1: 1.0, 2: 0.8, 3: 0.68}
"""How large each of so many subjects is, beside its size alone."""
ROWS = {1: (0.0,), 2: (-0.21, 0.21), 3: (-0.3, 0.0, 0.3)}
"""Where the middles of so many subjects beside each other are."""
TOGETHER = 0.8
"""How near to each other they are who go the same way, beside those who stay."""
SHARED = 0.5
"""Share of its way that a subject goes with others, so that all stay in the picture."""
FURTHER = 0.045
"""How much higher in the picture the feet of the next row stand; it is smaller by `SMALLER`."""
SMALLER = 0.92
IN_THE_AIR = ("fly", "swim", "float", "orbit")
"""Actions of subjects that do not touch the ground."""
STACKED = ("on", "above", "under", "in", "behind", "in-front-of", "around")
"""Relations in which a subject is at the place of the other, not beside it."""


@dataclass(frozen=True)
class _Place:
    """Where a subject is on the whole: its middle across, its row (0 is the front), its size, the way it looks."""

    x: float
    row: float = 0.0
    size: float = 1.0
    facing: int = 0


def arrange(
    cast: Sequence[CastMember], ways: Sequence[Blocking]
) -> tuple[tuple[Blocking, ...], tuple[int, ...]]:
    """Return the ways of subjects that are in the picture together, and their order from the nearest on.

    `ways` are those that each would go alone, over the set; all have the same number of frames.
    """
    if len(ways) < 2:
        return tuple(ways), tuple(range(len(ways)))
    facing = _facing(ways[_first_crossing(ways)])
    places = _places(cast, facing)
    sized = [
        way.scaled(SIZES[len(ways)] * place.size, member.action in IN_THE_AIR)
        for way, place, member in zip(ways, places, cast, strict=True)
    ]
    turned = [_turned(way, place.facing) for way, place in zip(sized, places, strict=True)]
    ground = max(float(_feet(way.maps)[:, 1].max()) for way in turned)
    pace = _pace(turned)
    there = [
        _put(way, place, member, ground, pace)
        for way, place, member in zip(turned, places, cast, strict=True)
    ]
    # Whoever is carried is named before who carries: the last first, so that a pile stands from the ground up.
    for number, member in reversed(list(enumerate(cast))):
        if member.relation in STACKED and member.target is not None:
            there[number] = _stacked(there[number], there[member.target], member.relation)
    order = sorted(range(len(cast)), key=lambda number: (places[number].row, number))
    return tuple(there), tuple(order)


def _first_crossing(ways: Sequence[Blocking]) -> int:
    return next((number for number, way in enumerate(ways) if way.crossing), 0)


def _facing(way: Blocking) -> int:
    """Return 1 for a subject that looks to the right at first, -1 for one that looks to the left."""
    return 1 if way.maps[0, 0, 0] >= 0 else -1


def _places(cast: Sequence[CastMember], facing: int) -> list[_Place]:
    """Return where subjects are: beside each other in the order of the words, but as their relations have it."""
    row = [number for number, member in enumerate(cast) if not _is_stacked(member)]
    back = {member.target for member in cast if member.relation == "past"}
    front = [number for number in row if number not in back] or row
    for number, member in enumerate(cast):
        backwards = (member.relation == "chasing" and facing < 0) or member.relation == "right-of"
        if backwards and member.target in front and number in front:
            one, other = front.index(number), front.index(member.target)
            front[one], front[other] = front[other], front[one]
    places = {number: _Place(x) for number, x in zip(front, ROWS[len(front)], strict=True)}
    for number in back:
        if number is not None:
            places[number] = _Place(0.06 * facing, row=1.4, size=SMALLER)
    for number, member in enumerate(cast):
        if member.relation in ("meeting", "towards") and member.target in places and number in places:
            looks = 1 if places[number].x <= places[member.target].x else -1
            places[number] = _Place(places[number].x, facing=looks)
            places[member.target] = _Place(places[member.target].x, facing=-looks)
    for number, member in reversed(list(enumerate(cast))):
        if number in places or member.target is None:
            continue
        target = places.get(member.target, _Place(0.0))
        aside = 0.09 if member.relation in ("behind", "in-front-of") else 0.0
        size = {"on": 0.72, "above": 0.8, "in": 0.7}.get(member.relation, 0.95)
        depth = {"behind": 1.2, "in-front-of": -1.2, "in": 0.1}.get(member.relation, -0.1)
        places[number] = _Place(target.x + aside, target.row + depth, size)
    return [places.get(number, _Place(0.0)) for number in range(len(cast))]


def _is_stacked(member: CastMember) -> bool:
    return member.relation in STACKED and member.target is not None


def _turned(way: Blocking, facing: int) -> Blocking:
    """Return a way on which the subject looks to the side that is asked for, where one is."""
    if not facing or _facing(way) == facing:
        return way
    maps = way.maps.copy()
    maps[:, 0] *= -1
    return Blocking(maps, way.loops, way.crossing)


def _pace(ways: Sequence[Blocking]) -> Float[np.ndarray, " frames"]:
    """Return how far those go who go together, around the middle of their way."""
    across = _middle(ways[_first_crossing(ways)].maps)[:, 0]
    return SHARED * (across - (across.min() + across.max()) / 2)


def _put(
    way: Blocking, place: _Place, member: CastMember, ground: float, pace: Float[np.ndarray, " frames"]
) -> Blocking:
    """Return a way at a place: across as all go together or stay, the feet on the ground of its row."""
    own, feet = _middle(way.maps), _feet(way.maps)
    frames = np.linspace(0, 1, len(own))
    if member.relation in ("meeting", "towards") or place.facing:
        near = 0.6 + 0.4 * (1 - np.minimum(1, 1.4 * frames))
        across = place.x * 1.5 * near
    elif way.crossing:
        across = TOGETHER * place.x + pace
    else:
        across = place.x + 0.6 * (own[:, 0] - own[:, 0].mean())
    down = np.zeros(len(own))
    if member.action not in IN_THE_AIR:
        down += ground - feet[:, 1].max()
    by = np.stack([across - own[:, 0], down - FURTHER * place.row], axis=1)
    facing = way if not way.crossing or place.facing else _looking_along(way, across)
    return Blocking(moved(facing.maps, by), way.loops, way.crossing)


def _looking_along(way: Blocking, across: Float[np.ndarray, " frames"]) -> Blocking:
    """Return a way on which the subject looks where it goes on the whole."""
    going = float(across[-1] - across[0])
    return _turned(way, (1 if going > 0 else -1) if abs(going) > 1e-3 else 0)


def _stacked(way: Blocking, other: Blocking, relation: str) -> Blocking:
    """Return a way at the place of another subject: on it, above or below it, in it, or a little aside."""
    own, feet, there = _middle(way.maps), _feet(way.maps), _middle(other.maps)
    top, base = _top(other.maps), _feet(other.maps)
    if relation == "on":
        by = top + 0.22 * (base - top) - feet
    elif relation == "in":
        by = there - feet
    elif relation in ("above", "under"):
        height = np.abs(base - top)[:, 1:] / 2 + np.abs(feet - own)[:, 1:]
        by = (
            there
            - own
            + np.concatenate([0 * height, 1.05 * height * (1 if relation == "under" else -1)], axis=1)
        )
    elif relation == "around":
        turn = 2 * np.pi * np.linspace(0, 1, len(own))
        by = there - own + np.stack([0.27 * np.cos(turn), 0.06 * np.sin(turn)], axis=1)
    else:
        return way
    return Blocking(moved(way.maps, by), way.loops, way.crossing)


def _point(maps: Maps, v: float) -> Float[np.ndarray, "frames 2"]:
    """Return where on the plane the point (0, v) of the page is."""
    return np.linalg.inv(square(maps).astype(np.float64))[:, :2] @ np.array([0.0, v, 1.0])


def _middle(maps: Maps) -> Float[np.ndarray, "frames 2"]:
    return _point(maps, 0.0)


def _feet(maps: Maps) -> Float[np.ndarray, "frames 2"]:
    return _point(maps, 1.0)


def _top(maps: Maps) -> Float[np.ndarray, "frames 2"]:
    return _point(maps, -1.0)
