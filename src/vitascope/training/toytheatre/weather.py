"""Rain and snow in front of the lens, drawn as points of light in batches."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Picture = Float[Tensor, "batch 3 frames height width"]
Places = Float[Tensor, "batch frames points"]

NUM_DROPS = 110
NUM_FLAKES = 90
OVERCAST = {"rain": ((0.74, 0.80, 0.86), 0.25), "snow": ((0.93, 0.96, 1.0), 0.12)}
"""What a weather does to all colours: a tint, and the share of colour that it takes away."""


def particles(seed: int, count: int) -> np.ndarray:
    """Return `count` rows of (x, y, depth, size), all uniform in 0..1."""
    return np.random.Generator(np.random.Philox(key=seed + 1)).random((count, 4)).astype(np.float32)


def splat(
    x: Places, y: Places, light: Places, height: int, width: int
) -> Float[Tensor, "batch frames height width"]:
    """Draw points of light at places in pixels, each shared by four pixels; the brightest one wins."""
    batch, frames, _ = x.shape
    left, top = x.floor(), y.floor()
    along, down = x - left, y - top
    canvas = torch.zeros(batch * frames, height * width, device=x.device)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        column, row = left + dx, top + dy
        part = (along if dx else 1 - along) * (down if dy else 1 - down) * light
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        place = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).long()
        canvas.scatter_reduce_(1, place.flatten(0, 1), (part * inside).flatten(0, 1), "amax")
    return canvas.view(batch, frames, height, width)


def through_lens(
    x: Places, y: Places, camera: Float[Tensor, "batch frames 4"], depth: Tensor
) -> tuple[Places, Places]:
    """Move points (shares of the picture) against the camera's pan and tilt, wrapped round the edges."""
    x = (x - camera[..., 0:1] * depth[:, None]) % 1.0 * 1.2 - 0.1
    y = (y + camera[..., 1:2] * depth[:, None]) % 1.0 * 1.2 - 0.1
    return x, y


def streaks(drops: Tensor, times: Tensor, camera: Tensor, height: int, width: int) -> Tensor:
    """Return how much of each pixel falling rain covers: slanted streaks, the near ones longer and faster."""
    near = 0.6 + 0.8 * drops[..., 2]
    speed, slant = 1.9, 0.22
    y = drops[..., 1][:, None] + speed * near[:, None] * times[None, :, None]
    x = drops[..., 0][:, None] - slant * speed * near[:, None] * times[None, :, None]
    x, y = through_lens(x, y, camera, near)
    length = 0.085 * near
    taps = torch.linspace(0, 1, max(4, int(0.085 * 1.4 * height)), device=x.device)
    back = length[:, None, :, None] * taps
    roll = camera[..., 3][:, :, None, None]
    dx, dy = slant * back, -back
    dx, dy = dx * torch.cos(roll) + dy * torch.sin(roll), dy * torch.cos(roll) - dx * torch.sin(roll)
    px = ((x[..., None] * width) + dx * height).flatten(2)
    py = ((y[..., None] + dy) * height).flatten(2)
    light = ((0.35 + 0.5 * drops[..., 3])[:, None, :, None] * (1 - 0.7 * taps)).expand(-1, len(times), -1, -1)
    return splat(px, py, light.flatten(2), height, width)


def flakes(drops: Tensor, times: Tensor, camera: Tensor, height: int, width: int) -> Tensor:
    """Return how much of each pixel falling snow covers: soft flakes that sway, the near ones bigger."""
    near = 0.5 + 1.0 * drops[..., 2]
    phase = 2 * np.pi * drops[..., 3]
    y = drops[..., 1][:, None] + 0.3 * near[:, None] * times[None, :, None]
    x = drops[..., 0][:, None] + 0.03 * torch.sin(2.5 * times[None, :, None] + phase[:, None])
    x, y = through_lens(x, y, camera, near)
    radius = height * (0.004 + 0.008 * near * drops[..., 3])
    reach = int(height * 0.016) + 1
    grid = torch.arange(-reach, reach + 1, device=x.device, dtype=torch.float32)
    dy, dx = torch.meshgrid(grid, grid, indexing="ij")
    cover = torch.exp(-(dx**2 + dy**2).flatten() / (2 * radius[..., None] ** 2).clamp_min(0.3)) * 0.95
    cover = cover[:, None].expand(-1, len(times), -1, -1)
    px = (x[..., None] * width + dx.flatten()).flatten(2)
    py = (y[..., None] * height + dy.flatten()).flatten(2)
    return splat(px, py, cover.flatten(2), height, width)


def weathered(pictures: Picture, weather: str, seeds: list[int], times: Tensor, camera: Tensor) -> Picture:
    """Return pictures under an overcast sky, with rain or snow that falls between them and the lens.

    `camera` is the filmed path [batch frames 4]; `times` are the frames' seconds. Clear weather changes
    nothing.
    """
    if weather == "clear":
        return pictures
    height, width = pictures.shape[-2:]
    tint, grey = OVERCAST[weather]
    pictures = pictures.lerp(pictures.mean(1, keepdim=True), grey)
    pictures = pictures * torch.tensor(tint, device=pictures.device).view(3, 1, 1, 1)
    count, draw = (NUM_DROPS, streaks) if weather == "rain" else (NUM_FLAKES, flakes)
    drops = torch.from_numpy(np.stack([particles(seed, count) for seed in seeds])).to(pictures.device)
    cover = draw(drops, times, camera, height, width)[:, None]
    colour = torch.tensor((0.86, 0.91, 1.0) if weather == "rain" else (1.0, 1.0, 1.0), device=pictures.device)
    return torch.lerp(pictures, colour.view(3, 1, 1, 1).expand_as(pictures), cover)
