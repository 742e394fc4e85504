"""What is heard in the tokens of a prompt: phrases that mean something, things, and unknown words in between."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vitascope.toybox.language.lexicon import CHATTER, GRAMMAR, NUMBERS
from vitascope.toybox.language.match import SNOW, Find, Meaning, match
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.language.noun_phrases import Thing, read_things
from vitascope.toybox.world import World


@dataclass(frozen=True)
class Heard:
    """The tokens of a prompt, the phrases that mean something, and the runs of unknown words in between."""

    tokens: tuple[str, ...]
    finds: tuple[Find, ...]
    unknown: tuple[range, ...]
    things: tuple[Thing, ...]
    world: World
    embed: Embed | None

    def of(self, field: str) -> list[Find]:
        """Return what was said of a field; what is only near it counts if nothing else is there."""
        finds = [find for find in self.finds if find.meaning.field == field]
        return [find for find in finds if not find.meaning.near] or finds

    @property
    def heads(self) -> list[Find]:
        """The subjects that are said; of several in a row ("robot dog") the last, which is described."""
        return _heads(self.of("subject"))


def hear(tokens: Sequence[str], world: World, embed: Embed | None) -> Heard:
    """Return what is heard in tokens (see `match.tokenize`)."""
    finds = _settle_snow(match(tokens))
    things = read_things(tokens, _heads([find for find in finds if find.meaning.field == "subject"]))
    taken = {place for find in finds for place in range(find.start, find.stop)}
    taken |= {place for thing in things for place in thing.places}
    runs: list[range] = []
    for place, token in enumerate(tokens):
        if place in taken or _plain(token):
            continue
        if runs and runs[-1].stop == place:
            runs[-1] = range(runs[-1].start, place + 1)
        else:
            runs.append(range(place, place + 1))
    return Heard(tuple(tokens), tuple(finds), tuple(runs), things, world, embed)


def _plain(token: str) -> bool:
    """Say whether a word chooses no label wherever it stands."""
    return token in GRAMMAR or token in CHATTER or token in NUMBERS or token.isdigit() or not token.isalnum()


def _heads(finds: Sequence[Find]) -> list[Find]:
    following = {find.start for find in finds}
    return [find for find in finds if find.stop not in following]


def _settle_snow(finds: list[Find]) -> list[Find]:
    """Read "snow" as the weather where a place is said, or has been by "snow" itself; else as that place."""
    placed = any(find.meaning.field == "set" for find in finds)
    settled = []
    for find in finds:
        if find.meaning.field == SNOW:
            find = replace(find, meaning=Meaning("weather" if placed else "set", (SNOW,)))
            placed = True
        settled.append(find)
    return settled
