"""The inspector of files: what planning asks of pictures and videos before anything is made of them.

It is an argument of all that plans. `LOCAL` decodes in this process; a server that takes files from strangers hands
down one that decodes in a sandbox, so that no decoder runs in its own process.
"""

from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from vitascope.media.fit import fit
from vitascope.media.image import read_picture
from vitascope.media.info import MediaFacts
from vitascope.media.video import probe, read_video
from vitascope.types import Fit, VideoShape

Pictures = UInt8[np.ndarray, "pictures height width 3"]

EVERY_SECONDS = 2.0
"""How far apart the moments are at which a video is looked at."""
MOMENTS = 3


@runtime_checkable
class Inspector(Protocol):
    """Opens files and says what they hold; raises `RequestError` for `argument` where a file cannot be read."""

    def facts(self, path: str | Path, argument: str) -> MediaFacts:
        """Return what a picture or video holds."""
        ...

    def check_picture(self, path: str | Path, argument: str) -> None:
        """See that a file holds a picture, all of which can be read."""
        ...

    def moments(
        self, path: str | Path, kind: Literal["image", "video"], size: tuple[int, int], start: float | int
    ) -> Pictures:
        """Return a picture, or some of a video from a second on, cropped to a `size` (width, height)."""
        ...

    def beginning(self, path: str | Path, shape: VideoShape, how: Fit, start: float | int) -> Pictures:
        """Return a video's first frames from a second on, as a clip of a `shape` would show them."""
        ...


class LocalInspector:
    """Decodes in this process."""

    def facts(self, path: str | Path, argument: str) -> MediaFacts:
        """Return what a picture or video holds."""
        return probe(path, argument)

    def check_picture(self, path: str | Path, argument: str) -> None:
        """See that a file holds a picture."""
        read_picture(path, argument)

    def moments(
        self, path: str | Path, kind: Literal["image", "video"], size: tuple[int, int], start: float | int
    ) -> Pictures:
        """Return a picture, or some of a video."""
        if kind == "image":
            return fit(read_picture(path, kind).pixels[None], size)[0]
        return read_video(
            path, kind, fps=1 / EVERY_SECONDS, size=size, start=start, max_frames=MOMENTS
        ).frames

    def beginning(self, path: str | Path, shape: VideoShape, how: Fit, start: float | int) -> Pictures:
        """Return a video's first frames."""
        size = (shape.width, shape.height)
        return read_video(
            path, "video", fps=shape.fps, size=size, how=how, start=start, max_frames=shape.num_frames
        ).frames


LOCAL = LocalInspector()
