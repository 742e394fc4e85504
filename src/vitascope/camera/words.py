"""Text to the tokens that grammars read: words in lower case, and punctuation marks."""

import re
import unicodedata
from collections.abc import Mapping

_TOKEN = re.compile(r"[^\W_]+|[,.;:!?]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_JOINED_EMOJI = re.compile("\u200d.\ufe0f?")


def tokenize(text: str, emoji: Mapping[str, str] | None = None) -> list[str]:
    """Return words in lower case without accents, and punctuation marks; an emoji becomes its name.

    `emoji` names some of them; all others have the names that Unicode gives them.
    """
    names = emoji or {}
    spelled = _BEYOND_ASCII.sub(lambda m: _spell(m.group(), names), _JOINED_EMOJI.sub("", text))
    spelled = unicodedata.normalize("NFKD", spelled.casefold())
    spelled = "".join(character for character in spelled if not unicodedata.combining(character))
    return _TOKEN.findall(spelled)


def _spell(character: str, names: Mapping[str, str]) -> str:
    if unicodedata.category(character) not in ("So", "Sk"):
        return character
    if (known := names.get(character)) is not None:
        return f" , a {known} , "
    name = unicodedata.name(character, "").lower()
    if not name or "regional indicator" in name or "modifier" in name:
        return " "
    return f" , a {re.sub(r'(^| )(face|sign|symbol|black|white|heavy)(?= |$)', '', name)} , "
