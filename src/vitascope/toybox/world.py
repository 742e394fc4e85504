"""The world a model knows: a choice of labels, the cast behind them, and how to draw scenes from it."""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from vitascope.toybox.cast.lookup import all_entries, find_entry
from vitascope.toybox.cast.table import shipped_entries
from vitascope.toybox.scene import (
    ACTIONS,
    AT_HOME,
    CAMERAS,
    SEASONS,
    SETS,
    STYLES,
    TIMES,
    WEATHERS,
    Scene,
    seasons_of,
    sets_of,
    times_of,
    weathers_of,
)

HELD_OUT = 0.05
"""Share of (subject, action, set) triples that training never sees."""

COMMON = {"day": 3.0, "clear": 3.0, "clay": 3.0, "static": 2.0}
"""Labels that are drawn more often than their neighbours (weight 1), because people rarely say otherwise."""


@dataclass(frozen=True)
class Subject:
    """A member of the cast: its words, what it can do and where it makes sense."""

    id: str
    name: str
    plural: str
    kind: str
    synonyms: tuple[str, ...] = ()
    actions: tuple[str, ...] = ("stand",)
    sets: tuple[str, ...] = SETS
    emoji: str = ""


@dataclass(frozen=True)
class World:
    """The labels that a model knows, each field a tuple of ids. A model's world is a subset of `FULL`."""

    subjects: tuple[str, ...]
    actions: tuple[str, ...] = ACTIONS
    sets: tuple[str, ...] = SETS
    seasons: tuple[str, ...] = SEASONS
    times: tuple[str, ...] = TIMES
    weathers: tuple[str, ...] = WEATHERS
    styles: tuple[str, ...] = STYLES
    cameras: tuple[str, ...] = CAMERAS
    open_cast: bool = False
    """Whether looks are an input of the model, so that any page of the memory can be its subject, up to three."""

    def to_json(self) -> dict[str, list[str]]:
        """Return the labels as lists, ready for `json.dumps`."""
        return {name: list(ids) for name, ids in asdict(self).items() if isinstance(ids, tuple)}

    @classmethod
    def from_json(cls, data: Mapping[str, Sequence[str]], open_cast: bool = False) -> "World":
        """Read what `to_json` wrote. Raises TypeError for a field that a world does not have."""
        return cls(**{name: tuple(ids) for name, ids in data.items()}, open_cast=open_cast)


@cache
def cast() -> dict[str, Subject]:
    """Return all subjects by id, in the order of `subjects.toml`."""
    text = files("vitascope.toybox").joinpath("subjects.toml").read_text("utf-8")
    known = {field.name for field in fields(Subject)}
    rows = tomllib.loads(text)["subject"]
    subjects = [Subject(**{k: _frozen(v) for k, v in row.items() if k in known}) for row in rows]
    return {
        subject.id: replace(subject, sets=_wider(subject.sets), actions=_more(subject))
        for subject in subjects
    }


NOBODY = Subject("", "nobody", "nobody", "nobody")
"""Who is shown where nobody is named."""


OTHER_NAMES = {"walker": "person"}
"""Subjects of the table of words whose page is called otherwise."""


def page_name(subject: str) -> str:
    """Return the id of the page that shows a subject of the table of words, or any page's own id."""
    return OTHER_NAMES.get(subject, subject)


def find_subject(name: str) -> Subject:
    """Return a subject of the table, or else the page of this id as one, "" as nobody. Raises `RequestError`."""
    if not name:
        return NOBODY
    if name in cast():
        return cast()[name]
    entry = find_entry(name)
    return Subject(
        entry.id, entry.name, entry.name, entry.kind, entry.names["en"][1:], entry.actions, entry.sets
    )


def subject_named(name: str) -> str | None:
    """Return the id of the subject that has a name, a person's own page before all others; None if there is none."""
    if name in all_entries() and find_entry(name).group == "own":
        return name
    return _shipped_names().get(name)


@cache
def _shipped_names() -> Mapping[str, str]:
    """Return the ids of subjects by their names: of several of one name the table's, or else the plain page."""
    pages = {entry.name: entry.id for entry in reversed(shipped_entries().values()) if not entry.tone}
    return {**pages, **{subject.name: key for key, subject in cast().items()}}


LATER_ACTIONS = {
    "animal": ("hop", "wave", "sleep", "eat"), "sea animal": ("float", "sleep"),
    "person": ("hop", "wave", "sleep", "eat"), "fantasy": ("hop", "wave", "float", "sleep"),
    "toy": ("bounce", "float", "swing"), "food": ("bounce", "swing", "hop"),
    "vehicle": ("bounce",), "plant": ("swing", "hop"), "building": ("bounce",),
}  # fmt: skip
"""Kind -> the later actions that it can do, besides those of each subject."""


def _more(subject: Subject) -> tuple[str, ...]:
    """Return a subject's actions with the later ones of its kind; what flies can float and go round."""
    flies = ("float", "orbit") if "fly" in subject.actions else ()
    later = (*LATER_ACTIONS.get(subject.kind, ()), *flies)
    return subject.actions + tuple(action for action in dict.fromkeys(later) if action not in subject.actions)


def _wider(sets: tuple[str, ...]) -> tuple[str, ...]:
    """Return sets with those where whoever is at home there is at home, too."""
    return sets + tuple(
        later for later, earlier in AT_HOME.items() if later not in sets and set(earlier) & set(sets)
    )


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


FULL = World(subjects=tuple(cast()))
"""Everything the theatre can show."""


def is_held_out(scene: Scene) -> bool:
    """Say whether a scene's (subject, action, set) is one of the fixed 5 % that training never sees."""
    triple = f"{scene.subject}|{scene.action}|{scene.set}".encode()
    return int.from_bytes(hashlib.sha256(triple).digest()[:8]) < HELD_OUT * 2**64


@cache
def compositions(world: World, held_out: bool) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return subject -> action -> sets for every sensible triple of a world, seen ones or held-out ones."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for name in world.subjects:
        subject = cast()[name]
        for action in (a for a in subject.actions if a in world.actions):
            sets = tuple(
                s
                for s in subject.sets
                if s in world.sets
                and s in sets_of(action)
                and is_held_out(Scene(name, action, s)) == held_out
            )
            if sets:
                found.setdefault(name, {})[action] = sets
    return found


def sample_scene(rng: np.random.Generator, world: World = FULL, held_out: bool = False) -> Scene:
    """Draw a sensible scene: subject, then something it can do, then a place for it, then the rest.

    With `held_out` only compositions that training never sees are drawn, without it only the others.
    Raises ValueError if the world has no such composition.
    """
    triples = compositions(world, held_out)
    if not triples:
        raise ValueError(f"this world has no {'held-out' if held_out else 'seen'} compositions")
    subject = _pick(rng, tuple(triples))
    action = _pick(rng, tuple(triples[subject]))
    place = _pick(rng, triples[subject][action])
    season = _pick(rng, _within(seasons_of(place), world.seasons))
    return Scene(
        subject,
        action,
        place,
        season,
        time=_pick(rng, _within(times_of(place), world.times)),
        weather=_pick(rng, _within(weathers_of(place, season), world.weathers)),
        style=_pick(rng, world.styles),
        camera=_pick(rng, world.cameras),
    )


def _within(possible: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(label for label in possible if label in known) or possible[:1]


def _pick(rng: np.random.Generator, labels: tuple[str, ...]) -> str:
    weights = np.array([COMMON.get(label, 1.0) for label in labels])
    return labels[rng.choice(len(labels), p=weights / weights.sum())]
