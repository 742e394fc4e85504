import torch

from vitascope.training.toytheatre.weather import splat, weathered

TIMES = torch.arange(3) / 8
GREY = torch.full((2, 3, 3, 48, 48), 0.4)
CAMERA = torch.zeros(2, 3, 4)


def test_clear_weather_changes_nothing():
    assert weathered(GREY, "clear", [1, 2], TIMES, CAMERA) is GREY


def test_weather_is_the_seed_s_own_and_moves():
    for weather in ("rain", "snow"):
        first = weathered(GREY, weather, [1, 2], TIMES, CAMERA)
        assert first.shape == GREY.shape
        assert torch.equal(first, weathered(GREY, weather, [1, 2], TIMES, CAMERA))
        assert not torch.allclose(first[0], first[1])
        assert not torch.allclose(first[0, :, 0], first[0, :, 1])
        assert first.min() >= 0
        assert first.max() <= 1


def test_a_point_between_pixels_is_shared():
    place = torch.tensor([[[2.25]]])
    drawn = splat(place, torch.tensor([[[1.0]]]), torch.ones(1, 1, 1), 4, 5)[0, 0]
    torch.testing.assert_close(drawn[1], torch.tensor([0, 0, 0.75, 0.25, 0]))
    assert drawn.sum() == 1


def test_points_outside_are_not_drawn():
    assert not splat(torch.tensor([[[-7.0, 9.0]]]), torch.zeros(1, 1, 2), torch.ones(1, 1, 2), 4, 5).any()
