"""Words to pages: names, words for what comes nearest, keywords, and word vectors last."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Literal

import numpy as np

from vitascope.toybox.cast.name_table import NameTable
from vitascope.toybox.cast.pages import Cast
from vitascope.toybox.cast.table import CastEntry
from vitascope.toybox.language.match import plural, tokenize
from vitascope.toybox.language.nearest import Embed

How = Literal["name", "near", "keyword", "spelling", "vector"]
"""How a page was found; all but the first are shown with a note."""

NEAR_ENOUGH = 0.65
"""Cosine from which a word and the name of a page mean things that look alike."""
MISSPELT = 0.84
"""Share of letters that a word has in common with the name that was meant."""
LONGEST_WORD = 40
"""Letters of a word that are compared with names."""
FEW = 3
"""Pages that may share a keyword for it to mean the first of them."""
AGENTS = ("er", "or", "ist", "man", "woman", "ers", "ors", "ists", "men", "women")
"""Endings of words for people: no keyword may make a thing of them."""
MOODY = ("face-", "heart", "emotion", "hand", "cat-face", "monkey-face")
"""Groups whose keywords are moods and gestures, which name no thing."""

IRREGULAR = {
    "man": "men", "woman": "women", "child": "children", "person": "people", "mouse": "mice", "goose": "geese",
    "wolf": "wolves", "sheep": "sheep", "fish": "fish", "deer": "deer", "ox": "oxen", "knife": "knives",
    "tooth": "teeth", "foot": "feet", "leaf": "leaves", "elf": "elves", "bison": "bison", "moose": "moose",
    "octopus": "octopuses", "cactus": "cacti", "loaf": "loaves", "dwarf": "dwarves", "shrimp": "shrimp",
    "squid": "squid", "potato": "potatoes", "tomato": "tomatoes", "mango": "mangoes", "volcano": "volcanoes",
}  # fmt: skip


@dataclass(frozen=True)
class Match:
    """A page found for some words: its id, how, how near (1 for a name), and whether the words are a plural."""

    page: str
    how: How
    similarity: float = 1.0
    many: bool = False


class PageIndex:
    """The words of a memory's pages, in English and in the languages of its keywords."""

    def __init__(self, entries: Mapping[str, CastEntry]):
        """Learn the words of all entries but those in other tones of skin; the first page to bear a name has it."""
        self.entries = entries
        self.own_names = NameTable()
        self._plain = [entry for entry in entries.values() if not entry.tone]
        self._names: dict[str, Match] = {}
        plurals = {entry.id: _plurals(entry) for entry in self._plain}
        for name, page in self._named():
            self._names.setdefault(name, Match(page, "name", many=name in plurals[page]))
        for name, page in [(name, match.page) for name, match in self._names.items()]:
            self._names.setdefault(pluralise(name), Match(page, "name", many=True))
        self._near = {_key(word): entry.id for entry in self._plain for word in entry.near}
        self._near |= {
            pluralise(word): page for word, page in self._near.items() if pluralise(word) not in self._near
        }
        self.longest = max((name.count(" ") + 1 for name in (*self._names, *self._near)), default=1)
        self._keywords: dict[str, dict[str, list[str]]] = {}
        self._rankable = [
            (name, match.page)
            for name, match in self._names.items()
            if not match.many and len(name) < 24 and not entries[match.page].group.startswith(MOODY)
        ]
        pairs = {_bare(entry.emoji): entry.id.partition(":")[0] for entry in entries.values() if entry.emoji}
        self.emoji = {
            emoji: pairs[emoji] for emoji in sorted(pairs, key=len, reverse=True) if not emoji.isascii()
        }
        self._vectors: dict[Embed, np.ndarray] = {}

    def _named(self) -> Iterable[tuple[str, str]]:
        """Yield ids, then all names."""
        yield from ((_key(entry.id), entry.id) for entry in self._plain)
        yield from ((_key(name), entry.id) for entry in self._plain for name in entry.names["en"])

    def with_own(self, own: Mapping[str, CastEntry]) -> "PageIndex":
        """Return an index that also knows a person's own pages: their names are found before all other words."""
        index = copy(self)
        index.entries = {**own, **self.entries}
        index.own_names = NameTable(own)
        tokens = index.own_names.tokens
        index._names = {**self._names, **{tokens[name]: Match(name, "name") for name in own}}
        return index

    def find_name(self, name: str) -> str | None:
        """Return the id of the page that has an English name, or that id; None if there is none."""
        if name in self.entries:
            return name
        match = self._names.get(_key(name)) or self._names.get(_key(name).removeprefix("a "))
        return match.page if match else self._near.get(_key(name))

    def find_phrase(self, tokens: Sequence[str], place: int) -> tuple[int, Match] | None:
        """Return where the longest name from `place` on ends, and its page; None if none begins there."""
        for stop in range(min(len(tokens), place + self.longest), place, -1):
            phrase = " ".join(tokens[place:stop])
            if (match := self._names.get(phrase)) is not None:
                return stop, match
            if (page := self._near.get(phrase)) is not None:
                return stop, Match(page, "near", many=phrase.endswith("s"))
        return None

    def find_keyword(self, word: str, language: str = "en") -> Match | None:
        """Return the page that a keyword of a language means; None where it means none, or too many."""
        if language not in self._keywords:
            owners: dict[str, list[str]] = {}
            for entry in self._plain:
                if not entry.group.startswith(MOODY):
                    for keyword in (*entry.names.get(language, ()), *entry.keywords.get(language, ())):
                        owners.setdefault(
                            _key(keyword) if language == "en" else keyword.casefold(), []
                        ).append(entry.id)
            self._keywords[language] = owners
        for form in (word, *singulars(word)) if language == "en" else (word.casefold(),):
            found = self._keywords[language].get(form, [])
            if 0 < len(set(found)) <= FEW and (not word.endswith(AGENTS) or self._shows_person(found[0])):
                return Match(found[0], "keyword", many=form != word)
        return None

    def _shows_person(self, page: str) -> bool:
        return self.entries[page].kind == "person"

    def find_compound(self, word: str) -> Match | None:
        """Return the page that ends a word which is written together: "armchair" is a chair."""
        for start in range(2, len(word) - 3):
            match = self._names.get(word[start:])
            if match is not None and not self.entries[match.page].group.startswith(MOODY):
                return Match(match.page, "near", many=match.many)
        return None

    def rank(self, word: str, embed: Embed | None, count: int = 3) -> list[Match]:
        """Return the `count` pages whose names are nearest to a word, by spelling or by meaning, the nearest first."""
        word = word[:LONGEST_WORD]
        forms = (word, *singulars(word))
        found: dict[str, Match] = {}
        for name, page in self._rankable:
            spelling = max(_spelling(form, name) for form in forms)
            if spelling >= MISSPELT and (page not in found or spelling > found[page].similarity):
                found[page] = Match(page, "spelling", spelling)
        if embed is not None:
            nearness = self._name_vectors(embed) @ embed([word])[0]
            far = 0
            for place in nearness.argsort(kind="stable")[::-1]:
                name, page = self._rankable[place]
                if far == count:
                    break
                if page not in found and not _shares_letters(word, name):
                    found[page] = Match(page, "vector", float(nearness[place]))
                    far += 1
        return sorted(found.values(), key=lambda match: -match.similarity)[:count]

    def _name_vectors(self, embed: Embed) -> np.ndarray:
        if embed not in self._vectors:
            self._vectors = {embed: embed([name for name, _ in self._rankable])}
        return self._vectors[embed]


@cache
def shipped_index() -> PageIndex:
    """Return the words of the shipped memory."""
    return PageIndex(Cast.load().entries)


def _plurals(entry: CastEntry) -> set[str]:
    """Return the names of a page that are plurals of others of its names."""
    names = {_key(name) for name in entry.names["en"]}
    return {pluralise(name) for name in names if pluralise(name) != name} - {_key(entry.id)}


def _bare(emoji: str) -> str:
    """Return an emoji without the mark that asks for its coloured form."""
    return emoji.replace("\ufe0f", "")


def _key(words_: str) -> str:
    return " ".join(tokenize(words_))


def pluralise(name: str) -> str:
    """Return a name's plural: "cup of coffee" becomes "cups of coffee"."""
    head, of, rest = name.partition(" of ")
    first, space, last = head.rpartition(" ")
    return first + space + IRREGULAR.get(last, plural(last) if not last.endswith("s") else last) + of + rest


def singulars(word: str) -> tuple[str, ...]:
    """Return what a word may be the plural of."""
    if not word.endswith("s") or len(word) < 4:
        return ()
    forms = [word[:-1]]
    if word.endswith("es"):
        forms.append(word[:-2])
    if word.endswith("ies"):
        forms.append(word[:-3] + "y")
    return tuple(forms)


def _shares_letters(word: str, name: str) -> bool:
    """Say whether the vectors of two words are alike for the pieces of letters that they share: "pillow" and "pill"."""
    return any(word[start : start + 3] in name for start in range(max(1, len(word) - 2)))


def _spelling(word: str, name: str) -> float:
    if min(len(word), len(name)) < 4 or abs(len(word) - len(name)) > 2 or word[0] != name[0]:
        return 0.0
    return SequenceMatcher(None, word, name).ratio()
