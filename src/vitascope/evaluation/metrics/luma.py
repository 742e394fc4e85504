"""Brightness, which the temporal metrics look at."""

import numpy as np
from jaxtyping import Float32, UInt8

WEIGHTS = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def luma(frames: UInt8[np.ndarray, "frames height width 3"]) -> Float32[np.ndarray, "frames height width"]:
    """Return the brightness of every pixel, 0..1 (ITU-R BT.601)."""
    return frames.astype(np.float32) @ (WEIGHTS / 255)
