"""The seam between the stages and whatever runs their networks."""

from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Network(Protocol):
    """Named arrays in, named arrays out; nobody who calls it knows what runs it."""

    def __call__(self, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs by name. Raises `TypeError` naming inputs that are missing or not the network's."""
        ...
