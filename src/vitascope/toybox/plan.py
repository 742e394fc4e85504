"""A shot planned by a model with a world of its own: its words are read, its pictures looked at, its card applied."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from jaxtyping import UInt8

from vitascope.backends.base import Card
from vitascope.media.inspector import Inspector
from vitascope.planning.plan import plan_by_card
from vitascope.toybox.language.image_labels import NOTHING, Seen, recalled, seen_in, source_in
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.language.resolve import resolve
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import World
from vitascope.types import Plan, Shot, VideoShape

Labels = Mapping[str, Mapping[str, float]]
"""How likely each label of each field is."""
Classify = Callable[[UInt8[np.ndarray, "pictures height width 3"]], Labels]
"""Pictures, or the frames of a clip, to the labels that they show."""


def plan_in_world(
    shot: Shot,
    card: Card,
    world: World,
    inspector: Inspector,
    *,
    embed: Embed | None = None,
    see: Classify | None = None,
    watch: Classify | None = None,
) -> Plan:
    """Return a shot with its words read in a world and all that it leaves open filled in by a card.

    `see` says what pictures show, and `watch` what a video shows that an edit starts from. Raises `RequestError`.
    """
    look = picture_labels(shot, card, inspector, see)
    watched = source_scene(shot, card, world, inspector, watch)
    words = resolve(shot, world, embed, look, watched, partial(recalled, shot.givens, card.fps, inspector))
    planned = plan_by_card(words.shot, card, inspector)
    return Plan(planned.shot, words.notes + planned.notes)


def picture_labels(shot: Shot, card: Card, inspector: Inspector, see: Classify | None) -> Callable[[], Seen]:
    """Return what says, when asked, what the pictures of a shot show."""
    if see is None:
        return lambda: NOTHING
    return partial(seen_in, shot.givens, see, card.drawing(shot.size), inspector)


def source_scene(
    shot: Shot, card: Card, world: World, inspector: Inspector, watch: Classify | None
) -> Callable[[], Scene | None]:
    """Return what says, when asked, what the video shows that an edit starts from."""
    if watch is None:
        return lambda: None
    width, height = card.drawing(shot.size)
    shape = VideoShape(card.num_frames, height, width, card.fps)
    return partial(source_in, shot.givens, watch, shape, world, inspector)
