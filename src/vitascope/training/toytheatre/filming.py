"""How a take is filmed: several moves of the camera at once, moves that need depth, and a camera that follows.

A dolly goes through the set, so that near layers grow faster than far ones; an orbit goes round the toy, so that what
is behind it and what is in front of it slide past each other. Both leave the toy where a zoom or a camera at rest
shows it, which is what `camera_path` says.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from vitascope.camera.path import AMOUNTS, EASINGS, camera_path, centred
from vitascope.types import CameraKind, CameraMove

ORBITED = 0.55
"""How many picture widths the horizon slides past the toy for each radian of an orbit."""

FLAT_SETS = ("room", "stage", "kitchen", "table", "space", "underwater")
"""Sets with a wall or a middle of their own, round which nobody goes."""

KINDS: tuple[CameraKind, ...] = ("pan", "truck", "tilt", "zoom", "dolly", "roll", "orbit", "shake")
"""Moves that a take may have at once, of which some three are drawn."""

FILMED = AMOUNTS | {"truck": AMOUNTS["pan"], "dolly": AMOUNTS["zoom"], "orbit": 0.6}
"""How far an ordinary move goes, as `AMOUNTS`, with those that need depth; an orbit in radians."""


@dataclass(frozen=True)
class Filmed:
    """Where the camera is in each frame: `path` as in `camera_path`, and what depth adds to it.

    `depth` holds how far the dolly is in (log2 of the toy's size, which `path` has in its zoom as well) and how far an
    orbit has slid the horizon (picture widths); both are 0 in the middle of the move.
    """

    path: Float32[np.ndarray, "frames 4"]
    depth: Float32[np.ndarray, "frames 2"]

    @property
    def camera(self) -> Float32[np.ndarray, "frames 4"]:
        """The path around its middle, which is what is filmed."""
        return centred(self.path)

    def at(self, depth: float) -> Float32[np.ndarray, "frames 4"]:
        """Return the filmed path as a layer at a depth sees it; at depth 1, the toy's, it is `camera`."""
        camera = self.camera.copy()
        dolly, orbit = self.depth.T
        share = 1 - np.exp2(-dolly)
        camera[:, 2] += -dolly - np.log2(np.maximum(1 - share * depth, 0.15))
        if depth:
            camera[:, 0] += orbit * (depth - 1) / depth
        return camera

    def sky(self) -> Float64[np.ndarray, " frames"]:
        """Return how far a layer at depth 0 slides, which no path can say: it stands still for every pan."""
        return -self.depth[:, 1].astype(np.float64)


def film(
    moves: tuple[CameraMove, ...],
    times: Float64[np.ndarray, " frames"],
    followed: Float64[np.ndarray, " frames"] | None = None,
) -> Filmed:
    """Return how moves are filmed; `followed` is where the toy is that the camera keeps beside (picture widths)."""
    seconds = float(times[-1]) or 1.0
    path = camera_path(tuple(move for move in moves if move.kind != "orbit"), times, seconds)
    depth = np.zeros((len(times), 2), np.float32)
    for move in moves:
        if move.kind in ("dolly", "orbit"):
            share = np.clip((times / seconds - move.start) / (move.end - move.start), 0.0, 1.0)
            gone = move.amount * EASINGS[move.easing](share)
            depth[:, int(move.kind == "orbit")] += gone * (ORBITED if move.kind == "orbit" else 1.0)
    if followed is not None:
        path[:, 0] += (followed - followed[0]).astype(np.float32)
    return Filmed(path, depth - (depth[0] + depth[-1]) / 2)


def sample_moves(rng: np.random.Generator, place: str, most: int = 3) -> tuple[CameraMove, ...]:
    """Draw up to `most` moves of a camera in a set, of different kinds: whole or over a part of the clip, eased or not.

    Half of the takes have one move and a quarter none; nobody orbits in `FLAT_SETS`.
    """
    count = int(rng.choice(4, p=(0.25, 0.45, 0.2, 0.1)))
    kinds = [kind for kind in KINDS if kind != "orbit" or place not in FLAT_SETS]
    axes = {"truck": "pan", "dolly": "zoom", "orbit": "pan"}
    moves, taken = [], set()
    for index in rng.permutation(len(kinds))[: min(count, most) + 3].tolist():
        kind = kinds[index]
        if axes.get(kind, kind) in taken or len(moves) == min(count, most):
            continue
        taken.add(axes.get(kind, kind))
        whole = rng.random() < 0.6
        start, end = (0.0, 1.0) if whole else sorted(rng.uniform(0, 1, 2).round(2).tolist())
        if end - start < 0.3:
            start, end = max(0.0, start - 0.3), min(1.0, start + 0.5)
        sign = 1.0 if kind == "shake" or rng.random() < 0.5 else -1.0
        amount = FILMED[kind] * sign * rng.uniform(0.6, 1.4) / (1 + 0.25 * (count - 1))
        easing = ("ease", "linear", "ease-in", "ease-out")[int(rng.choice(4, p=(0.3, 0.5, 0.1, 0.1)))]
        moves.append(
            CameraMove(kind=kind, amount=round(float(amount), 4), easing=easing, start=start, end=end)  # pyright: ignore[reportArgumentType]
        )
    return tuple(moves)
