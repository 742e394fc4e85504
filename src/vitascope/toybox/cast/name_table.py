"""The names of a person's own pages, found in a prompt of any language."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

_JOINED = re.compile("[\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Letters of scripts that write words together, or endings onto names."""
_TOKEN = "zqx"
"""How the token of a name begins while a prompt is read: no word of any language begins so."""


class NameTable:
    """The names of own pages, and the tokens that stand for them while a prompt is read."""

    def __init__(self, names: Iterable[str] = ()):
        """Give each name a token of plain letters, which every script's reader leaves alone."""
        longest_first = sorted(names, key=lambda name: (-len(name), name))
        self.tokens: Mapping[str, str] = {name: _token(place) for place, name in enumerate(longest_first)}
        self._names = {token: name for name, token in self.tokens.items()}
        self._folded = {name.casefold(): token for name, token in self.tokens.items()}
        patterns = "|".join(map(_pattern, longest_first))
        self._pattern = re.compile(patterns, re.IGNORECASE) if patterns else None

    def mark(self, prompt: str) -> str:
        """Return a prompt with the tokens of own pages in place of their names."""
        if self._pattern is None:
            return prompt
        text = unicodedata.normalize("NFC", prompt)
        return self._pattern.sub(lambda found: f" {self._folded.get(_fold(found[0]), found[0])} ", text)

    def restore(self, text: str) -> str:
        """Return a text with the names of own pages in place of their tokens."""
        if not self._names:
            return text
        return re.sub(rf"{_TOKEN}[a-z]{{2}}", lambda found: self._names.get(found[0], found[0]), text)


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()


def _token(place: int) -> str:
    return f"{_TOKEN}{chr(97 + place // 26)}{chr(97 + place % 26)}"


def _pattern(name: str) -> str:
    """Return a pattern of a name as a whole word, in any number of spaces."""
    inner = r"\s{1,4}".join(map(re.escape, name.split()))
    if _JOINED.search(name):
        return inner
    before = r"(?<!\w)" if name[0].isalnum() else ""
    after = r"(?!\w)" if name[-1].isalnum() else ""
    return f"{before}{inner}{after}"
