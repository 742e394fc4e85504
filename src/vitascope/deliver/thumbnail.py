"""The poster of a clip: one frame as a JPEG, attached to the file as its cover."""

import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vitascope.deliver.provenance.watermark import Embedder, mark_picture


def poster(frames: UInt8[np.ndarray, "frames height width 3"], watermark: Embedder | None = None) -> bytes:
    """Return the middle frame as JPEG bytes, the same bytes for the same frame and watermark."""
    frame = frames[len(frames) // 2]
    if watermark is not None:
        frame = mark_picture(frame, watermark)
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG", quality=90, subsampling=0)
    return out.getvalue()
