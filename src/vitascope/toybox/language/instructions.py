"""Instructions for edits: "make it night", "add a dog" to the forms that the model was taught."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from vitascope.toybox.language.captions import named, subject_called
from vitascope.toybox.language.defaults import complete
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.language.parse import parse
from vitascope.toybox.scene import FIELDS, SEASONS, Scene
from vitascope.toybox.world import FULL, World, find_subject, subject_named

TIME_WORDS = {"day": "make it daytime", "sunset": "make it sunset", "night": "make it night"}
WEATHER_WORDS = {
    "clear": "clear up the sky", "rain": "make it rain", "snow": "make it snow",
    "fog": "make it foggy", "wind": "make it windy", "storm": "let a storm come up", "sparkles": "let stars fall",
}  # fmt: skip
STYLE_WORDS = {
    "clay": "turn it into a clay film", "watercolour": "turn it into a watercolour painting",
    "pencil": "turn it into a pencil drawing", "noir": "turn it into film noir",
    "pixel": "turn it into pixel art", "cartoon": "turn it into a cartoon", "neon": "turn it into neon lights",
    "paper": "turn it into a paper cut-out",
}  # fmt: skip
SET_WORDS = {
    "garden": "a garden", "meadow": "a meadow", "forest": "a forest", "beach": "a beach",
    "underwater": "the sea", "desert": "the desert", "snow": "a snow field", "city": "a city",
    "space": "space", "room": "a room", "stage": "a stage", "farm": "a farm",
    "mountains": "the mountains", "castle": "a castle", "sea": "the open sea", "lake": "a lake",
    "rink": "an ice rink", "street": "a street", "road": "a country road", "playground": "a playground",
    "kitchen": "a kitchen", "table": "a table",
}  # fmt: skip

_ADD = re.compile(r"\b(?:add|put|insert|place|include)\b(.*)")
_REMOVE = re.compile(r"\b(?:remove|delete|erase|take away|get rid of|without)\b(.*)")
_ASKED = re.compile(
    r"^(?:please |now |can you |could you )*"
    r"(?:make|let|put|move|turn|change|set|bring|place|transport|transform|render|redraw|give)\b"
    r"(?: it| this| that| them| everything| the (?:scene|clip|video|picture|whole thing))?"
)
_FALLS = re.compile(r"\bit (?:to )?(snow|rain)(?:s|ing)?\b")
_INTO = re.compile(r"\b(?:into|to)\b")
_REPLACEMENT = re.compile(r"replace the .+? with (.+)")
_REPLACE = re.compile(r"\b(?:replace|swap|exchange|change|turn|make|transform)\b")
_WITH = re.compile(r"\b(?:with|by|for|into|to|a)\b")


Kind = Literal["add", "remove", "replace", "change"]


@dataclass(frozen=True)
class Instruction:
    """An instruction in the form that the model was taught, what kind it is, and the labels that it changes.

    It changes none where somebody comes who was not there, or goes: that is its `subject`.
    """

    text: str
    kind: Kind
    changes: Mapping[str, str] = field(default_factory=dict)
    subject: str | None = None

    @property
    def labels(self) -> Mapping[str, str]:
        """What the instruction states of a scene."""
        return self.changes if self.subject is None else {"subject": self.subject, **self.changes}

    def after(self, scene: Scene, world: World) -> Scene | None:
        """Return what becomes of a scene; None where somebody comes or goes, or the set cannot show what is asked."""
        said = {name: getattr(scene, name) for name in FIELDS} | dict(self.changes)
        if said["action"] not in find_subject(said["subject"]).actions:
            del said["action"]
        whole = complete(said, world)
        possible = all(getattr(whole, name) == label for name, label in self.changes.items())
        return whole if self.changes and possible else None


def change_of(field: str, label: str) -> str:
    """Return the instruction that asks for another season, time, weather, style or set. Raises KeyError for others."""
    words: Mapping[str, Mapping[str, str]] = {
        "time": TIME_WORDS,
        "weather": WEATHER_WORDS,
        "style": STYLE_WORDS,
    }
    if field == "season":
        return f"change the season to {label}"
    return f"move it to {SET_WORDS[label]}" if field == "set" else words[field][label]


def names_subject(prompt: str, world: World = FULL, embed: Embed | None = None) -> bool:
    """Say whether a prompt names a toy that is to be there, rather than one that is to go, or none."""
    asked = instruction(prompt, world, embed)
    removal_asked = asked is not None and asked.kind == "remove"
    return not removal_asked and "subject" in parse(prompt, world, embed).said


def addition(subject: str) -> str:
    """Return the instruction that asks for a toy, by its id."""
    return f"add {named(subject)}"


def removal(subject: str) -> str:
    """Return the instruction that asks for a toy to go away."""
    return f"remove the {find_subject(subject).name}"


def replacement(old: str, new: str) -> str:
    """Return the instruction that asks for one toy in another's place."""
    return f"replace the {find_subject(old).name} with {named(new)}"


@cache
def _instructions() -> Mapping[str, Instruction]:
    """Return every instruction of the model's own form that speaks of no toy, by its text."""
    labels = {
        "time": tuple(TIME_WORDS),
        "weather": tuple(WEATHER_WORDS),
        "style": tuple(STYLE_WORDS),
        "season": SEASONS,
        "set": tuple(SET_WORDS),
    }
    changes = [(name, label) for name, all_labels in labels.items() for label in all_labels]
    known = [Instruction(change_of(name, label), "change", {name: label}) for name, label in changes]
    return {each.text: each for each in known}


def read_instruction(text: str) -> Instruction | None:
    """Return the instruction that a sentence of the model's own form states; None for any other sentence.

    This is the exact inverse of `change_of`, `addition`, `removal` and `replacement`, by table: nothing is guessed.
    """
    if (known := _instructions().get(text)) is not None:
        return known
    if text.startswith("add ") and (new := subject_called(text.removeprefix("add "))):
        return Instruction(text, "add", subject=new)
    if text.startswith("remove the ") and (gone := subject_named(text.removeprefix("remove the "))):
        return Instruction(text, "remove", subject=gone)
    if (found := _REPLACEMENT.fullmatch(text)) is None:
        return None
    new = subject_called(found[1])
    return Instruction(text, "replace", {"subject": new}) if new else None


def instruction(prompt: str, world: World = FULL, embed: Embed | None = None) -> Instruction | None:
    """Return what a prompt instructs, or None for a prompt that is no instruction."""
    text = " ".join(prompt.lower().split())

    def subject_in(words: str) -> str | None:
        parsed = parse(words, world, embed) if words.strip() else None
        return parsed.scene.subject if parsed is not None and "subject" in parsed.said else None

    if (found := _REMOVE.search(text)) and (gone := subject_in(found[1])):
        return Instruction(removal(gone), "remove", subject=gone)
    if (found := _ADD.search(text)) and (new := subject_in(found[1])):
        return Instruction(addition(new), "add", subject=new)
    going, coming = _exchanged(text)
    if (gone := subject_in(going)) and (new := subject_in(coming)):
        return Instruction(replacement(gone, new), "replace", {"subject": new}) if gone != new else None
    return _changed(text, world, embed)


def _exchanged(text: str) -> tuple[str, str]:
    """Return the words of "replace ... with ..." that say what goes and what comes, "" for none."""
    verb = _REPLACE.search(text)
    joint = verb and _WITH.search(text, verb.end())
    if verb is None or joint is None:
        return "", ""
    return text[verb.end() : joint.start()], text[joint.end() :]


def _after_into(words: str) -> str:
    """Return "in a garden" of "her into a garden": what comes after the last "to"."""
    ends = [joint.end() for joint in _INTO.finditer(words)]
    return f"in{words[ends[-1] :]}" if ends else words


def _changed(text: str, world: World, embed: Embed | None) -> Instruction | None:
    """Return the change that is asked for where no toy is spoken of, or where it is only told what becomes of "it"."""
    if (falls := _FALLS.search(text)) and falls[1] in world.weathers:
        return Instruction(change_of("weather", falls[1]), "change", {"weather": falls[1]})
    words = _ASKED.sub("", text)
    if words != text:
        words = _after_into(words)
    parsed = parse(words or text, world, embed)
    if "subject" in parsed.said or "action" in parsed.said:
        return None
    for name in ("style", "time", "weather", "season", "set"):
        if name in parsed.said:
            label = getattr(parsed.scene, name)
            return Instruction(change_of(name, label), "change", {name: label})
    return None
