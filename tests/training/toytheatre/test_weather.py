import torch

from vitascope.toybox.scene import Scene
from vitascope.training.toytheatre.take import Take, thunder
from vitascope.training.toytheatre.weather import flash_times, splat, weathered

TIMES = torch.arange(3) / 8
GREY = torch.full((2, 3, 3, 48, 48), 0.4)
CAMERA = torch.zeros(2, 3, 4)


def test_clear_weather_changes_nothing():
    assert weathered(GREY, "clear", [1, 2], TIMES, CAMERA) is GREY


def test_weather_is_the_seed_s_own_and_moves():
    for weather in ("rain", "snow", "fog", "wind", "sparkles"):
        first = weathered(GREY, weather, [1, 2], TIMES, CAMERA)
        assert first.shape == GREY.shape
        assert torch.equal(first, weathered(GREY, weather, [1, 2], TIMES, CAMERA))
        assert not torch.allclose(first[0], first[1])
        assert not torch.allclose(first[0, :, 0], first[0, :, 1])
        assert first.min() >= 0
        assert first.max() <= 1


def test_the_wind_carries_leaves_in_the_colours_of_the_season():
    seasons = [weathered(GREY, "wind", [1, 2], TIMES, CAMERA, [name] * 2) for name in ("autumn", "winter")]
    autumn, winter = (drawn.amax((2, 3, 4)) for drawn in seasons)
    assert (autumn[:, 0] > autumn[:, 2] + 0.1).all()
    assert (winter[:, 2] > winter[:, 0] - 0.02).all()


def test_lightning_strikes_when_it_is_said_to_and_thunder_follows():
    times = torch.arange(65) / 32
    dark = torch.full((1, 3, 65, 24, 24), 0.3)
    bright = weathered(dark, "storm", [7], times, torch.zeros(1, 65, 4)).mean((0, 1, 3, 4))
    (strike,) = flash_times(7, 2.0)
    assert abs(float(times[bright.argmax()]) - strike) < 1 / 16
    assert bright.max() > 1.3 * bright.median()
    claps = thunder(Take(Scene("cat", "walk", "garden", weather="storm"), 7), 2.0)
    assert [clap.kind for clap in claps] == ["thunder"] * (strike < 1.5)


def test_fog_is_thickest_at_the_horizon():
    black = torch.zeros(1, 3, 2, 64, 64)
    black[:, :, :, :, ::2] = 0.8
    drawn = weathered(black, "fog", [3], TIMES[:2], CAMERA[:1, :2])
    contrast = drawn.std(4).mean((0, 1, 2))
    assert contrast[28:36].mean() < 0.75 * contrast[-6:].mean()


def test_a_point_between_pixels_is_shared():
    place = torch.tensor([[[2.25]]])
    drawn = splat(place, torch.tensor([[[1.0]]]), torch.ones(1, 1, 1), 4, 5)[0, 0]
    torch.testing.assert_close(drawn[1], torch.tensor([0, 0, 0.75, 0.25, 0]))
    assert drawn.sum() == 1


def test_points_outside_are_not_drawn():
    assert not splat(torch.tensor([[[-7.0, 9.0]]]), torch.zeros(1, 1, 2), torch.ones(1, 1, 2), 4, 5).any()
