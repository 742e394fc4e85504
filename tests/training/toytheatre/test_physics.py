from dataclasses import replace

import numpy as np
import pytest

from vitascope.toybox.cast import KINDS
from vitascope.training.toytheatre.actions import ACTIONS, GRAVITY, Spot
from vitascope.training.toytheatre.physics import HEAVY, act

T = np.arange(65) / 32
SPOT = Spot(floor=0.82, width=0.4, height=0.4, facing=1, chance=(0.5,) * 8, aspect=1.0, seconds=2.0)


@pytest.mark.parametrize("action", ACTIONS)
def test_without_a_kind_everything_moves_as_the_earlier_cast_does(action: str):
    one, other = ACTIONS[action](T, SPOT), act(action, T, replace(SPOT, still=True))
    for name in ("x", "y", "wide", "tall", "angle", "loop"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ACTIONS)
def test_every_kind_can_do_everything_within_the_picture(kind: str, action: str):
    for still in (False, True):
        for medium in ("air", "surface"):
            motion = act(action, T, replace(SPOT, kind=kind, still=still, medium=medium))
            for line in (motion.x, motion.y, motion.wide, motion.tall, motion.angle, motion.loop):
                assert line.shape == T.shape
                assert np.isfinite(line).all()
            assert (np.abs(motion.wide) > 0.05).all()
            assert -0.05 < motion.x.min() <= motion.x.max() < 1.05
            assert motion.lift is None or motion.lift.min() > -1e-9
            assert all(0 <= event.seconds < SPOT.seconds for event in motion.events)
            assert np.abs(np.diff(motion.x)).max() < 0.05


def test_a_still_walks_by_hopping_and_lands_when_it_is_heard():
    spot = replace(SPOT, kind="person", still=True)
    times = np.arange(2000) / 1000
    motion = act("walk", times, spot)
    assert motion.lift is not None
    assert motion.lift.max() > 0.03
    for event in motion.events:
        assert motion.lift[round(event.seconds * 1000)] < 2e-3
    assert motion.tall.min() < 0.85
    np.testing.assert_allclose(motion.wide**2 * motion.tall, 1)


def test_a_bouncing_ball_obeys_gravity():
    times = np.arange(4000) / 2000
    motion = act("bounce", times, replace(SPOT, kind="thing"))
    assert motion.lift is not None
    falling = np.diff(motion.lift, 2) * 2000**2
    flying = (motion.lift[1:-1] > 0.02) & (motion.lift[2:] > 0.02) & (motion.lift[:-2] > 0.02)
    np.testing.assert_allclose(falling[flying], -GRAVITY, rtol=1e-3)
    assert all(motion.lift[round(event.seconds * 2000)] < 2e-3 for event in motion.events)


def test_heavy_things_jump_half_as_high():
    light, heavy = (act("jump", T, replace(SPOT, kind=kind)).lift for kind in ("thing", HEAVY[0]))
    assert light is not None
    assert heavy is not None
    np.testing.assert_allclose(heavy, light / 2)


def test_a_gift_turns_over_its_corners_without_sinking_in():
    spot = replace(SPOT, kind="plant", width=0.5, height=0.3)
    motion = act("roll", T, spot)
    lowest = motion.y + np.abs(0.25 * np.sin(motion.angle)) + np.abs(0.15 * np.cos(motion.angle))
    np.testing.assert_allclose(lowest, spot.floor)


def test_boats_lie_less_deep_in_the_water_than_people():
    boat, person = (act("swim", T, replace(SPOT, kind=kind, medium="surface")) for kind in ("boat", "person"))
    assert boat.y.mean() < person.y.mean() - 0.05
    assert boat.y.mean() > SPOT.floor


def test_a_pendulum_keeps_its_length():
    motion = act("swing", T, replace(SPOT, kind="thing"))
    middle = 0.5 + SPOT.vary(0, -0.06, 0.06)
    pivot = SPOT.floor - SPOT.height / 2 - 0.08 - 0.62
    np.testing.assert_allclose(np.hypot(motion.x - middle, motion.y - pivot), 0.62)
