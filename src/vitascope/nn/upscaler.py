"""The upscaler: pictures at twice their size, each for itself, sharper than a linear filter leaves them.

Beside each picture it is given the pages of the subjects, warped to where the picture shows them at the full size: so
faces and stripes come back that the latents never held, and light, shadow and style are all that it has to learn.

Nearly all of the work is done at half the size of what comes in, where a 3x3 convolution sees far and costs little
(as FSRCNN's shrunk middle, arXiv 1608.00367, and the shuffled pixels of ESPCN, arXiv 1609.05158); what it makes is
added to a linear filter's picture. Nothing in it depends on the picture's size or on its neighbours in the batch.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

SCALE = 2
HALF = 2
"""How much smaller the features are than the picture that comes in."""


@dataclass(frozen=True)
class UpscalerConfig:
    """Width and depth of the upscaler."""

    width: int = 64
    blocks: int = 4
    fine: int = 20
    """Width of the branch that works at the full size, where the pages are sharp."""
    reach: int = 5
    """Pixels along each side that the linear filter sees."""


class Block(nn.Module):
    """Two 3x3 convolutions added to their input; starts as the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return x + self.conv2(F.relu(self.conv1(x)))


class Upscaler(nn.Module):
    """Pictures in 0..1 to the same pictures at twice the size; starts as bilinear interpolation."""

    def __init__(self, config: UpscalerConfig):
        super().__init__()
        self.linear = nn.Conv2d(3, 3 * SCALE**2, config.reach, padding=config.reach // 2)
        self.stem = nn.Conv2d(3 * HALF**2, config.width, 3, padding=1)
        self.blocks = nn.ModuleList(Block(config.width) for _ in range(config.blocks))
        self.head = nn.Conv2d(config.width, 3 * (HALF * SCALE) ** 2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # pyright: ignore[reportArgumentType]
        self.guide = nn.Conv2d(4 * (HALF * SCALE) ** 2, config.width, 3, padding=1)
        self.fine_in = nn.Conv2d(3 + 4, config.fine, 3, padding=1)
        self.fine_out = nn.Conv2d(config.fine, 3, 3, padding=1)
        for quiet in (self.guide, self.fine_out):
            nn.init.zeros_(quiet.weight)
            nn.init.zeros_(quiet.bias)  # pyright: ignore[reportArgumentType]
        self._begin_bilinear()

    @torch.no_grad()
    def _begin_bilinear(self) -> None:
        """Let the linear filter be bilinear interpolation, whose new pixels lie a quarter off the old ones."""
        reach = self.linear.weight.shape[-1]
        places = torch.arange(reach) - reach // 2
        near = torch.stack([(1 - (places - offset).abs()).clamp(min=0) for offset in (-0.25, 0.25)])
        phases = torch.einsum("ay,bx->abyx", near, near).reshape(SCALE**2, reach, reach)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)  # pyright: ignore[reportArgumentType]
        for colour in range(3):
            self.linear.weight[SCALE**2 * colour : SCALE**2 * (colour + 1), colour] = phases

    def forward(
        self, pictures: Float[Tensor, "n 3 height width"], pages: Float[Tensor, "n 4 height2 width2"]
    ) -> Float[Tensor, "n 3 height2 width2"]:
        """Return pictures at twice the size, not clipped to 0..1; sides must be even.

        `pages` are premultiplied RGBA in 0..1, as the subjects lie over each picture at twice its size.
        """
        x = self.stem(F.pixel_unshuffle(pictures, HALF)) + self.guide(F.pixel_unshuffle(pages, HALF * SCALE))
        x = F.relu(x)
        for block in self.blocks:
            x = block(x)
        large = F.pixel_shuffle(self.linear(pictures), SCALE) + F.pixel_shuffle(self.head(x), HALF * SCALE)
        return large + self.fine_out(F.relu(self.fine_in(torch.cat([large, pages], dim=1))))
