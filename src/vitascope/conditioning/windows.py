"""A clip longer than the network can see at once, cut into windows that overlap."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from vitascope.types import TIME_STRIDE

CONTEXT = 1 + TIME_STRIDE
"""Frames of what is already there that a window begins with (or ends with, where the clip grows backwards)."""

SHORTEST = CONTEXT + TIME_STRIDE
"""Frames of the shortest window that a long clip begins with."""


@dataclass(frozen=True)
class Window:
    """A span of frames that is made at once: 1 + 4k of them, beginning at a multiple of 4."""

    start: int
    num_frames: int

    @property
    def frames(self) -> slice:
        """The span as a slice of the clip's frames."""
        return slice(self.start, self.start + self.num_frames)


def windows(known: Bool[np.ndarray, " frames"], longest: int) -> tuple[Window, ...]:
    """Return the windows that make all frames that are not wholly known, in the order in which they are made.

    Windows have at most `longest` frames and share `CONTEXT` frames with what is there. A clip whose end is known and
    whose beginning is not is made backwards. The window at the beginning, for whose frames somebody may be waiting, is
    as short as it can be without another one being needed.
    """
    size = min(longest, len(known))
    firsts = range(min(SHORTEST, size), size, TIME_STRIDE)
    return min((_cut(known, first, size) for first in (*firsts, size)), key=len)


def _cut(known: Bool[np.ndarray, " frames"], first: int, size: int) -> tuple[Window, ...]:
    """Return windows of `size` frames; one that begins the clip and is made first has `first`."""
    context = min(CONTEXT, max(1, size - TIME_STRIDE))
    backwards = bool(known[-1] and not known[0])
    made, out = known.copy(), []
    while not made.all():
        wanted = np.flatnonzero(~made)
        if backwards:
            start = -(-(wanted[-1] + context - size + 1) // TIME_STRIDE) * TIME_STRIDE
        else:
            start = (wanted[0] - context) // TIME_STRIDE * TIME_STRIDE
        start = int(np.clip(start, 0, len(known) - size))
        begins = not out and not backwards and start == 0 and wanted[0] < first
        window = Window(start, first if begins else size)
        made[window.frames] = True
        out.append(window)
    return tuple(out)
