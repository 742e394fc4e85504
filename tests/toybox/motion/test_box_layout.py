import numpy as np
import pytest

from vitascope.toybox.motion.box_layout import AWAY, area_of, away, placed
from vitascope.toybox.motion.infill import back
from vitascope.toybox.motion.trajectory import Blocking, middle, moved, standing


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    wanted = np.zeros((32, 64), bool)
    wanted[top:bottom, left:right] = True
    return wanted


def walk() -> Blocking:
    along = np.stack([-0.24 + 0.03 * np.arange(17), np.full(17, 0.2)], axis=1)
    return Blocking(moved(standing(17).maps, along), np.zeros(17), True)


def corners(way: Blocking) -> tuple[np.ndarray, np.ndarray]:
    backs = back(way.maps)
    half = np.abs(backs[..., :2]).sum(axis=-1)
    return (backs[..., 2] - half).min(axis=0), (backs[..., 2] + half).max(axis=0)


def test_an_area_is_the_box_around_what_is_wanted():
    area = area_of(box(8, 24, 32, 64))
    assert area is not None
    np.testing.assert_allclose(area.middle, [0.25, 0.0])
    np.testing.assert_allclose(area.half, [0.25, 0.25])
    assert area_of(np.zeros((32, 64), bool)) is None


def test_bars_beside_the_picture_are_no_part_of_a_box():
    bars = box(8, 16, 8, 24) | box(0, 4, 0, 64) | box(28, 32, 0, 64)
    area = area_of(bars)
    assert area is not None
    np.testing.assert_allclose(area.half, [0.125, 0.125])
    below = area_of(box(16, 32, 0, 64))
    assert below is not None
    np.testing.assert_allclose(below.half, [0.5, 0.25])


@pytest.mark.parametrize("sides", [(8, 24, 4, 60), (4, 30, 30, 50), (10, 20, 20, 30)])
def test_who_is_put_into_a_box_stays_in_it(sides):
    wanted = box(*sides)
    area = area_of(wanted)
    assert area is not None
    low, high = corners(placed(walk(), area))
    assert (low >= area.middle - area.half - 1e-6).all()
    assert (high <= area.middle + area.half + 1e-6).all()
    np.testing.assert_allclose((low + high) / 2, area.middle, atol=1e-6)
    assert ((high - low) >= 0.99 * 2 * area.half).any(), "it fills the box one way"


def test_a_wide_box_leaves_room_to_walk_and_a_narrow_one_less():
    def steps(sides) -> float:
        area = area_of(box(*sides))
        assert area is not None
        way = placed(walk(), area)
        return float(np.ptp(middle(way.maps)[:, 0]) * way.maps[0, 0, 0])

    assert steps((12, 20, 0, 64)) == pytest.approx(0.48 / 0.18, rel=1e-3), "all of its usual way"
    assert 0 < steps((4, 30, 30, 50)) < 0.6 * 0.48 / 0.18


def test_nobody_is_larger_than_the_model_knows():
    area = area_of(np.ones((32, 64), bool))
    assert area is not None
    way = placed(walk(), area)
    assert 1 / way.maps[0, 0, 0] == pytest.approx(0.3)


def test_who_is_away_is_above_the_picture():
    np.testing.assert_allclose(middle(away(5).maps), [[0.0, AWAY]] * 5)
