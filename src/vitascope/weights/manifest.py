"""What a weights folder says of itself: its files, the world it knows, its latents, its defaults, its descent."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from vitascope.errors import WeightsError
from vitascope.types import LatentSpec

T = TypeVar("T")

STANDARD = "standard"
"""The preset of a shot that names none."""
DRAFT_STEPS = 8
QUALITY_STEPS = 40


@dataclass(frozen=True)
class FileEntry:
    """One file of the folder: the SHA-256 of its bytes in hexadecimal, and its length in bytes."""

    sha256: str
    size: int


def describe(path: Path) -> FileEntry:
    """Return the entry that a manifest should hold for a file."""
    with path.open("rb") as file:
        return FileEntry(sha256=hashlib.file_digest(file, "sha256").hexdigest(), size=path.stat().st_size)


@dataclass(frozen=True)
class NativeShape:
    """The clip that the model was trained on: 1 + 4k frames, sides in pixels, frames per second."""

    num_frames: int
    height: int
    width: int
    fps: float


@dataclass(frozen=True)
class Preset:
    """A way to denoise: steps, guidance scale, sampler, time shift, temperature, and which network is asked."""

    steps: int = 20
    guidance_scale: float = 3.0
    sampler: str = "euler"
    shift: float = 1.0
    network: str = "dit"
    temperature: float = 1.0


@dataclass(frozen=True)
class Defaults:
    """How to denoise when the shot does not say: steps, guidance scale, sampler, time shift, temperature of the noise.

    `presets` are further ways by name, or other ones than those that every model has (see `every`).
    """

    steps: int = 20
    guidance_scale: float = 3.0
    sampler: str = "euler"
    shift: float = 1.0
    presets: Mapping[str, Preset] = field(default_factory=dict)
    temperature: float = 1.0

    @property
    def every(self) -> dict[str, Preset]:
        """All presets by name, quickest first: draft, standard and quality, and what else the weights have."""
        standard = Preset(
            self.steps, self.guidance_scale, self.sampler, self.shift, temperature=self.temperature
        )
        draft = replace(standard, steps=min(DRAFT_STEPS, self.steps), sampler="ab2")
        quality = replace(standard, steps=max(QUALITY_STEPS, self.steps))
        return {"draft": draft, STANDARD: standard, "quality": quality} | dict(self.presets)


@dataclass(frozen=True)
class Stage:
    """One training run that led to these weights: stage, minutes, samples seen, and what it measured."""

    stage: str
    minutes: float
    samples: int
    results: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Manifest:
    """All that is known of one set of weights.

    `world` maps each kind of label (subjects, actions, sets …) to the ids that the model was taught; `sizes` are
    the (width, height) that it can draw; `latent_mean` and `latent_std` hold one number per
    latent channel, and one cell covers `time_stride` frames and `space_stride` pixels along each side; `adapters` maps
    the name of an adapter to the network that its numbers add to. With an `open_cast` looks are an input of the
    networks, so that any page of the memory can be a subject.
    """

    name: str
    version: str
    native: NativeShape
    sizes: tuple[tuple[int, int], ...]
    latent_mean: tuple[float, ...]
    latent_std: tuple[float, ...]
    world: Mapping[str, tuple[str, ...]]
    max_words: int
    defaults: Defaults = Defaults()
    lineage: tuple[Stage, ...] = ()
    adapters: Mapping[str, str] = field(default_factory=dict)
    licence: str = "Apache-2.0"
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    time_stride: int = 4
    space_stride: int = 16
    open_cast: bool = False

    @property
    def latents(self) -> LatentSpec:
        """How the encoder of these weights packs a clip."""
        return LatentSpec(len(self.latent_mean), self.time_stride, self.space_stride)

    def write(self, path: Path) -> None:
        """Write the manifest as JSON, in an order that makes for small differences."""
        path.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read a manifest; raises `WeightsError` if it is no JSON or not a manifest."""
        try:
            values = json.loads(path.read_text("utf-8"))
            if not isinstance(values, dict):
                raise TypeError("it holds no JSON object")
            return _from_json(values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise WeightsError(f"{path} is damaged ({error}); install vitascope again") from None


def _from_json(values: dict) -> Manifest:
    """Turn plain lists and objects back into the manifest's own types."""
    return Manifest(
        **{
            **values,
            "native": _record(NativeShape, values["native"]),
            "sizes": tuple((int(width), int(height)) for width, height in values["sizes"]),
            "latent_mean": tuple(map(float, values["latent_mean"])),
            "latent_std": tuple(map(float, values["latent_std"])),
            "world": MappingProxyType({kind: tuple(ids) for kind, ids in values["world"].items()}),
            "defaults": _defaults(values["defaults"]),
            "lineage": tuple(_record(Stage, stage) for stage in values["lineage"]),
            "adapters": {str(name): str(base) for name, base in values.get("adapters", {}).items()},
            "files": MappingProxyType(
                {name: _record(FileEntry, entry) for name, entry in values["files"].items()}
            ),
        }
    )


def _defaults(values: dict) -> Defaults:
    """Read the defaults; what a preset does not say it has from them."""
    plain = {name: value for name, value in values.items() if name != "presets"}
    presets = {name: _record(Preset, plain | changes) for name, changes in values.get("presets", {}).items()}
    return replace(_record(Defaults, plain), presets=presets)


def _record(kind: type[T], values: dict) -> T:
    """Make a record of plain values; whole numbers become floats where its fields are."""
    floats = {entry.name for entry in fields(kind) if entry.type is float}  # pyright: ignore[reportArgumentType]
    return kind(**{name: float(value) if name in floats else value for name, value in values.items()})
