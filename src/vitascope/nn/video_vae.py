"""The video autoencoder: causal in time, 4x in time and 16x in space, decoded chunk by chunk.

A clip of 1 + 4k frames is seen as k + 1 groups of four frames, the first group being the first frame four
times over. A group is folded into channels at a quarter of the picture's size, so that nearly all of the work
is ordinary two-dimensional convolution; time is mixed by `CausalMix`, which sees a group and the one before it.
The one feature map that each `CausalMix` remembers is the whole state of a streaming decode.

Around the networks runs a linear code of single groups (`LinearCode`), fitted to data before training and then left
alone; the networks learn what it cannot say (as the shortcuts of DC-AE, arXiv 2410.10733, which it makes data's own).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor, nn

TIME_STRIDE = 4
SPACE_STRIDE = 16
PATCH = 4
CELL = SPACE_STRIDE // PATCH


@dataclass(frozen=True)
class VideoVAEConfig:
    """Widths of the autoencoder at a quarter, an eighth and a sixteenth of the picture's size."""

    latent_channels: int = 352
    encoder_widths: tuple[int, int, int] = (96, 160, 256)
    decoder_widths: tuple[int, int, int] = (128, 176, 256)
    latent_limit: float = 10.0


class ChannelNorm(nn.Module):
    """Root-mean-square norm over the channels of one position, so that neither tiles nor chunks change it."""

    def __init__(self, channels: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n channels h w"]:
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6) * self.scale


def silence(layer: nn.Conv2d) -> None:
    """Let a branch start at zero, so that what it is added to starts as the identity."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around one non-linearity, added to their input; starts as the identity."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        silence(self.conv2)

    def forward(self, x: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n channels h w"]:
        return x + self.conv2(F.silu(self.conv1(self.norm(x))))


class CausalMix(nn.Module):
    """Adds to each group of frames what a 3x3 convolution sees in it and in the group before."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.conv = nn.Conv2d(2 * channels, channels, 3, padding=1)
        silence(self.conv)

    def forward(
        self, x: Float[Tensor, "batch groups channels h w"], past: Float[Tensor, "batch channels h w"]
    ) -> tuple[Float[Tensor, "batch groups channels h w"], Float[Tensor, "batch channels h w"]]:
        """Return the mixed groups and the state (the last group, normed) to hand to the next chunk."""
        batch = x.shape[0]
        now = rearrange(
            self.norm(rearrange(x, "b t c h w -> (b t) c h w")), "(b t) c h w -> b t c h w", b=batch
        )
        before = torch.cat([past[:, None], now[:, :-1]], dim=1)
        mixed = self.conv(rearrange(torch.cat([before, now], dim=2), "b t c h w -> (b t) c h w"))
        return x + rearrange(mixed, "(b t) c h w -> b t c h w", b=batch), now[:, -1]


class Stage(nn.Module):
    """Residual blocks at one size with a `CausalMix` in their midst."""

    def __init__(self, channels: int, blocks: int):
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(channels) for _ in range(blocks))
        self.mix = CausalMix(channels)
        self.channels = channels

    def forward(
        self, x: Float[Tensor, "batch groups channels h w"], past: Float[Tensor, "batch channels h w"]
    ) -> tuple[Float[Tensor, "batch groups channels h w"], Float[Tensor, "batch channels h w"]]:
        batch = x.shape[0]
        x = rearrange(
            self.blocks[0](rearrange(x, "b t c h w -> (b t) c h w")), "(b t) c h w -> b t c h w", b=batch
        )
        x, past = self.mix(x, past)
        flat = rearrange(x, "b t c h w -> (b t) c h w")
        for block in list(self.blocks)[1:]:
            flat = block(flat)
        return rearrange(flat, "(b t) c h w -> b t c h w", b=batch), past


def each_group(
    layer: nn.Module, x: Float[Tensor, "batch groups c h w"]
) -> Float[Tensor, "batch groups c2 h2 w2"]:
    """Apply a two-dimensional layer to every group of frames."""
    return rearrange(
        layer(rearrange(x, "b t c h w -> (b t) c h w")), "(b t) c h w -> b t c h w", b=x.shape[0]
    )


def fold(frames: Float[Tensor, "batch 3 frames height width"]) -> Float[Tensor, "batch groups c h w"]:
    """Return 1 + 4k frames in 0..1 as groups of four, folded into channels at a quarter of the size, in -1..1."""
    first = repeat(frames[:, :, :1], "b c 1 h w -> b c t h w", t=TIME_STRIDE - 1)
    padded = torch.cat([first, frames], dim=2) * 2 - 1
    return rearrange(padded, "b c (t r) (h p) (w q) -> b t (c r p q) h w", r=TIME_STRIDE, p=PATCH, q=PATCH)


class LinearCode(nn.Module):
    """A fixed linear map from the pixels of a latent cell to its latents, or back. Starts as nothing at all."""

    weight: Tensor
    bias: Tensor

    def __init__(self, channels: int, back: bool):
        super().__init__()
        pixels = 3 * TIME_STRIDE * PATCH**2
        self.back = back
        self.register_buffer("weight", torch.zeros(channels, pixels, CELL, CELL))
        self.register_buffer("bias", torch.zeros(pixels if back else channels))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c2 h2 w2"]:
        if self.back:
            return F.conv_transpose2d(x, self.weight, self.bias, stride=CELL)
        return F.conv2d(x, self.weight, self.bias, stride=CELL)


class Encoder(nn.Module):
    """Frames in 0..1 to latents; see the module's docstring for the layout."""

    def __init__(self, config: VideoVAEConfig):
        super().__init__()
        quarter, eighth, sixteenth = config.encoder_widths
        self.limit = config.latent_limit
        self.stem = nn.Conv2d(3 * TIME_STRIDE * PATCH**2, quarter, 3, padding=1)
        self.quarter = nn.Sequential(ResidualBlock(quarter))
        self.down1 = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.eighth = Stage(eighth, 2)
        self.down2 = nn.Conv2d(eighth, sixteenth, 2, stride=2)
        self.sixteenth = Stage(sixteenth, 2)
        self.head = nn.Conv2d(sixteenth, config.latent_channels, 1)
        silence(self.head)
        self.linear = LinearCode(config.latent_channels, back=False)

    def forward(
        self, frames: Float[Tensor, "batch 3 frames height width"]
    ) -> Float[Tensor, "batch c groups h w"]:
        """Encode 1 + 4k frames (values 0..1, height and width multiples of 16) into k + 1 latent frames."""
        groups = fold(frames)
        x = each_group(self.down1, each_group(self.quarter, each_group(self.stem, groups)))
        x, _ = self.eighth(x, torch.zeros_like(x[:, 0]))
        x = each_group(self.down2, x)
        x, _ = self.sixteenth(x, torch.zeros_like(x[:, 0]))
        latents = each_group(self.head, x) + each_group(self.linear, groups)
        latents = rearrange(latents, "b t c h w -> b c t h w")
        return self.limit * torch.tanh(latents / self.limit)


class Decoder(nn.Module):
    """Latents to frames in 0..1, any number of groups at a time; the state makes chunks exact."""

    def __init__(self, config: VideoVAEConfig):
        super().__init__()
        quarter, eighth, sixteenth = config.decoder_widths
        self.stem = nn.Conv2d(config.latent_channels, sixteenth, 3, padding=1)
        self.sixteenth = Stage(sixteenth, 2)
        self.up1 = nn.Sequential(nn.Conv2d(sixteenth, 4 * eighth, 1), nn.PixelShuffle(2))
        self.eighth = Stage(eighth, 2)
        self.up2 = nn.Sequential(nn.Conv2d(eighth, 4 * quarter, 1), nn.PixelShuffle(2))
        self.quarter = nn.Sequential(ResidualBlock(quarter), ResidualBlock(quarter))
        self.head = nn.Conv2d(quarter, 3 * TIME_STRIDE * PATCH**2, 3, padding=1)
        silence(self.head)
        self.linear = LinearCode(config.latent_channels, back=True)
        self.state_channels = (sixteenth, eighth)

    def state(self, latents: Float[Tensor, "batch c groups h w"]) -> tuple[Tensor, Tensor]:
        """Return the empty state with which the first chunk of a clip is decoded."""
        batch, _, _, h, w = latents.shape
        deep, shallow = self.state_channels
        return latents.new_zeros(batch, deep, h, w), latents.new_zeros(batch, shallow, 2 * h, 2 * w)

    def forward(
        self,
        latents: Float[Tensor, "batch c groups h w"],
        deep: Float[Tensor, "batch c1 h w"],
        shallow: Float[Tensor, "batch c2 h2 w2"],
    ) -> tuple[Float[Tensor, "batch 3 frames height width"], Tensor, Tensor]:
        """Decode groups into four frames each; of a clip's first group only the last frame is the clip's."""
        cells = rearrange(latents, "b c t h w -> b t c h w")
        x, deep = self.sixteenth(each_group(self.stem, cells), deep)
        x = each_group(self.up1, x)
        x, shallow = self.eighth(x, shallow)
        x = each_group(self.head, each_group(self.quarter, each_group(self.up2, x)))
        x = x + each_group(self.linear, cells)
        frames = rearrange(x, "b t (c r p q) h w -> b c (t r) (h p) (w q)", r=TIME_STRIDE, p=PATCH, q=PATCH)
        return frames * 0.5 + 0.5, deep, shallow


class VideoVAE(nn.Module):
    """Encoder and decoder together, as they are trained."""

    def __init__(self, config: VideoVAEConfig):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def encode(
        self, frames: Float[Tensor, "batch 3 frames height width"]
    ) -> Float[Tensor, "batch c groups h w"]:
        """Encode a whole clip of 1 + 4k frames."""
        return self.encoder(frames)

    def decode(
        self, latents: Float[Tensor, "batch c groups h w"]
    ) -> Float[Tensor, "batch 3 frames height width"]:
        """Decode a whole clip into 1 + 4k frames, not clipped to 0..1."""
        frames, _, _ = self.decoder(latents, *self.decoder.state(latents))
        return frames[:, :, TIME_STRIDE - 1 :]
