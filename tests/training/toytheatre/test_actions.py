import numpy as np
import pytest

from vitascope.toybox import scene
from vitascope.toybox.motion.trajectory import CROSSING
from vitascope.training.toytheatre.actions import ACTIONS, Spot, roll

T = np.arange(17) / 8
SPOT = Spot(floor=0.82, width=0.4, height=0.4, facing=1, chance=(0.5,) * 8, aspect=1.0, seconds=2.0)
LEFT = Spot(floor=0.82, width=0.4, height=0.4, facing=-1, chance=(0.5,) * 8, aspect=1.0, seconds=2.0)


def test_every_action_of_the_world_can_be_acted():
    assert tuple(ACTIONS) == scene.ACTIONS


@pytest.mark.parametrize("name", ACTIONS)
def test_a_motion_has_one_finite_number_per_frame(name: str):
    motion = ACTIONS[name](T, SPOT)
    for line in (motion.x, motion.y, motion.wide, motion.tall, motion.angle, motion.loop):
        assert line.shape == T.shape
        assert np.isfinite(line).all()
    assert (np.abs(motion.wide) > 0.05).all()
    assert all(0 <= event.seconds < SPOT.seconds for event in motion.events)


@pytest.mark.parametrize("name", ACTIONS)
def test_toys_that_cross_go_the_way_they_face_and_others_stay(name: str):
    way = np.ptp(ACTIONS[name](T, SPOT).x)
    if name in CROSSING:
        assert ACTIONS[name](T, SPOT).x[-1] - ACTIONS[name](T, SPOT).x[0] > 0.25
        assert ACTIONS[name](T, LEFT).x[-1] - ACTIONS[name](T, LEFT).x[0] < -0.25
    elif name in ("swing", "orbit"):
        assert way < 0.6
    else:
        assert way < 0.1


def test_running_is_about_twice_as_fast_as_walking():
    ways = [np.ptp(ACTIONS[name](T, SPOT).x) for name in ("run", "walk")]
    assert 2.0 < ways[0] / ways[1] < 2.5


def test_rolling_does_not_slip():
    motion = roll(T, SPOT)
    np.testing.assert_allclose(np.diff(motion.angle) * SPOT.height / 2, np.diff(motion.x))


@pytest.mark.parametrize("name", ["walk", "run", "jump", "dance", "drive", "fall"])
def test_toys_never_sink_into_the_ground(name: str):
    motion = ACTIONS[name](T, SPOT)
    assert motion.lift is not None
    assert motion.lift.min() > -1e-9
    np.testing.assert_allclose(SPOT.floor - motion.y, motion.lift, atol=1e-9)


def test_a_fall_is_heard_when_it_lands():
    times = np.arange(2000) / 1000
    motion = ACTIONS["fall"](times, SPOT)
    assert motion.lift is not None
    touch = times[np.argmax(motion.lift < 1e-3)]
    assert abs(motion.events[0].seconds - touch) < 0.01
