"""Where a subject goes in a video: found in one latent frame as `finding.py` does, and followed from there.

Each latent frame is taken as a picture of its own, its last frame; the subject is drawn around where it was, and where
it would be if it went on as it did, and the drawing that is most like the picture says where it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from jaxtyping import Float, Float32

from vitascope.conditioning.blocking import Blocking, middle, moved, subject_channels
from vitascope.conditioning.finding import Draw, errors_of, find, unseen

SCREEN = np.eye(3)
NEAR = (-0.05, 0.0, 0.05)
ACROSS = (-0.18, -0.12, -0.06, 0.0, 0.06, 0.12, 0.18)
DOWN = (-0.16, -0.08, 0.0, 0.08, 0.16)
FINE = (-0.02, 0.0, 0.02)
SIZES = (0.88, 1.0, 1.14)
TURNS = (0.0, 0.25, 0.5, 0.75)
LOST = 0.3
"""Share of what the drawing explained of the picture where the subject was found, below which a frame shows nobody."""
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
    is looked for in the first, else in the last, else in the middle one, and followed from there.
    """
    last = len(pictures) - 1
    for start in dict.fromkeys((0, last, last // 2)):
        begun = find(pictures[start], ways, SCREEN, draw(start))
        if begun is not None:
            return _tracked(pictures, begun, start, draw)
    return None


def _tracked(
    pictures: Sequence[Float32[np.ndarray, "tokens latent"]],
    begun: Blocking,
    start: int,
    draw: Callable[[int], Draw],
) -> Blocking | None:
    """Return the way on from `start` and, the other way round, back from there."""
    places = range(len(pictures))
    onward = _followed([(pictures[i], draw(i)) for i in places[start:]], begun, 1)
    before = _followed([(pictures[i], draw(i)) for i in places[start::-1]], begun, -1)
    whole = [*before[:0:-1], *onward]
    if sum(pose is None for _, pose in whole) > MOST_LOST * len(whole):
        return None
    poses = [guess if pose is None else pose for guess, pose in whole]
    return Blocking(
        np.stack([pose.map for pose in poses]), np.array([pose.loop for pose in poses]), begun.crossing
    )


def _followed(
    frames: Sequence[tuple[Float32[np.ndarray, "tokens latent"], Draw]], begun: Blocking, sense: int
) -> list[tuple[Pose, Pose | None]]:
    """Return for each picture where the subject should be, and where it is, None where it is not seen.

    `begun` is a way that begins where the subject is in the first of them: how it looks and goes in what follows is
    only a guess. With a `sense` of -1 the pictures go back in time.
    """
    way = begun.lasting(len(frames))
    pose, steps, places = Pose(way.maps[0], float(way.loops[0])), np.diff(way.loops), middle(way.maps)
    gain = _gain(*frames[0], pose)
    found: list[tuple[Pose, Pose | None]] = [(pose, pose)]
    last, speed = pose, sense * (places[1] - places[0]) if len(frames) > 1 else np.zeros(2)
    for i, (picture, draw) in enumerate(frames[1:]):
        planned = sense * (places[i + 1] - places[i])
        guess = last.by(speed)
        guess = replace(guess, loop=last.loop + sense * float(steps[i]))

        def best(tries: Sequence[Pose], picture=picture, draw=draw) -> tuple[float, Pose]:
            errors = errors_of(picture, np.stack([each.told() for each in tries]), draw)
            return float(errors.min()), tries[int(errors.argmin())]

        error, pose = _nearest(guess, last, planned, way.maps[i + 1, :, :2], best)
        seen = error <= (1 - LOST * gain) * unseen(picture, draw, pose.told())
        found.append((guess, pose if seen else None))
        if seen:
            speed = pose.place - last.place
        last = pose if seen else guess
    return found


def _nearest(
    guess: Pose,
    last: Pose,
    planned: Float[np.ndarray, " 2"],
    shape: Float[np.ndarray, "2 2"],
    best: Best,
) -> tuple[float, Pose]:
    """Return the pose nearest to a picture: where the subject is, then how it looks there, then exactly where.

    It is looked for around where it was, where its speed would lead it, and where its `planned` way would; it may look
    as it did, as its way's `shape` says, or as either of them the other way round.
    """
    steady = replace(last, loop=guess.loop)
    onward = [steady.by(np.array([across, down])) for across, down in product(ACROSS, DOWN)]
    near = [
        each.by(np.array([across, down]))
        for each in (guess, steady.by(planned))
        for across, down in product(NEAR, NEAR)
    ]
    _, placed = best([*onward, *near])
    turned = np.array([[-1.0], [1.0]])
    shapes = [size * each for each in (last.map[:, :2], shape) for size in SIZES]
    shapes += [turned * each for each in (last.map[:, :2], shape)]
    looks = [(each, guess.loop) for each in shapes]
    looks += [(each, guess.loop + turn) for each in (last.map[:, :2], shape) for turn in TURNS[1:]]
    _, posed = best([placed.shaped(*look) for look in looks])
    tries = [posed.by(np.array([across, down])) for across, down in product(FINE, FINE)]
    tries += [posed.shaped(posed.map[:, :2] * size, posed.loop) for size in (0.94, 1.06)]
    return best(tries)


def _gain(picture: Float32[np.ndarray, "tokens latent"], draw: Draw, pose: Pose) -> float:
    """Return which share of the error of a picture without a subject is gone once it is drawn."""
    told = pose.told()
    return 1 - float(errors_of(picture, told[None], draw)[0]) / unseen(picture, draw, told)
