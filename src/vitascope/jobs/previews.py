"""Pictures of a clip in the making: seldom, small, and never at the cost of the clip.

While it is denoised, a picture is what the decoder makes of the model's own estimate of the clean clip, near the
middle; while it is decoded, the last frame that is there. A picture is made at most every two seconds, and never before
twenty times as long has passed as the one before took: a twentieth of the work at most is spent on being looked at.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from vitascope.deliver.provenance.marks import save_picture
from vitascope.progress import Event

EVERY_SECONDS = 2.0
SHARE = 0.05
SIDE = 256
QUALITY = 85


class Previews:
    """Keeps the newest picture of a clip in a file."""

    def __init__(
        self, path: Path, every: float | int = EVERY_SECONDS, clock: Callable[[], float] = time.monotonic
    ):
        """Write to a file, no more often than `every` seconds."""
        self._path, self._every, self._clock = path, every, clock
        self._due, self._number = clock() + every / 2, 0

    def see(self, event: Event) -> int:
        """Make a picture if there is something to be seen and it is time for one; return the number of the newest."""
        begun = self._clock()
        if event.preview is not None and begun >= self._due:
            try:
                self._write(event)
                self._number += 1
            except Exception:
                # No clip fails because it could not be looked at: a full disk, a lack of memory show elsewhere.
                self._path.with_suffix(".part").unlink(missing_ok=True)
            now = self._clock()
            self._due = now + max(self._every, (now - begun) / SHARE)
        return self._number

    def _write(self, event: Event) -> None:
        from PIL import Image

        assert event.preview is not None
        picture = Image.fromarray(event.preview())
        picture.thumbnail((SIDE, SIDE))
        part = self._path.with_suffix(".part")
        save_picture(picture, part, "WEBP", quality=QUALITY)
        os.replace(part, self._path)
