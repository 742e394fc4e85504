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


def outlines(x: Pictures, reach: int = 1) -> Float[Tensor, "n 1 height width"]:
    """Return how strongly colours change at each pixel, over `reach` pixels."""
    padded = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    height, width = x.shape[-2:]
    middle_rows, middle_columns = slice(reach, reach + height), slice(reach, reach + width)
    across = padded[..., middle_rows, 2 * reach :] - padded[..., middle_rows, :width]
    down = padded[..., 2 * reach :, middle_columns] - padded[..., :height, middle_columns]
    return (across.square() + down.square()).sum(1, keepdim=True).sqrt()


def stepped(x: Tensor, steps: int, softness: float) -> Tensor:
    """Return values in so many flat steps, whose edges are `softness` of a step wide."""
    scaled = x * steps
    whole = scaled.floor()
    part = ((scaled - whole - 0.5) / softness + 0.5).clamp(0, 1)
    return (whole + part) / steps


def saturated(x: Pictures, share: float) -> Pictures:
    """Return pictures with more colour."""
    grey = luma(x)
    return grey + (x - grey) * share


@cache
def dither(height: int, width: int, device: torch.device) -> Float[Tensor, "1 1 height width"]:
    """Return an ordered 4x4 pattern of thresholds, -0.5..0.5."""
    grid = torch.tensor([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], device=device)
    pattern = (grid.float() + 0.5) / 16 - 0.5
    rows, columns = -(-height // 4), -(-width // 4)
    return pattern.repeat(rows, columns)[None, None, :height, :width]


def pixel(x: Pictures) -> Pictures:
    """Draw in large square pixels of few colours, as games of the eighties and nineties did."""
    height, width = x.shape[-2:]
    block = max(2, round(height / 56))
    rows, columns = -(-height // block), -(-width // block)
    padded = F.pad(x, (0, columns * block - width, 0, rows * block - height), mode="replicate")
    small = saturated(F.avg_pool2d(padded, block), 1.25)
    small = (small + 0.30 * (small - blur(small, 1))).clamp(0, 1)
    levels = 8
    small = ((small * (levels - 1) + 0.35 * dither(rows, columns, x.device)).round() / (levels - 1)).clamp(
        0, 1
    )
    return F.interpolate(small, scale_factor=block, mode="nearest")[..., :height, :width]


def cartoon(x: Pictures) -> Pictures:
    """Fill flat, strong colours within dark outlines."""
    height = x.shape[-2]
    soft = x.lerp(blur(x, max(1, height // 100)), 0.6)
    light = soft.amax(1, keepdim=True).clamp_min(1e-3)
    flat = saturated(soft / light * stepped(light, 5, 0.35), 1.35)
    ink = ((outlines(soft, max(1, height // 128)) - 0.26) * 3.2).clamp(0, 0.9)
    return (flat * 1.06).clamp(0, 1) * (1 - ink) + ink * 0.07


def neon(x: Pictures) -> Pictures:
    """Let outlines glow in bright colours before a dark violet night."""
    height = x.shape[-2]
    edge = ((outlines(x, max(1, height // 128)) - 0.06) * 1.9).clamp(0, 1)
    top, bottom = x.amax(1, keepdim=True), x.amin(1, keepdim=True)
    hue = (x - bottom) / (top - bottom).clamp_min(0.04)
    cool = torch.tensor((0.35, 0.85, 1.0), device=x.device).view(1, 3, 1, 1)
    hue = cool + (hue - cool) * ((top - bottom) * 3).clamp(0, 1)
    lines = edge * (0.25 + 0.75 * hue)
    night = torch.tensor((0.075, 0.03, 0.16), device=x.device).view(1, 3, 1, 1)
    glow = blur(lines, max(2, height // 24)) * 0.9 + blur(lines, max(1, height // 64)) * 0.5
    return (night + 0.20 * saturated(x, 1.5).clamp(0, 1) + 0.85 * lines + glow).clamp(0, 1)


def paper_cut(x: Pictures) -> Pictures:
    """Build the picture from sheets of coloured paper, each with a pale edge and a shadow on the one below."""
    height, width = x.shape[-2:]
    soft = x.lerp(blur(x, max(1, height // 128)), 0.8)
    colour = saturated(stepped(soft, 4, 0.18), 1.1)
    sheet = luma(stepped(soft, 4, 0.18))
    reach = max(1, height // 80)
    moved = F.pad(sheet, (reach, 0, reach, 0), mode="replicate")[..., :height, :width]
    change = moved - sheet
    shadow = blur(change.abs(), reach).clamp(0, 0.30) * 1.25
    rim = (-change - 0.05).clamp(0, 0.25)
    grain = paper(height, width, x.device)
    drawn = (0.06 + 0.94 * colour) * (1 - shadow) + rim * (1 - colour)
    return (drawn * (1 + 0.035 * grain)).clamp(0, 1)


STYLES: dict[str, Callable[[Pictures], Pictures]] = {
    "clay": clay, "watercolour": watercolour, "pencil": pencil, "noir": noir,
    "pixel": pixel, "cartoon": cartoon, "neon": neon, "paper": paper_cut,
}  # fmt: skip
