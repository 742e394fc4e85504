"""Things that people built: barn, windmill, igloo, towers and street lamps."""

from functools import partial
from itertools import pairwise

import numpy as np

from vitascope.training.toytheatre.sets.canvas import Canvas, Colour, tint
from vitascope.training.toytheatre.sets.land import blend
from vitascope.training.toytheatre.sets.look import Look, rgb
from vitascope.training.toytheatre.sets.shapes import dome


def glowing_window(canvas: Canvas, look: Look, x: float, y: float, wide: float, tall: float) -> None:
    """Light up a window at night, with a glow around it."""
    if not look.time.dark:
        return
    at = canvas.box(x - wide, y - tall, x + wide, y + tall)
    away = np.maximum(np.abs(canvas.x[:, at[1]] - x) - wide, np.abs(canvas.y[at[0]] - y) - tall)
    canvas.lamp(canvas.sharp(away), (0.95, 0.72, 0.30), at)
    canvas.glow(x, y, 0.10, (0.30, 0.19, 0.05))


def windmill(canvas: Canvas, look: Look, x: float, y: float, tall: float) -> None:
    """Paint a white windmill with a red cap and four sails."""
    wide = 0.17 * tall
    canvas.gem(
        [(x - wide, y), (x - 0.6 * wide, y - 0.7 * tall), (x + 0.6 * wide, y - 0.7 * tall), (x + wide, y)],
        rgb("fbf5ea"),
        0.03,
        0.6,
    )
    canvas.ball(x, y - 0.72 * tall, 0.72 * wide, 0.11 * tall, rgb("e0483e"))
    canvas.block(x - 0.25 * wide, y - 0.2 * tall, x + 0.25 * wide, y, rgb("7c4a33"), 0.004)
    hub = (x, y - 0.72 * tall)
    for turn in (0.45, 0.45 + np.pi / 2, 0.45 + np.pi, 0.45 + 1.5 * np.pi):
        along, aside = tint([np.cos(turn), np.sin(turn)]), tint([-np.sin(turn), np.cos(turn)])
        corners = [(0.06, -0.03), (0.46, -0.10), (0.46, 0.02), (0.06, 0.03)]
        canvas.gem(
            [(tint(hub) + tall * (a * along + b * aside)).tolist() for a, b in corners],
            rgb("c98f5c"),
            0.008,
            0.4,
        )
    canvas.ball(*hub, 0.035 * tall, 0.035 * tall, rgb("7c4a33"))
    glowing_window(canvas, look, x, y - 0.40 * tall, 0.010, 0.014)


def barn(canvas: Canvas, look: Look, x: float, y: float, tall: float) -> None:
    """Paint a red barn with a white door and a silo beside it; snow on its roof in winter."""
    red, white, dark = rgb("cf3b32"), rgb("fdf6ee"), rgb("5d4047")
    snowy = look.season.snowy

    def at(across: float, up: float) -> tuple[float, float]:
        return x + 0.48 * tall * across, y - tall * up

    def board(left: float, low: float, right: float, high: float, colour: Colour) -> None:
        canvas.block(*at(left, high), *at(right, low), colour, 0.004, 0.01)

    canvas.shade(x, y, 0.67 * tall, 0.03, 0.35)
    canvas.block(*at(-1.5, 0.95), *at(-0.92, 0.0), rgb("c9d3dd"), 0.01, 0.14 * tall, 0.9)
    canvas.ball(*at(-1.21, 0.95), 0.145 * tall, 0.13 * tall, rgb("f4f8ff") if snowy else rgb("8fa5b8"))
    wall = [(-1.0, 0.0), (-1.0, 0.5), (-0.6, 0.8), (0.0, 1.0), (0.6, 0.8), (1.0, 0.5), (1.0, 0.0)]
    canvas.gem([at(*corner) for corner in wall], red, 0.02, 0.5, 0.18)
    eaves = [(-1.1, 0.44), (-0.66, 0.80), (0.0, 1.02), (0.66, 0.80), (1.1, 0.44)]
    for (ax, ay), (bx, by) in pairwise(eaves):
        strip = [at(ax, ay), at(ax, ay + 0.075), at(bx, by + 0.075), at(bx, by)]
        canvas.gem(strip, rgb("f4f8ff") if snowy else rgb("7d5a58"), 0.012, 0.5)
    board(-0.44, 0.0, 0.44, 0.42, white)
    board(-0.37, 0.0, -0.02, 0.385, red)
    board(0.02, 0.0, 0.37, 0.385, red)
    board(-0.20, 0.55, 0.20, 0.74, white)
    board(-0.14, 0.575, 0.14, 0.715, dark)
    glowing_window(canvas, look, x, y - 0.645 * tall, 0.062 * tall, 0.065 * tall)


def igloo(canvas: Canvas, look: Look, x: float, y: float, tall: float) -> None:
    """Paint an igloo with a dark door, lit from inside at night."""
    canvas.shade(x, y, 1.5 * tall, 0.025, 0.45, (0.45, 0.55, 0.75))
    half_ball(canvas, x, y, 1.15 * tall, tall, rgb("e3edfb"))
    at = canvas.box(x - 1.2 * tall, y - 1.1 * tall, x + 1.2 * tall, y)
    up = (y - canvas.y[at[0]]) / tall * 4
    along = (canvas.x[:, at[1]] - x) / tall * 3 + 0.5 * (np.floor(up) % 2)
    joint = np.minimum(np.abs(up - np.round(up)) / 4, np.abs(along - np.round(along)) / 3) * tall - 0.003
    inside = np.hypot((canvas.x[:, at[1]] - x) / 1.15, canvas.y[at[0]] - y) < 0.95 * tall
    canvas.over(0.45 * canvas.sharp(joint) * inside * (up > 0), rgb("8fb0dd"), at)
    half_ball(canvas, x - 0.55 * tall, y + 0.02, 0.52 * tall, 0.60 * tall, rgb("f2f7ff"))
    half_ball(canvas, x - 0.58 * tall, y + 0.02, 0.32 * tall, 0.40 * tall, rgb("39507f"))
    if look.time.dark:
        canvas.glow(x - 0.58 * tall, y - 0.12 * tall, 0.22 * tall, (0.85, 0.60, 0.22))
        canvas.glow(x - 0.58 * tall, y, 0.10, (0.30, 0.19, 0.05))


def half_ball(canvas: Canvas, x: float, y: float, wide: float, tall: float, colour: Colour) -> None:
    """Paint half a clay ball that lies on the ground."""
    distance = partial(dome, cx=x, cy=y, wide=wide, tall=tall)
    canvas.clay(distance, (x - wide, y - tall, x + wide, y), colour, 0.7 * tall)


def skyline(
    canvas: Canvas,
    look: Look,
    base: float,
    sizes: tuple[tuple[float, float], tuple[float, float]],
    walls: tuple[str, ...],
    key: int,
    detail: float,
) -> None:
    """Paint a row of towers; always the same ones for the same key."""
    rng = np.random.Generator(np.random.Philox(key=key))
    (low, high), (thin, wide) = sizes
    x = -2 * canvas.half - 0.1
    while x < 2 * canvas.half + 0.1:
        across = thin + (wide - thin) * rng.random()
        tall = low + (high - low) * rng.random()
        wall = rgb(walls[int(rng.integers(len(walls)))])
        canvas.block(x, base - tall, x + across, 1.3, wall, 0.012, 0.018, 0.6, 0.25)
        windows(
            canvas,
            look,
            (x + 0.016, base - tall + 0.022, x + across - 0.016, base - 0.05),
            wall,
            int(rng.integers(1 << 30)),
            detail,
        )
        if rng.random() < 0.3:
            canvas.block(
                x + 0.45 * across,
                base - tall - 0.06,
                x + 0.45 * across + 0.008,
                base - tall,
                wall,
                0.002,
                0.004,
            )
        x += across * (0.94 + 0.1 * rng.random())


def windows(
    canvas: Canvas, look: Look, box: tuple[float, float, float, float], wall: Colour, key: int, detail: float
) -> None:
    """Paint a grid of windows on a wall, about half of them lit at night."""
    x0, y0, x1, y1 = box
    columns = max(1, round((x1 - x0) / 0.032))
    pitch, row = (x1 - x0) / columns, 0.042
    at = canvas.box(*box)
    gx, gy = (canvas.x[:, at[1]] - x0) / pitch, (canvas.y[at[0]] - y0) / row
    if 0 in (gx.size, gy.size):
        return
    away = np.maximum(np.abs(gx % 1 - 0.5) * pitch - 0.30 * pitch, np.abs(gy % 1 - 0.5) * row - 0.29 * row)
    inside = (gx > 0) & (gx < columns) & (gy > 0) & (canvas.y[at[0]] < y1)
    cover = canvas.sharp(away) * inside
    cells = np.random.Generator(np.random.Philox(key=key)).random((64, 64)).astype(np.float32)
    pick = cells[np.floor(gy).astype(int) & 63, np.floor(gx).astype(int) & 63]
    glass = blend(wall, rgb("dff1ff"), 0.62 * detail)
    canvas.over(cover, glass, at)
    if look.time.name != "day":
        share, glow = (0.55, (0.95, 0.74, 0.34)) if look.time.dark else (0.3, (0.42, 0.26, 0.06))
        canvas.lamp(cover * (pick < share) * (0.55 + 0.45 * detail), glow, at)


def street_lamp(canvas: Canvas, look: Look, x: float, y: float, tall: float) -> None:
    """Paint a street lamp, shining unless it is day."""
    iron = rgb("3c4258")
    canvas.block(x - 0.007, y - tall, x + 0.007, y, iron, 0.004, 0.007, 0.8)
    canvas.block(x - 0.018, y - 0.02, x + 0.018, y, iron, 0.005)
    canvas.ball(x, y - tall, 0.024, 0.024, rgb("fff2c4"))
    if look.time.name != "day":
        strength = 1.0 if look.time.dark else 0.5
        canvas.glow(x, y - tall, 0.024, (0.9 * strength, 0.75 * strength, 0.4 * strength))
        canvas.glow(x, y - tall, 0.10, (0.34 * strength, 0.25 * strength, 0.10 * strength))
