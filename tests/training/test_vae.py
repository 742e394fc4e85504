import torch

from vitascope.nn.video_vae import VideoVAE, VideoVAEConfig
from vitascope.training.vae import fit_linear, psnr

CONFIG = VideoVAEConfig(latent_channels=16, encoder_widths=(8, 8, 8), decoder_widths=(8, 8, 8))


def clips(count: int, seed: int) -> torch.Tensor:
    """Clips of a few smooth patterns, of which sixteen numbers a cell can say nearly all."""
    generator = torch.Generator().manual_seed(seed)
    grid = torch.linspace(0, 6, 64)
    waves = torch.stack([torch.sin(grid * k)[:, None] * torch.cos(grid * k)[None] for k in (1, 2, 3)])
    amounts = torch.rand((count, 3, 3), generator=generator) / 6
    pictures = 0.5 + torch.einsum("bck,khw->bchw", amounts, waves)
    return pictures[:, :, None].expand(-1, -1, 5, -1, -1).contiguous()


@torch.no_grad()
def test_the_linear_code_gives_back_what_it_was_fitted_to_before_any_training():
    torch.manual_seed(0)
    vae, unseen = VideoVAE(CONFIG), clips(4, seed=1)
    before = psnr(vae.decode(vae.encode(unseen)), unseen)
    fit_linear(vae, clips(48, seed=0))
    latents = vae.encode(unseen)
    assert psnr(vae.decode(latents), unseen) > max(28, before + 10)
    assert latents.abs().max() < CONFIG.latent_limit / 2


@torch.no_grad()
def test_chunks_decode_to_the_same_pixels_with_the_linear_code():
    vae = VideoVAE(CONFIG)
    fit_linear(vae, clips(48, seed=0))
    latents = torch.randn(1, 16, 4, 4, 4)
    whole, _, _ = vae.decoder(latents, *vae.decoder.state(latents))
    state, parts = vae.decoder.state(latents), []
    for chunk in latents.split(1, dim=2):
        frames, *state = vae.decoder(chunk, *state)
        parts.append(frames)
    torch.testing.assert_close(torch.cat(parts, dim=2), whole, atol=1e-5, rtol=1e-5)
