"""Where the subject goes: points in time to a position for every frame and a heat map for every latent frame."""

import numpy as np
from jaxtyping import Float, Float32, Float64

from vitascope.types import TIME_STRIDE, LatentShape

Path = tuple[tuple[float, float, float], ...]
"""Points (seconds, x, y), seconds ascending; x from the left and y from the top, in 0..1 of the picture."""

SPREAD = 1.0
"""Standard deviation of the heat map, in latent cells."""


def path_positions(path: Path, times: Float[np.ndarray, " times"]) -> Float64[np.ndarray, "times 2"]:
    """Return (x, y) of the subject's centre at each of `times`, in seconds.

    The way between the points is smooth, passes through each of them and never beyond them: a monotone cubic
    (Fritsch and Butland, 1984). The subject waits at the first point and stays at the last. Each time's answer
    depends on that time alone. Raises `ValueError` for a path without points, or whose times do not ascend.
    """
    points = np.array(path, np.float64).reshape(-1, 3)
    knots, values = points[:, 0], points[:, 1:]
    if not len(points) or not (np.diff(knots) > 0).all():
        raise ValueError(f"a path has at least one point, and its times ascend: {path}")
    if len(points) == 1:
        return np.repeat(values, len(times), axis=0)
    slopes = _slopes(knots, values)
    held = np.clip(times.astype(np.float64), knots[0], knots[-1])
    left = np.clip(np.searchsorted(knots, held, side="right") - 1, 0, len(knots) - 2)
    span = (knots[left + 1] - knots[left])[:, None]
    s = (held - knots[left])[:, None] / span
    return (
        values[left] * (1 + 2 * s) * (1 - s) ** 2
        + slopes[left] * span * s * (1 - s) ** 2
        + values[left + 1] * (3 - 2 * s) * s**2
        + slopes[left + 1] * span * s**2 * (s - 1)
    )


def path_channel(
    path: Path, times: Float[np.ndarray, " times"], latent: LatentShape
) -> Float32[np.ndarray, "tokens 1"]:
    """Return how near each token is to the subject: 1 at its centre, falling off as a Gaussian; 0 without a path.

    `times` are the seconds of all frames (1 + 4k), or only of each latent frame's last frame, which is the one
    that counts. Column i of w has its centre at (i + 0.5) / w of the picture's width, and rows are alike.
    Raises `ValueError` for any other number of times.
    """
    if not path:
        return np.zeros((latent.num_tokens, 1), np.float32)
    if len(times) == 1 + TIME_STRIDE * (latent.frames - 1):
        times = times[::TIME_STRIDE]
    if len(times) != latent.frames:
        raise ValueError(f"{len(times)} times do not fit {latent.frames} latent frames")
    return heat_map(path_positions(path, times), latent.height, latent.width).reshape(-1, 1)


def heat_map(
    centre: Float[np.ndarray, "frames 2"], height: int, width: int
) -> Float32[np.ndarray, "frames height width"]:
    """Return a bump of deviation `SPREAD` around the centre (x, y) of each latent frame; 0 where that is NaN."""
    x = np.arange(width) + 0.5 - centre[:, :1] * width
    y = np.arange(height) + 0.5 - centre[:, 1:] * height
    squares = y[:, :, None] ** 2 + x[:, None, :] ** 2
    return np.nan_to_num(np.exp(squares / (-2 * SPREAD**2))).astype(np.float32)


def _slopes(
    knots: Float64[np.ndarray, " knots"], values: Float64[np.ndarray, "knots 2"]
) -> Float64[np.ndarray, "knots 2"]:
    """Return the speed at each point: level where the way turns, else a harmonic mean of its two neighbours."""
    span = np.diff(knots)[:, None]
    secants = np.diff(values, axis=0) / span
    before, after = secants[:-1], secants[1:]
    one, other = span[:-1] + 2 * span[1:], 2 * span[:-1] + span[1:]
    onward = before * after > 0
    mean = (one + other) / (one / np.where(onward, before, 1.0) + other / np.where(onward, after, 1.0))
    return np.concatenate([secants[:1], np.where(onward, mean, 0.0), secants[-1:]])
