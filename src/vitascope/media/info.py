"""What is known of a picture or video from outside, and the frames it shows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8

Pixels = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class SoundFacts:
    """The sound of a video: how it is coded, samples a second, and channels."""

    codec: str
    sample_rate: int
    channels: int


@dataclass(frozen=True)
class MediaFacts:
    """What a file holds. `size` is (width, height) as it is looked at, after it was `turned` upright.

    A picture has one frame and no `seconds`. `fps` is the mean over the video, and `variable` says that its frames
    last differently long; `alpha` that parts of it may be transparent; `interlaced` that its frames are of two fields.
    `pixel_aspect` is the width of a stored pixel to its height, `colours` says how the colours reach beyond BT.709
    ("HLG", "PQ", "BT.2020", "Display P3"). `joined` counts recordings, each with a clock of its own; `picture_tracks`
    and `sound_tracks` say of how many one is taken. docs/inputs.md says what is done about each fact.
    """

    name: str
    kind: Literal["picture", "video"]
    format: str
    codec: str
    pixel_format: str
    size: tuple[int, int]
    num_frames: int = 1
    seconds: float = 0.0
    fps: float | None = None
    variable: bool = False
    turned: str = ""
    alpha: bool = False
    sound: SoundFacts | None = None
    interlaced: bool = False
    pixel_aspect: tuple[int, int] = (1, 1)
    colours: str = ""
    joined: int = 1
    picture_tracks: int = 1
    sound_tracks: int = 0
    remarks: tuple[str, ...] = ()
    comment: str = ""
    """The comment in the file's own tags, where our files carry their settings; unchecked."""

    def about(self) -> str:
        """Return the facts that a person would want to know, in a few words."""
        width, height = self.size
        rate = f" at {self.fps:.4g} fps" if self.fps else ""
        pace = "variable frame rate" if self.variable else ""
        return ", ".join(filter(None, [f"{width}x{height}{rate}", pace, self.turned]))


@dataclass(frozen=True)
class Shown:
    """A frame and the second from which it is shown; `pixels` makes its picture, upright and without alpha."""

    time: float
    pixels: Callable[[], Pixels]


@dataclass(frozen=True)
class Reel:
    """A video that lies open: its facts, and what makes its frames, as often as asked.

    `frames()` yields the frames in the order in which they are shown, decoded as they are taken. All read the same open
    file, so one is used up before the next.
    """

    facts: MediaFacts
    frames: Callable[[], Iterator[Shown]]
