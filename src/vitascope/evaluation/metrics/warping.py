"""Warping error: what of a frame cannot be found again, moved, in the frame before."""

import numpy as np
from jaxtyping import Float32, UInt8

from vitascope.evaluation.metrics.luma import luma

BLOCK = 8
REACH = 4


def warping(
    frames: UInt8[np.ndarray, "frames height width 3"], block: int = BLOCK, reach: int = REACH
) -> float:
    """Return the mean difference in brightness between each frame and the one before it, moved to fit.

    In thousandths of full brightness; 0 for less than two frames. Each block of `block` pixels is compared
    with every shift of up to `reach` pixels and keeps its best (exhaustive block matching), so that motion
    costs nothing and boiling, tearing and popping do.
    """
    if len(frames) < 2:
        return 0.0
    grey = luma(frames)
    _, height, width = grey.shape
    high, wide = height // block, width // block
    grey = grey[:, : high * block, : wide * block]
    before = np.pad(grey[:-1], ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    best = np.full((len(grey) - 1, high, wide), np.inf, dtype=np.float32)
    for dy in range(2 * reach + 1):
        for dx in range(2 * reach + 1):
            moved = before[:, dy : dy + high * block, dx : dx + wide * block]
            best = np.minimum(best, _per_block(np.abs(grey[1:] - moved), block))
    return 1000 * float(best.mean())


def _per_block(
    difference: Float32[np.ndarray, "pairs height width"], block: int
) -> Float32[np.ndarray, "pairs high wide"]:
    pairs, height, width = difference.shape
    columns = difference.reshape(pairs, height, width // block, block).sum(-1)
    return columns.reshape(pairs, height // block, block, width // block).sum(2) / block**2
