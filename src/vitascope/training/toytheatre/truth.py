"""What is known about a rendered clip without looking at it: the answers that judges are trained on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from vitascope.toybox.scene import Scene


@dataclass(frozen=True)
class SoundEvent:
    """Something that is heard: what kind of sound, and at which second of the clip it begins."""

    kind: str
    seconds: float


@dataclass(frozen=True)
class Appearance:
    """Where one subject of a clip is: the page that it shows, and its box, map and animation in each frame."""

    subject: str
    boxes: Float32[np.ndarray, "frames 4"]
    maps: Float32[np.ndarray, "frames 2 3"]
    loops: Float32[np.ndarray, " frames"]


@dataclass(frozen=True)
class Truth:
    """The facts of one clip.

    `boxes` are (x0, y0, x1, y1) of the subject in shares of the picture, clipped to it (all 0 while it is out of
    sight); `camera` is the path of `camera/path.py`; `maps` are those of `toybox/motion/trajectory.py` from the
    screen (NaN without a subject), and `loops` say how many turns of its animation have passed; `masks` says per pixel
    how much of it is subject (255 = all), and is None unless it was asked for. `depth` is what a dolly and an orbit add
    to the camera's path (see `Filmed`), None where there is neither. `cast` are all subjects of the clip, the nearest
    first; `boxes`, `maps` and `loops` are those of the scene's own.
    """

    scene: Scene
    boxes: Float32[np.ndarray, "frames 4"]
    camera: Float32[np.ndarray, "frames 4"]
    maps: Float32[np.ndarray, "frames 2 3"]
    loops: Float32[np.ndarray, " frames"]
    events: tuple[SoundEvent, ...]
    masks: UInt8[np.ndarray, "frames height width"] | None = None
    depth: Float32[np.ndarray, "frames 2"] | None = None
    cast: tuple[Appearance, ...] = ()
