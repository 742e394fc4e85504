import numpy as np
import pytest

from vitascope.evaluation.metrics.way import way_error
from vitascope.toybox.classifier import middles


def test_errors_are_shares_of_the_width():
    asked = np.array([[0.1, 0.5], [0.9, 0.5]])
    assert way_error(asked, asked) == 0
    assert way_error(asked + np.array([0.1, 0]), asked) == pytest.approx(0.1)
    assert way_error(asked + np.array([0, 0.1]), asked, aspect=2) == pytest.approx(0.05)
    assert way_error(asked[::-1], asked) == pytest.approx(0.8)


def test_the_middle_of_a_warm_place_is_found():
    heat = np.zeros((2, 12, 12), np.float32)
    heat[0, 2:4, 8:10] = 0.2
    heat[1, 11, 0] = 0.9
    np.testing.assert_allclose(middles(heat), [[9 / 12, 3 / 12], [0.5 / 12, 11.5 / 12]], atol=0.01)
