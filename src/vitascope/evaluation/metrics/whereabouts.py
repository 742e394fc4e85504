"""Whereabouts: where the subject is in each frame of a clip whose camera stands still."""

import warnings

import numpy as np
from jaxtyping import Float, Float32, UInt8

FAR = 0.3
"""How far, in shares of the picture, a subject's middle has to be for a place to show the set behind it."""
REACH = 0.22
"""Deviation of the bump around the subject's supposed middle within which it is looked for."""
FAINT, PLAIN = 24, 64
"""Differences from the set, of 255, from which on a pixel counts for the subject, and counts fully."""
ROUNDS = 2


def whereabouts(
    frames: UInt8[np.ndarray, "frames height width 3"], rough: Float[np.ndarray, "frames 2"]
) -> Float32[np.ndarray, "frames 2"]:
    """Return the subject's middle (x, y) in shares of the picture, from a rough guess of it in each frame.

    The set is what each place shows while the guess is far from it, the subject what differs from the set near the
    guess; its middle is a better guess, and so on.
    """
    middles = rough.astype(np.float32)
    for _ in range(ROUNDS):
        middles = _better(frames.astype(np.float32), middles)
    return middles


def _better(
    frames: Float32[np.ndarray, "frames height width 3"], middles: Float32[np.ndarray, "frames 2"]
) -> Float32[np.ndarray, "frames 2"]:
    _, height, width, _ = frames.shape
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    apart = np.hypot(x - middles[:, :1, None], y[:, None] - middles[:, 1:, None])
    with warnings.catch_warnings():
        # A place that the subject never leaves has no median; there the picture's own one has to do.
        warnings.simplefilter("ignore", RuntimeWarning)
        behind = np.nanmedian(np.where((apart > FAR)[..., None], frames, np.nan), axis=0)
    behind = np.where(np.isnan(behind), np.median(frames, axis=0), behind)
    differs = np.clip(np.abs(frames - behind).max(axis=-1) - FAINT, 0, PLAIN - FAINT)
    weights = differs * np.exp(apart**2 / (-2 * REACH**2))
    total = weights.sum(axis=(1, 2))
    centres = np.stack([weights.sum(axis=1) @ x, weights.sum(axis=2) @ y], axis=1)
    visible = total[:, None] > 0
    return np.where(visible, centres / np.maximum(total, 1e-9)[:, None], middles).astype(np.float32)
