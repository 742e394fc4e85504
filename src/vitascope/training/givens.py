"""Random tasks for training: which tokens are given, which are wanted. One table of masks does every task."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

SHARES = {
    "text": 0.52,
    "first frame": 0.20,
    "first and last frame": 0.05,
    "keyframes": 0.03,
    "start": 0.07,
    "end": 0.03,
    "outside a box": 0.10,
}
"""How often each task is trained; all of them are one mechanism (`given_mask`)."""


@dataclass(frozen=True)
class Grid:
    """Latent frames (by their place in the clip), rows and columns of the tokens being trained."""

    frames: tuple[int, ...]
    height: int
    width: int


def given_mask(
    rng: np.random.Generator, grid: Grid, shares: dict[str, float] = SHARES
) -> Bool[np.ndarray, " tokens"]:
    """Draw a task and return which tokens are given, in the order (frames height width). Never all of them."""
    task = rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values()))
    mask = np.zeros((len(grid.frames), grid.height, grid.width), bool)
    last = len(grid.frames) - 1
    if last == 0 and task != "outside a box":
        return mask.ravel()
    match task:
        case "first frame":
            mask[0] = True
        case "first and last frame":
            mask[[0, last]] = last > 1
        case "keyframes":
            mask[rng.permutation(last + 1)[: rng.integers(1, last + 1)]] = True
        case "start":
            mask[: rng.integers(1, last + 1)] = True
        case "end":
            mask[rng.integers(1, last + 1) :] = True
        case "outside a box":
            high, wide = rng.integers(2, grid.height + 1), rng.integers(2, grid.width + 1)
            top, left = rng.integers(grid.height - high + 1), rng.integers(grid.width - wide + 1)
            mask[:] = True
            mask[:, top : top + high, left : left + wide] = False
    return mask.ravel()
