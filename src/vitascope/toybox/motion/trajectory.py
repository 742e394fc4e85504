"""Where the subject is in each frame, which on a stage is called its blocking.

A map leads from a plane (picture widths and heights from its middle, y down) to the subject's own picture, whose edges
are at -1 and 1: two rows of three numbers, `u = a x + b y + c` and `v = d x + e y + f`. The plane is the screen, or
the set at the subject's depth, over which the camera moves.

Words say what a subject does, but not where. So one of the ways in which subjects of the training clips did the same is
taken, chosen by the seed, and the network is told it as exactly as it is told the camera.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, UInt8
from safetensors import safe_open
from safetensors.numpy import save_file

from vitascope.toybox.layout import SUBJECT_CHANNELS, TIME_STRIDE
from vitascope.toybox.scene import Scene

LARGEST = 60.0
"""Numbers of a map are kept within this, for a subject seen edge-on has no finite one."""

CROSSING = ("walk", "run", "fly", "swim", "drive", "roll", "hop")
"""Actions that lead somewhere: who does them turns round to come back."""

AROUND_MIDDLE = ("fly", "swim", "roll")
"""Actions whose subjects keep their middle where it is when they are larger; the feet of all others stay."""

USUAL_HEIGHT = 0.4
WIDEST = 0.5
"""How tall a subject usually stands, in picture heights, and how wide one may be, in picture widths."""

Maps = Float[np.ndarray, "frames 2 3"]


def subject_channels(
    maps: Maps, loops: Float[np.ndarray, " frames"]
) -> Float32[np.ndarray, "latent_frames 34"]:
    """Return what is told of the subject in each latent frame: `maps` from the screen and `loops` have 1 + 4k frames.

    The numbers are 1, the map of the latent frame's last frame and that of the latent frame before, cosine and sine of
    its animation, what part of a turn that has made since then, and the maps of the three frames in between. All are
    0 where the map is NaN: nobody knows where the subject is, or there is none.
    """
    every = np.asarray(maps).reshape(-1, 6)
    every = np.concatenate([np.repeat(every[:1], TIME_STRIDE - 1, axis=0), every])
    there = np.isfinite(every).reshape(-1, 6 * TIME_STRIDE).all(axis=1, keepdims=True)
    every = np.clip(np.nan_to_num(every), -LARGEST, LARGEST).reshape(-1, TIME_STRIDE, 6)
    last, between = every[:, -1], every[:, :-1].reshape(len(every), -1)
    before = np.concatenate([last[:1], last[:-1]])
    turns = np.asarray(loops, np.float64)[::TIME_STRIDE, None]
    angles, passed = 2 * np.pi * turns, np.mod(np.diff(turns, axis=0, prepend=turns[:1]), 1.0)
    parts = [np.ones_like(turns), last, before, np.cos(angles), np.sin(angles), passed, between]
    numbers = np.concatenate(parts, axis=1)
    assert numbers.shape[1] == SUBJECT_CHANNELS
    return (numbers * there).astype(np.float32)


def through_camera(camera: Float[np.ndarray, "frames 4"], aspect: float) -> Float[np.ndarray, "frames 3 3"]:
    """Return the maps from the screen to the set at the subject's depth; `aspect` is width to height."""
    x, y, zoom, roll = np.asarray(camera, np.float64).T
    size, zero = np.exp2(-zoom), np.zeros_like(x)
    rows = [
        [size * np.cos(roll), -size * np.sin(roll) / aspect, x],
        [size * np.sin(roll) * aspect, size * np.cos(roll), -y],
        [zero, zero, zero + 1],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def square(maps: Maps) -> Float[np.ndarray, "frames 3 3"]:
    """Return maps with their third row, which is always (0, 0, 1)."""
    return np.concatenate([maps, np.broadcast_to([[[0.0, 0.0, 1.0]]], (len(maps), 1, 3))], axis=1)


def middle(maps: Maps) -> Float[np.ndarray, "frames 2"]:
    """Return where on the plane the subject's middle is, the point that a map leads to (0, 0)."""
    return -np.linalg.solve(maps[..., :2].astype(np.float64), maps[..., 2:].astype(np.float64))[..., 0]


def moved(maps: Maps, by: Float[np.ndarray, "*frames 2"]) -> Maps:
    """Return the maps of a subject that is `by` further on the plane."""
    offset = maps[..., 2] - (maps[..., :2] @ np.broadcast_to(by, (len(maps), 2))[..., None])[..., 0]
    return np.concatenate([maps[..., :2], offset[..., None]], axis=-1)


def mirrored(maps: Maps) -> Maps:
    """Return the maps of a subject that does the same from right to left that it did from left to right."""
    return maps * np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Blocking:
    """A way over the set: a map from it per frame, turns of the animation, and whether it leads somewhere."""

    maps: Maps
    loops: Float[np.ndarray, " frames"]
    crossing: bool = False

    def lasting(self, frames: int) -> "Blocking":
        """Return the same for any number of frames: to and fro, facing the way it goes."""
        count = len(self.maps)
        around = np.arange(frames) % max(1, 2 * (count - 1))
        places = np.where(around < count, around, 2 * (count - 1) - around)
        maps = self.maps[places].copy()
        if self.crossing:
            maps[around >= count, 0] *= -1
        # Only the part of a turn counts, and that is all that is known of it.
        steps = np.mod(np.diff(self.loops), 1.0)
        steps = np.append(steps, steps[-1:].sum())
        loops = self.loops[0] + np.concatenate([[0.0], np.cumsum(steps[places])[:-1]])
        return Blocking(maps, loops, self.crossing)

    def returning(self, frames: int, hold: int) -> "Blocking":
        """Return the same for a loop: there and back, and in the last `hold` frames where it began."""
        there = max(1, (frames - hold) // 2)
        places = np.minimum(np.arange(frames), frames - hold)
        places = np.minimum(np.where(places <= there, places, frames - hold - places), len(self.maps) - 1)
        maps = self.maps[places].copy()
        if self.crossing:
            back = (np.arange(frames) > there) & (np.arange(frames) < frames - hold)
            maps[back, 0] *= -1
        # Whole turns, so that the last picture of the animation is its first.
        turns = np.round(np.sum(np.mod(np.diff(self.loops), 1.0)[: frames - hold]))
        share = np.minimum(np.arange(frames) / max(1, frames - hold), 1.0)
        return Blocking(maps, self.loops[0] + max(1.0, turns) * share, self.crossing)

    def shaped(self, aspect: float, height: float, around_middle: bool) -> "Blocking":
        """Return the same for another page, where this is the way of a square one of usual height.

        Wide pages are no wider than half of the picture, as in the theatre. The feet stay on the ground, or the middle
        of the body stays where it is.
        """
        tall = float(np.clip(height / USUAL_HEIGHT, 0.6, 1.4)) ** 0.2
        size = np.linalg.inv(square(self.maps[:1]).astype(np.float64))[0]
        wide = 2 * float(np.hypot(size[0, 0], size[1, 0])) * tall * aspect
        tall *= min(1.0, WIDEST / max(wide, 1e-6))
        fixed = 0.0 if around_middle else 1.0
        maps = self.maps / np.array([[tall * aspect], [tall]])
        maps[:, 1, 2] += fixed - fixed / tall
        return Blocking(maps, self.loops, self.crossing)

    def scaled(self, factor: float, around_middle: bool) -> "Blocking":
        """Return the same `factor` times as large; the feet stay where they are, or the middle of the body does."""
        fixed = 0.0 if around_middle else 1.0
        maps = self.maps / factor
        maps[:, 1, 2] += fixed - fixed / factor
        return Blocking(maps, self.loops, self.crossing)

    def every(self, stride: int) -> "Blocking":
        """Return the same at every `stride`-th frame alone."""
        return Blocking(self.maps[::stride], self.loops[::stride], self.crossing)

    def between(self, stride: int) -> "Blocking":
        """Return the same at every frame, where this one is at every `stride`-th.

        What goes evenly is the way back, from the subject to the plane: who turns round is thin for a moment, and its
        map goes through infinity.
        """
        back = np.linalg.inv(square(self.maps).astype(np.float64))
        times, told = np.arange((len(back) - 1) * stride + 1) / stride, np.arange(len(back))
        steps = np.mod(np.diff(self.loops), 1.0)
        turns = self.loops[0] + np.concatenate([[0.0], np.cumsum(steps)])
        even = np.stack([np.interp(times, told, column) for column in back.reshape(-1, 9).T], axis=1)
        whole = even.reshape(-1, 3, 3)
        edge_on = np.abs(np.linalg.det(whole)) < 1e-6
        whole[edge_on, :2, :2] += 1e-3 * np.eye(2)
        maps = np.linalg.inv(whole)[:, :2]
        return Blocking(maps, np.interp(times, told, turns), self.crossing)

    def onward(self, way: float) -> "Blocking":
        """Return the same, mirrored if need be so that it looks along `way` (negative is left)."""
        return (
            Blocking(mirrored(self.maps), self.loops, self.crossing) if self.maps[0, 0, 0] * way < 0 else self
        )

    def then(self, other: "Blocking") -> "Blocking":
        """Return this and after it the other, which begins where this one ends."""
        gap = middle(self.maps[-1:])[0] - middle(other.maps[:1])[0]
        maps = np.concatenate([self.maps, moved(other.maps, gap * np.array([1.0, 0.0]))])
        return Blocking(maps, np.concatenate([self.loops, other.loops]), other.crossing)


def standing(frames: int, half: float = 0.18) -> Blocking:
    """Return a subject that stands in the middle, its picture reaching `half` a picture to each side."""
    size = np.array([[1 / half, 0.0, 0.0], [0.0, 1 / half, 0.0]])
    return Blocking(np.repeat(size[None], frames, axis=0), np.zeros(frames))


@dataclass(frozen=True)
class BlockingLibrary:
    """Ways that subjects of the training clips went, by who did what where."""

    names: tuple[tuple[str, str, str], ...]
    which: UInt8[np.ndarray, "clips 2"]
    maps: Float[np.ndarray, "clips frames 2 3"]
    loops: Float[np.ndarray, "clips frames"]

    @classmethod
    def load(cls, path: Path) -> "BlockingLibrary":
        """Read what `save` wrote."""
        with safe_open(path, framework="numpy") as file:
            names = tuple(tuple(name) for name in json.loads(file.metadata()["names"]))
            which, maps, loops = (file.get_tensor(name) for name in ("which", "maps", "loops"))
        return cls(names, which, maps.astype(np.float32), loops.astype(np.float32))

    def save(self, path: Path) -> None:
        """Write the library to one safetensors file, in half precision."""
        tensors = {
            "which": self.which,
            "maps": self.maps.astype(np.float16),
            "loops": self.loops.astype(np.float16),
        }
        save_file(tensors, path, {"names": json.dumps(self.names)})

    @cached_property
    def _places(self) -> np.ndarray:
        return self.which[:, 0].astype(int) + 256 * self.which[:, 1].astype(int)

    @property
    def square(self) -> bool:
        """Whether the ways are those of a square page, that stands for any subject."""
        return all(not subject for subject, _, _ in self.names)

    def choose(self, scene: Scene, seed: int) -> Blocking | None:
        """Return a way for a scene: its subject's own, on its own set if there is one; None if nobody ever did that."""
        wanted = (scene.subject, scene.action, scene.set)
        likeness = np.array([_likeness(name, wanted) for name in self.names])
        best = likeness.max(initial=0)
        if not best:
            return None
        rows = np.flatnonzero(np.isin(self._places, np.flatnonzero(likeness == best)))
        rng = np.random.Generator(np.random.Philox(key=seed))
        row = rows[int(rng.integers(len(rows)))]
        return Blocking(self.maps[row], self.loops[row], scene.action in CROSSING)

    def fitting(self, scene: Scene, seed: int) -> list[Blocking]:
        """Return every way of the scene's subject doing what it does, on whatever set, in the seed's order.

        If that subject never did it, those of all who did.
        """
        doing = [i for i, (_, action, _) in enumerate(self.names) if action == scene.action]
        own = [i for i in doing if self.names[i][0] == scene.subject]
        rows = np.flatnonzero(np.isin(self._places, own or doing))
        rng = np.random.Generator(np.random.Philox(key=seed))
        crossing = scene.action in CROSSING
        return [Blocking(self.maps[row], self.loops[row], crossing) for row in rng.permutation(rows)]


def _likeness(name: tuple[str, str, str], wanted: tuple[str, str, str]) -> int:
    subject, action, place = (one == other for one, other in zip(name, wanted, strict=True))
    return action * (1 + 2 * subject + place)
