import numpy as np

from vitascope.evaluation.metrics.warping import warping


def texture(seed: int = 0) -> np.ndarray:
    blocks = np.random.default_rng(seed).integers(0, 255, (20, 20, 1))
    return np.repeat(np.kron(blocks, np.ones((4, 4, 1))), 3, axis=-1).astype(np.uint8)


def test_motion_within_reach_costs_nothing_inside_the_picture():
    picture = texture()
    moving = np.stack([picture[8 : 8 + 48, 8 + 2 * t : 8 + 48 + 2 * t] for t in range(4)])
    boiling = np.stack([texture(t)[:48, :48] for t in range(4)])
    assert warping(moving) < 0.25 * warping(boiling)


def test_a_still_picture_has_no_error():
    assert warping(np.stack([texture()] * 3)) == 0


def test_more_noise_is_more_error():
    rng = np.random.default_rng(0)
    still = np.stack([texture()] * 3).astype(float)
    errors = [
        warping(np.clip(still + rng.normal(0, amount, still.shape), 0, 255).astype(np.uint8))
        for amount in (2, 8, 20)
    ]
    assert errors == sorted(errors)
    assert errors[0] < errors[2] / 3
