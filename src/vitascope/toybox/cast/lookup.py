"""All pages that a prompt may name: a person's own first, then those that ship."""

from collections.abc import Mapping
from dataclasses import dataclass

from vitascope.settings import settings
from vitascope.toybox.cast.colour import dye
from vitascope.toybox.cast.pages import Cast, Page
from vitascope.toybox.cast.table import CastEntry


@dataclass(frozen=True)
class Appearance:
    """Which page shows a subject, "" for nobody, and the colour in which it is dyed, "" for its own."""

    page: str
    colour: str = ""


def all_entries() -> Mapping[str, CastEntry]:
    """Return the entries of all pages by id, a person's own before those that ship."""
    return _memory().entries


def find_entry(page: str) -> CastEntry:
    """Return the entry of a page. Raises KeyError if there is none."""
    return _memory().find(page)


def read_page(page: str, size: int, colour: str = "") -> Page:
    """Return the pictures of a page at a size, dyed in a colour of `words.toml` if one is named.

    Raises KeyError if there is no such page, and RequestError for an own page whose file is missing or damaged.
    """
    pictures = _memory().page(page, size)
    return dye(pictures, colour) if colour else pictures


def _memory() -> Cast:
    # Own pages are found by words, and so need the language, which needs the names of the pages that ship.
    from vitascope.toybox.cast.own import open_cast

    return open_cast(settings().home).cast
