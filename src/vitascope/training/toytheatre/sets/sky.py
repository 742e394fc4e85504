"""Skies: gradients with a glow around the sun, stars, moons and clouds."""

import numpy as np

from vitascope.training.toytheatre.sets.canvas import Canvas, Colour, tint
from vitascope.training.toytheatre.sets.look import Look, Stops


def gradient(canvas: Canvas, colours: Stops) -> None:
    """Fill the strip with colours that change from top to bottom."""
    places, values = zip(*colours, strict=True)
    rows = np.stack([np.interp(canvas.y[:, 0], places, channel) for channel in zip(*values, strict=True)], -1)
    canvas.over(np.ones((1, 1), np.float32), rows[:, None])


def stars(canvas: Canvas, count: int, lowest: float = 0.6, bright: float = 1.0) -> None:
    """Sprinkle stars, fewer and paler towards the horizon; always the same ones."""
    draws = np.random.Generator(np.random.Philox(key=count)).random((count, 3))
    for x, y, size in draws.tolist():
        height = -0.22 + (lowest + 0.22) * y**1.2
        glow = bright * (0.35 + 0.65 * size) * (1 - 0.7 * y)
        tint = (glow, glow, glow * 1.05) if size < 0.7 else (glow, glow * 0.9, glow * 0.75)
        canvas.glow((4 * x - 2) * canvas.half, height, 0.0045 + 0.005 * size**3, tint)


def sun(canvas: Canvas, look: Look) -> None:
    """Hang up the sun or the moon of the time, with a wide glow."""
    time = look.time
    x, y = canvas.across(time.sun[0]), time.sun[1]
    if time.dark:
        canvas.glow(x, y, 0.26, (0.13, 0.15, 0.30))
        canvas.glow(x, y, 0.11, (0.22, 0.21, 0.24))
        moon(canvas, x, y)
        return
    if time.name == "sunset":
        canvas.glow(x, y, 0.65, (0.28, 0.13, 0.02), 0.5)
        canvas.glow(x, y, 0.26, (0.40, 0.22, 0.05))
        disc(canvas, x, y, 0.085, (1.0, 0.93, 0.62))
        return
    canvas.glow(x, y, 0.32, (0.26, 0.21, 0.08))
    canvas.glow(x, y, 0.13, (0.34, 0.28, 0.10))
    disc(canvas, x, y, 0.062, (1.0, 0.93, 0.50))


def disc(canvas: Canvas, x: float, y: float, radius: float, colour: Colour) -> None:
    """Paint a disc that shines by itself."""
    at = canvas.box(x - radius, y - radius, x + radius, y + radius)
    cover = canvas.sharp(np.hypot(canvas.x[:, at[1]] - x, canvas.y[at[0]] - y) - radius)
    canvas.over(cover, (0.0, 0.0, 0.0), at)
    canvas.lamp(cover, colour, at)


def moon(canvas: Canvas, x: float, y: float, radius: float = 0.062) -> None:
    """Paint a crescent that shines by itself."""
    at = canvas.box(x - radius, y - radius, x + radius, y + radius)
    px, py = canvas.x[:, at[1]], canvas.y[at[0]]
    out = np.hypot(px - x, py - y) - radius
    bite = radius * 0.86 - np.hypot(px - x + 0.48 * radius, py - y + 0.22 * radius)
    cover = canvas.sharp(np.maximum(out, bite))
    canvas.over(cover, (0.0, 0.0, 0.0), at)
    canvas.lamp(cover, (1.0, 0.93, 0.68), at)


def clouds(canvas: Canvas, look: Look, rng: np.random.Generator, count: int = 5, size: float = 1.0) -> None:
    """Hang up clouds that glow a little in the colour of the time, clear of the sun."""
    rng = rng.spawn(1)[0]
    high = tint(look.time.cloud)
    low = 0.5 * high + 0.5 * tint(look.time.haze) * (0.75 if look.time.dark else 0.92)
    sun_x, sun_y = canvas.across(look.time.sun[0]), look.time.sun[1]
    for slot in range(count):
        x = (4 * (slot + 0.2 + 0.6 * rng.random()) / count - 2) * canvas.half
        y = 0.08 + 0.24 * rng.random()
        wide = size * (0.10 + 0.08 * rng.random())
        if abs(x - sun_x) < 1.1 * wide + 0.07 and sun_y - 0.1 < y < sun_y + 0.2:
            y = sun_y + 0.2 if sun_y < 0.3 else 0.08
        puff(canvas, x, y, wide, low, high, int(rng.integers(1 << 30)))


def puff(
    canvas: Canvas, x: float, y: float, wide: float, low: np.ndarray, high: np.ndarray, seed: int
) -> None:
    """Paint one cloud, a heap of balls with a flat bottom that gives off its own colour."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    at = canvas.box(x - 1.4 * wide, y - wide, x + 1.4 * wide, y + 0.3 * wide)
    px, py = canvas.x[:, at[1]], canvas.y[at[0]]
    if 0 in (px.size, py.size):
        return
    balls = [
        (dx, -0.20 * (1 - abs(dx)) - 0.10 * rng.random(), 0.25 + 0.22 * (1 - abs(dx)))
        for dx in (-0.8, -0.35, 0.1, 0.5, 0.85)
    ]
    inside = [np.hypot((px - x) / wide - dx, (py - y) / wide * 1.25 - dy) - r for dx, dy, r in balls]
    field = np.minimum.reduce(inside) * wide
    flat = py - y - 0.02 * wide + 0.09 * wide * ((px - x) / wide) ** 4
    cover = np.clip(0.5 - np.maximum(field, flat) * canvas.size * 0.45, 0, 1) * 0.92
    up = np.clip((y - py) / (0.55 * wide), 0, 1)[..., None]
    canvas.over(cover, (0.0, 0.0, 0.0), at)
    canvas.light[at] += cover[..., None] * (low + (high - low) * up)
