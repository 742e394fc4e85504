"""Global flow: how the ground moves in the picture from frame to frame, and how it was asked to.

Each frame is aligned with the one before by a shift and a growth, from coarse to fine, and what does not fit (the
subject, what is uncovered) counts for little: robust parametric motion (Odobez and Bouthemy, 1995). Only the lower part
of the picture is looked at, where the ground is as far away as the subject: what is farther moves less.
"""

import math

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8

from vitascope.evaluation.metrics.luma import luma

SHRINKS = (8, 4, 2, 1)
ROUNDS = 8
MOST_GROWTH = 0.5
"""Natural logarithm of how much things may grow from one frame to the next; more is a search that has gone astray."""
GROUND = 0.55
"""From which share of the picture's height on the ground is looked for."""

Flow = Float64[np.ndarray, "pairs 3"]
"""Per pair of frames: how far the middle moves to the right and down, in pixels, and the log2 of how things grow."""


def global_flow(frames: UInt8[np.ndarray, "frames height width 3"], ground: float = GROUND) -> Flow:
    """Measure how each frame but the first has moved since the one before it."""
    grey = luma(frames).astype(np.float64)
    flow = np.zeros((len(frames) - 1, 3))
    most = np.array([frames.shape[2] / 2, frames.shape[1] / 2, MOST_GROWTH])
    for shrink in SHRINKS:
        small = _shrunk(grey, shrink)
        for _ in range(ROUNDS):
            flow = np.clip(flow + _better(small, flow, shrink, ground), -most, most)
    return flow / (1, 1, math.log(2))


def asked_flow(path: Float[np.ndarray, "frames 4"], width: int, height: int) -> Flow:
    """Return what `global_flow` should measure at the subject's depth, of a camera's path as it is filmed."""
    x, y, zoom, _ = path.T.astype(np.float64)
    place = np.stack([x * width, -y * height], axis=1)
    shift = (place[:-1] - place[1:]) * np.exp2(zoom[1:, None])
    return np.concatenate([shift, np.diff(zoom)[:, None]], axis=1)


def in_pixels(flow: Flow, width: int) -> Flow:
    """Return the way from the first frame on, growth as the pixels that it moves the picture's edge by."""
    return np.cumsum(flow, axis=0) * (1, 1, math.log(2) * width / 2)


def correlation(expected: Float64[np.ndarray, " n"], measured: Float64[np.ndarray, " n"]) -> float:
    """Return Pearson's correlation; 0 where one of the two does not vary."""
    if min(np.std(expected), np.std(measured)) < 1e-9:
        return 0.0
    return float(np.corrcoef(expected, measured)[0, 1])


def _better(grey: Float64[np.ndarray, "n h w"], flow: Flow, shrink: int, ground: float) -> Flow:
    """Return one Gauss-Newton step: what to add to each flow (whose growth is a natural logarithm here)."""
    before, after = grey[:-1], grey[1:]
    _, high, wide = grey.shape
    x = ((np.arange(wide) + 0.5) * shrink - wide * shrink / 2)[None, None]
    y = ((np.arange(high) + 0.5) * shrink - high * shrink / 2)[None, :, None]
    growth = np.exp(flow[:, 2])[:, None, None]
    to_x, to_y = growth * x + flow[:, 0, None, None], growth * y + flow[:, 1, None, None]
    warped, inside = _sampled(after, to_y / shrink + high / 2 - 0.5, to_x / shrink + wide / 2 - 0.5)
    inside &= (np.arange(high) >= ground * high)[None, :, None]
    down, across = np.gradient(warped, axis=(1, 2))
    down, across = down / shrink / growth, across / shrink / growth
    slopes = np.stack([across, down, (across * x + down * y) * growth, np.ones_like(across)], axis=-1)
    error = before - warped
    weights = _trust(error, inside)[..., None]
    squares = np.einsum("nhwi,nhwj->nij", slopes * weights, slopes) + 1e-6 * np.eye(4)
    pulls = np.einsum("nhwi,nhw->ni", slopes * weights, error)
    return np.linalg.solve(squares, pulls[..., None])[..., :3, 0]


def _trust(
    error: Float64[np.ndarray, "n h w"], inside: Bool[np.ndarray, "n h w"]
) -> Float64[np.ndarray, "n h w"]:
    """Return how much each pixel counts: little where its error is large beside most others' (Geman and McClure)."""
    sizes = np.where(inside, np.abs(error), np.nan)
    sizes[~inside.any(axis=(1, 2))] = 0.0
    usual = np.nanmedian(sizes.reshape(len(error), -1), axis=1)[:, None, None]
    scale = np.maximum(1.4826 * np.nan_to_num(usual), 0.004)
    return inside / (1 + (error / (2 * scale)) ** 2) ** 2


def _sampled(
    pictures: Float64[np.ndarray, "n h w"],
    rows: Float64[np.ndarray, "n h 1"],
    columns: Float64[np.ndarray, "n 1 w"],
) -> tuple[Float64[np.ndarray, "n h w"], Bool[np.ndarray, "n h w"]]:
    """Return pictures between their pixels (bilinear), and which places lie in them."""
    count, high, wide = pictures.shape
    inside = (rows >= 0) & (rows <= high - 1) & (columns >= 0) & (columns <= wide - 1)
    rows, columns = np.clip(rows, 0, high - 1.001), np.clip(columns, 0, wide - 1.001)
    top, left = rows.astype(int), columns.astype(int)
    low, right = rows - top, columns - left
    numbers = np.arange(count)[:, None, None]
    above = pictures[numbers, top, left] * (1 - right) + pictures[numbers, top, left + 1] * right
    below = pictures[numbers, top + 1, left] * (1 - right) + pictures[numbers, top + 1, left + 1] * right
    return above * (1 - low) + below * low, inside


def _shrunk(grey: Float64[np.ndarray, "n h w"], by: int) -> Float64[np.ndarray, "n h2 w2"]:
    count, high, wide = grey.shape
    cut = grey[:, : high // by * by, : wide // by * by]
    return cut.reshape(count, high // by, by, wide // by, by).mean(axis=(2, 4))
