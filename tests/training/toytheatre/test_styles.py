import pytest
import torch

from vitascope.toybox import scene
from vitascope.training.toytheatre.styles import STYLES, blur

PICTURES = torch.rand(2, 3, 40, 56, generator=torch.Generator().manual_seed(0))


def test_every_style_of_the_world_can_be_drawn():
    assert tuple(STYLES) == scene.STYLES


@pytest.mark.parametrize("style", STYLES)
def test_a_style_draws_each_picture_by_itself_and_always_alike(style: str):
    drawn = STYLES[style](PICTURES.clone())
    assert drawn.shape == PICTURES.shape
    torch.testing.assert_close(drawn[1:], STYLES[style](PICTURES[1:].clone()))


def test_noir_has_no_colour():
    drawn = STYLES["noir"](PICTURES)
    assert torch.equal(drawn[:, 0], drawn[:, 2])


def test_blur_keeps_flat_pictures_flat():
    flat = torch.full((1, 1, 20, 20), 0.3)
    torch.testing.assert_close(blur(flat, 5), flat)
