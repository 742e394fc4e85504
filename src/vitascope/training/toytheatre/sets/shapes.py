"""Shapes as distances: how far points (x, y) lie outside of a shape, negative inside, all in picture heights."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32

Field = Float[np.ndarray, "#rows #columns"]


def rounded_box(x: Field, y: Field, x0: float, y0: float, x1: float, y1: float, corner: float) -> Field:
    """Return the distance to a box with round corners of radius `corner`."""
    aside = np.abs(x - (x0 + x1) / 2) - (x1 - x0) / 2 + corner
    above = np.abs(y - (y0 + y1) / 2) - (y1 - y0) / 2 + corner
    return (
        np.hypot(np.maximum(aside, 0), np.maximum(above, 0))
        + np.minimum(np.maximum(aside, above), 0)
        - corner
    )


def ellipse(x: Field, y: Field, cx: float, cy: float, wide: float, tall: float) -> Field:
    """Return roughly the distance to an ellipse with half axes `wide` and `tall`."""
    return (np.hypot((x - cx) / wide, (y - cy) / tall) - 1) * min(wide, tall)


def dome(x: Field, y: Field, cx: float, cy: float, wide: float, tall: float) -> Field:
    """Return the distance to the upper half of an ellipse."""
    return np.maximum(ellipse(x, y, cx, cy, wide, tall), y - cy)


def polygon(x: Field, y: Field, corners: Float32[np.ndarray, "n 2"]) -> Field:
    """Return the distance to a convex polygon whose corners go clockwise on the picture."""
    edges = np.roll(corners, -1, 0) - corners
    normals = np.stack([edges[:, 1], -edges[:, 0]], 1) / np.maximum(
        np.hypot(edges[:, :1], edges[:, 1:]), 1e-6
    )
    sides = [(x - px) * nx + (y - py) * ny for (px, py), (nx, ny) in zip(corners, normals, strict=True)]
    return np.maximum.reduce(sides)


def blade(x: Field, y: Field, foot: Sequence[float], tall: float, phase: float) -> Field:
    """Return the distance to a wavy blade of grass that grows from `foot` (x, y)."""
    up = np.clip((foot[1] - y) / tall, 0, 1.2)
    middle = foot[0] + 0.028 * up * np.sin(8 * up + phase)
    return np.maximum(np.abs(x - middle) - 0.014 * np.sqrt(np.clip(1 - up, 0, 1)), y - foot[1])
