"""What a backend is: a card that says what it can do, a plan before any work, and one verb."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from vitascope.planning.rules import FrameRule, RateRule, SizeRule
from vitascope.progress import Progress
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.world import World
from vitascope.types import Clip, Plan, Record, Shot
from vitascope.weights.manifest import Preset


@dataclass(frozen=True)
class Card:
    """What a backend can do, known without loading it.

    `world` is all that the model was taught to draw, in words; None where it reads free text.
    `frames`, `size` and `rate` are the rules for what its clips may be (`size` is None where a server decides); a
    `strict` model refuses other sizes and frame rates in place of taking the nearest. `camera_limits` is the largest
    amount of each kind of camera move that it has seen; `takes` the roles of what it can be given, and "path";
    `presets` its ways to denoise by name. Clips of the sizes in `drawn` are drawn at the size that stands there, and
    scaled up.
    """

    id: str
    licence: str
    world: World | None
    frames: FrameRule
    size: SizeRule | None
    rate: RateRule
    steps: int
    guidance_scale: float
    camera_limits: Mapping[str, float]
    takes: frozenset[str] = frozenset()
    presets: Mapping[str, Preset] = field(default_factory=dict)
    strict: bool = False
    drawn: Mapping[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """The (width, height) of its clips, that of a usual clip first; none where a server decides."""
        return () if self.size is None else self.size.usual

    @property
    def num_frames(self) -> int:
        """How many frames a usual clip has."""
        return self.frames.default

    @property
    def max_frames(self) -> int:
        """How many frames the longest clip has."""
        return self.frames.longest

    @property
    def fps(self) -> float:
        """The usual frame rate."""
        return self.rate.default

    def drawing(self, size: tuple[int, int] | None) -> tuple[int, int]:
        """Return the size at which a clip of some size is drawn; that of a usual clip for one that cannot be made."""
        usual = size if size is not None and size in self.sizes else self.sizes[0]
        return self.drawn.get(usual, usual)


@runtime_checkable
class Backend(Protocol):
    """Renders shots; heavy imports happen inside `render`."""

    @property
    def card(self) -> Card:
        """What this backend can do."""
        ...

    @property
    def embed(self) -> Embed | None:
        """What places words by their meaning, for words that the world does not know; None where nothing does."""
        ...

    def plan(self, shot: Shot) -> Plan:
        """Fill in the defaults and snap to what the model can do; raises `RequestError` for what it cannot."""
        ...

    def render(self, shot: Shot, progress: Progress) -> Clip:
        """Render a planned shot. Raises `WeightsError`, and `Cancelled` when `progress` says so."""
        ...


@dataclass(frozen=True)
class Showing:
    """A clip that can be watched while it is made: its frames come chunk by chunk, once, and are nowhere kept."""

    frames: Iterator[UInt8[np.ndarray, "frames height width 3"]]
    fps: float
    record: Record


@runtime_checkable
class Shows(Protocol):
    """A backend that can hand over frames before the last one exists."""

    def show(self, shot: Shot, progress: Progress) -> Showing:
        """Render a planned shot as `Backend.render` does, frame for frame, a chunk at a time."""
        ...
