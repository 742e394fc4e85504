"""The poster of a clip: one frame as a JPEG, attached to the file as its cover."""

import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image


def poster(frames: UInt8[np.ndarray, "frames height width 3"]) -> bytes:
    """Return the middle frame as JPEG bytes, the same bytes for the same frame."""
    out = io.BytesIO()
    Image.fromarray(frames[len(frames) // 2]).save(out, "JPEG", quality=90, subsampling=0)
    return out.getvalue()
