"""The table of pages: what each is called in twelve languages, what it is, and how it stands and moves."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "es", "fr", "de", "pt", "it", "ru", "hi", "ar", "zh", "ja", "ko")
KINDS = (
    "walker", "bird", "swimmer", "vehicle", "aircraft", "boat", "person", "thing", "plant", "building", "face",
)  # fmt: skip
LICENCE = "MIT (Fluent Emoji, Microsoft)"


@dataclass(frozen=True)
class CastEntry:
    """One page of the memory, or of a person's own.

    `names` holds for each language the name and its synonyms, plainest first, `keywords` words that have to do with
    it, and `near` English words for what has no picture and comes nearest to it.
    `height` is how tall it stands when it is alone, in picture heights; `aspect` its true width over its height,
    since pages are stretched to squares. `facing` is "right" or "front": pages never look left. `feet` is where it
    touches the ground, from the left and from the top in shares of the page. A page of one phase is a still, and
    `loop_seconds` is 0; `size` is the side of its pictures in pixels. It is at home in `sets`, in the first of them
    where no place is said. `cut` is "head" or "bust" where the picture shows no more of a body. `tone` is the skin's,
    and `base` then the id of the plain page; `strip` names the pictures, which several entries may share. `held_out`
    pages are never trained. The phases of a `turntable` are views from around the subject, evenly spaced, and no
    moments of a loop.
    """

    id: str
    kind: str
    height: float
    aspect: float
    facing: str
    feet: tuple[float, float]
    phases: int
    loop_seconds: float
    size: int
    names: Mapping[str, tuple[str, ...]]
    keywords: Mapping[str, tuple[str, ...]]
    actions: tuple[str, ...]
    sounds: tuple[str, ...]
    sets: tuple[str, ...]
    group: str = ""
    emoji: str = ""
    cut: str = ""
    tone: str = ""
    base: str = ""
    strip: str = ""
    held_out: bool = False
    licence: str = LICENCE
    near: tuple[str, ...] = ()
    turntable: bool = False

    @property
    def name(self) -> str:
        """What the page is called in English."""
        return self.names["en"][0]

    def to_json(self) -> str:
        """Return the entry as one line of JSON, without what is as usual: for its kind, or for its plain page."""
        row = asdict(self)
        usual: dict[str, Any] = {field.name: field.default for field in fields(self)}
        usual |= {name: tuple(words) for name, words in kinds()[self.kind].items()}
        if self.base:
            usual |= {name: row[name] for name in ("names", "keywords", "near")}
        row = {name: value for name, value in row.items() if value != usual[name]}
        return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def read_entries(text: str) -> dict[str, CastEntry]:
    """Read a table of lines that `to_json` wrote; plain pages stand before those in other tones of skin.

    Raises ValueError, KeyError or TypeError for lines that are no entries.
    """
    entries: dict[str, CastEntry] = {}
    for line in text.splitlines():
        row: dict[str, Any] = json.loads(line)
        plain = entries[row["base"]] if row.get("base") else None
        row["near"] = plain.near if plain else tuple(row.get("near", ()))
        for name in ("names", "keywords"):
            if plain:
                row[name] = getattr(plain, name)
            else:
                row[name] = {language: tuple(words) for language, words in row[name].items()}
        row = kinds()[row["kind"]] | row
        for name in ("feet", "actions", "sets", "sounds"):
            row[name] = tuple(row[name])
        entries[row["id"]] = CastEntry(**row)
    return entries


@cache
def shipped_entries() -> dict[str, CastEntry]:
    """Return the entries of the shipped memory by id, in the order of the table."""
    return read_entries(files("vitascope.toybox.cast").joinpath("cast.jsonl").read_text("utf-8"))


@cache
def kinds() -> dict[str, dict[str, list[str]]]:
    """Return what each kind does and sounds like (`kinds.toml`)."""
    return tomllib.loads(files("vitascope.toybox.cast").joinpath("kinds.toml").read_text("utf-8"))
