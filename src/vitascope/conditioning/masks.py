"""What is given and what is wanted: the one mechanism behind every task.

A token that is given has level 0 and keeps its latents; a token that is wanted starts at level 1 as noise.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32

from vitascope.types import LATENT_CHANNELS, LatentShape


def known_frames(
    shape: LatentShape, known: Mapping[int, Float32[np.ndarray, "cells latent"]]
) -> tuple[Float32[np.ndarray, "tokens latent"], Float32[np.ndarray, " tokens"]]:
    """Return the given latents and each token's level when whole latent frames are known.

    `known` maps a latent frame (negative counts from the end) to its normalised latents; an empty one is text to
    video. Raises `IndexError` for a frame that the clip does not have.
    """
    cells = shape.height * shape.width
    given = np.zeros((shape.frames, cells, LATENT_CHANNELS), np.float32)
    levels = np.ones((shape.frames, cells), np.float32)
    for frame, latents in known.items():
        given[frame] = latents
        levels[frame] = 0.0
    return given.reshape(-1, LATENT_CHANNELS), levels.reshape(-1)
