"""`python -m vitascope.training.keywords PACKAGE`: nouns in many languages, from the emoji's own names.

PACKAGE is the unpacked npm package emojibase-data (MIT), made from the Unicode CLDR. Each emoji has a name and
keywords in every language; where the English name is a thing that the grammar knows, the others become its words.
"""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from vitascope.toybox.language.lexicon import KIN
from vitascope.toybox.world import cast

LANGUAGES = ("es", "fr", "de", "pt", "it", "ru", "hi", "zh", "ja", "ko")
"""Languages with keywords in the package; Arabic has none there, and brings all its nouns in its own table."""
GROUPS = (1, 3, 4, 5, 6, 7)
"""Groups of emoji that are things: people, nature, food, travel, activities, objects."""
NOUN_FIRST = ("es", "fr", "pt", "it")
"""Languages in which a name begins with its noun; in the others it ends with it."""
OUTPUT = Path(__file__).parents[1] / "toybox" / "language" / "languages" / "nouns.json"

_FACES = re.compile(r" ?\b(face|head)\b")


def main(
    package: Annotated[Path, typer.Argument(help="The unpacked package.")],
    output: Annotated[Path, typer.Option(help="File to write.")] = OUTPUT,
) -> None:
    """Write the nouns of all languages: language -> English noun -> words."""
    names = english_names(read(package, "en"))
    nouns = {
        language: words_of(read(package, language), names, language in NOUN_FIRST) for language in LANGUAGES
    }
    lines = [
        f"{json.dumps(language)}: " + json.dumps(words, ensure_ascii=False, sort_keys=True)
        for language, words in nouns.items()
    ]
    output.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def read(package: Path, language: str) -> list[dict[str, Any]]:
    """Return the emoji of a language that are things."""
    rows = json.loads((package / language / "data.json").read_text("utf-8"))
    return [row for row in rows if row.get("group") in GROUPS]


def english_names(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return the English noun of every emoji that the grammar knows, by its code points."""
    ours = {plain(subject.emoji): subject.name for subject in cast().values() if subject.emoji}
    known = {words for subject in cast().values() for words in (subject.name, *subject.synonyms)}
    kin = " ".join(" ".join(line.split()) for families in KIN.values() for line in families.values())
    names = {}
    for row in rows:
        label = _FACES.sub("", row["label"].lower()).strip()
        if (name := ours.get(plain(row["emoji"]))) is not None:
            names[row["hexcode"]] = name
        elif label in known or (len(label) > 2 and f" {label} " in f" {kin} "):
            names[row["hexcode"]] = label
    return names


def plain(emoji: str) -> str:
    """Return an emoji without its variation selectors."""
    return emoji.replace("\ufe0f", "")


def words_of(rows: list[dict[str, Any]], names: dict[str, str], noun_first: bool) -> dict[str, list[str]]:
    """Return the words for each English noun: its names, and the keyword that is the noun of a longer name.

    Other keywords are what people think of at a picture ("peace" at a dove), not what they call it.
    """
    owners = defaultdict(set)
    for row in rows:
        for tag in row.get("tags") or ():
            owners[tag.lower()].add(names.get(row["hexcode"], row["hexcode"]))
    found = defaultdict(set)
    for row in rows:
        if (name := names.get(row["hexcode"])) is not None:
            for label in parts(row["label"]):
                found[name].add(label)
                found[name].update(
                    tag
                    for tag in map(str.lower, row.get("tags") or ())
                    if len(owners[tag]) == 1
                    and _long_enough(tag)
                    and (label.startswith(tag) if noun_first else label.endswith(tag))
                )
    return {name: sorted(words) for name, words in found.items()}


def parts(label: str) -> Iterator[str]:
    """Yield the names in a label: "car, automobile" is two."""
    for part in re.split(r"[,،/()]", label.lower()):
        if _long_enough(part.strip()):
            yield part.strip()


def _long_enough(word: str) -> bool:
    """Say whether a word is long enough to be no part of another one: two characters of ideographs, else three."""
    return len(word) > (1 if word and unicodedata.category(word[0]) == "Lo" else 2)


if __name__ == "__main__":
    typer.run(main)
