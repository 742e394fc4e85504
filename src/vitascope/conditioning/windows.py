"""A clip longer than the network can see at once, cut into windows that overlap."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from vitascope.types import TIME_STRIDE

CONTEXT = 1 + TIME_STRIDE
"""Frames of what is already there that a window begins with (or ends with, where the clip grows backwards)."""


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
    whose beginning is not is made backwards.
    """
    size = min(longest, len(known))
    context = min(CONTEXT, max(1, size - TIME_STRIDE))
    backwards = bool(known[-1] and not known[0])
    made, out = known.copy(), []
    while not made.all():
        wanted = np.flatnonzero(~made)
        if backwards:
            start = -(-(wanted[-1] + context - size + 1) // TIME_STRIDE) * TIME_STRIDE
        else:
            start = (wanted[0] - context) // TIME_STRIDE * TIME_STRIDE
        window = Window(int(np.clip(start, 0, len(known) - size)), size)
        made[window.frames] = True
        out.append(window)
    return tuple(out)
