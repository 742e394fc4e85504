"""Likeness: is the subject of later pictures still the one that was given?"""

import numpy as np
from jaxtyping import Float32


def likeness(given: Float32[np.ndarray, " dim"], later: Float32[np.ndarray, "pictures dim"]) -> float:
    """Return the mean cosine between a given picture's subject and those of later pictures: 1 for the same one."""
    lengths = np.linalg.norm(given) * np.linalg.norm(later, axis=1)
    return float(np.mean(later @ given / np.maximum(lengths, 1e-9)))
