import math

import numpy as np

from vitascope.evaluation.metrics.psnr import psnr


def test_psnr_counts_the_mean_squared_error():
    black = np.zeros((4, 6, 3), np.uint8)
    assert psnr(black, black) == math.inf
    assert abs(psnr(black, black + 255)) < 1e-9
    assert abs(psnr(black, black + 1) - 20 * math.log10(255)) < 1e-9
