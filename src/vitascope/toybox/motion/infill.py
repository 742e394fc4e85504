"""A subject's way where only some of it is known: on from there, back from there, and from one place to the next.

A part of one of the ways of `blocking.py` is laid into each gap, the part that begins and ends most like what is known
beside it, and bent so that it meets that exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int

from vitascope.toybox.layout import TIME_STRIDE
from vitascope.toybox.motion.trajectory import Blocking, Maps, mirrored, square

PERIOD = 32
"""Frames after which a way of the library comes back to its beginning."""
BESIDE = 3
"""Known poses beside a gap that a way is held against, a latent frame apart."""
MOST_WAYS = 12
SPEEDS, HURRY = (1.0, 0.65, 0.8, 1.25, 1.5), 0.3
"""How many times as fast as usual a way between two places may be gone, and what power of e of that counts as one."""
SETTLES = 8
"""Frames after which a subject of known looks has those of its way."""
LARGER = 1.5
"""How many times larger or smaller than its way a subject may be for the way to be taken larger or smaller."""
PLACE, LOOK, GROWTH, TURN = 0.04, 0.04, 0.25, 0.4
"""What counts as one for a way: how far it is off beside the gap in place and in looks (in pictures), by how many
powers of e it is taken larger, and how far it is off in its turn."""
MOST = 4.0
"""What a known pose that is not the nearest counts at the most: who begins something else did not do it before."""
SHIFT = (0.4, 0.04)
"""How far a way is moved across and down (in pictures) for that to count as one."""
EDGE, RIM = 0.4, 0.04
"""How far from the picture's middle a subject may go, and how far beyond that counts as one."""


@dataclass(frozen=True)
class Stage:
    """Frames up to `end` for which the words are the same, and the ways that do what they say."""

    end: int
    ways: Sequence[Blocking]


@dataclass(frozen=True)
class Gap:
    """Frames from `first` to before `last`, and what is known beside them: frames, `before` of them before the gap.

    On each side the nearest frame comes first.
    """

    first: int
    last: int
    before: int
    beside: Int[np.ndarray, " known"]
    backs: Float[np.ndarray, "known 2 3"]
    loops: Float[np.ndarray, " known"]

    @property
    def frames(self) -> Int[np.ndarray, " frames"]:
        """The frames of the gap itself."""
        return np.arange(self.first, self.last)

    @property
    def ends(self) -> list[int]:
        """Which of the known frames are the nearest: one on each side on which there is any."""
        return [0, self.before] if 0 < self.before < len(self.beside) else [0]

    def shares(self) -> Float[np.ndarray, "frames ends"]:
        """Return how much each of the nearest frames says about each frame of the gap."""
        ends = self.beside[self.ends]
        if len(ends) == 1:
            return np.clip(1 - np.abs(self.frames - ends) / SETTLES, 0, 1)[:, None]
        later = (self.frames - ends[0]) / (ends[1] - ends[0])
        return np.stack([1 - later, later], axis=1)


@dataclass(frozen=True)
class Parts:
    """The parts of one way that could lie in a gap, one for each frame in which it may begin."""

    beside: Float[np.ndarray, "parts known 2 3"]
    inside: Float[np.ndarray, "parts frames 2 3"]
    turns_beside: Float[np.ndarray, "parts known"]
    turns_inside: Float[np.ndarray, "parts frames"]


def completed(
    known: Blocking,
    wanted: Bool[np.ndarray, " frames"],
    stages: Sequence[Stage],
    camera: Float[np.ndarray, "frames 3 3"],
) -> Blocking:
    """Return a way for the `wanted` frames too, from one over the plane whose maps are NaN where nobody knows them.

    `camera` leads from the screen to the plane in each frame. A gap beside which nothing is known stays one.
    """
    way = known
    for start, stop in _spans(known, wanted):
        parts = _told_parts(start, stop, stages)
        onward = start > 0 and bool(_there(way)[start - 1])
        for first, last, ways in parts if onward else parts[::-1]:
            way = _filled(way, first, last, ways, camera)
    return way


def _spans(known: Blocking, wanted: Bool[np.ndarray, " frames"]) -> list[tuple[int, int]]:
    """Return the spans to be filled: what is wanted, and on to where the next latent frame that is known ends."""
    there = _there(known)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]]).astype(int)))
    spans = []
    for start, stop in edges.reshape(-1, 2).tolist():
        onward = np.flatnonzero(there[stop : stop + TIME_STRIDE])
        spans.append((start, stop + int(onward[0]) if len(onward) else stop))
    return spans


def _there(way: Blocking) -> Bool[np.ndarray, " frames"]:
    return np.logical_and.reduce(np.isfinite(way.maps).reshape(-1, 6), axis=1)


def _told_parts(start: int, stop: int, stages: Sequence[Stage]) -> list[tuple[int, int, Sequence[Blocking]]]:
    """Return the parts of a span for which the words are the same."""
    ends = [0, *(stage.end for stage in stages)]
    parts = [
        (max(start, first), min(stop, last), stage.ways)
        for (first, last), stage in zip(pairwise(ends), stages, strict=True)
    ]
    return [part for part in parts if part[0] < part[1]]


def _filled(
    way: Blocking, first: int, last: int, ways: Sequence[Blocking], camera: Float[np.ndarray, "frames 3 3"]
) -> Blocking:
    """Return a way that is known from `first` to before `last` as well, if anything is known beside that."""
    there = _there(way)
    before, after = _run(there, first - 1, -TIME_STRIDE), _run(there, last, TIME_STRIDE)
    beside = np.array([*before, *after], int)
    if not len(beside) or not ways:
        return way
    gap = Gap(first, last, len(before), beside, back(way.maps[beside]), way.loops[beside])
    tries = [
        (*_laid(each, speed, gap, camera[first:last]), each.crossing)
        for own in ways[:MOST_WAYS]
        for each in (own, replace(own, maps=mirrored(own.maps)))
        for speed in SPEEDS[: None if len(gap.ends) > 1 else 1]
    ]
    _, backs, turns, crossing = min(tries, key=lambda one: one[0])
    maps, loops = way.maps.copy(), way.loops.copy()
    maps[first:last], loops[first:last] = forth(backs), turns
    return Blocking(maps, loops, crossing)


def _run(there: Bool[np.ndarray, " frames"], start: int, step: int) -> list[int]:
    """Return the known frames from `start` on in steps, up to `BESIDE` of them."""
    run: list[int] = []
    for frame in range(start, start + BESIDE * step, step):
        if not 0 <= frame < len(there) or not there[frame]:
            break
        run.append(frame)
    return run


def _laid(
    own: Blocking, speed: float, gap: Gap, camera: Float[np.ndarray, "frames 3 3"]
) -> tuple[float, Float[np.ndarray, "frames 2 3"], Float[np.ndarray, " frames"]]:
    """Return how badly a way fits a gap, and the part that fits it best: the way back of its maps, and its turns."""
    parts, cost = _begun(_parts(own, speed, gap), gap)
    off = gap.backs - parts.beside
    turned = np.mod(gap.loops - parts.turns_beside + 0.5, 1.0) - 0.5
    ends, shares = gap.ends, gap.shares()
    inside = parts.inside + np.einsum("fe,peij->pfij", shares, off[:, ends])
    first, last = turned[:, ends[0]], turned[:, ends[-1]]
    onward = np.mod(last - first + 0.5, 1.0) - 0.5
    apart = np.square(off[..., 2] / PLACE).sum(2) + np.square(off[..., :2] / LOOK).sum((2, 3))
    cost += np.where(np.isin(np.arange(len(gap.beside)), ends), apart, np.minimum(apart, MOST)).sum(axis=1)
    cost += (
        np.square(np.log(speed) / HURRY)
        + np.square(onward / TURN)
        + np.square(_outside(inside[..., 2], camera) / RIM).mean(axis=1)
    )
    best = int(cost.argmin())
    by = first[best] + onward[best] * shares[:, -1]
    if len(ends) == 1:
        # Whose animation stands still goes back to how it is drawn; whose goes on, goes on from where it was.
        still = bool((np.mod(own.loops - own.loops[0], 1.0) == 0).all())
        by = first[best] * (shares[:, 0] if still else 1.0)
    return float(cost[best]), inside[best], parts.turns_inside[best] + by


def _parts(own: Blocking, speed: float, gap: Gap) -> Parts:
    """Return all parts of a way, to and fro, that are as long as a gap and what is known beside it."""
    lowest, begins = min(gap.first, int(gap.beside.min())), np.arange(PERIOD)[:, None]
    beside, inside = (begins + speed * (frames - lowest) for frames in (gap.beside, gap.frames))
    lasting = own.lasting(2 + int(max(beside.max(), inside.max())))
    backs = back(lasting.maps)
    return Parts(
        _at(beside, backs), _at(inside, backs), _at(beside, lasting.loops), _at(inside, lasting.loops)
    )


def _at(
    times: Float[np.ndarray, "parts frames"], values: Float[np.ndarray, "all *rest"]
) -> Float[np.ndarray, "parts frames *rest"]:
    """Return values between those of whole frames."""
    first = np.floor(times).astype(int)
    share = (times - first).reshape(*times.shape, *([1] * (values.ndim - 1)))
    return (1 - share) * values[first] + share * values[first + 1]


def _begun(parts: Parts, gap: Gap) -> tuple[Parts, Float[np.ndarray, " parts"]]:
    """Return parts of a way where the subject of a gap is and as large as it is, and what putting them there costs."""
    ends = gap.ends
    areas = [np.abs(np.linalg.det(each[..., :2])) for each in (gap.backs[ends], parts.beside[:, ends])]
    growth = 0.5 * np.log(np.maximum(areas[0], 1e-6) / np.maximum(areas[1], 1e-6)).mean(axis=1)
    size = np.exp(np.clip(growth, -np.log(LARGER), np.log(LARGER)))[:, None, None, None]
    beside, inside = parts.beside * size, parts.inside * size
    by = (gap.backs[ends][..., 2] - beside[:, ends][..., 2]).mean(axis=1)
    beside[..., 2] += by[:, None]
    inside[..., 2] += by[:, None]
    cost = np.square(growth / GROWTH) + np.square(by / SHIFT).sum(axis=1)
    return replace(parts, beside=beside, inside=inside), cost


def _outside(
    middles: Float[np.ndarray, "parts frames 2"], camera: Float[np.ndarray, "frames 3 3"]
) -> Float[np.ndarray, "parts frames"]:
    """Return how far beyond the rim of the picture a subject's middle is."""
    seen = np.linalg.inv(camera)
    screen = np.einsum("fij,pfj->pfi", seen[:, :2, :2], middles) + seen[:, :2, 2]
    return np.clip(np.abs(screen) - EDGE, 0, None).max(axis=-1)


def back(maps: Maps) -> Float[np.ndarray, "frames 2 3"]:
    """Return the way back of maps, to the plane: the subject's half width, half height and middle, side by side."""
    return np.linalg.inv(square(maps.astype(np.float64)))[:, :2]


def forth(backs: Float[np.ndarray, "frames 2 3"]) -> Maps:
    """Return the maps whose way back is this; who is edge-on is a hair's breadth wide."""
    whole = square(backs)
    edge_on = np.abs(np.linalg.det(whole)) < 1e-6
    whole[edge_on, :2, :2] += 1e-3 * np.eye(2)
    return np.linalg.inv(whole)[:, :2]
