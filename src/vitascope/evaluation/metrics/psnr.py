"""Peak signal-to-noise ratio: how near one picture or clip is to another."""

import math

import numpy as np
from jaxtyping import UInt8


def psnr(measured: UInt8[np.ndarray, "*shape"], true: UInt8[np.ndarray, "*shape"]) -> float:
    """Return the ratio in dB over all pixels together, infinity for equal ones."""
    error = float(np.mean((measured.astype(np.float32) - true.astype(np.float32)) ** 2))
    return 10 * math.log10(255**2 / error) if error else math.inf
