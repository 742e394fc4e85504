import numpy as np
import pytest

from vitascope.evaluation.metrics.likeness import likeness


def test_the_same_subject_is_one_and_another_is_less():
    cat, dog = np.float32([1, 0, 0]), np.float32([0.6, 0.8, 0])
    assert likeness(cat, np.stack([cat, cat * 3])) == pytest.approx(1)
    assert likeness(cat, np.stack([cat, dog])) == pytest.approx(0.8)
    assert likeness(cat, np.zeros((2, 3), np.float32)) == 0
