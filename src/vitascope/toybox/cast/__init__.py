"""The cast: a memory of pages, each a small stack of pictures of one subject with what is known of it."""

from vitascope.toybox.cast.pages import Cast, Page
from vitascope.toybox.cast.table import KINDS, LANGUAGES, CastEntry

__all__ = ["KINDS", "LANGUAGES", "Cast", "CastEntry", "Page"]
