"""What a prompt says beside its scene: how long it lasts, what it sounds like, and what must not be there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vitascope.toybox.language.lexicon import ARTICLES, CHATTER, COUNTS, GRAMMAR
from vitascope.toybox.language.match import phrases

MOST_TAKEN_AWAY = 4
"""Words of the longest thing that "without" takes away."""

_NUMBER = rf"(?P<number>\d{{1,4}}(?:[.,]\d{{1,3}})?|{'|'.join(COUNTS)})"
_LENGTH = re.compile(
    rf"(?:\b(?:for|lasting|lasts|that lasts) )?\b{_NUMBER}[ -]?(?P<unit>seconds?|secs?|s|minutes?|mins?)\b"
    r"(?:[ -]long\b)?",
    re.IGNORECASE,
)
_SOUND = re.compile(
    r"(?:\b(?:with|and|to) )?(?:\bthe )?\b(?:sounds?|noise|soundtrack|music) of (?P<of>[^,.;/]{1,60})"
    r"|\bwith (?P<kind>[^,.;/]{0,30}?\b(?:music|sound|sounds|soundtrack|narration|voiceover))\b",
    re.IGNORECASE,
)
_DENIED = frozenset(("without", "no", "not", "never", "excluding", "minus"))
_STILL = re.compile(
    r"\b(?:without|no|not|never) (?:any |a |the |an )?(?P<what>zoom|zooms|zooming|pan|panning|tilt|tilting)"
    r"(?: (?:in|out|left|right|up|down))?(?= ?(?:[,.;]|$))"
)


@dataclass(frozen=True)
class Asides:
    """A prompt without its asides, and these: seconds (None if not said) and a sound in words ("" for none)."""

    rest: str
    seconds: float | None = None
    sound: str = ""


def take_asides(prompt: str) -> Asides:
    """Take what is said of length and sound out of an English prompt."""
    seconds, sound = None, ""
    if (length := _LENGTH.search(prompt)) is not None:
        word = length["number"].lower()
        number = COUNTS[word] if word in COUNTS else float(word.replace(",", "."))
        seconds = number * (60.0 if length["unit"].lower().startswith("m") else 1.0)
        prompt = f"{prompt[: length.start()]} {prompt[length.end() :]}"
    if (heard := _SOUND.search(prompt)) is not None:
        sound = " ".join((heard["of"] or heard["kind"]).split())
        prompt = f"{prompt[: heard.start()]} , {prompt[heard.end() :]}"
    return Asides(prompt, seconds or None, sound)


def take_camera_denials(text: str) -> tuple[str, tuple[str, ...]]:
    """Take "without zoom" out of tokens joined by spaces, before the camera's grammar sees a zoom there."""
    denied = tuple(match["what"] for match in _STILL.finditer(text))
    return (_STILL.sub(",", text), denied) if denied else (text, ())


def take_denials(tokens: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Take what is not wanted out of tokens: "without people or cars" leaves a comma and ("people", "cars")."""
    rest: list[str] = []
    denied: list[str] = []
    place = 0
    while place < len(tokens):
        # Only after a denial: a run of articles would be gone through from each of them.
        stop = _after_articles(tokens, place + 1) if tokens[place] in _DENIED else place
        if tokens[place] not in _DENIED or not (words := _thing(tokens, stop)):
            rest.append(tokens[place])
            place += 1
            continue
        while words:
            denied.append(" ".join(words))
            place = stop + len(words)
            joined = place < len(tokens) and tokens[place] in ("or", "and", "nor")
            stop = place + 1
            words = _thing(tokens, stop) if joined and not _ends(tokens, stop, 0) else []
        rest.append(",")
    return rest, tuple(dict.fromkeys(denied))


def _after_articles(tokens: Sequence[str], place: int) -> int:
    while place < len(tokens) and (tokens[place] in ARTICLES or tokens[place] == "any"):
        place += 1
    return place


def _thing(tokens: Sequence[str], place: int) -> list[str]:
    """Return the words of the thing that begins here."""
    words: list[str] = []
    while len(words) < MOST_TAKEN_AWAY and not _ends(tokens, place + len(words), len(words)):
        words.append(tokens[place + len(words)])
    return words


def _ends(tokens: Sequence[str], place: int, length: int) -> bool:
    """Say whether a thing of some words ends before a place: at punctuation, grammar, or a verb after its noun."""
    if place >= len(tokens) or not tokens[place].isalnum() or tokens[place] in GRAMMAR:
        return True
    meanings = phrases()[0].get(tokens[place], ())
    return length > 0 and (tokens[place] in CHATTER or (bool(meanings) and meanings[0].field == "action"))
