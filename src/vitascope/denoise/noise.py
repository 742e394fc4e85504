"""Noise that depends only on the seed and the latent frame: not on device, batch, length or chunking."""

import numpy as np
from jaxtyping import Float32

from vitascope.types import LatentShape


def noise(
    seed: int, shape: LatentShape, channels: int, first_frame: int = 0
) -> Float32[np.ndarray, "tokens channels"]:
    """Return standard normal noise for a grid of latents, tokens ordered (frames height width).

    Each latent frame is drawn alone, by a counter-based generator keyed by (seed, frame), so a piece that
    starts at `first_frame` of a longer clip gets the very numbers that the whole would. `seed` is 0..2**64 -
    1.
    """
    cells = (shape.height * shape.width, channels)
    return np.concatenate([_frame(seed, first_frame + frame, cells) for frame in range(shape.frames)])


def _frame(seed: int, frame: int, cells: tuple[int, int]) -> np.ndarray:
    key = np.array([seed, frame], np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).standard_normal(cells, np.float32)


def add_noise(
    clean: Float32[np.ndarray, "*batch tokens dim"],
    noise: Float32[np.ndarray, "*batch tokens dim"],
    levels: Float32[np.ndarray, "*batch tokens"],
) -> Float32[np.ndarray, "*batch tokens dim"]:
    """Return `(1 - level) clean + level noise` per token; at levels 0 and 1 one of the two, bit for bit."""
    t = levels[..., None]
    mixed = (1 - t) * clean + t * noise
    return np.where(t == 0, clean, np.where(t == 1, noise, mixed)).astype(np.float32)
