import numpy as np
import pytest

from vitascope.denoise.schedules import linear


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_a_schedule_falls_from_one_to_zero(shift: float):
    t = linear(10, shift)
    assert t.shape == (11,)
    assert t.dtype == np.float32
    assert (t[0], t[-1]) == (1.0, 0.0)
    assert np.all(np.diff(t) < 0)


def test_without_a_shift_the_steps_are_even():
    np.testing.assert_allclose(linear(4), [1, 0.75, 0.5, 0.25, 0])


def test_a_shift_stays_longer_near_the_noise():
    np.testing.assert_allclose(linear(2, shift=3.0), [1, 0.75, 0])


@pytest.mark.parametrize(("steps", "shift"), [(0, 1.0), (-3, 1.0), (4, 0.0), (4, float("nan"))])
def test_a_schedule_that_cannot_be_is_refused(steps: int, shift: float):
    with pytest.raises(ValueError, match="schedule"):
        linear(steps, shift)
