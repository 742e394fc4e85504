"""The words around a page (`words.toml`): colours, sizes, relations, and what is no thing at all."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def words() -> dict[str, Any]:
    """Return `words.toml`."""
    return tomllib.loads(files("vitascope.toybox.cast").joinpath("words.toml").read_text("utf-8"))


def word_set(section: str, name: str) -> frozenset[str]:
    """Return a list of words of `words.toml` as a set."""
    return frozenset(words()[section][name].split())
