import numpy as np
import pytest

from vitascope.toybox.conditioning.windows import LINK, windows


def spans(known: np.ndarray, longest: int = 17) -> list[tuple[int, int]]:
    return [(window.start, window.start + window.num_frames) for window in windows(known, longest)]


def test_a_short_clip_is_one_window_and_a_long_one_goes_on_from_its_last_frame():
    assert spans(np.zeros(17, bool)) == [(0, 17)]
    assert spans(np.zeros(41, bool)) == [(0, 9), (8, 25), (24, 41)]


@pytest.mark.parametrize(
    ("total", "first", "latents"),
    [(21, 9, 7), (25, 9, 8), (29, 13, 9), (33, 9, 11), (37, 9, 12), (481, 9, 151)],
)
def test_the_first_window_is_as_short_as_it_can_be_for_nearly_nothing(total: int, first: int, latents: int):
    cut = windows(np.zeros(total, bool), 17)
    assert (cut[0].start, cut[0].num_frames) == (0, first)
    assert sum(window.num_latents for window in cut) == latents
    assert all(window.context == 1 for window in cut[1:-1])


def test_a_clip_that_begins_with_a_picture_begins_with_a_short_window_too():
    assert spans(np.arange(33) < 1) == [(0, 9), (8, 25), (24, 33)]


def test_a_clip_grows_from_what_is_known():
    assert spans(np.arange(33) < 9) == [(4, 21), (20, 33)]
    assert spans(np.arange(33) >= 24) == [(12, 29), (0, 17)]
    assert spans(np.ones(17, bool)) == []


@pytest.mark.parametrize("seed", range(200))
def test_every_frame_is_made_and_every_window_starts_from_what_is_there(seed: int):
    rng = np.random.default_rng(seed)
    total = 1 + 4 * int(rng.integers(0, 20))
    known = np.zeros(total, bool)
    for _ in range(rng.integers(0, 3)):
        start = rng.integers(0, total)
        known[start : start + rng.integers(1, 20)] = True
    made = known.copy()
    for i, window in enumerate(windows(known, 17)):
        assert window.start % 4 == 0
        assert 0 <= window.start <= total - window.num_frames
        if i and not known.any():
            assert made[window.frames][:LINK].all()
        made[window.frames] = True
    assert made.all()
