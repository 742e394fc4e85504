"""Where the camera stood in given pictures: found by drawing the set from many places and seeing which fits best.

A picture of a clip that was panned, or zoomed into, shows its set from there, and what is made beside it must do the
same. As in `finding.py` the transformer's field is asked the other way round. Of 120 rendered pictures under their own
words 115 were explained, half of them found to 0.002, nineteen of twenty to 0.03 picture widths and log2 zoom; of 60
under the words of another scene two were.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from vitascope.givens.canvas import Canvas
from vitascope.toybox.layout import LATENTS, TIME_STRIDE
from vitascope.toybox.motion.detect import Tokens, half
from vitascope.toybox.motion.locate import beside

Pose = Float32[np.ndarray, " 4"]
"""Where a camera stands, as a row of `camera.camera_path`."""
Draw = Callable[[Float32[np.ndarray, "tries 4"], Tokens], Float32[np.ndarray, "tries some latent"]]
"""Where the camera stands to what some tokens of a latent frame of the set look like from there."""
Errors = Callable[[Sequence[Pose]], Float32[np.ndarray, " tries"]]
"""How far what is drawn from some places is from a picture, against its variance."""

COARSE = 8
"""Latent channels that are compared."""
SEEN = 0.65
"""Share of the tokens that count, those which fit best: before the others stands the subject."""
KNOWN = 0.3
"""Share of a picture that must be given, if the camera is to be looked for in it."""
EXPLAINED = 0.4
"""Error, against the picture's own variance, up to which a drawing shows it."""
FOREIGN = 1.0
"""Error of the first places from which on a picture shows another world: 60 rendered pictures under their own words had
0.64 at most, photographs 1.09 at least."""
AS_WELL = 1.25
"""Error against that of a moment before up to which nothing is said to have moved."""
CLEARLY = 0.97
"""Error against that of another place from which on a place is left for it."""
REST = np.zeros(4, np.float32)
REACH = ((0.06, 0.12, 0.18, 0.24, 0.3), (0.1, 0.2), (0.15, 0.3, 0.5), (0.2, 0.4))
"""How far from rest the camera is looked for at first: across, up, zoom, roll."""
FIRST = [REST] + [
    np.float32(sign * far) * axis
    for axis, reaches in zip(np.eye(4, dtype=np.float32), REACH, strict=True)
    for far in reaches
    for sign in (-1, 1)
]
STEPS = np.array([0.05, 0.05, 0.1, 0.1], np.float32)
ROUGH, FINEST = 1 / 2, 1 / 16
"""Smallest steps, against the first, by half of the tokens and by all of them."""
AT_ONCE = 32


@dataclass(frozen=True)
class Standpoint:
    """Where the camera stands, and how far what is drawn from there is from the picture, against its variance."""

    pose: Pose
    error: float


def standpoints(
    canvas: Canvas,
    encode: Callable[[UInt8[np.ndarray, "frames height width 3"]], Float32[np.ndarray, "tokens latent"]],
    draw: Callable[[int], Draw],
) -> dict[int, Standpoint]:
    """Return from where what is given beside or around what is wanted is drawn best, by frame.

    `draw(frame)` is what draws the set at that time. A span is looked at up to the first frame that no drawing
    explains.
    """
    cells = canvas.cells(LATENTS)
    cells = cells.reshape(len(cells), -1)
    found: dict[int, Standpoint] = {}
    for span in _spans(cells):
        near: Standpoint | None = None
        for latent in span:
            frame = latent * TIME_STRIDE
            picture = encode(canvas.part(slice(frame, frame + 1)).filled())
            near = stood(picture, cells[latent], draw(frame), near)
            found[frame] = near
            if near.error > EXPLAINED:
                break
    return found


def led(path: Float[np.ndarray, "frames 4"], through: Mapping[int, Pose]) -> Float32[np.ndarray, "frames 4"]:
    """Return a camera's path moved so that it leads through places at some frames, and evenly from one to the next."""
    if not through:
        return path
    frames = sorted(through)
    off = np.stack([through[frame] - path[frame] for frame in frames], axis=1)
    moved = [np.interp(np.arange(len(path)), frames, each) for each in off]
    return (path + np.stack(moved, axis=1)).astype(np.float32)


def stood(
    picture: Float32[np.ndarray, "tokens latent"],
    known: Bool[np.ndarray, " tokens"],
    draw: Draw,
    near: Standpoint | None = None,
) -> Standpoint:
    """Return from where a picture of which some tokens are known is drawn best; roughly, if it is foreign.

    Where it stood a moment before it stands still, as long as that fits as well as it did.
    """
    tokens = np.flatnonzero(known)
    fine, rough = (_errors(picture, some, draw) for some in (tokens, tokens[half(len(tokens))]))
    pose = REST if near is None else near.pose
    there = float(fine([pose])[0])
    if near is not None and there <= AS_WELL * near.error:
        return near
    pose = _better(_at(pose, rough), FIRST, rough).pose
    best = _at(pose, fine)
    if best.error > FOREIGN:
        return best
    nearer = _descended(_at(pose, rough), rough, 1.0, ROUGH)
    return _descended(_at(nearer.pose, fine), fine, ROUGH, FINEST)


def _errors(picture: Float32[np.ndarray, "tokens latent"], tokens: Tokens, draw: Draw) -> Errors:
    """Return what compares some tokens of a picture with what is drawn."""
    seen = picture[tokens, :COARSE]
    varied = max(1e-6, float(_least(np.square(seen - seen.mean(axis=0)).mean(axis=1)[None])[0]))

    def errors(places: Sequence[Pose]) -> Float32[np.ndarray, " tries"]:
        tries = np.stack(places)
        parts = [draw(tries[start : start + AT_ONCE], tokens) for start in range(0, len(tries), AT_ONCE)]
        return _least(np.square(np.concatenate(parts)[..., :COARSE] - seen).mean(axis=2)) / varied

    return errors


def _at(pose: Pose, errors: Errors) -> Standpoint:
    return Standpoint(pose, float(errors([pose])[0]))


def _better(best: Standpoint, others: Sequence[Pose], errors: Errors) -> Standpoint:
    """Return the best of other places, if it is clearly better."""
    off = errors(others)
    least = int(off.argmin())
    return Standpoint(others[least], float(off[least])) if off[least] < CLEARLY * best.error else best


def _descended(best: Standpoint, errors: Errors, first: float, finest: float) -> Standpoint:
    """Return a place from which no step is better; steps are halved from `first` to `finest` times the usual ones."""
    step = STEPS * first
    while step[0] >= STEPS[0] * finest:
        there = _better(best, [best.pose + sign * axis for axis in np.diag(step) for sign in (-1, 1)], errors)
        if there is best:
            step = step / 2
        best = there
    return best


def _least(errors: np.ndarray) -> np.ndarray:
    """Return the mean of the smaller part of the errors in each row."""
    return np.sort(errors, axis=1)[:, : max(1, int(SEEN * errors.shape[1]))].mean(axis=1)


def _spans(cells: Bool[np.ndarray, "latent_frames tokens"]) -> list[list[int]]:
    """Return the latent frames to look at, span by span: those of which enough is given, beside wanted ones.

    Those that are given in part are many, and every other one is enough.
    """
    share = cells.mean(axis=1)
    spans = [list(range(*span)) for span in beside(share >= KNOWN, share < 1)]
    return [span if share[span[0]] == 1 else [*span[:-1:2], span[-1]] for span in spans]
