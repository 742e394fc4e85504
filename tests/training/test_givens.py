import numpy as np
import pytest

from vitascope.training.givens import SHARES, Grid, given_mask


@pytest.mark.parametrize("task", SHARES)
def test_each_task_leaves_something_wanted(task):
    rng = np.random.default_rng(0)
    for _ in range(50):
        mask = given_mask(rng, Grid((0, 1, 2), 4, 5), {task: 1.0}).reshape(3, 4, 5)
        assert not mask.all()
        assert mask.any() == (task != "text") or task == "outside a box"


def test_ends_of_the_clip_are_given_where_the_task_says():
    rng = np.random.default_rng(0)
    both = given_mask(rng, Grid((0, 1, 2), 2, 2), {"first and last frame": 1.0}).reshape(3, 4)
    assert both[[0, 2]].all()
    assert not both[1].any()
    start = given_mask(rng, Grid((0, 1, 2), 2, 2), {"start": 1.0}).reshape(3, 4)
    assert start[0].all()
    assert not start[2].any()


def test_a_single_frame_is_wanted_whole():
    assert not given_mask(np.random.default_rng(0), Grid((2,), 2, 2), {"first frame": 1.0}).any()
