"""A film as a person says it: what all shots share, and the shots one after the other. From TOML, JSON or Python.

title = "A walk"
crossfade = 0.5

[[shots]]
prompt = "a cat walks in a garden"

[[shots]]
prompt = "a cat jumps in a garden"
continue = true
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vitascope.errors import RequestError
from vitascope.limits import (
    MAX_CAMERA,
    MAX_GIVENS,
    MAX_MOVES,
    MAX_PATH,
    MAX_POINTS,
    MAX_STAGES,
    MAX_TIME,
)
from vitascope.shot_fields import MAX_SEED, field_schema
from vitascope.types import CameraMove, FileName, LongText, Number, ShortText
from vitascope.validation import complaint

M = TypeVar("M", bound=BaseModel)
Find = Callable[[str, str], str]
"""From the name of a file and the field that names it to where it is."""

MAX_SHOTS = 64
FILES = ("image", "last_image", "references")
LONGEST_SCRIPT = 2**20

Camera = Annotated[str, Field(max_length=MAX_CAMERA)]
Moves = Annotated[tuple[CameraMove, ...], Field(max_length=MAX_MOVES)]
PathText = Annotated[str, Field(max_length=MAX_PATH)]
Points = Annotated[tuple[tuple[Number, Number, Number], ...], Field(max_length=MAX_POINTS)]
Size = Annotated[str, Field(max_length=MAX_TIME)]
Pictures = Annotated[tuple[FileName, ...], Field(max_length=MAX_GIVENS)]
Time = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Seconds = Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]


class FilmShot(BaseModel):
    """One shot of a film; what it does not say is as the film has it, or else as the model does it.

    The fields are those of `generate`. A shot that continues begins with the last frame of the one before, which is
    shown once; `crossfade` says for how many seconds that one is still seen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    prompt: LongText = Field(**field_schema("prompt"))
    negative_prompt: LongText | None = Field(None, **field_schema("negative_prompt"))
    seconds: Number | None = Field(None, **field_schema("seconds"))
    num_frames: Count | None = Field(None, **field_schema("num_frames"))
    seed: Seed | None = Field(None, **field_schema("seed"))
    camera: Camera | Moves | None = Field(None, **field_schema("camera"))
    path: PathText | Points | None = Field(None, **field_schema("path"))
    at: dict[Time, LongText] = Field(
        {}, max_length=MAX_STAGES, **field_schema("at", "Maps seconds to words.")
    )
    image: FileName | None = Field(None, **field_schema("image"))
    last_image: FileName | None = Field(None, **field_schema("last_image"))
    references: Pictures | None = Field(None, **field_schema("reference"))
    style: ShortText | None = Field(None, **field_schema("style"))
    preset: ShortText | None = Field(None, **field_schema("preset"))
    steps: Count | None = Field(None, **field_schema("steps"))
    guidance_scale: Number | None = Field(None, **field_schema("guidance_scale"))
    continues: bool = Field(False, alias="continue")
    crossfade: Seconds | None = None


class Film(BaseModel):
    """A film: shots one after the other, and what holds for each that does not say otherwise.

    Shots have seeds that follow, from `seed` on. `crossfade` is how many seconds of two shots lie over each other; 0
    is a cut.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    title: str = Field("", max_length=200)
    shots: tuple[FilmShot, ...] = Field(min_length=1, max_length=MAX_SHOTS)
    seed: Seed | None = Field(None, **field_schema("seed"))
    size: Size | tuple[Count, Count] | None = Field(None, **field_schema("size"))
    aspect_ratio: Size | None = Field(None, **field_schema("aspect_ratio"))
    fps: Number | None = Field(None, **field_schema("fps"))
    style: ShortText | None = Field(None, **field_schema("style"))
    negative_prompt: LongText | None = Field(None, **field_schema("negative_prompt"))
    references: Pictures = Field((), **field_schema("reference", "Shared by all shots."))
    preset: ShortText | None = Field(None, **field_schema("preset"))
    steps: Count | None = Field(None, **field_schema("steps"))
    guidance_scale: Number | None = Field(None, **field_schema("guidance_scale"))
    crossfade: Seconds = 0.0
    model: ShortText | None = Field(None, **field_schema("model"))

    @property
    def name(self) -> str:
        """Its title, or else the words of its first shot."""
        return " ".join(self.title.split()) or self.shots[0].prompt

    def with_files(self, find: Find) -> "Film":
        """Return the film with each file that it names where `find` says that it is."""
        shots = tuple(
            _locate_files(shot, find, f"shots[{number}].") for number, shot in enumerate(self.shots)
        )
        return _locate_files(self, find).model_copy(update={"shots": shots})

    def said(self) -> dict[str, Any]:
        """Return what was said, as JSON has it."""
        return self.model_dump(mode="json", exclude_defaults=True, by_alias=True)


def parse_film(values: Mapping[str, Any]) -> Film:
    """Return the film that plain values tell of; raises `RequestError` naming shot and field, counted from 0."""
    try:
        return Film.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise RequestError(field_name(first["loc"]), *complaint(first)) from None


def read_script(path: Path) -> Film:
    """Return the film of a TOML file, whose pictures are named as seen from its folder; raises `RequestError`."""
    try:
        if path.stat().st_size > LONGEST_SCRIPT:
            raise RequestError("script", f"{path} is too large for a script", "at most 1 MiB is read")
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RequestError("script", f"{path} could not be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError("script", f"{path} is not TOML ({error})") from None
    return parse_film(values).with_files(lambda name, argument: str(path.parent / name))


def field_name(location: Sequence[int | str]) -> str:
    """Return the name of a field in a list of things, as in "shots[2].camera"."""
    match list(location[:3]):
        case [str(name), int(number), str(field)]:
            return f"{name}[{number}].{field}"
        case [str(name), int(number)]:
            return f"{name}[{number}]"
        case [name, *_]:
            return str(name)
        case _:
            return "film"


def _locate_files(model: M, find: Find, start: str = "") -> M:
    values: dict[str, Any] = {}
    for name in FILES:
        value = getattr(model, name, None)
        if isinstance(value, str):
            values[name] = find(value, start + name)
        elif value:
            values[name] = tuple(find(file, f"{start}{name}[{i}]") for i, file in enumerate(value))
    return model.model_copy(update=values)
