"""All pages that a prompt may name: a person's own first, then those that ship."""

from collections.abc import Mapping
from dataclasses import dataclass

from vitascope.errors import RequestError
from vitascope.settings import settings
from vitascope.toybox.cast.colour import dye
from vitascope.toybox.cast.pages import Cast, Page
from vitascope.toybox.cast.table import CastEntry
from vitascope.toybox.cast.vocabulary import words


@dataclass(frozen=True)
class Appearance:
    """Which page shows a subject, "" for nobody, and the colour in which it is dyed, "" for its own."""

    page: str
    colour: str = ""


def all_entries() -> Mapping[str, CastEntry]:
    """Return the entries of all pages by id, a person's own before those that ship."""
    return _memory().entries


def find_entry(page: str) -> CastEntry:
    """Return the entry of a page. Raises `RequestError` if there is none, as for an own page that is gone."""
    return _find(_memory(), page)


def read_page(page: str, size: int, colour: str = "") -> Page:
    """Return the pictures of a page at a size, dyed in a colour of `words.toml` if one is named.

    Raises `RequestError` if there is no such page, or colour, and for an own page whose file is missing or damaged.
    """
    memory = _memory()
    _find(memory, page)
    if colour and colour not in words()["colours"]:
        raise RequestError(
            "cast", f'"{colour[:40]}" is no colour of pages', "red, blue and others of words.toml"
        )
    pictures = memory.page(page, size)
    return dye(pictures, colour) if colour else pictures


def _find(memory: Cast, page: str) -> CastEntry:
    try:
        return memory.find(page)
    except KeyError:
        hint = "vitascope cast ls lists all; vitascope cast add brings your own"
        raise RequestError("cast", f'there is no picture of "{page[:40]}" here', hint) from None


def _memory() -> Cast:
    # Own pages are found by words, and so need the language, which needs the names of the pages that ship.
    from vitascope.toybox.cast.own import open_cast

    return open_cast(settings().home).cast
