import torch
import torch.nn.functional as F

from vitascope.nn.upscaler import Upscaler, UpscalerConfig

TINY = UpscalerConfig(width=8, blocks=2)


@torch.no_grad()
def test_it_starts_as_bilinear_interpolation():
    pictures = torch.rand(2, 3, 16, 24)
    made = Upscaler(TINY)(pictures, torch.rand(2, 4, 32, 48))
    plain = F.interpolate(pictures, scale_factor=2, mode="bilinear")
    assert made.shape == plain.shape
    torch.testing.assert_close(made[..., 2:-2, 2:-2], plain[..., 2:-2, 2:-2])


@torch.no_grad()
def test_what_is_far_away_changes_nothing(awake):
    net, picture = awake(Upscaler(TINY)), torch.rand(1, 3, 64, 64)
    other = picture.clone()
    other[..., :4] = torch.rand(1, 3, 64, 4)
    pages = torch.rand(1, 4, 128, 128)
    a, b = net(picture, pages), net(other, pages)
    assert not torch.equal(a[..., :8], b[..., :8])
    torch.testing.assert_close(a[..., 64:], b[..., 64:])


@torch.no_grad()
def test_neighbours_in_the_batch_change_nothing(awake):
    net, pictures = awake(Upscaler(TINY)), torch.rand(3, 3, 16, 16)
    pages = torch.rand(3, 4, 32, 32)
    torch.testing.assert_close(net(pictures, pages)[1:2], net(pictures[1:2], pages[1:2]))


@torch.no_grad()
def test_pages_are_seen_at_the_full_size(awake):
    net, picture, pages = awake(Upscaler(TINY)), torch.rand(1, 3, 16, 16), torch.rand(1, 4, 32, 32)
    other = pages.clone()
    other[..., 15, 15] += 1
    assert not torch.equal(net(picture, other)[..., 15, 15], net(picture, pages)[..., 15, 15])
