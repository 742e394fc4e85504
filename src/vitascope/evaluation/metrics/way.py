"""The way of the subject: how far it is from where it was asked to be."""

import numpy as np
from jaxtyping import Float


def way_error(
    measured: Float[np.ndarray, "moments 2"],
    expected: Float[np.ndarray, "moments 2"],
    aspect: float | int = 1,
) -> float:
    """Return the mean distance between two ways (x, y in shares of the picture), in shares of the picture's width.

    `aspect` is the picture's width over its height.
    """
    apart = (measured - expected) / (1, aspect)
    return float(np.hypot(*apart.T).mean())
