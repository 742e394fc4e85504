"""The names that a person may give to a subject of their own."""

import unicodedata
from functools import cache

from vitascope.errors import RequestError
from vitascope.toybox.cast.index import pluralise
from vitascope.toybox.cast.table import shipped_entries
from vitascope.toybox.cast.vocabulary import word_set
from vitascope.toybox.language.lexicon import ARTICLES, CHATTER, GRAMMAR, LOOKS, MANNERS, MOODS, NUMBERS
from vitascope.toybox.language.match import phrases
from vitascope.toybox.language.tables import NAMES

MOST_CHARACTERS = 40
EMOJI = "emoji"
EXAMPLE = "give one such as Rex"
_MARKS = " -'\u2019.&_!\u00b7\u200c\u200d"
"""What may stand in a name beside letters, digits and emoji; joiners, since emoji and several scripts need them."""


def check_name(name: str) -> tuple[str, tuple[str, ...]]:
    """Return a name as it is kept, with a note where it means something else in another language.

    Raises RequestError for one that is empty, too long, holds what no name holds, or is a word of the language.
    """
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not name:
        raise RequestError("NAME", "is empty", EXAMPLE)
    if len(name) > MOST_CHARACTERS:
        raise RequestError("NAME", f"has {len(name)} characters", f"at most {MOST_CHARACTERS} are kept")
    for character in name:
        category = unicodedata.category(character)
        if character not in _MARKS and category[0] not in "LMN" and category not in ("So", "Sk"):
            raise RequestError(
                "NAME",
                f"holds the character U+{ord(character):04X}",
                "letters, digits, emoji, spaces and - ' . & _ ! make a name",
            )
    if not any(unicodedata.category(character)[0] == "L" or _is_emoji(character) for character in name):
        raise RequestError("NAME", f'"{name}" has no letter', EXAMPLE)
    word = name.casefold()
    language = _language_of(word)
    if language is not None and (language in ("English", EMOJI) or not _is_latin(name)):
        problem = "shows something already" if language == EMOJI else f"is a word in {language} already"
        raise RequestError("NAME", f'"{name}" {problem}', f"my {name}, or one such as Rex")
    notes = (f'"{name}" is a word in {language}: in prompts it now means yours',) if language else ()
    return name, notes


def _is_emoji(character: str) -> bool:
    return unicodedata.category(character) == "So"


def _is_latin(name: str) -> bool:
    return all(
        "LATIN" in unicodedata.name(character, "")
        for character in name
        if unicodedata.category(character)[0] == "L"
    )


def _language_of(word: str) -> str | None:
    """Return the language in which a word has a meaning here, None for no language."""
    if word.replace("\ufe0f", "") in _emoji_words():
        return EMOJI
    if word in _english_words():
        return "English"
    return _foreign_words().get(word)


@cache
def _emoji_words() -> frozenset[str]:
    return frozenset(entry.emoji.replace("\ufe0f", "") for entry in shipped_entries().values() if entry.emoji)


@cache
def _english_words() -> frozenset[str]:
    """Return all English words and names that prompts use for something else."""
    names = {
        name.casefold() for entry in shipped_entries().values() for name in (*entry.names["en"], *entry.near)
    }
    grammar = ARTICLES | GRAMMAR | CHATTER | LOOKS | MANNERS | MOODS | NUMBERS
    lists = word_set("nothing", "abstract") | word_set("nothing", "scenery") | word_set("people", "portions")
    return frozenset(names | {pluralise(name) for name in names} | set(phrases()[0]) | grammar | lists)


@cache
def _foreign_words() -> dict[str, str]:
    """Return what the shipped pages are called in other languages, with the language's name."""
    return {
        name.casefold(): language
        for code, language in NAMES.items()
        for entry in shipped_entries().values()
        for name in entry.names.get(code, ())
    }
