"""Film -> Storyboard: every shot as the model will be asked for it, checked before any is rendered."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from vitascope import pipeline
from vitascope.api import drawn_seed, given_pictures, make_shot
from vitascope.backends.base import Card
from vitascope.backends.registry import backend
from vitascope.director.film import Film, FilmShot
from vitascope.errors import InputFileError, RequestError
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.planning.prompt import clean
from vitascope.types import Record, Shot

SHARED = ("style", "negative_prompt", "preset", "steps", "guidance_scale", "references")
"""What the film says for each shot that does not say it."""


class Take(BaseModel):
    """One shot of a film with nothing shared left out, and how it follows the one before.

    `shows` is what the frame shows that it continues from, as a clip's planning found it; `crossfade` is in seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shot: Shot
    continues: bool = False
    shows: str | None = None
    crossfade: float = 0.0

    @property
    def overlap(self) -> int:
        """How many of its frames lie in the time of the shot before."""
        return 1 if self.continues else round(self.crossfade * (self.shot.fps or 0))


class Storyboard(BaseModel):
    """A film, shot by shot: what is rendered, and what travels in the finished file. `seed` is that of the film."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    seed: int
    takes: tuple[Take, ...]
    notes: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """The model that makes all shots."""
        return self.takes[0].shot.model

    def spans(self) -> list[tuple[int, int]] | None:
        """Return at which frames of the film each shot begins and ends; None where a server decides that."""
        spans, end = [], 0
        for take in self.takes:
            if take.shot.num_frames is None or take.shot.fps is None:
                return None
            start = end - take.overlap
            end = start + take.shot.num_frames
            spans.append((start, end))
        return spans

    def whole(self) -> Shot:
        """Return a shot that stands for the film where one is wanted: its title, size and length."""
        first, spans = self.takes[0].shot, self.spans()
        length: dict[str, Any] = {}
        if spans is not None and first.fps is not None:
            length = {"num_frames": spans[-1][1], "seconds": spans[-1][1] / first.fps}
        about = {
            "size": first.size,
            "fps": first.fps,
            "seed": self.seed,
            "model": first.model,
            "steps": first.steps,
        }
        return Shot(prompt=self.title, **about, **length)

    def told(self) -> dict[str, Any]:
        """Return it as plain values, as a file keeps it: the notes are elsewhere in its record."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude={"notes"})


def storyboard(film: Film, inspector: Inspector = LOCAL) -> Storyboard:
    """Return the storyboard of a film; raises `RequestError` naming the shot and the field that cannot be."""
    model = film.model or "toybox"
    seed = drawn_seed() if film.seed is None else film.seed
    takes: list[Take] = []
    notes: list[str] = []
    for number in range(len(film.shots)):
        with _naming(film, number):
            take = _take(film, number, seed, takes[0].shot if takes else None)
            planned = pipeline.plan(take.shot, backend(model), inspector)
        takes.append(take.model_copy(update={"shot": _settled(take.shot, planned.shot)}))
        notes += [f"shots[{number}]: {note}" for note in planned.notes]
    _check_fades(film, takes)
    return Storyboard(title=clean("title", film.name), seed=seed, takes=tuple(takes), notes=tuple(notes))


def storyboard_of(record: Record) -> Storyboard:
    """Return the storyboard that a finished film carries; raises `InputFileError` for the record of no film."""
    try:
        return Storyboard.model_validate({**(record.film or {}), "notes": record.notes})
    except ValidationError:
        raise InputFileError("it is no film of vitascope") from None


@contextmanager
def shot_named(number: int, *, unless: Sequence[str] = ()) -> Iterator[None]:
    """Let what is refused inside be told as a field of a shot, `unless` the film said it."""
    try:
        yield
    except RequestError as error:
        if error.argument in unless or error.argument.startswith("shots["):
            raise
        error.args = (f"shots[{number}].{error}",)
        error.argument = f"shots[{number}].{error.argument}"
        raise


def _naming(film: Film, number: int) -> Any:
    shot, fields_of_shot = film.shots[number], set(FilmShot.model_fields)
    films = [name for name in Film.model_fields if name not in fields_of_shot or getattr(shot, name) is None]
    return shot_named(number, unless=[name for name in films if getattr(film, name) not in (None, (), "")])


def _take(film: Film, number: int, seed: int, first: Shot | None) -> Take:
    """Return one shot of a film, as wide and as fast as the first."""
    script, model = film.shots[number], film.model or "toybox"
    _check_join(script, number, backend(model).card)
    shared = {name: getattr(film if getattr(script, name) is None else script, name) for name in SHARED}
    references = shared.pop("references")
    room: dict[str, Any] = {"size": film.size, "aspect_ratio": film.aspect_ratio, "fps": film.fps}
    if first is not None and first.size is not None:
        room = {"size": first.size, "fps": first.fps}
    fields_of_shot = {
        name: getattr(script, name) for name in ("seconds", "num_frames", "camera", "path", "at")
    }
    shared["negative_prompt"] = shared["negative_prompt"] or ""
    shot = make_shot(
        script.prompt,
        seed=seed + number if script.seed is None else script.seed,
        model=model,
        givens=given_pictures(image=script.image, last_image=script.last_image, reference=references),
        **room,
        **fields_of_shot,
        **shared,
    )
    fade = film.crossfade if script.crossfade is None else script.crossfade
    plain = number == 0 or script.continues
    return Take(shot=shot, continues=script.continues, crossfade=0.0 if plain else fade)


def _settled(shot: Shot, planned: Shot) -> Shot:
    """Return a shot as it was asked for, with its size and length as far as planning has settled them.

    The words are left to be read again: a shot that continues is read with the frame that it continues from.
    """
    settled: dict[str, Any] = {}
    if planned.size is not None:
        settled |= {"size": planned.size, "aspect_ratio": None}
    if planned.num_frames is not None and planned.fps is not None:
        settled |= {"num_frames": planned.num_frames, "fps": planned.fps, "seconds": None}
    return shot.model_copy(update=settled)


def _check_join(script: FilmShot, number: int, card: Card) -> None:
    """Raise `RequestError` for a shot that cannot follow the one before as it says."""
    for name, is_set in (("continue", script.continues), ("crossfade", script.crossfade)):
        if is_set and number == 0:
            raise RequestError(name, "there is no shot before the first", "leave it out")
    if script.continues and script.crossfade:
        raise RequestError("crossfade", "does not go together with continue", "leave one out")
    if script.continues and script.image is not None:
        raise RequestError(
            "image", "the first frame of a shot that continues is there already", "leave one out"
        )
    if script.continues and "frame" not in card.takes:
        raise RequestError("continue", f"{card.id} takes no first frame", "leave it out")


def _check_fades(film: Film, takes: Sequence[Take]) -> None:
    """Raise `RequestError` for a crossfade that two shots are too short for."""
    for number, take in enumerate(takes):
        frames, fps, before = take.shot.num_frames, take.shot.fps, takes[number - 1]
        if not take.crossfade or fps is None or frames is None or before.shot.num_frames is None:
            continue
        room = min(before.shot.num_frames - before.overlap, frames) - 1
        if take.overlap > room:
            name = "crossfade" if film.shots[number].crossfade is None else f"shots[{number}].crossfade"
            problem = f"{take.crossfade:g} s is longer than shots {number - 1} and {number} have room for"
            raise RequestError(name, problem, f"nearest: {max(0, room) / fps:g}")
