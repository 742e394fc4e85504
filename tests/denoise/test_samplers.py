"""Samplers against flows whose clean prediction is known in closed form."""

import numpy as np
import pytest

from vitascope.denoise.noise import add_noise
from vitascope.denoise.samplers import SAMPLERS, Step, ab2, euler, heun
from vitascope.denoise.schedules import linear

MEAN, SPREAD = 0.7, 0.5


def gaussian(latents: np.ndarray, levels: np.ndarray, conditioning: None) -> np.ndarray:
    """E[x_0 | x_t] of data that is normal around MEAN with standard deviation SPREAD."""
    t = levels[..., None]
    gain = (1 - t) * SPREAD**2 / ((1 - t) ** 2 * SPREAD**2 + t**2)
    return (MEAN + gain * (latents - (1 - t) * MEAN)).astype(np.float32)


def two_points(latents: np.ndarray, levels: np.ndarray, conditioning: None) -> np.ndarray:
    """E[x_0 | x_t] of data that is -1 or 1, evenly: tanh((1 - t) x / t²)."""
    t = np.maximum(levels[..., None], 1e-4)
    return np.tanh((1 - t) * latents / t**2).astype(np.float32)


def start(num: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    noise = np.random.default_rng(0).standard_normal((1, num, 1)).astype(np.float32)
    return noise, np.ones((1, num), np.float32)


def error(sampler, steps: int) -> float:
    noise, levels = start()
    exact = MEAN + SPREAD * noise
    return float(np.abs(sampler(gaussian, noise, levels, linear(steps), None) - exact).mean())


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_noise_becomes_the_gaussian_that_the_flow_leads_to(sampler):
    assert error(sampler, 200) < 0.01


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_noise_becomes_one_of_two_points(sampler):
    noise, levels = start()
    out = sampler(two_points, noise, levels, linear(50), None)
    np.testing.assert_allclose(np.abs(out), 1.0, atol=0.02)
    assert np.all(np.sign(out) == np.sign(noise))


@pytest.mark.parametrize("steps", [8, 16, 32])
@pytest.mark.parametrize("second", [ab2, heun])
def test_second_order_beats_euler_at_equal_steps(second, steps: int):
    assert error(second, steps) < 0.5 * error(euler, steps)


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_given_tokens_stay_bit_for_bit_at_every_step(sampler):
    rng = np.random.default_rng(1)
    given, noise = rng.standard_normal((2, 2, 6, 3)).astype(np.float32)
    levels = np.array([[0, 0, 1, 1, 0.5, 0.5]] * 2, np.float32)
    seen: list[np.ndarray] = []

    def model(latents: np.ndarray, at: np.ndarray, conditioning: None) -> np.ndarray:
        seen.append(latents[:, :2])
        assert np.all(at[:, :2] == 0)
        np.testing.assert_allclose(at[:, 4:] * 2, at[:, 2:4])
        return gaussian(latents, np.maximum(at, 1e-3), None)

    out = sampler(
        model,
        add_noise(given, noise, levels),
        levels,
        linear(5),
        None,
        lambda step: seen.append(step.latents[:, :2]),
    )
    assert all(np.array_equal(tokens, given[:, :2]) for tokens in [*seen, out[:, :2]])
    assert not np.any(out[:, 2:] == noise[:, 2:])


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_a_token_that_starts_half_noised_ends_where_its_flow_leads(sampler):
    rng = np.random.default_rng(2)
    clean = (MEAN + SPREAD * rng.standard_normal((1, 500, 1))).astype(np.float32)
    noisy = add_noise(
        clean, rng.standard_normal(clean.shape).astype(np.float32), np.full((1, 500), 0.5, np.float32)
    )
    out = sampler(gaussian, noisy, np.full((1, 500), 0.5, np.float32), linear(100), None)
    exact = MEAN + SPREAD * (noisy - 0.5 * MEAN) / np.hypot(0.5 * SPREAD, 0.5)
    np.testing.assert_allclose(out, exact, atol=0.02)


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_the_watcher_sees_every_step_once_and_can_stop(sampler):
    noise, levels = start(4)
    steps: list[Step] = []
    out = sampler(gaussian, noise, levels, linear(4), None, steps.append)
    assert [(step.index, step.total, step.level) for step in steps] == [
        (0, 4, 0.75),
        (1, 4, 0.5),
        (2, 4, 0.25),
        (3, 4, 0.0),
    ]
    assert steps[-1].latents is out
    assert out.dtype == np.float32

    def stop(step: Step) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sampler(gaussian, noise, levels, linear(4), None, stop)


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_a_batch_is_its_members(sampler):
    noise = np.random.default_rng(3).standard_normal((3, 5, 2)).astype(np.float32)
    levels = np.ones((3, 5), np.float32)
    whole = sampler(gaussian, noise, levels, linear(6), None)
    for i in range(3):
        np.testing.assert_array_equal(
            sampler(gaussian, noise[i : i + 1], levels[:1], linear(6), None), whole[i : i + 1]
        )


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_any_step_is_a_place_to_go_on_from_to_the_same_bits(sampler, after):
    rng = np.random.default_rng(4)
    given, noise = rng.standard_normal((2, 1, 6, 3)).astype(np.float32)
    levels = np.array([[0, 0, 1, 1, 0.5, 0.5]], np.float32)
    noisy, schedule = add_noise(given, noise, levels), linear(5, shift=2.0)

    def model(latents: np.ndarray, at: np.ndarray, conditioning: None) -> np.ndarray:
        return gaussian(latents, np.maximum(at, 1e-3), None)

    whole: list[Step] = []
    out = sampler(model, noisy, levels, schedule, None, whole.append)
    rest: list[Step] = []
    again = sampler(model, noisy, levels, schedule, None, rest.append, start=whole[after])
    assert [step.index for step in rest] == list(range(after + 1, 5))
    np.testing.assert_array_equal(again, out)
    for one, other in zip(whole[after + 1 :], rest, strict=True):
        np.testing.assert_array_equal(one.latents, other.latents)
