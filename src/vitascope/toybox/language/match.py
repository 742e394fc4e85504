"""Prompts to tokens, and tokens to the labels that they mean."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from vitascope.camera.words import tokenize as split_words
from vitascope.toybox.language.lexicon import (
    ARTICLES,
    GRAMMAR,
    HEARD,
    NEAR,
    NUMBERS,
    PREPOSITIONS,
    SAID,
    inflect,
)
from vitascope.toybox.world import cast

SNOW = "snow"
"""The one word that names a set as well as a weather; which one is decided by the rest of the prompt."""


@dataclass(frozen=True)
class Meaning:
    """What a phrase stands for: labels of a field, most usual first; `near` if none of them is quite it."""

    field: str
    labels: tuple[str, ...]
    near: bool = False
    plural: bool = False
    noun_like: bool = False
    """A verb's form that is a noun after an article: "the park", "a race"."""


@dataclass(frozen=True)
class Find:
    """A phrase found in the tokens from `start` up to `stop`."""

    start: int
    stop: int
    words: str
    meaning: Meaning


def tokenize(prompt: str) -> list[str]:
    """Return words in lower case without accents, and punctuation marks; an emoji becomes its name."""
    return split_words(prompt, _emoji())


@cache
def _emoji() -> dict[str, str]:
    return {subject.emoji[0]: subject.name for subject in cast().values() if subject.emoji}


def match(tokens: Sequence[str]) -> list[Find]:
    """Return the phrases that mean something, left to right, the longest at each place, without overlaps."""
    finds: list[Find] = []
    table, longest = phrases()
    place = 0
    while place < len(tokens):
        for stop in range(min(len(tokens), place + longest), place, -1):
            words = " ".join(tokens[place:stop])
            if words in table and (meaning := _choose(table[words], tokens, place)) is not None:
                finds.append(Find(place, stop, words, meaning))
                place = stop
                break
        else:
            place += 1
    return finds


def after_preposition(tokens: Sequence[str], place: int) -> bool:
    """Say whether a word stands where a place would: "in the ...", "across a wide ..."."""
    for token in reversed(tokens[max(0, place - 3) : place]):
        if token in PREPOSITIONS:
            return True
        if (token not in ARTICLES and token in GRAMMAR) or not token.isalnum():
            return False
    return False


def _choose(meanings: tuple[Meaning, ...], tokens: Sequence[str], place: int) -> Meaning | None:
    """Return the meaning that fits where the phrase stands, None if none does."""
    before = tokens[place - 1] if place else ""
    as_noun = before != "that" and (before in ARTICLES or before in NUMBERS or before in PREPOSITIONS)
    by_field = {meaning.field: meaning for meaning in meanings if not (meaning.noun_like and as_noun)}
    wanted = (
        ("set", "season", "subject", "action") if after_preposition(tokens, place) else ("subject", "season")
    )
    if not as_noun and place:
        wanted = ("set", "action", "subject") if wanted[0] == "set" else ("season", "action", "subject")
    for field in (*wanted, *by_field):
        if field in by_field:
            return by_field[field]
    return None


@cache
def phrases() -> tuple[dict[str, tuple[Meaning, ...]], int]:
    """Return every phrase that is understood with its meanings, and how many words the longest has."""
    table: dict[str, dict[str, Meaning]] = {}

    def learn(words: str, meaning: Meaning) -> None:
        table.setdefault(" ".join(tokenize(words)), {}).setdefault(meaning.field, meaning)

    for subject in cast().values():
        for words in (subject.name, *subject.synonyms):
            learn(words, Meaning("subject", (subject.id,)))
        for words in (subject.plural, *(_plural(words) for words in subject.synonyms)):
            learn(words, Meaning("subject", (subject.id,), plural=words != subject.name))
    for said in ("place", "route", "season", "time", "weather", "style"):
        for label, said_phrases in SAID[said].items():
            for words in said_phrases:
                if not words.endswith(f"the {SNOW}"):
                    learn(words, Meaning("set" if said in ("place", "route") else said, (label,)))
    for source in (SAID, HEARD):
        for labels, verbs in source["action"].items():
            for verb in verbs:
                base, third, gerund, past = inflect(verb)
                meaning = Meaning("action", tuple(labels.split()))
                for words in (gerund, past):
                    learn(words, meaning)
                for words in (base, third):
                    learn(words, replace(meaning, noun_like=source is HEARD))
    for source, near in ((HEARD, False), (NEAR, True)):
        for field, labels in source.items():
            if field != "action":
                for label, words in labels.items():
                    for phrase in words:
                        learn(phrase, Meaning(field, (label,), near))
    table[SNOW] = {SNOW: Meaning(SNOW, (SNOW,))}
    longest = max(phrase.count(" ") + 1 for phrase in table)
    return {phrase: tuple(meanings.values()) for phrase, meanings in table.items()}, longest


def plural(noun: str) -> str:
    """Return a noun's plural: that of the cast where it has one, else by rule."""
    first, _, last = noun.rpartition(" ")
    if (known := _plurals().get(noun) or _plurals().get(last)) is not None:
        return known if noun in _plurals() else f"{first} {known}".strip()
    return _plural(noun)


@cache
def _plurals() -> dict[str, str]:
    return {subject.name: subject.plural for subject in cast().values()}


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "sh", "ch", "z")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou") else noun + "s"
