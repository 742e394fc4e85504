"""How the subjects of a take stand to each other: beside, behind, on one another, chasing, meeting.

Adding a relation? Write a function from a take, its second subject and eight numbers in 0..1 to a take, and name it in
`RELATIONS`, with the words that say it: "{} is chasing {}".
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from vitascope.toybox.motion.trajectory import CROSSING
from vitascope.training.toytheatre.take import Role, Take

Chance = Sequence[float]

APART = (0.21, 0.27)
"""How far from the middle, in picture widths, two stand that are beside each other."""


def related(take: Take, relation: str, other: Role) -> Take:
    """Return a take in which its subject stands in a relation to another one, its first among `others`.

    Their seeds decide how near and how big they are. Raises KeyError for an unknown relation.
    """
    chance = np.random.Generator(np.random.Philox(key=take.seed + 11)).random(8).tolist()
    return RELATIONS[relation](take, other, chance)


RELATED = 0.5
"""Share of the takes of several subjects in which the first two stand in a relation."""


def sometimes_related(rng: np.random.Generator, take: Take) -> Take:
    """Return a take of several subjects, now and then with the first two in a relation that is drawn."""
    if not take.others or rng.random() >= RELATED:
        return take
    second, *further = take.others
    posed = related(take, str(rng.choice(list(RELATIONS))), second)
    return replace(posed, others=(*posed.others, *further))


def _apart(chance: Chance) -> float:
    return APART[0] + (APART[1] - APART[0]) * chance[0]


def left_of(take: Take, other: Role, chance: Chance) -> Take:
    """Put the subject on the left, the other one on the right, as near as each other."""
    floor, way = 0.3 + 0.5 * chance[1], _apart(chance)
    second = replace(other, offset=way, floor=floor, scale=0.8 * other.scale)
    return replace(take, offset=-way, floor=floor, scale=0.8 * take.scale, others=(second,))


def right_of(take: Take, other: Role, chance: Chance) -> Take:
    """Put the subject on the right, the other one on the left."""
    mirrored = left_of(take, other, chance)
    second = replace(mirrored.others[0], offset=-mirrored.others[0].offset)
    return replace(mirrored, offset=-mirrored.offset, others=(second,))


def behind(take: Take, other: Role, chance: Chance) -> Take:
    """Put the subject further away and a little aside, so that the other one hides a part of it."""
    aside = (0.06 + 0.06 * chance[0]) * (1 if chance[2] < 0.5 else -1)
    second = replace(other, offset=-aside, floor=0.95, scale=0.85 * other.scale)
    return replace(take, offset=aside, floor=0.05, scale=0.80 * take.scale, others=(second,))


def in_front_of(take: Take, other: Role, chance: Chance) -> Take:
    """Put the subject nearer, so that it hides a part of the other one."""
    aside = (0.06 + 0.06 * chance[0]) * (1 if chance[2] < 0.5 else -1)
    second = replace(other, offset=-aside, floor=0.05, scale=0.80 * other.scale)
    return replace(take, offset=aside, floor=0.95, scale=0.85 * take.scale, others=(second,))


def chasing(take: Take, other: Role, chance: Chance) -> Take:
    """Let both go the same way at the same pace, the other one ahead, and the camera with them."""
    facing = 1 if chance[3] < 0.5 else -1
    action = take.scene.action if take.scene.action in CROSSING else "run"
    way, looks = 0.9 * _apart(chance), "right" if facing > 0 else "left"
    second = replace(
        other,
        action=action,
        offset=facing * way,
        floor=0.5,
        facing=looks,
        pace=take.seed,
        scale=0.72 * other.scale,
    )
    scene = replace(take.scene, action=action)
    return replace(
        take, scene=scene, facing=looks, offset=-facing * way, floor=0.55, scale=0.72 * take.scale,
        others=(second,), follow=0.85, moves=take.moves or (),
    )  # fmt: skip


def meeting(take: Take, other: Role, chance: Chance) -> Take:
    """Let both walk towards each other from the sides."""
    action = take.scene.action if take.scene.action in CROSSING else "walk"
    way = 0.30 + 0.04 * chance[0]
    second = replace(other, action=action, offset=way, floor=0.5, facing="left", scale=0.72 * other.scale)
    scene = replace(take.scene, action=action)
    return replace(
        take, scene=scene, facing="right", offset=-way, floor=0.55, scale=0.72 * take.scale, others=(second,)
    )


def on(take: Take, other: Role, chance: Chance) -> Take:
    """Let the subject ride: it is carried by the other one, which does what the take says."""
    carrier = replace(other, action=take.scene.action, scale=0.85 * other.scale, floor=0.6)
    return replace(take, scale=0.50 * take.scale, floor=0.6, carried=True, others=(carrier,))


RELATIONS: dict[str, Callable[[Take, Role, Chance], Take]] = {
    "left of": left_of, "right of": right_of, "behind": behind, "in front of": in_front_of,
    "chasing": chasing, "meeting": meeting, "on": on,
}  # fmt: skip
