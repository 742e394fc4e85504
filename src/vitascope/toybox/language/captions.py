"""Scenes to words: the captions that the model trains on, in many phrasings, and one fixed form."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from vitascope.toybox.language.lexicon import MOVING, SAID, article, inflect
from vitascope.toybox.scene import (
    ACTIONS,
    SEASON_SETS,
    SEASONS,
    SETS,
    STYLES,
    TIMES,
    WEATHERS,
    Scene,
    seasons_of,
    times_of,
    weathers_of,
)
from vitascope.toybox.world import NOBODY, find_subject, subject_named

UNNAMED = "a toy"
"""The subject of a sentence that names none."""


@dataclass(frozen=True)
class Caption:
    """A caption and the fields of its scene that it says."""

    text: str
    said: frozenset[str]


def canonical(scene: Scene, without: frozenset[str] = frozenset()) -> str:
    """Return a scene in the one fixed form: "a cat walks in a garden in spring, day, clear, clay style".

    The season is left out where the set has none, and the camera always: it has numbers of its own. Nothing is said of
    the fields `without`; a subject without a name is "a toy".
    """
    words = {
        "subject": "" if "subject" in without else named(scene.subject),
        "set": SAID["place"][scene.set][0],
        "season": f"in {scene.season}" if scene.set in SEASON_SETS else "",
        "time": scene.time,
        "weather": scene.weather,
        "style": f"{scene.style} style",
    }
    said = {field: "" if field in without else text for field, text in words.items()}
    first = (said["subject"] or UNNAMED, inflect(scene.action)[1], said["set"], said["season"])
    return ", ".join(
        filter(None, (" ".join(filter(None, first)), said["time"], said["weather"], said["style"]))
    )


def without_names(sentence: str) -> str:
    """Return a sentence of `canonical` without the subject's name; any other as it is."""
    found = _canonical_form().fullmatch(sentence)
    return UNNAMED + sentence[found.end("subject") :] if found else sentence


def read_canonical(text: str) -> Mapping[str, str] | None:
    """Return the labels that a sentence of `canonical` states; None for any other sentence.

    This is the exact inverse, by table: nothing is guessed. A field that the sentence leaves out has no label.
    """
    found = _canonical_form().fullmatch(text)
    if found is None:
        return None
    words = {name: part for name, part in found.groupdict().items() if part}
    subject = words.pop("subject")
    if subject != UNNAMED:
        known = subject_called(subject)
        if known is None:
            return None
        words["subject"] = known
    words["action"] = _actions_by_verb()[words["action"]]
    if "set" in words:
        words["set"] = _sets_by_place()[words["set"]]
    return words


@cache
def _canonical_form() -> re.Pattern[str]:
    def one_of(words: Iterable[str]) -> str:
        # The longest goes first: one place may begin like another.
        return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))

    return re.compile(
        rf"(?P<subject>.+?) (?P<action>{one_of(_actions_by_verb())})(?: (?P<set>{one_of(_sets_by_place())}))?"
        rf"(?: in (?P<season>{one_of(SEASONS)}))?(?:, (?P<time>{one_of(TIMES)}))?"
        rf"(?:, (?P<weather>{one_of(WEATHERS)}))?(?:, (?P<style>{one_of(STYLES)}) style)?"
    )


def named(subject: str) -> str:
    """Return what a caption calls a subject: "a cat", "nobody"."""
    return article(find_subject(subject).name) if subject else NOBODY.name


def subject_called(words: str) -> str | None:
    """Return the subject that a caption calls so, "" for nobody; None for words that name none: inverse of `named`."""
    if words == NOBODY.name:
        return NOBODY.id
    name = words.removeprefix("an " if words.startswith("an ") else "a ")
    found = subject_named(name)
    return found if found is not None and article(name) == words else None


@cache
def _actions_by_verb() -> Mapping[str, str]:
    return {inflect(action)[1]: action for action in ACTIONS}


@cache
def _sets_by_place() -> Mapping[str, str]:
    return {SAID["place"][place][0]: place for place in SETS}


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """Return a scene in natural words: subject, action and set, and none, some or all of the rest.

    What the set does not let vary (rain indoors, the seasons of a desert) is never said.
    """
    return describe(scene, rng).text


def describe(scene: Scene, rng: np.random.Generator) -> Caption:
    """Return a natural caption with the fields that it says; see `caption`."""
    length = ("short", "middle", "long")[rng.choice(3, p=(0.2, 0.4, 0.4))]
    choices = {
        "season": seasons_of(scene.set),
        "time": times_of(scene.set),
        "weather": weathers_of(scene.set, scene.season),
    }
    rest = [field for field, labels in choices.items() if len(labels) > 1]
    if length == "short":
        rest = [field for field in rest if field == "season" and rng.random() < 0.5]
    elif length == "middle":
        rest = [field for field in rest if rng.random() < 0.6]
    style = length == "long" or (length == "middle" and rng.random() < 0.4)
    camera = length == "long" or (length == "middle" and rng.random() < 0.3)
    text = (_keywords if rng.random() < 0.1 else _sentence)(scene, rest, rng)
    tail = [("style", pick(rng, SAID["style"][scene.style]))] if style else []
    tail += [("camera", pick(rng, SAID["camera"][scene.camera]))] if camera else []
    if rng.random() < 0.3:
        tail.reverse()
    said = frozenset(("subject", "action", "set", *rest, *(field for field, _ in tail)))
    text = ", ".join((text, *(words for _, words in tail)))
    return Caption(text[0].upper() + text[1:] + "." if rng.random() < 0.15 else text, said)


def pick(rng: np.random.Generator, phrases: Sequence[str]) -> str:
    """Draw a phrase; the first, plainest one is as likely as all others together."""
    if len(phrases) == 1 or rng.random() < 0.5:
        return phrases[0]
    return phrases[1 + int(rng.integers(len(phrases) - 1))]


def _noun(scene: Scene, rng: np.random.Generator) -> str:
    subject = find_subject(scene.subject)
    return pick(rng, (subject.name, *subject.synonyms)) if rng.random() < 0.5 else subject.name


def _where(scene: Scene, rng: np.random.Generator) -> str:
    goes = scene.action in MOVING and rng.random() < 0.5
    return pick(rng, SAID["route" if goes else "place"][scene.set])


def _circumstances(scene: Scene, fields: list[str], rng: np.random.Generator) -> str:
    order = [fields[i] for i in rng.permutation(len(fields)).tolist()]
    return " ".join(pick(rng, SAID[field][getattr(scene, field)]) for field in order)


def _sentence(scene: Scene, fields: list[str], rng: np.random.Generator) -> str:
    noun, where, when = _noun(scene, rng), _where(scene, rng), _circumstances(scene, fields, rng)
    subject = f"the {noun}" if rng.random() < 0.2 else article(noun)
    _, verb, gerund, _ = inflect(pick(rng, SAID["action"][scene.action]))
    forms = (
        f"{subject} {gerund} {where} {when}",
        f"{subject} {verb} {where} {when}",
        f"{subject} is {gerund} {where} {when}",
        f"{subject} that {verb} {where} {when}",
        f"{where} {when}, {subject} {verb}",
        f"{where}, {subject} is {gerund} {when}",
        f"{when} {subject} {verb} {where}",
        f"there is {subject} {gerund} {where} {when}",
        f"a video of {subject} {gerund} {where} {when}",
    )
    weights = np.array((6, 6, 3, 1, 1.5, 1.5, 1, 1, 1))
    return " ".join(forms[rng.choice(len(forms), p=weights / weights.sum())].split()).replace(" ,", ",")


def _keywords(scene: Scene, fields: list[str], rng: np.random.Generator) -> str:
    gerund = inflect(pick(rng, SAID["action"][scene.action]))[2]
    words = [
        f"{_noun(scene, rng)} {gerund}",
        SAID["place"][scene.set][0].removeprefix("in a ").removeprefix("on a "),
    ]
    return ", ".join((*words, *(_keyword(scene, field) for field in fields)))


WEATHER_KEYWORDS = {
    "rain": "rainy", "snow": "snowing", "clear": "clear weather", "fog": "foggy", "wind": "windy", "storm": "stormy",
    "sparkles": "falling stars",
}  # fmt: skip


def _keyword(scene: Scene, field: str) -> str:
    label = getattr(scene, field)
    return WEATHER_KEYWORDS[label] if field == "weather" else label
