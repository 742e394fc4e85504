"""Flicker: brightness that goes up and down again from frame to frame."""

import numpy as np
from jaxtyping import UInt8

from vitascope.evaluation.metrics.luma import luma

BLOCK = 8


def flicker(frames: UInt8[np.ndarray, "frames height width 3"], block: int = BLOCK) -> float:
    """Return how far a block's brightness strays, on average, from the mean of its two neighbours in time.

    In thousandths of full brightness, over blocks of `block` pixels; 0 for less than three frames. Even
    motion and slow changes of light cancel out, so that what is left is jitter.
    """
    if len(frames) < 3:
        return 0.0
    count, height, width = frames.shape[:3]
    high, wide = height // block, width // block
    cropped = luma(frames)[:, : high * block, : wide * block]
    blocks = cropped.reshape(count, high, block, wide, block).mean((2, 4))
    strays = blocks[1:-1] - (blocks[:-2] + blocks[2:]) / 2
    return 1000 * float(np.abs(strays).mean())
