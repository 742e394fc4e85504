"""Prompts of any language to plain English words, which are all that the rest of the grammar reads."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from vitascope.toybox.language.lexicon import CHATTER, GRAMMAR, KIN, LOOKS, NUMBERS, article
from vitascope.toybox.language.match import phrases, plural
from vitascope.toybox.language.tables import (
    LATIN,
    NAMES,
    Language,
    PageNames,
    Sense,
    language,
    plain,
    simplified,
)

ENGLISH = "English"
UNKNOWN = "unknown"
LANGUAGES = ", ".join((ENGLISH, *NAMES.values()))
"""The languages that prompts may be written in, as a note names them."""

SURELY = 0.6
"""Share of English words from which nobody looks for another language."""

_WORD = re.compile(r"(?:[^\W_]|[\u0900-\u0903\u093a-\u094f\u0962\u0963\u200c\u200d])+|[^\s\w]|_")
_STOPS = frozenset(',.;:!?、。，！？；：।،؛؟…\n/|—()[]{}"“”«»「」『』')
_JOINS = frozenset("'’ʼ‐‑-–ー・〜~·\u200b")
"""Marks inside of words: what they join is read as two."""
_RANGES = ((0x0400, 0x052F, "ru"), (0x0600, 0x06FF, "ar"), (0x0750, 0x077F, "ar"), (0x0900, 0x097F, "hi"),
           (0x1100, 0x11FF, "ko"), (0xAC00, 0xD7A3, "ko"), (0x3040, 0x30FF, "ja"), (0x31F0, 0x31FF, "ja"),
           (0x3400, 0x4DBF, "zh"), (0x4E00, 0x9FFF, "zh"))  # fmt: skip
_FIRST = 0x0400
"""The first letter that is neither Latin nor Greek."""

_MOVES = ("zoom", "pan", "tilt", "roll", "move")
_WHOLE = {"static": "static camera", "shake": "handheld camera", "zoom in": "zoom in", "zoom out": "zoom out"}
_WAYS = ("left", "right", "up", "down", "in", "out", "clockwise", "counterclockwise")
_CLAUSES = ("action", "place", "season", "time", "weather", "style")


@dataclass(frozen=True)
class Translation:
    """A prompt in English words, and the language it came in ("unknown" if it is none that is known)."""

    text: str
    language: str


@dataclass(frozen=True)
class Piece:
    """A stretch of a prompt: what it is (a section of the tables, "stop" or "unknown") and its English words.

    `camera` is what it says where the camera is spoken of, "" if nothing.
    """

    kind: str
    english: str
    camera: str = ""


def to_english(prompt: str, names: PageNames | None = None) -> Translation:
    """Return a prompt in English words; what no table knows stays as it is. English is left alone.

    With `names` those of all pages are known as well (see `toybox.cast`).
    """
    tongue = recognise(prompt, names)
    if tongue is None:
        return Translation(prompt, ENGLISH if _english_share(_words(prompt), names) > 0 else UNKNOWN)
    pieces = list(_pieces(prompt, tongue))
    return Translation(_assemble(pieces, tongue), tongue.name)


def recognise(prompt: str, names: PageNames | None = None) -> Language | None:
    """Return the language of a prompt by its letters and, for Latin letters, its words; None for English."""
    script = _script(prompt)
    if script is not None:
        return language(script, names)
    words = _words(prompt)
    if not words or (english := _english_share(words, names)) > SURELY:
        return None
    best = max(LATIN, key=lambda code: _share(language(code, names), words))
    return language(best, names) if _share(language(best, names), words) > english else None


def _script(prompt: str) -> str | None:
    """Return the language of the letters that are not Latin, if they are a third of all letters or more."""
    letters = [ord(character) for character in prompt if character.isalpha()]
    counts = dict.fromkeys(NAMES, 0)
    for code in letters:
        if code >= _FIRST and (name := _owner(code)) is not None:
            # A Chinese, Japanese or Korean letter says as much as a word of others.
            counts[name] += 3 if name in ("zh", "ja", "ko") else 1
    if counts["ja"]:
        counts["ja"] += counts.pop("zh")
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] * 3 >= max(len(letters), 1) else None


def _owner(code: int) -> str | None:
    return next((name for first, last, name in _RANGES if first <= code <= last), None)


def _words(prompt: str) -> list[str]:
    return [word for word in _WORD.findall(plain(prompt)) if word.isalpha()]


def _english_share(words: Sequence[str], names: PageNames | None) -> float:
    known = _english() | names.english_words() if names else _english()
    return sum(word in known for word in words) / max(len(words), 1)


@cache
def _english() -> frozenset[str]:
    """Return every word that English phrases and the names of things are made of."""
    said = {word for phrase in phrases()[0] for word in phrase.split()}
    kin = {word for families in KIN.values() for line in families.values() for word in line.split()}
    return frozenset(said | kin | LOOKS | GRAMMAR | CHATTER | NUMBERS)


def _share(tongue: Language, words: Sequence[str]) -> float:
    """Return the share of words that a language knows, those that are English grammar aside."""
    return sum(word not in GRAMMAR and tongue.knows(word) for word in words) / max(len(words), 1)


def _pieces(prompt: str, tongue: Language) -> Iterator[Piece]:
    text = plain(simplified(prompt) if tongue.code == "zh" else prompt)
    for run in re.split(r"(//)", text):
        if run == "//":
            yield Piece("stop", "//")
        elif tongue.joined:
            yield from _joined_pieces(run, tongue)
        else:
            yield from _spaced_pieces(run, tongue)


def _spaced_pieces(text: str, tongue: Language) -> Iterator[Piece]:
    words = [word for word in _WORD.findall(text) if word not in _JOINS]
    place = 0
    while place < len(words):
        stop, senses = tongue.find(words, place)
        yield _piece(senses) if senses else _unknown(words[place])
        place = max(stop, place + 1)


def _joined_pieces(text: str, tongue: Language) -> Iterator[Piece]:
    place, kept = 0, ""
    while place < len(text):
        stop, senses = tongue.find(text[place : place + tongue.longest], 0)
        known = senses or text[place].isspace() or not text[place].isalnum()
        if kept and (known or _kind(text[place]) != _kind(kept[-1])):
            yield from _loose(kept)
            kept = ""
        if senses:
            yield _piece(senses)
            place += stop
            continue
        if known and not text[place].isspace():
            yield _unknown(text[place])
        elif not known:
            kept += text[place]
        place += 1
    yield from _loose(kept)


def _kind(character: str) -> str:
    """Return a rough kind of letter, so that a run of unknown letters ends where the script changes."""
    code = ord(character)
    return "kana" if 0x3040 <= code <= 0x309F else "other" if code > 0x7F else "ascii"


def _loose(run: str) -> Iterator[Piece]:
    """Yield letters that nobody claims; hiragana among them are endings."""
    if run and _kind(run[0]) != "kana":
        yield _unknown(run)


def _unknown(word: str) -> Piece:
    if word in _JOINS:
        return Piece("drop", "drop")
    return Piece("stop", ",") if word in _STOPS else Piece("unknown", word)


def _piece(senses: Sequence[Sense]) -> Piece:
    """Return the piece of a phrase: its first meaning, and the one it has where the camera is spoken of."""
    camera = next((sense.english for sense in senses if sense.section == "camera"), "")
    first = next((sense for sense in senses if sense.section != "camera"), Sense("glue", "drop"))
    kind = first.english if first.section == "glue" else first.section
    return Piece(kind, first.english, camera)


def _assemble(pieces: Sequence[Piece], tongue: Language) -> str:
    """Return the English words of pieces, in an order in which English would say them."""
    said: list[Piece] = []
    place = 0
    while place < len(pieces):
        run, stop = _camera_run(pieces, place)
        if run:
            said.append(Piece("camera", _camera(run)))
            place += len(run)
        else:
            # A part of what makes no move makes none either: nothing is looked at twice.
            said += pieces[place:stop]
            place = stop
    said = _things([piece for piece in said if piece.kind != "drop"], tongue)
    # Two steps, because a pattern that looks to the end of each run of commas does so from every comma of it.
    words = re.sub(r" ,(?= ,)", "", " ".join(_words_of(said)))
    return re.sub(r" ,(?= //|$)|^, ", "", words).replace(" ,", ",")


def _camera_run(pieces: Sequence[Piece], place: int) -> tuple[Sequence[Piece], int]:
    """Return the pieces from here on that speak of the camera, none if they do not make a move, and where they end."""
    if not pieces[place].camera and pieces[place].kind != "pace":
        return (), place + 1
    stop = place
    while stop < len(pieces) and (pieces[stop].camera or pieces[stop].kind in ("pace", "drop", "a", "in")):
        stop += 1
    run = list(pieces[place:stop])
    while not run[-1].camera and run[-1].kind != "pace":
        run.pop()
    words = {piece.camera for piece in run}
    moves, ways = words & set(_MOVES), words & set(_WAYS)
    whole = words & set(_WHOLE) or "zoom" in moves
    makes_sense = whole or ("camera" in words and (moves or ways)) or (moves - {"move", "roll"} and ways)
    return (run if makes_sense else ()), stop


def _camera(run: Sequence[Piece]) -> str:
    """Return a move of the camera in the words that `read_camera` understands."""
    words = [piece.camera for piece in run]
    pace = next((piece.english for piece in run if piece.kind == "pace"), "")
    whole = next((word for word in words if word in _WHOLE), None)
    way = next((word for word in words if word in _WAYS), "")
    move = next((word for word in _MOVES if word in words), "move")
    if whole in ("static", "shake"):
        return _WHOLE[whole]
    if whole:
        return f"{pace} {whole}".strip()
    if move == "zoom":
        return f"{pace} zoom {way if way in ('in', 'out') else 'in'}".strip()
    if move == "move" and "clockwise" in way:
        move = "rotate"
    return " ".join(f"the camera {move} {pace} {way}".split())


def _things(pieces: Sequence[Piece], tongue: Language) -> list[Piece]:
    """Return the pieces with every thing as "number attributes noun", and "without" before what it takes away."""
    said: list[Piece] = []
    before: list[Piece] = []
    for piece in pieces:
        if piece.kind in ("attribute", "number", "a"):
            joins = said and said[-1].kind == "subject" and not before
            if joins and piece.kind == "attribute" and tongue.adjectives_after:
                said[-1] = Piece("subject", _described(said[-1].english, piece.english))
            elif joins and piece.kind == "number" and tongue.after:
                said[-1] = Piece("subject", _counted(piece.english, said[-1].english.partition(" ")[2]))
            else:
                before.append(piece)
        elif piece.kind in ("subject", "unknown") and piece.english[0].isalnum():
            denied = bool(said) and said[-1].kind == "without"
            said.append(Piece(piece.kind, piece.english if denied else _named(piece, before)))
            before = []
        elif piece.kind == "without" and tongue.after and said and said[-1].kind in ("subject", "unknown"):
            said[-1:] = [piece, Piece("unknown", said[-1].english.removeprefix("a ").removeprefix("an "))]
        else:
            said += [piece for piece in before if piece.kind == "attribute"] + [piece]
            before = []
    return said + before


def _described(noun: str, attribute: str) -> str:
    first, _, rest = noun.partition(" ")
    return article(f"{attribute} {rest}") if first in ("a", "an") else f"{first} {attribute} {rest}"


def _named(noun: Piece, before: Sequence[Piece]) -> str:
    """Return a noun as English says it: with its number or article, then its attributes."""
    attributes = [piece.english for piece in before if piece.kind == "attribute"]
    words = " ".join((*attributes, noun.english))
    number = next((piece.english for piece in before if piece.kind == "number"), "")
    if number:
        return _counted(number, words)
    return article(words) if noun.kind == "subject" or before else words


def _counted(number: str, words: str) -> str:
    return f"a {number} of {plural(words)}" if number == "group" else f"{number} {plural(words)}"


def _words_of(pieces: Sequence[Piece]) -> Iterator[str]:
    for i, piece in enumerate(pieces):
        following = pieces[i + 1].kind if i + 1 < len(pieces) else ""
        if piece.kind in _CLAUSES or piece.kind == "camera":
            yield f", {piece.english} ," if piece.kind != "action" else piece.english
        elif piece.kind == "in":
            if following == "unknown":
                yield "in"
        elif piece.kind == "then":
            yield ", then"
        elif piece.kind in ("a", "number") and following != "unknown":
            continue
        elif piece.kind == "pace":
            yield {"slow": "slowly", "fast": "quickly"}[piece.english]
        else:
            yield piece.english
