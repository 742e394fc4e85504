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


def test_pixels_are_squares_of_few_colours():
    drawn = STYLES["pixel"](torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(drawn[..., ::2, :], drawn[..., 1::2, :])
    assert torch.equal(drawn[..., ::2], drawn[..., 1::2])
    assert len(drawn.unique()) <= 8


def test_a_cartoon_has_dark_outlines_and_neon_bright_ones():
    picture = torch.full((1, 3, 48, 48), 0.75)
    picture[:, :, :, 24:] = torch.tensor([0.9, 0.35, 0.3]).view(1, 3, 1, 1)
    ink, light = (STYLES[name](picture)[0].mean(0).mean(0) for name in ("cartoon", "neon"))
    assert ink[23:25].max() < 0.6 * ink[[5, 42]].min()
    assert light[23:25].min() > 1.8 * light[[5, 42]].max()


def test_blur_keeps_flat_pictures_flat():
    flat = torch.full((1, 1, 20, 20), 0.3)
    torch.testing.assert_close(blur(flat, 5), flat)
