"""Weather in front of the lens: rain, snow, fog, wind with leaves, storms and falling stars, drawn in batches."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Picture = Float[Tensor, "batch 3 frames height width"]
Places = Float[Tensor, "batch frames points"]

NUM_DROPS = 110
NUM_FLAKES = 90
NUM_LEAVES = 27
NUM_SPARKS = 34
OVERCAST = {
    "rain": ((0.74, 0.80, 0.86), 0.25), "snow": ((0.93, 0.96, 1.0), 0.12), "fog": ((0.97, 0.98, 1.0), 0.35),
    "wind": ((0.99, 0.99, 0.97), 0.05), "storm": ((0.50, 0.54, 0.64), 0.38), "sparkles": ((0.92, 0.92, 1.0), 0.0),
}  # fmt: skip
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


@cache
def banks(device: torch.device) -> Float[Tensor, "1 1 64 64"]:
    """Return soft noise that repeats at its edges, 0..1: banks of fog."""
    noise = np.random.Generator(np.random.Philox(key=31)).normal(size=(64, 64))
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(64, 1 / 64), np.fft.fftfreq(64, 1 / 64) * 1.8))
    field = np.fft.ifft2(np.fft.fft2(noise) * np.exp(-((k / 4) ** 2))).real
    field = (field - field.min()) / np.ptp(field)
    return torch.from_numpy(field.astype(np.float32))[None, None].to(device)


def fogged(pictures: Picture, seeds: list[int], times: Tensor, camera: Tensor) -> Picture:
    """Return pictures behind banks of fog, thickest at the horizon, which drift with the wind."""
    height, width = pictures.shape[-2:]
    y = torch.linspace(0, 1, height, device=pictures.device)
    x = (torch.arange(width, device=pictures.device) + 0.5) / height
    start = torch.tensor([particles(seed, 1)[0, 0] for seed in seeds], device=pictures.device)
    thick = 0.30 + 0.46 * torch.exp(-(((y - 0.52) / 0.26) ** 2))
    noise = banks(pictures.device)
    cover = torch.zeros(len(seeds), len(times), height, width, device=pictures.device)
    for speed, size in ((0.045, 0.55), (-0.028, 0.9)):
        across = (x * size)[None, None] + start[:, None, None] + (speed * times)[None, :, None]
        across = across + 0.6 * camera[..., 0:1]
        column = (across % 1.0) * 64
        left = column.floor().long() % 64
        part = column - column.floor()
        row = (y * size * 20).long() % 64
        strip = noise[0, 0][row]
        cover += (strip[:, left] * (1 - part) + strip[:, (left + 1) % 64] * part).permute(1, 2, 0, 3)
    cover = (thick[:, None] * (0.45 + 0.55 * cover)).clamp(0, 0.92)[:, None]
    mean = pictures.mean((2, 3, 4), keepdim=True)
    bright = mean.mean(1, keepdim=True)
    colour = (mean.lerp(bright, 0.7) * 1.18 + 0.10).clamp(0, 0.96)
    return torch.lerp(pictures, colour.expand_as(pictures), cover)


LEAVES = {
    "spring": ((1.0, 0.76, 0.86), (1.0, 0.90, 0.94), (0.96, 0.62, 0.76)),
    "summer": ((0.42, 0.74, 0.28), (0.62, 0.84, 0.34), (0.28, 0.58, 0.26)),
    "autumn": ((0.95, 0.52, 0.16), (0.86, 0.30, 0.14), (0.97, 0.76, 0.24)),
    "winter": ((0.97, 0.98, 1.0), (0.90, 0.94, 1.0), (0.84, 0.90, 0.98)),
}
"""Colours of what the wind carries in each season: blossom, leaves, snow."""


def windy(pictures: Picture, seeds: list[int], times: Tensor, camera: Tensor, seasons: list[str]) -> Picture:
    """Return pictures with leaves that the wind carries past, tumbling, in the colours of each one's season."""
    height, width = pictures.shape[-2:]
    drops = torch.from_numpy(np.stack([particles(seed, NUM_LEAVES) for seed in seeds])).to(pictures.device)
    near = 0.5 + drops[..., 2]
    t = times[None, :, None]
    phase = 2 * np.pi * drops[..., 3][:, None]
    gust = 0.42 * t + 0.05 * torch.sin(2.1 * t + phase)
    x = drops[..., 0][:, None] + gust * near[:, None]
    y = drops[..., 1][:, None] + 0.10 * near[:, None] * t + 0.045 * torch.sin(3.3 * t * near[:, None] + phase)
    x, y = through_lens(x, y, camera, near)
    long = height * (0.009 + 0.016 * near)[:, None]
    broad = long * (0.30 + 0.30 * torch.sin(4.7 * t + 2 * phase).abs())
    angle = 3.1 * t * (0.6 + near[:, None]) + phase
    reach = int(height * 0.036) + 1
    grid = torch.arange(-reach, reach + 1, device=pictures.device, dtype=torch.float32)
    dy, dx = (part.flatten() for part in torch.meshgrid(grid, grid, indexing="ij"))
    along = dx * torch.cos(angle)[..., None] + dy * torch.sin(angle)[..., None]
    aside = dy * torch.cos(angle)[..., None] - dx * torch.sin(angle)[..., None]
    out = (along / long[..., None]).square() + (aside / broad[..., None]).square()
    cover = ((1.15 - out) * 3).clamp(0, 1)
    px = x[..., None] * width + dx
    py = y[..., None] * height + dy
    light = pictures.mean((1, 2, 3, 4)).clamp(0.25, 0.6) / 0.6
    for number in range(3):
        some = slice(number, None, 3)
        part = splat(
            px[:, :, some].flatten(2), py[:, :, some].flatten(2), cover[:, :, some].flatten(2), height, width
        )
        colour = torch.tensor([LEAVES[season][number] for season in seasons], device=pictures.device)
        colour = (colour * light[:, None].sqrt()).view(-1, 3, 1, 1, 1)
        pictures = torch.lerp(pictures, colour.expand_as(pictures), part[:, None])
    return pictures


def flash_times(seed: int, seconds: float) -> list[float]:
    """Return when lightning strikes in a clip: once, and again in longer ones."""
    draws = np.random.Generator(np.random.Philox(key=seed + 2)).random(8)
    count = max(1, round(seconds / 2.2))
    return [float((i + 0.15 + 0.7 * draws[i % 8]) * seconds / count) for i in range(count)]


def lightning(pictures: Picture, seeds: list[int], times: Tensor) -> Picture:
    """Return pictures lit up by lightning, with a forked bolt in the sky while it strikes."""
    height, width = pictures.shape[-2:]
    seconds = float(times[-1]) or 1.0
    power = torch.zeros(len(seeds), len(times), device=pictures.device)
    bolts = torch.zeros(len(seeds), len(times), height, width, device=pictures.device)
    for i, seed in enumerate(seeds):
        rng = np.random.Generator(np.random.Philox(key=seed + 3))
        for strike in flash_times(seed, seconds):
            since = times - strike
            decay = torch.where(
                since >= -0.02, torch.exp(-since.clamp_min(0) / 0.16), torch.zeros_like(since)
            )
            power[i] += decay
            steps = np.linspace(0, 1, 90)
            jag = np.interp(steps, np.linspace(0, 1, 10), np.cumsum(rng.normal(0, 0.03, 10)))
            x = torch.from_numpy((0.2 + 0.6 * rng.random() + jag) * width).float().to(pictures.device)
            y = torch.from_numpy(steps * 0.55 * height).float().to(pictures.device)
            shown = (decay > 0.5).float()[:, None].expand(-1, len(steps))
            line = splat(
                x.expand(1, len(times), -1), y.expand(1, len(times), -1), shown[None], height, width
            )[0]
            bolts[i] = torch.maximum(bolts[i], line)
    flash = power.clamp(0, 1)[:, None, :, None, None]
    lit = pictures + (1 - pictures) * 0.38 * flash
    soft = F.avg_pool2d(F.pad(bolts, (3, 3, 3, 3)), 7, 1) * 2.2
    return lit + (1 - lit) * (bolts + soft).clamp(0, 1)[:, None]


def starry(pictures: Picture, seeds: list[int], times: Tensor, camera: Tensor) -> Picture:
    """Return pictures with twinkling sparks that sink, and a star that shoots across now and then."""
    height, width = pictures.shape[-2:]
    drops = torch.from_numpy(np.stack([particles(seed, NUM_SPARKS) for seed in seeds])).to(pictures.device)
    near = 0.4 + 0.8 * drops[..., 2]
    t = times[None, :, None]
    phase = 2 * np.pi * drops[..., 3][:, None]
    x = drops[..., 0][:, None] + 0.02 * torch.sin(1.7 * t + phase)
    y = drops[..., 1][:, None] + 0.06 * near[:, None] * t
    x, y = through_lens(x, y, camera, near)
    twinkle = (0.55 + 0.45 * torch.sin(5.0 * t + 3 * phase)).clamp(0.05, 1)
    reach = int(height * 0.03) + 1
    grid = torch.arange(-reach, reach + 1, device=pictures.device, dtype=torch.float32)
    dy, dx = (part.flatten() for part in torch.meshgrid(grid, grid, indexing="ij"))
    size = height * (0.0035 + 0.006 * near)[:, None, :, None]
    ray = torch.exp(-(dx.abs() * dy.abs()).sqrt() / (0.45 * size) - (dx.abs() + dy.abs()) / (3.0 * size))
    light = ray * twinkle[..., None]
    cover = splat(
        (x[..., None] * width + dx).flatten(2), (y[..., None] * height + dy).flatten(2), light.flatten(2),
        height, width,
    )  # fmt: skip
    for i, seed in enumerate(seeds):
        for start in flash_times(seed + 5, float(times[-1]) or 1.0):
            cover[i] = torch.maximum(cover[i], shooting(seed, start, times, height, width))
    colour = torch.tensor((1.0, 0.96, 0.78), device=pictures.device).view(3, 1, 1, 1)
    return torch.lerp(pictures, colour.expand_as(pictures), cover[:, None].clamp(0, 1))


def shooting(
    seed: int, start: float, times: Tensor, height: int, width: int
) -> Float[Tensor, "frames height width"]:
    """Return how much of each pixel a shooting star covers, which flies for half a second from `start`."""
    draws = np.random.Generator(np.random.Philox(key=seed + int(start * 1000))).random(3)
    share = ((times - start) / 0.6)[:, None]
    tail = torch.linspace(0, 0.30, 40, device=times.device)
    way = (share - tail).clamp(0, 1.2)
    x, y = (0.08 + 0.5 * draws[0] + 0.5 * way) * width, (0.03 + 0.2 * draws[1] + 0.22 * way) * height
    light = (1 - tail / 0.30) ** 1.5 * ((share > 0) & (share < 1.2) & (share - tail > 0))
    return splat(x[None], y[None], light[None], height, width)[0]


def weathered(
    pictures: Picture,
    weather: str,
    seeds: list[int],
    times: Tensor,
    camera: Tensor,
    seasons: Sequence[str] = (),
) -> Picture:
    """Return pictures under the sky of a weather, with what falls or flies between them and the lens.

    `camera` is the filmed path [batch frames 4]; `times` are the frames' seconds; `seasons` say what the wind carries
    in each clip (leaves of summer where nothing is said). Clear weather changes nothing.
    """
    if weather == "clear":
        return pictures
    height, width = pictures.shape[-2:]
    tint, grey = OVERCAST[weather]
    pictures = pictures.lerp(pictures.mean(1, keepdim=True), grey)
    pictures = pictures * torch.tensor(tint, device=pictures.device).view(3, 1, 1, 1)
    if weather == "fog":
        return fogged(pictures, seeds, times, camera)
    if weather == "wind":
        return windy(pictures, seeds, times, camera, list(seasons) or ["summer"] * len(seeds))
    if weather == "sparkles":
        return starry(pictures, seeds, times, camera)
    if weather == "storm":
        pictures = lightning(pictures, seeds, times)
    count, draw = (NUM_FLAKES, flakes) if weather == "snow" else (NUM_DROPS, streaks)
    drops = torch.from_numpy(np.stack([particles(seed, count) for seed in seeds])).to(pictures.device)
    cover = draw(drops, times, camera, height, width)[:, None]
    colour = torch.tensor((1.0, 1.0, 1.0) if weather == "snow" else (0.86, 0.91, 1.0), device=pictures.device)
    return torch.lerp(pictures, colour.view(3, 1, 1, 1).expand_as(pictures), cover)
