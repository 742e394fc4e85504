import numpy as np
import pytest

from vitascope.denoise.guidance import differing, guided
from vitascope.denoise.noise import add_noise
from vitascope.denoise.samplers import euler
from vitascope.denoise.schedules import linear

LATENTS = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
LEVELS = np.full((2, 3), 0.5, np.float32)


class Shifted:
    """A model that adds its conditioning, one number per member of the batch, and counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, latents: np.ndarray, levels: np.ndarray, conditioning: np.ndarray) -> np.ndarray:
        self.calls += 1
        return latents + conditioning[:, None, None]


WORDS, NULL = np.array([1, 2], np.float32), np.array([0, 1], np.float32)


def join(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.concatenate([a, b])


def test_the_prediction_goes_beyond_the_words_by_the_scale():
    out = guided(Shifted(), NULL, scale=3.0)(LATENTS, LEVELS, WORDS)
    np.testing.assert_allclose(out, LATENTS + np.array([3, 4])[:, None, None], rtol=1e-5)
    assert out.dtype == np.float32


def test_joined_branches_are_one_call_with_the_same_result():
    apart, together = Shifted(), Shifted()
    a = guided(apart, NULL, 3.0)(LATENTS, LEVELS, WORDS)
    b = guided(together, NULL, 3.0, join=join)(LATENTS, LEVELS, WORDS)
    np.testing.assert_array_equal(a, b)
    assert (apart.calls, together.calls) == (2, 1)


@pytest.mark.parametrize(("level", "calls"), [(0.05, 1), (0.5, 2), (0.95, 1)])
def test_guidance_holds_only_within_its_interval(level: float, calls: int):
    model = Shifted()
    guided(model, NULL, 3.0, interval=(0.1, 0.9))(LATENTS, np.full((2, 3), level, np.float32), WORDS)
    assert model.calls == calls


def test_scale_one_is_the_model_itself_and_zero_is_the_null():
    model = Shifted()
    np.testing.assert_array_equal(
        guided(model, NULL, 1.0)(LATENTS, LEVELS, WORDS), LATENTS + WORDS[:, None, None]
    )
    assert model.calls == 1
    np.testing.assert_array_equal(
        guided(model, NULL, 0.0)(LATENTS, LEVELS, WORDS), LATENTS + NULL[:, None, None]
    )


GIVEN = np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32)
NOISE = np.random.default_rng(2).standard_normal((3, 4)).astype(np.float32)


def changed(model, words: np.ndarray, shown: np.ndarray, strength: float = 0.7) -> np.ndarray:
    """Return what is made of what is given."""
    levels = np.full((1, 3), strength, np.float32)
    start = add_noise(GIVEN, NOISE, levels[0])[None]
    return euler(differing(model, shown, GIVEN, NOISE), start, levels, linear(8), words)[0]


def believes(latents: np.ndarray, levels: np.ndarray, conditioning: np.ndarray) -> np.ndarray:
    """A model that draws what it knows, whatever it is given."""
    return np.full_like(latents, 5.0) + conditioning[:, None, None]


def test_only_the_difference_that_the_words_make_is_added():
    made = changed(believes, np.array([2], np.float32), np.array([0.5], np.float32))
    np.testing.assert_allclose(made, GIVEN + 1.5, atol=1e-5)


def test_words_for_what_is_there_change_nothing():
    same = np.array([1], np.float32)
    np.testing.assert_allclose(changed(believes, same, same), GIVEN, atol=1e-5)


def test_no_strength_asks_no_model_and_changes_no_bit():
    model = Shifted()
    made = changed(model, np.array([2], np.float32), np.array([0], np.float32), strength=0.0)
    np.testing.assert_array_equal(made, GIVEN)
    assert model.calls == 0
