"""Latents to frames, a few latent frames at a time, in memory that does not grow with the clip."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from vitascope.progress import Progress
from vitascope.types import TIME_STRIDE, Latents

CHUNK = 4
"""Latent frames that are decoded at once; any number gives the same frames."""


@dataclass(frozen=True)
class Decoder:
    """The decoder network and the channels of the two feature maps that it remembers between chunks.

    The network takes `latents`, `deep` (one place per latent cell) and `shallow` (2x2 per latent cell), and returns, in
    this order, the frames in 0..1, the next `deep` and the next `shallow`.
    """

    network: Callable[..., Mapping[str, np.ndarray]]
    deep_channels: int
    shallow_channels: int


def decode(
    latents: Latents, decoder: Decoder, progress: Progress
) -> UInt8[np.ndarray, "frames height width 3"]:
    """Return all frames of a clip; one step of `progress` per chunk. Raises `Cancelled`."""
    with progress.phase("decode", -(-latents.shape.frames // CHUNK)):
        chunks = []
        for chunk in decode_chunks(latents, decoder):
            chunks.append(chunk)
            progress.step()
        return np.concatenate(chunks)


def decode_chunks(
    latents: Latents, decoder: Decoder, size: int = CHUNK
) -> Iterator[UInt8[np.ndarray, "frames height width 3"]]:
    """Yield the clip's frames in order, `size` latent frames' worth at a time."""
    shape = latents.shape
    grid = latents.video.reshape(1, shape.frames, shape.height, shape.width, -1).transpose(0, 4, 1, 2, 3)
    deep = np.zeros((1, decoder.deep_channels, shape.height, shape.width), np.float32)
    shallow = np.zeros((1, decoder.shallow_channels, 2 * shape.height, 2 * shape.width), np.float32)
    for start in range(0, shape.frames, size):
        chunk = np.ascontiguousarray(grid[:, :, start : start + size])
        frames, deep, shallow = decoder.network(latents=chunk, deep=deep, shallow=shallow).values()
        # The first latent frame stands for one frame only: the last of the four that the network makes of it.
        yield to_bytes(frames[0, :, TIME_STRIDE - 1 if start == 0 else 0 :])


def to_bytes(
    frames: Float32[np.ndarray, "3 frames height width"],
) -> UInt8[np.ndarray, "frames height width 3"]:
    """Return frames in 0..1 as whole numbers 0..255, nearest, out of range clipped."""
    return np.ascontiguousarray(np.rint(np.clip(frames, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 3, 0))
