import torch

from vitascope.nn.video_vae import VideoVAE, VideoVAEConfig

TINY = VideoVAEConfig(latent_channels=6, encoder_widths=(8, 12, 16), decoder_widths=(8, 12, 16))


@torch.no_grad()
def test_shapes_follow_the_frame_rule(awake):
    vae = awake(VideoVAE(TINY))
    latents = vae.encode(torch.rand(2, 3, 9, 32, 48))
    assert latents.shape == (2, 6, 3, 2, 3)
    assert vae.decode(latents).shape == (2, 3, 9, 32, 48)


@torch.no_grad()
def test_encoder_is_causal(awake):
    vae = awake(VideoVAE(TINY))
    clip = torch.rand(1, 3, 9, 32, 32)
    other = clip.clone()
    other[:, :, 5:] = torch.rand(1, 3, 4, 32, 32)
    a, b = vae.encode(clip), vae.encode(other)
    assert torch.equal(a[:, :, :2], b[:, :, :2])
    assert not torch.allclose(a[:, :, 2], b[:, :, 2])


@torch.no_grad()
def test_a_still_is_the_first_latent_frame_of_a_clip(awake):
    vae = awake(VideoVAE(TINY))
    clip = torch.rand(1, 3, 5, 32, 32)
    torch.testing.assert_close(vae.encode(clip[:, :, :1]), vae.encode(clip)[:, :, :1])


@torch.no_grad()
def test_streaming_decode_gives_the_same_frames(awake):
    decoder = awake(VideoVAE(TINY)).decoder
    latents = torch.randn(1, 6, 4, 2, 2)
    whole, _, _ = decoder(latents, *decoder.state(latents))
    state, parts = decoder.state(latents), []
    for chunk in latents.split([1, 2, 1], dim=2):
        frames, *state = decoder(chunk, *state)
        parts.append(frames)
    torch.testing.assert_close(torch.cat(parts, dim=2), whole, rtol=1e-5, atol=1e-5)
    assert any(part.abs().max() > 0 for part in state)
