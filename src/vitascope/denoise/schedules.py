"""Schedules: the levels that a sampler steps through, from 1 (noise) to 0 (clean)."""

import numpy as np
from jaxtyping import Float32


def linear(steps: int, shift: float = 1.0) -> Float32[np.ndarray, " points"]:
    """Return `steps` + 1 levels from 1 to 0, evenly spaced and then shifted.

    `shift` > 1 spends more steps near the noise, which large pictures and coarse steps want; 1 leaves them
    even. Raises ValueError for fewer than one step or a shift that is not positive. Source:
    resolution-dependent shifting, Stable Diffusion 3 (arXiv 2403.03206), section 5.3.2.
    """
    if steps < 1 or not shift > 0:
        raise ValueError(
            f"a schedule needs at least one step and a positive shift, not {steps} and {shift:g}"
        )
    t = np.linspace(1.0, 0.0, steps + 1)
    return (shift * t / (1 + (shift - 1) * t)).astype(np.float32)
