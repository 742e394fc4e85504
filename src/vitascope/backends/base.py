"""What a backend is: a card that says what it can do, a plan before any work, and one verb."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from vitascope.media.inspector import LOCAL, Inspector
from vitascope.planning.rules import FrameRule, RateRule, SizeRule
from vitascope.progress import Progress
from vitascope.types import Clip, Plan, Record, Shot
from vitascope.weights.manifest import Preset


@dataclass(frozen=True)
class Card:
    """What a backend can do, known without loading it.

    `frames`, `size` and `rate` are the rules for what its clips may be (`size` is None where a server decides); a
    `strict` model refuses other sizes and frame rates in place of taking the nearest. `camera_limits` is the largest
    amount of each kind of camera move that it has seen; `takes` the roles of what it can be given, and "path";
    `presets` its ways to denoise by name. Clips of the sizes in `drawn` are drawn at the size that stands there, and
    scaled up.
    """

    id: str
    licence: str
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

    def plan(self, shot: Shot, inspector: Inspector = LOCAL) -> Plan:
        """Return a shot with all filled in that depends on the model, and a line for each thing guessed or changed.

        The model reads the words, looks at pictures by the `inspector`, fills in its defaults and snaps to what it can
        do. Raises `RequestError` for what it cannot.
        """
        ...

    def render(self, shot: Shot, progress: Progress, resume_folder: Path | None = None) -> Clip:
        """Render a planned shot. Raises `WeightsError`, and `Cancelled` when `progress` says so.

        A backend that can go on from its last step keeps each in the `resume_folder`.
        """
        ...


@dataclass(frozen=True)
class FrameStream:
    """A clip that can be watched while it is made: its frames come chunk by chunk, once, and are nowhere kept.

    Its sound (-1..1), where it has some, is known from the beginning.
    """

    frames: Iterator[UInt8[np.ndarray, "frames height width 3"]]
    fps: float
    record: Record
    sound: Float32[np.ndarray, "channels samples"] | None = None
    sample_rate: int | None = None


@runtime_checkable
class Streams(Protocol):
    """A backend that can hand over frames before the last one exists."""

    def stream(self, shot: Shot, progress: Progress, resume_folder: Path | None = None) -> FrameStream:
        """Render a planned shot as `Backend.render` does, frame for frame, a chunk at a time."""
        ...


@dataclass(frozen=True)
class ExplanationRow:
    """One line of an explanation: a field, what it holds, and how that was come by (see docs/prompts.md)."""

    field: str
    value: str
    how: str


@dataclass(frozen=True)
class Explanation:
    """What a model understands of a prompt: rows for a table, the same as plain values, and notes."""

    prompt: str
    rows: tuple[ExplanationRow, ...]
    values: Mapping[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class EnhancedPrompt:
    """A fuller prompt, who wrote it ("rules" or the chat model's name), and lines about what went otherwise."""

    prompt: str
    by: str
    notes: tuple[str, ...] = ()


@runtime_checkable
class ReadsPrompts(Protocol):
    """A backend that can say what it understands of words, and write more of them in its own vocabulary."""

    def explain(self, shot: Shot, inspector: Inspector = LOCAL) -> Explanation:
        """Return what is understood of a shot's words and pictures."""
        ...

    def enhance(self, prompt: str, *, pictured: bool = False) -> EnhancedPrompt:
        """Return a prompt that says more; where a picture goes with it, nothing that the picture shows."""
        ...


@runtime_checkable
class WorksInPasses(Protocol):
    """A backend that makes long clips in several passes, one after the other."""

    def passes(self, shot: Shot) -> int:
        """Return in about how many passes a planned shot is made."""
        ...
