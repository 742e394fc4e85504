"""Camera moves to exact numbers: the path that the theatre films and that the network is told."""

from collections.abc import Callable
from typing import cast

import numpy as np
from jaxtyping import Bool, Float

from vitascope.types import CameraKind, CameraMove, VideoShape

AMOUNTS = {"pan": 0.35, "tilt": 0.25, "zoom": 0.6, "roll": 0.35, "shake": 0.03}
"""How far an ordinary move goes: frame widths, frame heights, log2 of zoom, radians, frame widths."""

SIGNS = {"right": 1.0, "left": -1.0, "up": 1.0, "down": -1.0, "in": 1.0, "out": -1.0}

EASINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda s: s,
    "ease": lambda s: s * s * (3 - 2 * s),
    "ease-in": lambda s: s * s,
    "ease-out": lambda s: s * (2 - s),
}
"""How a move spends its time: share of the span that has passed -> share of the way that is done."""

STAND_INS = {"dolly": "zoom", "truck": "pan", "orbit": "pan"}
"""Kinds of move that a flat stage cannot tell from simpler ones, and what stands in for them."""

_COLUMNS = {"pan": 0, "tilt": 1, "zoom": 2, "roll": 3}
_SHAKES = ((0, 1.7, 0.6, 0.0), (0, 4.1, 0.4, 1.3), (1, 2.3, 0.6, 0.7), (1, 5.3, 0.4, 2.1), (3, 1.9, 0.5, 0.4))
"""A hand that holds the camera: column, hertz, share of the amount, phase."""


def scene_camera(label: str, strength: float = 1.0) -> tuple[CameraMove, ...]:
    """Return the moves of a scene's camera label ("pan-left", "zoom-in", "static" …) over the whole clip.

    Raises KeyError for a label that is none.
    """
    if label == "static":
        return ()
    kind, _, way = label.partition("-")
    return (
        CameraMove(
            kind=cast(CameraKind, kind), amount=AMOUNTS[kind] * strength * (SIGNS[way] if way else 1.0)
        ),
    )


def camera_path(
    moves: tuple[CameraMove, ...], times: Float[np.ndarray, " frames"], seconds: float
) -> Float[np.ndarray, "frames 4"]:
    """Return where the camera is at each time: (x, y, log2 zoom, roll), all 0 at rest.

    `times` are in seconds; `seconds` is when moves that last the whole shot end: the time of its last frame.
    x and y are frame widths and heights at the subject's depth (x + = camera moves right, y + = up), zoom + =
    in, roll + = clockwise in radians. Moves add up, and each stays where it ended. Moves of kinds that need
    depth take the path of their `STAND_INS`.
    """
    path = np.zeros((len(times), 4))
    for move in moves:
        if move.kind == "static":
            continue
        share = _share(move, times, seconds)
        if move.kind == "shake":
            path += _shake(move.amount, times, share)
        else:
            path[:, _COLUMNS[STAND_INS.get(move.kind, move.kind)]] += move.amount * EASINGS[move.easing](
                share
            )
    return path.astype(np.float32)


def centred(path: Float[np.ndarray, "frames 4"]) -> Float[np.ndarray, "frames 4"]:
    """Return a path moved so that its middle is at rest, which is what the theatre films and the network is told.

    Moves go to both sides of the set's middle, so the toy stays in view. A zoom's middle is drawn out a
    little, and rolls start upright.
    """
    x, y, zoom, _ = (path[0] + path[-1]) / 2
    return path - np.array([x, y, zoom + abs(zoom) / 4, 0], np.float32)


def filmed_path(moves: tuple[CameraMove, ...], shape: VideoShape) -> Float[np.ndarray, "frames 4"]:
    """Return where the camera is in every frame of a clip, around the middle of its way."""
    times = np.arange(shape.num_frames) / shape.fps
    return centred(camera_path(moves, times, times[-1] or 1.0))


def during(moves: tuple[CameraMove, ...], selected: Bool[np.ndarray, " frames"]) -> tuple[CameraMove, ...]:
    """Return the moves of which nobody said when they happen as moves of the frames that are to be made."""
    frames, last = np.flatnonzero(selected), len(selected) - 1
    if not len(frames) or not last:
        return moves
    span = {"start": max(0, int(frames[0]) - 1) / last, "end": min(last, int(frames[-1]) + 1) / last}
    return tuple(
        move.model_copy(update=span) if (move.start, move.end) == (0.0, 1.0) else move for move in moves
    )


def playable(moves: tuple[CameraMove, ...]) -> tuple[tuple[CameraMove, ...], tuple[str, ...]]:
    """Return the moves in kinds that have a path of their own, and a note for each kind that was replaced."""
    notes = tuple(
        f'the model does not know the camera move "{kind}": making the nearest it knows, "{STAND_INS[kind]}"'
        for kind in dict.fromkeys(move.kind for move in moves)
        if kind in STAND_INS
    )
    return tuple(
        move.model_copy(update={"kind": STAND_INS.get(move.kind, move.kind)}) for move in moves
    ), notes


def _share(move: CameraMove, times: np.ndarray, seconds: float) -> np.ndarray:
    return np.clip((times / seconds - move.start) / (move.end - move.start), 0.0, 1.0)


def _shake(amount: float, times: np.ndarray, share: np.ndarray) -> np.ndarray:
    path = np.zeros((len(times), 4))
    for column, hertz, part, phase in _SHAKES:
        path[:, column] += amount * part * np.sin(2 * np.pi * (hertz * times + phase))
    inside = np.sin(np.pi * share) ** 0.5
    return path * inside[:, None]


def camera_channels(
    path: Float[np.ndarray, "frames 4"], time_stride: int = 4
) -> Float[np.ndarray, "latent_frames 8"]:
    """Return per latent frame the path at its last frame, then its change since the latent frame before.

    Frames are 1 + `time_stride` * k; latent frame 0 holds frame 0 alone, so its change is 0.
    Raises ValueError for any other number of frames.
    """
    if len(path) % time_stride != 1 % time_stride:
        raise ValueError(f"a camera path has 1 + {time_stride}k frames, not {len(path)}")
    last = path[::time_stride]
    change = np.diff(last, axis=0, prepend=last[:1])
    return np.concatenate([last, change], axis=1).astype(np.float32)
