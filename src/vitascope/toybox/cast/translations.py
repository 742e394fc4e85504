"""What the shipped pages are called in each language, for the tables of words."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

from vitascope.toybox.cast.table import shipped_entries
from vitascope.toybox.language.match import plural
from vitascope.toybox.language.tables import plain


class ShippedNames:
    """The names of the shipped pages (see `language.tables.PageNames`)."""

    @cache  # noqa: B019  # one object in a process
    def phrases(self, code: str) -> Mapping[str, str]:
        """Return the pages' names in a language, in their plain spelling, with what they are in English."""
        found: dict[str, str] = {}
        for english, names in cast_names(code):
            for name in names:
                found.setdefault(plain(name), english)
        return found

    @cache  # noqa: B019
    def english_words(self) -> frozenset[str]:
        """Return every word that the English names of the pages are made of."""
        names = (name for entry in shipped_entries().values() for name in (*entry.names["en"], *entry.near))
        return frozenset(form for name in names for word in name.split() for form in (word, plural(word)))


@cache
def shipped_names() -> ShippedNames:
    """Return the names of the shipped pages."""
    return ShippedNames()


def cast_names(code: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what the shipped pages are called in English, with their names in a language.

    A keyword counts as a name where no other page has it and the page's own name holds it, as a longer word would.
    """
    plain_entries = sorted(
        (entry for entry in shipped_entries().values() if not entry.tone), key=lambda entry: bool(entry.cut)
    )
    for entry in plain_entries:
        yield entry.name, tuple(part for name in entry.names.get(code, ()) for part in _separate(name))
    owners = Counter(keyword for entry in plain_entries for keyword in set(entry.keywords.get(code, ())))
    for entry in plain_entries:
        names = entry.names.get(code, ())
        yield (
            entry.name,
            tuple(
                keyword
                for keyword in entry.keywords.get(code, ())
                if owners[keyword] == 1 and len(keyword) > 1 and any(keyword in name for name in names)
            ),
        )


def _separate(label: str) -> list[str]:
    """Return the names in a label: "car, automobile" is two."""
    return [part.strip() for part in re.split(r"[,،/()]", label.lower()) if len(part.strip()) > 1]
