"""A clip longer than the network can see at once, cut into windows that overlap."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from vitascope.toybox.layout import TIME_STRIDE
from vitascope.types import Shot

CONTEXT = 1 + TIME_STRIDE
"""Frames of what is given that a window begins with (or ends with, where the clip grows backwards): how that moves."""

LINK = 1
"""Frames of what was made before that a window begins with: how it goes on is told, as it was told there."""

SHORTEST = 1 + 2 * TIME_STRIDE
"""Frames of the shortest window of a long clip."""


@dataclass(frozen=True)
class Window:
    """A span of frames that is made at once: 1 + 4k of them, beginning at a multiple of 4, `context` of them known."""

    start: int
    num_frames: int
    context: int = 0

    @property
    def frames(self) -> slice:
        """The span as a slice of the clip's frames."""
        return slice(self.start, self.start + self.num_frames)

    @property
    def num_latents(self) -> int:
        """Latent frames, which are what a window costs."""
        return 1 + (self.num_frames - 1) // TIME_STRIDE


def windows(known: Bool[np.ndarray, " frames"], longest: int) -> tuple[Window, ...]:
    """Return the windows that make all frames that are not wholly known, in the order in which they are made.

    Windows have at most `longest` frames. They share `CONTEXT` frames with what is given, and `LINK` with what was made
    before. A clip whose end is known and whose beginning is not is made backwards. The window at the beginning, for
    whose frames somebody may be waiting, is as short as it can be for at most one latent frame more in all.
    """
    size = min(longest, len(known))
    if len(known) <= longest:
        return _cut(known, size, size)
    cuts = [_cut(known, first, size) for first in (*range(min(SHORTEST, size), size, TIME_STRIDE), size)]
    costs = [sum(window.num_latents for window in cut) for cut in cuts]
    return next(cut for cut, cost in zip(cuts, costs, strict=True) if cost <= min(costs) + 1)


def count_windows(shot: Shot, longest: int) -> int:
    """Return in about how many windows a planned shot is made; a loop is made twice."""
    count = len(windows(np.zeros(shot.num_frames or 1, bool), longest))
    return 2 * count if shot.loop else count


def _cut(known: Bool[np.ndarray, " frames"], first: int, size: int) -> tuple[Window, ...]:
    """Return windows of at most `size` frames; one that begins the clip and is made first has `first`."""
    most = max(1, size - TIME_STRIDE)
    backwards = bool(known[-1] and not known[0])
    made, out = known.copy(), []
    while not made.all():
        wanted = np.flatnonzero(~made)
        if backwards:
            context, length = min(CONTEXT, most), size
            start = -(-(wanted[-1] + context - size + 1) // TIME_STRIDE) * TIME_STRIDE
        else:
            context = min(CONTEXT if known[max(0, wanted[0] - 1)] else LINK, most)
            start = max(0, (wanted[0] - context) // TIME_STRIDE * TIME_STRIDE)
            length = int(np.clip(len(known) - start, min(SHORTEST, size), size))
        start = int(np.clip(start, 0, len(known) - length))
        begins = not out and not backwards and start == 0 and wanted[0] < first
        window = Window(start, first if begins else length, int(wanted[0] - start) if start else 0)
        made[window.frames] = True
        out.append(window)
    return tuple(out)
