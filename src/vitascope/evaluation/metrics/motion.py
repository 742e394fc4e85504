"""Motion: does anything in a clip move at all?"""

import numpy as np
from jaxtyping import UInt8

from vitascope.evaluation.metrics.luma import luma

BLOCK = 8
LAG = 0.5
"""Seconds between the two frames that are compared."""
LIVELY = 0.05
"""Share of the picture that has to move for a clip to move: a toy is larger, the grain of a decoder is everywhere."""
STILL = 40.0
"""A clip that is no livelier than this stands still; see docs/evaluation.md for what clips were measured."""


def motion(frames: UInt8[np.ndarray, "frames height width 3"], fps: float | int) -> float:
    """Return how much the liveliest blocks of the picture change within half a second, on average.

    In thousandths of full brightness; 0 for a single frame. A block counts with its mean, so that fine noise does not.
    """
    lag = min(max(1, round(fps * LAG)), len(frames) - 1)
    if lag < 1:
        return 0.0
    count, height, width = frames.shape[:3]
    high, wide = height // BLOCK, width // BLOCK
    cropped = luma(frames)[:, : high * BLOCK, : wide * BLOCK]
    blocks = cropped.reshape(count, high, BLOCK, wide, BLOCK).mean((2, 4)).reshape(count, -1)
    change = np.sort(np.abs(blocks[lag:] - blocks[:-lag]), axis=1)
    return 1000 * float(change[:, -max(1, round(LIVELY * change.shape[1])) :].mean())
