"""Where the subject goes: points in time to a position at any time."""

import numpy as np
from jaxtyping import Float, Float64

Path = tuple[tuple[float, float, float], ...]
"""Points (seconds, x, y), seconds ascending; x from the left and y from the top, in 0..1 of the picture."""


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
