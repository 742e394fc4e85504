"""One checksum over bytes and arrays, for what has to be the very same before it is used again."""

import hashlib
from collections.abc import Iterable

import numpy as np


def checksum(parts: Iterable[bytes | np.ndarray]) -> str:
    """Return the SHA-256 of bytes and arrays (their types and shapes included) in this order."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            part = np.ascontiguousarray(part).tobytes()
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
