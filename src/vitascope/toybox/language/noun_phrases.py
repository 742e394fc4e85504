"""Things with what is said of them: how many, what they are like, and how they stand to each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from vitascope.toybox.language.lexicon import (
    ARTICLES,
    CHATTER,
    COUNTS,
    LOOKS,
    MANNERS,
    NUMBERS,
    RELATIONS,
    WORN,
)
from vitascope.toybox.language.match import Find

MOST_THINGS = 8
"""Things of which more is read than their names."""


@dataclass(frozen=True)
class Thing:
    """Something that a prompt names: in English words, and as a subject of the cast where it is one.

    `count` is None where nobody says how many, and 0 for "many"; `looks` are the attributes that make a picture
    another one (a colour, a hat), `manners` the others (small, happy). `places` are its tokens.
    """

    name: str
    subject: str | None
    count: int | None
    looks: tuple[str, ...]
    manners: tuple[str, ...]
    places: range

    @property
    def attributes(self) -> tuple[str, ...]:
        """All that is said of it."""
        return self.looks + self.manners


@dataclass(frozen=True)
class Relation:
    """How one thing stands to the next: ("cat", "next to", "dog")."""

    first: str
    words: str
    second: str


def read_things(tokens: Sequence[str], heads: Sequence[Find]) -> tuple[Thing, ...]:
    """Return the things at some finds, with what stands before and after each."""
    return tuple(_thing(tokens, head) for head in heads[:MOST_THINGS])


def relations(tokens: Sequence[str], things: Sequence[Thing], finds: Sequence[Find]) -> tuple[Relation, ...]:
    """Return how each thing stands to the one after it, where words between the two say so."""
    verbs = {find.start: find for find in finds if find.meaning.field == "action"}
    found = []
    for first, second in pairwise(things):
        between = range(first.places.stop, second.places.start)
        if len(between) > 6 or any(not tokens[place].isalnum() for place in between):
            continue
        words = _relation([tokens[place] for place in between])
        verb = next((verbs[place].words for place in between if place in verbs), "")
        if verb or words not in ("", "and"):
            said = verb if words in ("", "and") else f"{verb} {words}".strip()
            found.append(Relation(first.name, said, second.name))
    return tuple(found)


def _thing(tokens: Sequence[str], head: Find) -> Thing:
    start = head.start
    while start > 0 and _describes(tokens[start - 1]):
        start -= 1
    said = list(tokens[start : head.start])
    count = _count(tokens, start)
    stop = head.stop
    while stop < len(tokens) and tokens[stop] in LOOKS:
        said.append(tokens[stop])
        stop += 1
    worn, stop = _worn(tokens, stop)
    looks = tuple(word for word in said if word in LOOKS)
    manners = tuple(word for word in said if word not in LOOKS and word in MANNERS)
    return Thing(head.words, head.meaning.labels[0], count, looks + worn, manners, range(start, stop))


def _describes(token: str) -> bool:
    return (
        token in LOOKS or token in MANNERS or (token in CHATTER and token not in NUMBERS and token.isalpha())
    )


def _count(tokens: Sequence[str], start: int) -> int | None:
    """Return how many the words before a noun phrase say: None for nothing said, 0 for "many"."""
    for token in reversed(tokens[max(0, start - 2) : start]):
        if token in COUNTS or token.isdigit():
            return COUNTS[token] if token in COUNTS else int(token[:4])
        if token in ("pair", "couple"):
            return 2
        if token in NUMBERS:
            return 0
        if token in ("a", "an"):
            return 1
        if token != "of" and token not in ARTICLES:
            return None
    return None


def _worn(tokens: Sequence[str], place: int) -> tuple[tuple[str, ...], int]:
    """Return what a thing wears and where the words end: "wearing a tiny hat", "in a red coat"."""
    if place >= len(tokens) or tokens[place] not in ("wearing", "in", "with"):
        return (), place
    for stop in range(place + 1, min(place + 6, len(tokens))):
        token = tokens[stop]
        if token in WORN:
            words = [word for word in tokens[place + 1 : stop + 1] if word not in ARTICLES]
            return (f"wearing {' '.join(words)}",), stop + 1
        if token not in ARTICLES and not _describes(token):
            break
    return (), place


def _relation(words: Sequence[str]) -> str:
    text = f" {' '.join(words)} "
    return next((relation for relation in RELATIONS if f" {relation} " in text), "")
