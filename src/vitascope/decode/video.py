"""Latents to frames, a few latent frames at a time, in memory that does not grow with the clip."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from jaxtyping import Float32, UInt8

from vitascope.progress import Progress
from vitascope.types import Latents

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
    return np.concatenate(list(decode_stream(latents, decoder, progress)))


def decode_stream(
    latents: Latents, decoder: Decoder, progress: Progress
) -> Iterator[UInt8[np.ndarray, "frames height width 3"]]:
    """Yield the frames of `decode` chunk by chunk, as soon as they are there."""
    with progress.phase("decode", len(cut(latents.shape.frames))):
        for chunk in decode_chunks(latents, decoder):
            progress.step(partial(_last, chunk))
            yield chunk


def glimpse(latents: Latents, decoder: Decoder) -> UInt8[np.ndarray, "height width 3"]:
    """Return about the middle frame, for the time of two latent frames; with one before it, not all, it is a guess."""
    shape = latents.shape
    first = max(0, shape.frames // 2 - 1)
    few = replace(shape, frames=min(2, shape.frames))
    cells = shape.height * shape.width
    part = latents.video[first * cells : (first + few.frames) * cells]
    return list(decode_chunks(Latents(part, few, latents.fps), decoder, few.frames))[-1][-1]


def _last(frames: UInt8[np.ndarray, "frames height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
    return frames[-1]


def decode_chunks(
    latents: Latents, decoder: Decoder, size: int = CHUNK
) -> Iterator[UInt8[np.ndarray, "frames height width 3"]]:
    """Yield the clip's frames in order, `size` latent frames' worth at a time."""
    shape = latents.shape
    grid = latents.video.reshape(1, shape.frames, shape.height, shape.width, -1).transpose(0, 4, 1, 2, 3)
    deep = np.zeros((1, decoder.deep_channels, shape.height, shape.width), np.float32)
    shallow = np.zeros((1, decoder.shallow_channels, 2 * shape.height, 2 * shape.width), np.float32)
    for span in cut(shape.frames, size):
        frames, deep, shallow = _run(decoder, grid[:, :, span], deep, shallow)
        # The first latent frame stands for one frame only: the last of those that the network makes of it.
        stride = frames.shape[2] // (span.stop - span.start)
        yield to_bytes(frames[0, :, stride - 1 if span.start == 0 else 0 :])


def cut(frames: int, size: int = CHUNK) -> list[slice]:
    """Return the spans of latent frames to decode at once; one left over at the end joins the span before."""
    starts = list(range(0, frames, size))
    if size > 1 and len(starts) > 1 and frames - starts[-1] == 1:
        starts.pop()
    return [slice(start, end) for start, end in pairwise([*starts, frames])]


def _run(
    decoder: Decoder, chunk: np.ndarray, deep: np.ndarray, shallow: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return frames and the next two feature maps of a chunk, the same bits whatever the chunk's length."""
    # A lone picture is summed over its channels in another order than several are (ONNX Runtime's ReduceMean),
    # which would show as one step of 255 here and there: so a lone one goes in twice.
    times = 2 if chunk.shape[2] == 1 else 1
    twice = [np.repeat(array, times, axis=0) for array in (chunk, deep, shallow)]
    frames, deep, shallow = decoder.network(
        **dict(zip(("latents", "deep", "shallow"), twice, strict=True))
    ).values()
    return frames[:1], deep[:1], shallow[:1]


def to_bytes(
    frames: Float32[np.ndarray, "3 frames height width"],
) -> UInt8[np.ndarray, "frames height width 3"]:
    """Return frames in 0..1 as whole numbers 0..255, nearest, out of range clipped."""
    return np.ascontiguousarray(np.rint(np.clip(frames, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 3, 0))
