"""Edits of takes of an open cast: the same take with one thing changed, and the words that ask for the change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from vitascope.toybox.language.instructions import change_of
from vitascope.toybox.language.lexicon import article
from vitascope.toybox.scene import Scene, seasons_of, sets_of, times_of, weathers_of
from vitascope.toybox.world import World
from vitascope.training.toytheatre.take import Take, sample_open_take

SHARES = {
    "subject": 0.3,
    "time": 0.2,
    "style": 0.15,
    "set": 0.15,
    "season": 0.04,
    "add": 0.08,
    "remove": 0.08,
}
"""How often an edit changes what; another kind is drawn where a take does not allow it."""
UNNAMED = 0.5
"""Share of the instructions that say "toy" in place of a name."""


def sample_open_edit(
    rng: np.random.Generator, world: World, pages: Sequence[str], names: Mapping[str, str]
) -> tuple[Take, Take, str]:
    """Draw a take that shows any of the `pages`, what an edit makes of it, and the instruction.

    `names` are the pages' names in English.
    """
    take = sample_open_take(rng, world, pages)
    unnamed = rng.random() < UNNAMED

    def called(page: str) -> str:
        return "toy" if unnamed else names[page]

    kinds, shares = list(SHARES), np.array(list(SHARES.values()))
    for kind in rng.choice(kinds, len(kinds), replace=False, p=shares / shares.sum()).tolist():
        subject = take.scene.subject
        if kind in ("add", "remove"):
            alone = replace(take, others=())
            empty = replace(alone, empty=True)
            if kind == "add":
                return empty, alone, f"add {article(called(subject))}"
            return alone, empty, f"remove the {called(subject)}"
        if kind == "subject":
            new = str(rng.choice([page for page in pages if page != subject]))
            words = f"replace the {called(subject)} with {article(called(new))}"
            return take, replace(take, scene=replace(take.scene, subject=new)), words
        if labels := _other_labels(take.scene, kind, world):
            label = str(rng.choice(labels))
            return take, replace(take, scene=replace(take.scene, **{kind: label})), change_of(kind, label)
    raise ValueError("this world holds nothing that could be changed")


def _other_labels(scene: Scene, field: str, world: World) -> list[str]:
    """Return what a field of a scene may become while all others stay as they are."""
    known: dict[str, tuple[str, ...]] = {
        "time": tuple(time for time in times_of(scene.set) if time in world.times),
        "season": tuple(season for season in seasons_of(scene.set) if season in world.seasons),
        "style": world.styles,
        "set": tuple(place for place in world.sets if _fits(scene, place)),
    }
    return [label for label in known[field] if label != getattr(scene, field)]


def _fits(scene: Scene, place: str) -> bool:
    """Say whether a scene can be moved to another set as it is."""
    return (
        place in sets_of(scene.action)
        and scene.time in times_of(place)
        and scene.season in seasons_of(place)
        and scene.weather in weathers_of(place, scene.season)
    )
