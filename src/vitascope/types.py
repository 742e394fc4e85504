"""The nouns that travel from stage to stage: small, frozen and free of any network.

`Shot -> Conditioning -> Latents -> Clip -> file`. No model's numbers stand here: what one latent cell covers is a
`LatentSpec`, which the weights state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vitascope.limits import (
    LENGTHS,
    MAX_CAST,
    MAX_FILE_NAME,
    MAX_GIVENS,
    MAX_LORAS,
    MAX_MOVES,
    MAX_NAME,
    MAX_POINTS,
    MAX_STAGES,
    MAX_TEXT,
)
from vitascope.shot_fields import describe_shot

CameraKind = Literal["static", "pan", "tilt", "zoom", "dolly", "truck", "roll", "orbit", "shake"]
Fit = Literal["crop", "pad", "stretch"]
Quality = Literal["lossless", "high", "medium", "low"]
"""How near to what the model draws at its slowest a clip is to be: all the way, or less and faster."""
Easing = Literal["linear", "ease", "ease-in", "ease-out"]
Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a length; neither infinity nor what is no number lies between 0 and 1."""
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
LongText = Annotated[str, Field(max_length=MAX_TEXT)]
ShortText = Annotated[str, Field(max_length=MAX_NAME)]
FileName = Annotated[str, Field(max_length=MAX_FILE_NAME)]
MOTION = ("pose", "face")
"""Roles of the videos whose motion somebody else is to make."""


class CameraMove(BaseModel):
    """One movement of the camera over a span of the shot.

    `amount` is signed: pan and truck in frame widths (+ right), tilt in frame heights (+ up), zoom and dolly in
    log2 of the size of things (+ in), roll and orbit in radians (+ clockwise), shake in frame widths.
    `start` and `end` are shares of the shot's length, 0..1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: CameraKind
    amount: Number = 0.0
    easing: Easing = "ease"
    start: Annotated[float, Field(ge=0, lt=1)] = 0.0
    end: Annotated[float, Field(gt=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> "CameraMove":
        if self.start >= self.end:
            raise ValueError(f"a camera move must end after it starts, not {self.start:g} to {self.end:g}")
        return self


class Given(BaseModel):
    """Something already known: what it is, where in the shot it holds, and as what it is to be taken.

    `source` is a file, read from its second `offset` on. `start` and `end` are seconds of the shot; with neither, a
    picture is the first frame and a video lies under all of the shot. A picture with a `start` is a keyframe.
    Roles: `frame` is kept as it is, but where the white of `mask` (a picture file) or `box` (x, y, width, height in
    shares of the picture) asks for something new; `source` is what an edit starts from; `reference` shows who is meant;
    `pose` and `face` are videos of how the body and the face are to move, as the model's own preprocessing draws them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["image", "video", "sound"]
    source: FileName
    role: Literal["frame", "source", "reference", "sound", "pose", "face"] = "frame"
    start: Seconds | None = None
    end: Seconds | None = None
    offset: Seconds = 0.0
    mask: FileName | None = None
    box: tuple[Share, Share, Share, Share] | None = None
    fit: Fit = "crop"
    shows: LongText | None = None
    """What an edit's source shows, in the model's own words, filled in when the shot is planned; None if unsure.

    A first frame that has it is a photograph: it is filmed as a flat picture, and changed by what the words ask beside.
    """
    sha256: ShortText | None = None
    """Of the file's bytes, filled in when the shot is planned, so that a remake knows whether it is the same."""


class CastMember(BaseModel):
    """One subject of a clip, whose looks are a page of a memory.

    `page` is the page's id and `name` what the prompt calls it. `colour` names one of the colours that pages are dyed
    in, "" for its own. `scale` multiplies its usual height. `action` is what it does, "" for what the caption says.
    `relation` is how it stands to the member at place `target` of the cast. Who is `added` comes into a video that does
    not show it yet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    page: ShortText
    name: ShortText
    colour: ShortText = ""
    scale: Number = Field(default=1.0, ge=0.1, le=4.0)
    action: ShortText = ""
    relation: ShortText = ""
    target: int | None = Field(default=None, ge=0, lt=MAX_CAST)
    added: bool = False


class Shot(BaseModel):
    """One continuous take, as asked for or as resolved.

    None means "not said": stage 1 (the words) and `Backend.plan` (the model's rules and defaults) fill it in, and
    the resolved shot travels in the finished file. `size` is (width, height) in pixels, `seconds` is always
    `num_frames / fps` once resolved, `caption` is what the model reads in place of the prompt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=describe_shot)

    prompt: LongText
    negative_prompt: LongText = ""
    seconds: Number | None = None
    num_frames: int | None = None
    fps: Number | None = None
    size: tuple[int, int] | None = None
    aspect_ratio: str | None = Field(default=None, max_length=LENGTHS["aspect_ratio"])
    """Width to height as in "16:9"; planning turns it into a size."""
    seed: int | None = None
    camera: tuple[CameraMove, ...] | None = Field(default=None, max_length=MAX_MOVES)
    path: tuple[tuple[Seconds, Share, Share], ...] = Field(default=(), max_length=MAX_POINTS)
    """Where the subject goes: (seconds, x, y), x and y in 0..1 of the picture."""
    givens: tuple[Given, ...] = Field(default=(), max_length=MAX_GIVENS)
    strength: Share | None = None
    """How far an edit may go from its source: 0 leaves it, 1 keeps only what the words and the network see in it."""
    loop: bool = False
    """Whether the last frame leads into the first."""
    script: tuple[tuple[Share, LongText], ...] = Field(default=(), max_length=MAX_STAGES)
    """What is told from which share (0..1) of the shot on, where the words change: prompts, captions once resolved."""
    style: ShortText | None = None
    sound: bool = False
    preset: ShortText | None = None
    """How much care is taken: "draft", "standard" or "quality"; `steps` and `guidance_scale` go before what it says."""
    steps: int | None = None
    guidance_scale: Number | None = None
    model: ShortText = "toybox"
    quality: Quality | None = None
    """What may be spared to be faster; None is the model's own way."""
    memory: ShortText | None = None
    """How a large model is to lie in memory, by the name of a placement; None is what fits best."""
    loras: tuple[tuple[FileName, Number], ...] = Field(default=(), max_length=MAX_LORAS)
    """LoRAs laid over the model: files or repositories, and how strongly each counts."""
    caption: LongText | None = None
    cast: tuple[CastMember, ...] | None = Field(default=None, max_length=MAX_CAST)
    """Who is to be seen, found in the words; () is nobody. None for models whose looks are no pages."""

    @model_validator(mode="after")
    def _targets_are_there(self) -> "Shot":
        if any((member.target or 0) >= len(self.cast or ()) for member in self.cast or ()):
            raise ValueError("a member of the cast stands to another that is not there")
        return self

    def video_shape(self) -> "VideoShape":
        """Return the shape of a resolved shot; raises `ValueError` when the shot is not resolved yet."""
        if self.num_frames is None or self.size is None or self.fps is None:
            raise ValueError("the shot has no size, number of frames and frame rate yet: plan it first")
        width, height = self.size
        return VideoShape(num_frames=self.num_frames, height=height, width=width, fps=self.fps)


@dataclass(frozen=True)
class PlannedShot:
    """A shot of which planning has left nothing open; `shot` is the same as it travels in the file.

    What may still be absent is absent on purpose: a path, a script, pictures, a strength.
    """

    shot: Shot
    caption: str
    seed: int
    steps: int
    guidance_scale: float
    camera: tuple[CameraMove, ...]
    shape: "VideoShape"

    @classmethod
    def of(cls, shot: Shot) -> "PlannedShot":
        """Return a planned shot; raises `ValueError` naming the fields that planning has left open."""
        caption, seed, steps, guidance = shot.caption, shot.seed, shot.steps, shot.guidance_scale
        if caption is None or seed is None or steps is None or guidance is None:
            needed = {"caption": caption, "seed": seed, "steps": steps, "guidance_scale": guidance}
            missing = ", ".join(name for name, value in needed.items() if value is None)
            raise ValueError(f"the shot has no {missing} yet: plan it first")
        return cls(shot, caption, seed, steps, guidance, shot.camera or (), shot.video_shape())


@dataclass(frozen=True)
class Plan:
    """A shot with more of it filled in, and a line about each thing that was guessed or changed on the way."""

    shot: Shot
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LatentShape:
    """The grid of latent cells of a clip; tokens are its cells in the order (frames height width)."""

    frames: int
    height: int
    width: int

    @property
    def num_tokens(self) -> int:
        """Tokens in the whole grid."""
        return self.frames * self.height * self.width

    def positions(self, fps: float, time_stride: int) -> Float32[np.ndarray, "tokens 3"]:
        """Return where each token lies: seconds of its last frame, then y and x in cells, centred on 0."""
        seconds = np.arange(self.frames) * time_stride / fps
        y = np.arange(self.height) - (self.height - 1) / 2
        x = np.arange(self.width) - (self.width - 1) / 2
        grid = np.stack(np.meshgrid(seconds, y, x, indexing="ij"), axis=-1)
        return grid.reshape(-1, 3).astype(np.float32)

    def spread(self, per_frame: Float32[np.ndarray, "frames dim"]) -> Float32[np.ndarray, "tokens dim"]:
        """Repeat one row per latent frame over all tokens of that frame."""
        return np.repeat(per_frame, self.height * self.width, axis=0)


@dataclass(frozen=True)
class VideoShape:
    """The shape of a clip in frames and pixels."""

    num_frames: int
    height: int
    width: int
    fps: float

    @property
    def seconds(self) -> float:
        """How long the clip lasts."""
        return self.num_frames / self.fps


@dataclass(frozen=True)
class LatentSpec:
    """How a model's encoder packs a clip: numbers per cell, and the frames and pixels that one cell covers.

    The first latent frame covers one frame, each later one `time_stride` frames; a cell is a square of `space_stride`
    pixels.
    """

    channels: int
    time_stride: int
    space_stride: int

    def grid(self, shape: VideoShape) -> LatentShape:
        """Return the grid of latents of a clip; raises `ValueError` for a shape that has none."""
        if shape.num_frames < 1 or (shape.num_frames - 1) % self.time_stride:
            raise ValueError(f"{shape.num_frames} frames are not 1 + {self.time_stride}k")
        sides = (shape.height, shape.width)
        if min(sides) < 1 or any(side % self.space_stride for side in sides):
            size = f"{shape.width}x{shape.height}"
            raise ValueError(f"{size} is not a multiple of {self.space_stride} on both sides")
        return LatentShape(
            frames=self.latent_frames(shape.num_frames),
            height=shape.height // self.space_stride,
            width=shape.width // self.space_stride,
        )

    def latent_frames(self, num_frames: int) -> int:
        """Return how many latent frames so many frames fill."""
        return 1 + (num_frames - 1) // self.time_stride


@dataclass(frozen=True)
class Text:
    """A sentence as the text encoder hands it on."""

    states: Float32[np.ndarray, "words dim"]
    mask: Bool[np.ndarray, " words"]
    pooled: Float32[np.ndarray, " dim"]


@dataclass(frozen=True)
class Conditioning:
    """All that is known before the first step: the words, the camera, what is given, and each token's level.

    `given` holds the clean latents where `levels` is 0 (given) and anything where it is 1 (wanted); `null` is the
    empty text (or the negative prompt) that guidance leads away from. The tokens are those of a grid, `first_frame`
    latent frames into the shot, after `prefix` tokens that only show something (reference pictures).
    """

    text: Float32[np.ndarray, "words dim"]
    text_mask: Bool[np.ndarray, " words"]
    pooled: Float32[np.ndarray, " dim"]
    channels: Float32[np.ndarray, "tokens extra"]
    positions: Float32[np.ndarray, "tokens 3"]
    given: Float32[np.ndarray, "tokens latent"]
    levels: Float32[np.ndarray, " tokens"]
    caption: str
    null: Text
    grid: LatentShape
    fps: float
    first_frame: int = 0
    prefix: int = 0
    pages: Float32[np.ndarray, "slots 4 phases size size"] | None = None
    """What the subjects look like, for models that take pages."""
    shown: Text | None = None
    """What the given latents show, in words, where only the difference to the text is to be made of them."""


@dataclass(frozen=True)
class Latents:
    """A clean clip before decoding: normalised latents, one row per token, and the shapes they stand for."""

    video: Float32[np.ndarray, "tokens latent"]
    shape: LatentShape
    fps: float


@dataclass(frozen=True)
class Record:
    """How a clip was made: enough to make it again, and what a person would want to know about it.

    `seconds_spent` maps phases to wall seconds; it is told to the user and never written into the file, so that
    the same shot gives the same bytes. A film has its storyboard in `film`, and `shot` stands for the whole.
    """

    shot: Shot
    backend: str
    weights: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds_spent: Mapping[str, float] = field(default_factory=dict)
    film: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Clip:
    """A finished clip: frames of 0..255, sound of -1..1 (or none), and the record of how it was made."""

    frames: UInt8[np.ndarray, "frames height width 3"]
    fps: float
    record: Record
    sound: Float32[np.ndarray, "channels samples"] | None = None
    sample_rate: int | None = None

    @property
    def seconds(self) -> float:
        """How long the clip lasts."""
        return len(self.frames) / self.fps

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the clip as an MP4 file and return its path.

        Raises `OutputError` when the file exists (unless `force`), or cannot be written; no half-written file stays.
        """
        from vitascope.deliver.mux import save

        return save(self, Path(path), force=force)

    def _repr_html_(self) -> str:
        """Return a player with the clip inside, for notebooks."""
        from vitascope.deliver.notebook import player

        return player(self)
