import numpy as np
import pytest

from vitascope.toybox.motion.waypoints import path_positions

ARC = ((0.0, 0.1, 0.8), (2.0, 0.5, 0.6), (4.0, 0.9, 0.8))
TIMES = np.arange(33) / 8


def test_the_path_passes_through_its_points():
    np.testing.assert_allclose(
        path_positions(ARC, np.array([0.0, 2.0, 4.0])), np.array(ARC)[:, 1:], atol=1e-12
    )


def test_two_points_are_joined_by_a_straight_line_at_an_even_speed():
    positions = path_positions(((0.0, 0.0, 1.0), (4.0, 1.0, 0.5)), TIMES)
    np.testing.assert_allclose(positions[:, 0], TIMES / 4, atol=1e-12)
    np.testing.assert_allclose(positions[:, 1], 1 - TIMES / 8, atol=1e-12)


def test_the_subject_waits_at_the_first_point_and_stays_at_the_last():
    positions = path_positions(((1.0, 0.2, 0.5), (2.0, 0.8, 0.5)), np.array([0.0, 0.9, 1.0, 2.0, 3.0]))
    np.testing.assert_allclose(positions[:, 0], [0.2, 0.2, 0.2, 0.8, 0.8])


def test_one_point_is_a_place_to_stay():
    np.testing.assert_allclose(path_positions(((1.0, 0.3, 0.7),), TIMES), [[0.3, 0.7]] * 33)


def test_the_way_never_leaves_the_box_of_its_points_and_turns_only_at_them():
    rng = np.random.default_rng(5)
    for _ in range(50):
        knots = np.cumsum(rng.uniform(0.05, 2, 6))
        places = rng.random((6, 2))
        path = tuple((t, x, y) for t, (x, y) in zip(knots.tolist(), places.tolist(), strict=True))
        for i in range(5):
            inside = path_positions(path, np.linspace(knots[i], knots[i + 1], 40))
            steps = np.diff(inside, axis=0) * np.sign(places[i + 1] - places[i])
            assert steps.min() > -1e-12


def test_the_way_is_smooth_at_its_points():
    dense = path_positions(((0.0, 0.0, 0.0), (1.0, 0.2, 0.0), (2.0, 1.0, 0.0)), np.linspace(0, 2, 2001))
    assert np.abs(np.diff(dense[:, 0], 2)).max() < 3e-6  # a bend of two straight lines would be 6e-4


def test_any_part_of_the_times_gives_the_same_part_of_the_positions():
    whole = path_positions(ARC, TIMES)
    for a, b in ((0, 1), (3, 10), (20, 33)):
        np.testing.assert_array_equal(path_positions(ARC, TIMES[a:b]), whole[a:b])


@pytest.mark.parametrize("path", [(), ((1.0, 0.1, 0.1), (1.0, 0.2, 0.2)), ((1.0, 0.0, 0.0), (0.5, 1.0, 1.0))])
def test_a_path_without_points_or_order_is_refused(path):
    with pytest.raises(ValueError, match="ascend"):
        path_positions(path, TIMES)
