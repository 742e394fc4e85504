"""Which emoji become pages: groups of Unicode with `choices.toml` over them, and their names in twelve languages."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from vitascope.toybox.cast.table import LANGUAGES, kinds

GROUPS = (0, 1, 3, 4, 5, 6, 7)
"""Groups of emoji that show things: faces, people, nature, food, travel, activities, objects."""
TONES = {
    "light": "1f3fb",
    "medium-light": "1f3fc",
    "medium": "1f3fd",
    "medium-dark": "1f3fe",
    "dark": "1f3ff",
}
THREE_TONES = ("light", "medium", "dark")


@dataclass(frozen=True)
class Choice:
    """A page to be made: `picture` and `names_of` are code points, `strip` the id whose pictures it shows.

    `facing` is which way the picture looks, before it is turned; `played` the first frame of the animation that is
    played and the one after the last.
    """

    id: str
    picture: str
    names_of: str
    emoji: str
    group: str
    kind: str
    height: float
    facing: str = "front"
    cut: str = ""
    loop: bool = False
    played: tuple[int, int] | None = None
    also: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    tone: str = ""
    base: str = ""
    strip: str = ""
    actions: tuple[str, ...] = ()
    sounds: tuple[str, ...] = ()
    held_out: bool = False


@dataclass(frozen=True)
class Words:
    """What an emoji is called in each language, and its keywords there."""

    names: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@cache
def choices() -> dict[str, Any]:
    """Return `choices.toml`."""
    return tomllib.loads(files("vitascope.training.cast").joinpath("choices.toml").read_text("utf-8"))


def plain(hexcode: str) -> str:
    """Return code points in lower case without variation selectors: "1F577-FE0F" is "1f577"."""
    return hexcode.lower().replace("-fe0f", "")


def choose(emojibase: Path, pictures: frozenset[str]) -> tuple[Choice, ...]:
    """Return the pages to be made from the emoji of `emojibase` of which there are `pictures`.

    Raises ValueError where `choices.toml` names something that is not there, or two pages have the same id.
    """
    subgroups = json.loads((emojibase / "meta" / "groups.json").read_text("utf-8"))["subgroups"]
    rows = [
        (row, subgroups[str(row["subgroup"])])
        for row in json.loads((emojibase / "en" / "data.json").read_text("utf-8"))
        if row.get("group") in GROUPS
    ]
    dropped = set(_listed(choices()["drop"]["labels"]))
    if unknown := dropped - {row["label"] for row, _ in rows}:
        raise ValueError(f"choices.toml: no emoji is called {sorted(unknown)}")
    replaced = {page["replace"] for page in choices()["pages"].values() if "replace" in page}
    chosen: list[Choice] = []
    for row, group in rows:
        hexcode = plain(row["hexcode"])
        page = choices()["pages"].get(hexcode, {})
        if row["label"] in dropped or page.get("drop") or hexcode in replaced or hexcode not in pictures:
            continue
        if group in choices()["groups"]:
            chosen.append(_choice(row, group, page))
            chosen += _toned(chosen[-1], row, pictures)
    chosen += list(_copies(chosen))
    return _held_out(chosen)


def _choice(row: Mapping[str, Any], group: str, page: Mapping[str, Any]) -> Choice:
    usual = choices()["groups"][group]
    loop = page.get("loop", usual.get("loop", False))
    name = page.get("id", label_name(row["label"]))
    kind = page.get("kind", usual["kind"])
    return Choice(
        id=name,
        picture=plain(row["hexcode"]),
        names_of=page.get("names_of", plain(row["hexcode"])),
        emoji=row["emoji"],
        group=group,
        kind=kind,
        height=page.get("height", usual["height"]),
        facing=page.get("facing", usual.get("facing", "front")),
        cut=page.get("cut", usual.get("cut", "")),
        loop=bool(loop) and not page.get("still"),
        played=tuple(loop) if isinstance(loop, list) else None,
        also=tuple(page.get("also", ())),
        actions=_actions(kind, page),
        near=_listed(choices()["near"].get(name, ""), ","),
        sounds=tuple(page.get("sounds", ())),
        strip=name,
    )


def _actions(kind: str, page: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a page does: as its kind, with what it does before all else, and what it can do besides."""
    return tuple(dict.fromkeys((*page.get("first", ()), *kinds()[kind]["actions"], *page.get("can", ()))))


def label_name(label: str) -> str:
    """Return an emoji's English label as a name: "man: red hair" becomes "man with red hair"."""
    label = label.replace("’", "'")
    if label.startswith("family: "):
        return "family of " + " and ".join(label.removeprefix("family: ").rsplit(", ", 1))
    head, colon, rest = label.partition(": ")
    return f"{head} with {rest}" if colon else label


def _toned(choice: Choice, row: Mapping[str, Any], pictures: frozenset[str]) -> Iterator[Choice]:
    """Yield the page again in the skin tones that are wanted of it."""
    wanted = choices()["groups"][choice.group].get("tones", ())
    if choice.id in choices()["tones"]["five"]:
        wanted = tuple(TONES)
    elif choice.id in _listed(choices()["tones"]["three"]):
        wanted = THREE_TONES
    skins = {plain(skin["hexcode"]): skin for skin in row.get("skins", ())}
    for tone in wanted:
        for hexcode, skin in skins.items():
            if re.findall(r"1f3f[b-f]", hexcode) == [TONES[tone]] and hexcode in pictures:
                name = f"{choice.id}:{tone}"
                yield replace(
                    choice,
                    id=name,
                    strip=name,
                    picture=hexcode,
                    emoji=skin["emoji"],
                    tone=tone,
                    base=choice.id,
                )


def _copies(chosen: list[Choice]) -> Iterator[Choice]:
    """Yield the pages that show the pictures of others, in all their tones."""
    for copy in choices()["copies"]:
        for choice in chosen:
            if copy["of"] in (choice.id, choice.base):
                name = f"{copy['id']}:{choice.tone}" if choice.tone else copy["id"]
                yield replace(
                    choice,
                    id=name,
                    base=copy["id"] if choice.tone else "",
                    strip=choice.strip,
                    names_of=copy["names_of"],
                    also=tuple(copy["also"]),
                    near=(),
                    height=copy["height"],
                )


def _held_out(chosen: list[Choice]) -> tuple[Choice, ...]:
    """Mark what is never trained: the listed ids, their tones, and everything that shows the same pictures."""
    listed = set(_listed(choices()["held_out"]["ids"]))
    ids = [choice.id for choice in chosen]
    if unknown := listed - set(ids):
        raise ValueError(f"choices.toml: no page is called {sorted(unknown)}")
    if len(set(ids)) < len(ids):
        raise ValueError(f"choices.toml: two pages are called {sorted({i for i in ids if ids.count(i) > 1})}")
    if unknown := choices()["near"].keys() - set(ids):
        raise ValueError(f"choices.toml: no page is called {sorted(unknown)}")
    bases = {choice.id: choice.base or choice.id for choice in chosen}
    return tuple(
        replace(choice, held_out=bool({bases[choice.id], bases[choice.strip]} & listed)) for choice in chosen
    )


def _listed(text: str, mark: str = "|") -> tuple[str, ...]:
    """Return the words of a list that is broken into lines."""
    return tuple(word.strip() for line in text.splitlines() for word in line.split(mark) if word.strip())


def read_words(emojibase: Path, cldr: Path) -> dict[str, Words]:
    """Return the names and keywords of all emoji by code points.

    They come from emojibase-data; those in Arabic, which it lacks, from the Unicode CLDR's own package.
    """
    names: dict[str, dict[str, str]] = {}
    keywords: dict[str, dict[str, tuple[str, ...]]] = {}
    for language in LANGUAGES:
        rows = _arabic(cldr) if language == "ar" else _emojibase(emojibase, language)
        for hexcode, label, tags in rows:
            names.setdefault(hexcode, {})[language] = label
            keywords.setdefault(hexcode, {})[language] = tuple(
                dict.fromkeys(tag for tag in tags if tag != label)
            )
    return {hexcode: Words(names[hexcode], keywords[hexcode]) for hexcode in names}


def _emojibase(package: Path, language: str) -> Iterator[tuple[str, str, list[str]]]:
    for row in json.loads((package / language / "data.json").read_text("utf-8")):
        yield plain(row["hexcode"]), row["label"].replace("’", "'"), row.get("tags") or []


def _arabic(package: Path) -> Iterator[tuple[str, str, list[str]]]:
    rows = json.loads((package / "annotations" / "ar" / "annotations.json").read_text("utf-8"))
    for emoji, row in rows["annotations"]["annotations"].items():
        if "tts" in row:
            hexcode = "-".join(f"{ord(character):x}" for character in emoji)
            yield plain(hexcode), row["tts"][0], row.get("default", [])
