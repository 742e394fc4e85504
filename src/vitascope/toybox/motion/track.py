"""Where a subject goes in a video: found in one latent frame as `finding.py` does, and followed from there.

Each latent frame is taken as a picture of its own, its last frame; the subject is drawn around where it was, and where
it would be if it went on as it did, and the drawing that is most like the picture says where it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from jaxtyping import Float, Float32, Int

from vitascope.toybox.motion.detect import Draw, errors_of, find, nearest, unseen
from vitascope.toybox.motion.trajectory import Blocking, middle, moved, subject_channels

SCREEN = np.eye(3)
NEAR = (-0.05, 0.0, 0.05)
ACROSS = (-0.18, -0.12, -0.06, 0.0, 0.06, 0.12, 0.18)
DOWN = (-0.16, -0.08, 0.0, 0.08, 0.16)
FINE = (-0.02, 0.0, 0.02)
SIZES = (0.88, 1.0, 1.14)
TURNS = (0.25, 0.5, 0.75)
LOST = 0.3
"""Share of what the drawing explained of the picture where the subject was found, below which a frame shows nobody."""
INSIDE, MOST_OUTSIDE = 0.45, 0.3
"""How far from the picture's middle a subject can be looked for, and how many ways may have it farther away."""
SMALL = 2.0
"""How many times smaller than elsewhere, in area, a subject is where it is better not looked for."""
MOST_LOST = 0.5
"""Share of the frames that may show nobody for the way still to be believed."""


@dataclass(frozen=True)
class Pose:
    """A subject in one latent frame: the map from the screen to its own picture, and the turn of its animation."""

    map: Float[np.ndarray, "2 3"]
    loop: float

    @property
    def place(self) -> Float[np.ndarray, " 2"]:
        """Where its middle is."""
        return middle(self.map[None])[0]

    def by(self, way: Float[np.ndarray, " 2"]) -> "Pose":
        """Return it so much further on."""
        return replace(self, map=moved(self.map[None], way)[0])

    def shaped(self, shape: Float[np.ndarray, "2 2"], loop: float) -> "Pose":
        """Return it in the same place with another size, stretch and facing."""
        return Pose(np.concatenate([shape, -(shape @ self.place)[:, None]], axis=1), loop)

    def told(self) -> Float32[np.ndarray, " numbers"]:
        """Return what is told of it in a picture."""
        return subject_channels(self.map[None], np.array([self.loop]))[0]


Best = Callable[[Sequence[Pose]], tuple[float, Pose]]
"""The pose among some whose drawing is nearest to a picture, and how far it is."""


def track(
    pictures: Sequence[Float32[np.ndarray, "tokens latent"]],
    ways: Sequence[Blocking],
    draw: Callable[[int], Draw],
) -> Blocking | None:
    """Return the subject's way over the screen through all pictures, or None where it is not to be found.

    `pictures` are the latents of one picture for each latent frame, and `draw(i)` draws the i-th of them. The subject
    is looked for in the first, the last or the middle one, as one of the `ways` has it there, and followed from there.
    """
    ways = [way.lasting(len(pictures)) for way in ways]
    for start in _starts(ways, len(pictures)):
        # What is looked for comes first, and what it does before that comes last, counted back.
        order = np.array([*range(start, len(pictures)), *range(start)[::-1]])
        begun = find(pictures[start], [_ordered(way, order) for way in ways], SCREEN, draw(start))
        if begun is not None:
            way = _ordered(begun, np.argsort(order))
            return _tracked(pictures, way, start, draw)
    return None


def _starts(ways: Sequence[Blocking], count: int) -> list[int]:
    """Return the frames in which to look for the subject, in this order: where it should be small or outside, later."""
    frames = list(dict.fromkeys((0, count - 1, (count - 1) // 2)))
    if not ways:
        return frames
    maps = [way.maps[frames] for way in ways]
    places = np.stack([middle(each) for each in maps])
    outside = (np.abs(places) > INSIDE).any(axis=-1).mean(axis=0) > MOST_OUTSIDE
    sizes = np.stack([np.linalg.det(each[..., :2].astype(np.float64)) for each in maps])
    smallness = np.median(np.abs(sizes), axis=0)
    later = outside | (smallness > SMALL * smallness.min())
    return [frames[i] for i in np.argsort(later, kind="stable")]


def _ordered(way: Blocking, order: Int[np.ndarray, " frames"]) -> Blocking:
    return Blocking(way.maps[order], way.loops[order], way.crossing)


def _tracked(
    pictures: Sequence[Float32[np.ndarray, "tokens latent"]],
    way: Blocking,
    start: int,
    draw: Callable[[int], Draw],
) -> Blocking | None:
    """Return the way on from `start` and back from there, as the pictures have it."""
    frames = [(picture, draw(i)) for i, picture in enumerate(pictures)]
    onward = _followed(frames[start:], _ordered(way, np.arange(start, len(frames))))
    before = _followed(frames[start::-1], _ordered(way, np.arange(start + 1)[::-1]))
    whole = [*before[:0:-1], *onward]
    if sum(pose is None for _, pose in whole) > MOST_LOST * len(whole):
        return None
    poses = _bridged(whole)
    maps, loops = np.stack([pose.map for pose in poses]), np.array([pose.loop for pose in poses])
    return Blocking(maps, loops, way.crossing)


def _bridged(whole: Sequence[tuple[Pose, Pose | None]]) -> list[Pose]:
    """Return a pose for each frame: in those that show nobody between others that do, it is on the line between."""
    seen = np.array([i for i, (_, pose) in enumerate(whole) if pose is not None])
    places = np.stack([(guess if pose is None else pose).place for guess, pose in whole])
    poses = []
    for i, (guess, pose) in enumerate(whole):
        if pose is None and seen[0] < i < seen[-1]:
            between = np.array([np.interp(i, seen, axis) for axis in places[seen].T])
            guess = guess.by(between - guess.place)
        poses.append(guess if pose is None else pose)
    return poses


def _followed(
    frames: Sequence[tuple[Float32[np.ndarray, "tokens latent"], Draw]], way: Blocking
) -> list[tuple[Pose, Pose | None]]:
    """Return for each picture where the subject should be, and where it is, None where it is not seen.

    The `way` begins where the subject is in the first of them; how it looks and goes after that is only a guess.
    """
    pose, steps, places = Pose(way.maps[0], float(way.loops[0])), np.diff(way.loops), middle(way.maps)
    gain = _gain(*frames[0], pose)
    found: list[tuple[Pose, Pose | None]] = [(pose, pose)]
    last, speed = pose, np.zeros(2)
    for i, (picture, draw) in enumerate(frames[1:]):
        look = way.maps[i + 1, :, :2], last.loop + float(steps[i])
        planned = last.by(places[i + 1] - places[i]).shaped(*look)

        def best(tries: Sequence[Pose], picture=picture, draw=draw) -> tuple[float, Pose]:
            error, number = nearest(picture, np.stack([each.told() for each in tries]), draw)
            return error, tries[number]

        error, pose = _nearest(replace(last, loop=look[1]), planned, speed, best)
        seen = error <= (1 - LOST * gain) * unseen(picture, draw, pose.told())
        found.append((planned, pose if seen else None))
        speed = pose.place - last.place if seen else places[i + 1] - places[i]
        last = pose if seen else planned
    return found


def _nearest(last: Pose, planned: Pose, speed: Float[np.ndarray, " 2"], best: Best) -> tuple[float, Pose]:
    """Return the pose nearest to a picture: where the subject is, then how it looks there, then exactly where.

    It is looked for around where it was, where its speed leads it and where it is `planned`; it may look as it did, as
    is planned, or as either of them the other way round.
    """
    onward = [last.by(np.array([across, down])) for across, down in product(ACROSS, DOWN)]
    near = [
        each.by(np.array([across, down]))
        for each in (last.by(speed), planned)
        for across, down in product(NEAR, NEAR)
    ]
    _, placed = best([*onward, *near])
    shapes, turned = [last.map[:, :2], planned.map[:, :2]], np.array([[-1.0], [1.0]])
    looks = [(size * each, last.loop) for each in shapes for size in SIZES]
    looks += [(turned * each, last.loop) for each in shapes]
    looks += [(each, last.loop + turn) for each in shapes for turn in TURNS]
    _, posed = best([placed.shaped(*look) for look in looks])
    tries = [posed.by(np.array([across, down])) for across, down in product(FINE, FINE)]
    tries += [posed.shaped(posed.map[:, :2] * size, posed.loop) for size in (0.94, 1.06)]
    return best(tries)


def _gain(picture: Float32[np.ndarray, "tokens latent"], draw: Draw, pose: Pose) -> float:
    """Return which share of the error of a picture without a subject is gone once it is drawn."""
    told = pose.told()
    return 1 - float(errors_of(picture, told[None], draw)[0]) / unseen(picture, draw, told)
