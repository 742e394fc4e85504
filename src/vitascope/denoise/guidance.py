"""Guidance: lead the clean prediction away from what the model would draw without the words."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from jaxtyping import Float32

from vitascope.denoise.noise import add_noise
from vitascope.denoise.samplers import Model

C = TypeVar("C")


def guided(
    model: Model[C],
    null: C,
    scale: float,
    interval: tuple[float, float] = (0.0, 1.0),
    join: Callable[[C, C], C] | None = None,
) -> Model[C]:
    """Return a model whose clean prediction is `null + scale * (conditioned - null)`.

    `null` is the conditioning without the words (or with words to avoid). A scale of 1 is the model itself.
    Guidance holds while the highest level of any token lies within `interval`; outside it, and at scale 1,
    the model is called once per step. `join` makes one conditioning of a batch out of two: with it both
    branches are one call, else they are two. Sources: classifier-free guidance (arXiv 2207.12598); guidance
    in a limited interval (arXiv 2404.07724).
    """
    low, high = interval

    def predict(
        latents: Float32[np.ndarray, "batch tokens dim"],
        levels: Float32[np.ndarray, "batch tokens"],
        conditioning: C,
    ) -> Float32[np.ndarray, "batch tokens dim"]:
        if scale == 1.0 or not low <= levels.max() <= high:
            return model(latents, levels, conditioning)
        if join is None:
            conditioned, free = model(latents, levels, conditioning), model(latents, levels, null)
        else:
            twice = np.concatenate([latents, latents]), np.concatenate([levels, levels])
            conditioned, free = np.split(model(*twice, join(conditioning, null)), 2)
        return free + np.float32(scale) * (conditioned - free)

    return predict


def differing(
    model: Model[C],
    shown: C,
    given: Float32[np.ndarray, "tokens dim"],
    noise: Float32[np.ndarray, "tokens dim"],
) -> Model[C]:
    """Return a model whose clean prediction is what is given, and the difference that the words make to it.

    The difference is that between what the model sees in what has been made so far, under the words, and in what is
    given, as noisy with the same noise, under the words for what that shows. So a picture that the model knows
    nothing of is changed only in what the words ask for. Source: FlowEdit (arXiv 2412.08629), written for the clean
    prediction and one noise.
    """

    def predict(
        latents: Float32[np.ndarray, "batch tokens dim"],
        levels: Float32[np.ndarray, "batch tokens"],
        conditioning: C,
    ) -> Float32[np.ndarray, "batch tokens dim"]:
        clean = np.broadcast_to(given, latents.shape)
        if not levels.any():
            return clean.copy()
        before = add_noise(clean, np.broadcast_to(noise, latents.shape), levels)
        return clean + model(latents, levels, conditioning) - model(before, levels, shown)

    return predict
