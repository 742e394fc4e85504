"""The same film in another hand: each style is a function from pictures to pictures, values 0..1."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Pictures = Float[Tensor, "n 3 height width"]


def blur(x: Float[Tensor, "n c height width"], radius: int) -> Float[Tensor, "n c height width"]:
    """Return `x` softened over about `radius` pixels each way, edges repeated."""
    step = 1
    while step <= radius:
        x = F.pad(x, (step, step, 0, 0), mode="replicate")
        x = (x[..., 2 * step :] + x[..., : -2 * step]).add_(x[..., step:-step], alpha=2).mul_(0.25)
        x = F.pad(x, (0, 0, step, step), mode="replicate")
        x = (x[..., 2 * step :, :] + x[..., : -2 * step, :]).add_(x[..., step:-step, :], alpha=2).mul_(0.25)
        step *= 2
    return x


def luma(x: Pictures) -> Float[Tensor, "n 1 height width"]:
    """Return the brightness of each pixel."""
    return 0.30 * x[:, :1] + 0.59 * x[:, 1:2] + 0.11 * x[:, 2:]


@cache
def paper(height: int, width: int, device: torch.device) -> Float[Tensor, "1 1 height width"]:
    """Return the grain of a sheet of paper, about 0 with a spread of about 1: fibres and broad washes."""
    noise = (
        np.random.Generator(np.random.Philox(key=7)).normal(size=(2, 1, 1, height, width)).astype(np.float32)
    )
    fine, broad = (torch.from_numpy(part) for part in noise)
    broad = blur(broad, max(1, height // 40))
    return (0.5 * fine + 0.8 * broad / broad.std()).to(device)


@cache
def hatching(height: int, width: int, device: torch.device) -> Float[Tensor, "1 1 height width"]:
    """Return slanted pencil strokes, 0 between them and 1 on them."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    pitch = max(3.0, height / 34)
    grain = paper(height, width, torch.device("cpu"))[0, 0].numpy()
    wave = np.sin(2 * np.pi * (x + 0.8 * y) / pitch + 0.5 * grain)
    return torch.from_numpy((0.5 + 0.5 * wave).astype(np.float32))[None, None].to(device)


def vignette(height: int, width: int, device: torch.device, strength: float) -> Float[Tensor, "height width"]:
    """Return what is left of the light at each pixel, 1 in the middle."""
    y = torch.linspace(-1, 1, height, device=device)[:, None]
    x = torch.linspace(-1, 1, width, device=device)[None]
    return 1 - strength * ((x**2 + y**2) / 2) ** 1.5


def clay(x: Pictures) -> Pictures:
    """Leave the toys as they are, with a slight vignette."""
    height, width = x.shape[-2:]
    return x * vignette(height, width, x.device, 0.22)


def watercolour(x: Pictures) -> Pictures:
    """Paint pale washes that darken towards their edges, on grainy paper."""
    height, width = x.shape[-2:]
    soft = blur(x, max(1, height // 110))
    soft = soft.lerp(blur((soft * 6).round() / 6, 1), 0.5)
    edge = (luma(soft) - luma(blur(soft, 2))).abs()
    grain = paper(height, width, x.device)
    pale = 1 - (1 - soft) * (0.78 - 0.03 * grain)
    margin = 1 - vignette(height, width, x.device, 1.0).clamp(0, 1)
    pale = pale + (1 - pale) * (margin * 1.2 - 0.35).clamp(0, 0.9)
    return (pale - 0.8 * edge) * (1 + 0.012 * grain)


def pencil(x: Pictures) -> Pictures:
    """Draw grey outlines on paper, with hatching in the shade."""
    height, width = x.shape[-2:]
    tone = blur(luma(x), 1)
    across = F.pad((x[..., 1:] - x[..., :-1]).abs().amax(1, keepdim=True), (0, 1))
    down = F.pad((x[..., 1:, :] - x[..., :-1, :]).abs().amax(1, keepdim=True), (0, 0, 0, 1))
    line = ((across + down) * 2.4 - 0.14).clamp(0, 0.8)
    shade = ((0.78 - tone) * 0.95).clamp(0, 0.6) * (0.45 + 0.55 * hatching(height, width, x.device))
    sheet = 0.95 + 0.012 * paper(height, width, x.device)
    drawn = sheet * (1 - shade) * (1 - line)
    return torch.cat([drawn, drawn * 0.99, drawn * 0.96], 1)


def noir(x: Pictures) -> Pictures:
    """Film in hard black and white, dark towards the corners."""
    height, width = x.shape[-2:]
    lifted = luma(x).clamp_min(0).sqrt()
    local = lifted + 0.7 * (lifted - blur(lifted, max(2, height // 8)))
    hard = torch.sigmoid((local - 0.72) * 8.0)
    return (hard * vignette(height, width, x.device, 0.7)).expand_as(x)


STYLES: dict[str, Callable[[Pictures], Pictures]] = {
    "clay": clay, "watercolour": watercolour, "pencil": pencil, "noir": noir,
}  # fmt: skip
