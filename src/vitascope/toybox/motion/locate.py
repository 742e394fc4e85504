"""Where the subject is in the given frames of a clip, beside those that are wanted."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from vitascope.givens.canvas import Canvas
from vitascope.toybox.layout import LATENTS, TIME_STRIDE
from vitascope.toybox.motion.detect import Draw
from vitascope.toybox.motion.track import track
from vitascope.toybox.motion.trajectory import Blocking

AROUND = 4
"""Latent frames on each side of what is wanted in which the subject is looked for: those that a window can hold."""
APART = 5
"""Frames of its way by which each subject that is looked for is further on than the one before."""
ROUND = 16

Look = tuple[Sequence[Blocking], Callable[[int], Draw]]
"""The ways that a subject may go, and what draws it in a frame."""


def wanted_frames(canvas: Canvas) -> Bool[np.ndarray, " frames"]:
    """Return the frames of those latent frames that are not wholly given."""
    given = _given(canvas)
    return ~given[-(-np.arange(len(canvas.frames)) // TIME_STRIDE)]


def sighted(
    canvas: Canvas,
    encode: Callable[[UInt8[np.ndarray, "frames height width 3"]], Float32[np.ndarray, "tokens latent"]],
    look: Callable[[int], Look],
) -> Blocking | None:
    """Return where over the screen the subject is in the given frames, NaN where it is not found or not looked for.

    `look(frame)` says what to look for from a frame on. None where it is found in no frame.
    """
    count = len(canvas.frames)
    maps, loops = np.full((count, 2, 3), np.nan), np.zeros(count)
    given = _given(canvas)
    for first, stop in beside(given, ~given):
        frames = np.arange(first, stop) * TIME_STRIDE
        ways, draw = look(int(frames[0]))
        pictures = [encode(canvas.frames[[frame]]) for frame in frames]
        begun = [further_on(way, APART * i % ROUND, int(np.ptp(frames)) + 1) for i, way in enumerate(ways)]
        found = track(pictures, [way.every(TIME_STRIDE) for way in begun], _drawing(draw, int(frames[0])))
        if found is None:
            continue
        way = found.between(TIME_STRIDE)
        start = _held(canvas, int(frames[0]))
        maps[start : frames[0]], loops[start : frames[0]] = way.maps[0], way.loops[0]
        span = slice(int(frames[0]), int(frames[-1]) + 1)
        maps[span], loops[span] = way.maps, way.loops
    there = np.isfinite(maps).any()
    return Blocking(maps, loops) if there else None


def further_on(way: Blocking, start: int, frames: int) -> Blocking:
    """Return so many frames of a way from one of its frames on."""
    whole = way.lasting(start + frames)
    return Blocking(whole.maps[start:], whole.loops[start:], way.crossing)


def _drawing(draw: Callable[[int], Draw], first: int) -> Callable[[int], Draw]:
    return lambda i: draw(first + i * TIME_STRIDE)


def _given(canvas: Canvas) -> Bool[np.ndarray, " latent_frames"]:
    cells = canvas.cells(LATENTS)
    return np.logical_and.reduce(cells.reshape(len(cells), -1), axis=1)


def beside(
    shown: Bool[np.ndarray, " latent_frames"], wanted: Bool[np.ndarray, " latent_frames"]
) -> list[tuple[int, int]]:
    """Return the spans (first, stop) of shown latent frames that lie beside, or are, wanted ones."""
    places = np.flatnonzero(wanted)
    if not len(places):
        return []
    apart = np.abs(np.arange(len(shown))[:, None] - places).min(axis=1)
    near = shown & (apart <= AROUND)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], near, [False]]).astype(int)))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]


def _held(canvas: Canvas, frame: int) -> int:
    """Return the first frame of a latent frame that ends with `frame`, if one picture is held in it, else itself."""
    first = max(0, frame - TIME_STRIDE + 1)
    return first if (canvas.frames[first : frame + 1] == canvas.frames[frame]).all() else frame
