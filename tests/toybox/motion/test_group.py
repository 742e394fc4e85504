"""Where two or three subjects are: by the ways that each would go alone, and how they stand to each other."""

import numpy as np
import pytest

from vitascope.toybox.motion.group import arrange
from vitascope.toybox.motion.trajectory import Blocking, square, standing
from vitascope.types import CastMember

FRAMES = 17


def crossing(start: float, end: float) -> Blocking:
    """Return a subject that goes across, looking where it goes."""
    way = standing(FRAMES, 0.15)
    across = np.linspace(start, end, FRAMES)
    maps = way.maps.copy()
    maps[:, 0] *= 1 if end > start else -1
    maps[:, 0, 2] = -maps[:, 0, 0] * across
    return Blocking(maps, np.linspace(0, 2, FRAMES), crossing=True)


def member(relation="", target=None, action="stand"):
    return CastMember(page="cat", name="cat", action=action, relation=relation, target=target)


def places(ways, v=0.0):
    """Return where the point (0, v) of each page is in every frame."""
    return [np.linalg.inv(square(way.maps))[:, :2] @ np.array([0.0, v, 1.0]) for way in ways]


def inside(way):
    backs = np.linalg.inv(square(way.maps))[:, :2]
    reach = np.abs(backs[..., :2]).sum(-1)
    return (np.abs(backs[..., 2]) + 0.6 * reach).max()


@pytest.mark.parametrize("count", [2, 3])
def test_who_stand_beside_each_other_do_not_hide_each_other(count):
    ways, order = arrange([member()] * count, [standing(FRAMES)] * count)
    assert order == tuple(range(count))
    across = [there[:, 0].mean() for there in places(ways)]
    assert across == sorted(across)
    assert np.diff(across).min() > 0.2
    feet = [there[:, 1].max() for there in places(ways, 1.0)]
    assert np.ptp(feet) < 1e-6


def test_one_alone_goes_as_alone():
    way = crossing(-0.3, 0.3)
    assert arrange([member()], [way]) == ((way,), (0,))


@pytest.mark.parametrize("ends", [(-0.35, 0.35), (0.35, -0.35)])
def test_who_chases_is_behind_and_both_go_the_same_way(ends):
    cast = [member("chasing", 1, "run"), member(action="run")]
    (chaser, chased), _ = arrange(cast, [crossing(*ends), crossing(*ends)])
    first, second = (there[:, 0] for there in places((chaser, chased)))
    forward = np.sign(ends[1] - ends[0])
    assert (forward * (second - first) > 0.2).all()
    assert forward * (first[-1] - first[0]) > 0.2
    assert np.sign(chaser.maps[0, 0, 0]) == np.sign(chased.maps[0, 0, 0]) == forward
    assert max(inside(chaser), inside(chased)) < 0.65


def test_who_meet_look_at_each_other_and_come_nearer():
    ways, _ = arrange([member("meeting", 1, "walk"), member(action="walk")], [crossing(-0.3, 0.3)] * 2)
    left, right = (there[:, 0] for there in places(ways))
    assert ways[0].maps[0, 0, 0] > 0 > ways[1].maps[0, 0, 0]
    assert right[0] - left[0] > right[-1] - left[-1] > 0.2


def test_who_is_passed_stands_behind_and_higher():
    cast = [member("beside", 1, "walk"), member("past", 2, "walk"), member()]
    ways, order = arrange(cast, [crossing(-0.3, 0.3), crossing(-0.3, 0.3), standing(FRAMES)])
    assert order[-1] == 2
    feet = [there[:, 1].max() for there in places(ways, 1.0)]
    assert feet[2] < min(feet[:2])
    assert np.ptp(places(ways)[2][:, 0]) < 1e-6


def test_who_is_on_another_stands_on_its_back_all_the_way():
    ways, order = arrange([member("on", 1), member(action="walk")], [standing(FRAMES), crossing(-0.3, 0.3)])
    rider, carrier = places(ways)
    assert np.allclose(rider[:, 0], carrier[:, 0], atol=1e-6)
    assert (places(ways, 1.0)[0][:, 1] < carrier[:, 1]).all()
    assert order == (0, 1)


def test_a_pile_stands_from_the_ground_up():
    cast = [member("on", 1), member("on", 2), member(action="walk")]
    ways, order = arrange(cast, [standing(FRAMES), standing(FRAMES), crossing(-0.3, 0.3)])
    across = np.stack([there[:, 0] for there in places(ways)])
    assert np.allclose(across, across[2], atol=1e-6)
    feet = [there[:, 1] for there in places(ways, 1.0)]
    assert (feet[0] < feet[1]).all()
    assert (feet[1] < feet[2]).all()
    assert order == (0, 1, 2)


@pytest.mark.parametrize(("relation", "nearest"), [("behind", 1), ("in-front-of", 0)])
def test_who_is_nearer_hides_the_other(relation, nearest):
    ways, order = arrange([member(relation, 1), member()], [standing(FRAMES)] * 2)
    assert order[0] == nearest
    feet = [there[:, 1].max() for there in places(ways, 1.0)]
    assert feet[nearest] > feet[1 - nearest]


def test_a_loop_ends_where_it_began_and_looks_where_it_goes():
    way = crossing(-0.3, 0.3).returning(FRAMES, hold=4)
    assert len(way.maps) == len(way.loops) == FRAMES
    assert np.array_equal(way.maps[-4:], np.repeat(way.maps[:1], 4, axis=0))
    assert np.isclose((way.loops[-1] - way.loops[0]) % 1, 0)
    across = places((way,))[0][:, 0]
    looks = np.sign(way.maps[:, 0, 0])
    assert (looks[1:7] == np.sign(np.diff(across))[:6]).all()
    assert (looks[8:12] == np.sign(np.diff(across))[8:12]).all()
