"""The meter is tried on clips in which it is known where the subject is."""

import numpy as np
import pytest

from vitascope.evaluation.metrics.way import way_error
from vitascope.evaluation.metrics.whereabouts import whereabouts

SIZE, FRAMES = 96, 17


def clip(way: np.ndarray, seed: int, noise: float = 0.0) -> np.ndarray:
    """Return a striped ball of a third of the picture's width on its way over a set of blocks, with grain."""
    rng = np.random.default_rng(seed)
    behind = np.kron(rng.uniform(40, 200, (8, 8, 3)), np.ones((SIZE // 8, SIZE // 8, 1)))
    y, x = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    frames = []
    for cx, cy in way:
        inside = np.hypot(x - cx, y - cy) < 1 / 6
        ball = np.stack([255 * (np.sin(40 * (x - cx)) > 0), 255 * (y > cy), 0 * x], axis=-1)
        frames.append(np.where(inside[..., None], ball, behind) + rng.normal(0, noise, behind.shape))
    return np.stack(frames).clip(0, 255).round().astype(np.uint8)


@pytest.mark.parametrize(
    ("start", "end"), [((0.2, 0.4), (0.8, 0.7)), ((0.8, 0.5), (0.2, 0.5)), ((0.4, 0.6), (0.6, 0.6))]
)
@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_a_subject_is_found_from_a_rough_guess(start, end, noise):
    way = np.linspace(start, end, FRAMES)
    errors = []
    for seed in range(3):
        rough = way + np.random.default_rng(seed).normal(0, 0.07, way.shape)
        errors.append(way_error(whereabouts(clip(way, seed, noise), rough), way))
    # A short way never shows what is behind its middle, and is measured less well.
    assert np.mean(errors) < (0.03 if abs(start[0] - end[0]) > 0.5 else 0.06), errors


def test_where_nothing_moves_the_guess_stays():
    still = np.full((5, 32, 32, 3), 90, np.uint8)
    rough = np.full((5, 2), 0.3, np.float32)
    np.testing.assert_array_equal(whereabouts(still, rough), rough)
