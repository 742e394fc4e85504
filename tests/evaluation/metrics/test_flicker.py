import numpy as np

from vitascope.evaluation.metrics.flicker import flicker


def steady(values) -> np.ndarray:
    return np.stack([np.full((16, 24, 3), value, np.uint8) for value in values])


def test_light_that_stays_or_changes_evenly_does_not_flicker():
    assert flicker(steady([90] * 5)) == 0
    assert flicker(steady([50, 60, 70, 80])) < 1e-3


def test_light_that_jumps_to_and_fro_flickers_by_its_jump():
    assert abs(flicker(steady([100, 151, 100, 151])) - 200) < 1


def test_a_clip_of_two_frames_cannot_flicker():
    assert flicker(steady([0, 255])) == 0
