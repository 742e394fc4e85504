"""Frames at twice the size at which they were drawn, each for itself."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from jaxtyping import Float32, UInt8

from vitascope.givens.load import Known
from vitascope.progress import Progress
from vitascope.toybox.cast.lookup import Appearance
from vitascope.toybox.conditioning.still_image import photographed, retouched
from vitascope.toybox.motion.trajectory import Blocking
from vitascope.types import Shot

SCALE = 2
"""How much larger along each side."""
BATCH = 4
"""Frames that the network sees at once; any number gives the same pixels."""

Frames = UInt8[np.ndarray, "frames height width 3"]
LargeFrames = UInt8[np.ndarray, "frames double_height double_width 3"]
Network = Callable[..., Mapping[str, np.ndarray]]
"""Takes `pictures` [n 3 height width] in 0..1 and returns them at twice the size."""


Appearances = list[tuple[Appearance, Blocking]]
"""Subjects with the maps from the screen to their pages, the nearest first."""
Pages = Float32[np.ndarray, "frames 4 double_height double_width"]
"""The pages of the subjects as they lie over the large frames: premultiplied RGBA in 0..1."""
Overlay = Callable[[slice], Pages | None]


def no_pages(cast: Appearances, frames: slice) -> None:
    """Return nothing, for networks that take no pages."""


def upscaled(frames: Frames, network: Network, pages: Pages | None = None) -> LargeFrames:
    """Return frames at twice the size, with the `pages` of what they show for a network that takes them."""
    out = np.empty((len(frames), SCALE * frames.shape[1], SCALE * frames.shape[2], 3), np.uint8)
    for start in range(0, len(frames), BATCH):
        part = frames[start : start + BATCH]
        pictures = np.ascontiguousarray(part.transpose(0, 3, 1, 2), np.float32) / 255
        over = {} if pages is None else {"pages": pages[start : start + BATCH]}
        (large,) = network(pictures=pictures, **over).values()
        large = np.rint(np.clip(large, 0, 1) * 255)
        out[start : start + BATCH] = large.transpose(0, 2, 3, 1)
    return out


def enlarged(
    chunks: Iterator[Frames],
    shot: Shot,
    drawn: Known,
    known: Known,
    network: Network,
    progress: Progress,
    overlay: Overlay = lambda frames: None,
) -> Iterator[LargeFrames]:
    """Yield chunks of a clip at twice the size at which they were `drawn`, where what is given is `known` as it is.

    A photograph keeps its own sharpness: only what was made of it is scaled up.
    """
    shown = 0
    for chunk in chunks:
        span = slice(shown, shown + len(chunk))
        with progress.phase("upscale"):
            if photographed(shot) and drawn.source is not None and known.source is not None:
                large = retouched(chunk, drawn.source[span], known.source[span])
            else:
                large = upscaled(chunk, network, overlay(span))
        yield known.canvas.part(span).composite(large)
        shown += len(chunk)
