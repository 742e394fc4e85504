"""Families of things: who stands in for a subject that a world does not have."""

from functools import cache

from vitascope.toybox.language.lexicon import KIN
from vitascope.toybox.language.nearest import Embed, nearest
from vitascope.toybox.world import World, cast


def relative(words: str, world: World, embed: Embed | None) -> str | None:
    """Return the subject of the world that is nearest of kin to a thing; None for words of no family.

    That is the first of its family that the world has; else, of its realm (animals, vehicles ...), the
    nearest in meaning; else any subject at all.
    """
    realms = [
        (realm, family)
        for realm, families in KIN.items()
        for family in families
        if _in(words, families[family])
    ]
    for realm, family in realms:
        places = {name: place for name in world.subjects if (place := _place(name, KIN[realm][family])) >= 0}
        if places:
            return min(places, key=lambda name: places[name])
    if not realms:
        return None
    members = " ".join(KIN[realms[0][0]].values())
    near = [name for name in world.subjects if _place(name, members) >= 0] or list(world.subjects)
    found = nearest([words], {name: _nouns(name) for name in near}, embed).get(words)
    return found.label if found is not None else near[0]


def _nouns(name: str) -> tuple[str, ...]:
    return (cast()[name].name, *cast()[name].synonyms)


def _place(name: str, members: str) -> int:
    """Return how far down a line of members the subject first stands, -1 if it does not."""
    line = _line(members)
    return min((line.find(f" {noun} ") for noun in _nouns(name) if f" {noun} " in line), default=-1)


def _in(words: str, members: str) -> bool:
    return f" {words} " in _line(members)


@cache
def _line(members: str) -> str:
    return f" {' '.join(members.split())} "
