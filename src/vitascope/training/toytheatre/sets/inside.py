"""Sets under a roof, under water and beyond the sky: room, stage, underwater and space."""

from collections.abc import Callable
from functools import partial

import numpy as np

from vitascope.training.toytheatre.sets.canvas import BOTTOM, Canvas, Colour, speckle, tint, waves
from vitascope.training.toytheatre.sets.land import blend, ground, scatter
from vitascope.training.toytheatre.sets.look import Look, ramp, rgb, stops
from vitascope.training.toytheatre.sets.painted import Plane
from vitascope.training.toytheatre.sets.shapes import blade
from vitascope.training.toytheatre.sets.sky import gradient, moon, stars

Blank = Callable[[], Canvas]


def planks(canvas: Canvas, line: float, near: Colour, far: Colour) -> None:
    """Paint a floor of planks that run towards the wall."""
    canvas.ridge(np.full(canvas.x.shape[1], line, np.float32), far, near, 0.3)
    side = canvas.x / np.maximum(canvas.y - line + 0.42, 0.05) * 2.6
    board = np.floor(side)
    tone = 0.06 * np.sin(board * 12.9898 + 3 * np.sin(board * 78.233))
    gap = np.clip(1 - np.abs(side - board - 0.5 - 0.5 * np.sign(side - board - 0.5)) * 18, 0, 1)
    below = canvas.y > line
    canvas.colour[...] *= (1 + (tone - 0.22 * gap) * below)[..., None]


def room(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """A living room: papered wall with a window, a picture and a sofa, planks and a round rug."""
    wall = blank()
    gradient(wall, stops("eeb58f", "f4c6a0", "f7d2b0", horizon=0.7))
    paper = np.clip(np.sin(wall.x * 2 * np.pi / 0.11) * 3, 0, 1)
    wall.over(paper * 0.16, rgb("e58f72"))
    window(wall, look, wall.across(0.26), 0.26, 0.155, 0.165)
    wall.put("picture", wall.across(0.60), 0.33, 0.17)
    wall.put("clock", wall.across(0.86), 0.21, 0.14)
    for u in (-0.3, 1.35):
        wall.put("picture", wall.across(u), 0.36, 0.2)
    reach = 2.2 * wall.half
    wall.block(-reach, 0.59, reach, BOTTOM, rgb("fbf1e4"), 0.004, 0.012, 0.5)

    floor = blank()
    planks(floor, 0.675, rgb("b87545"), rgb("d3925c"))
    for size, code in (
        (1.0, "3f7fa8"),
        (0.86, "f3e3c3"),
        (0.72, "5aa0bf"),
        (0.34, "f3e3c3"),
        (0.26, "3f7fa8"),
    ):
        floor.ball(0.0, 0.885, 0.46 * size, 0.105 * size, rgb(code), 0.012, 0.25)
    sofa = floor.across(0.80)
    floor.put("sofa", sofa, 0.735, 0.40, shadow=0.4)
    floor.put("books", floor.across(0.50), 0.70, 0.075, shadow=0.3)
    for u in (-0.32, 0.06, 1.36):
        floor.put("pot", floor.across(u), 0.735, 0.27, shadow=0.4)
    floor.put("bear", floor.across(0.10), 0.84, 0.15, shadow=0.4)
    floor.put("gift", floor.across(0.93), 0.85, 0.10, shadow=0.4)
    if look.time.dark:
        lamp = sofa + 0.115
        floor.glow(lamp, 0.42, 0.06, (0.85, 0.60, 0.25))
        floor.glow(lamp, 0.48, 0.32, (0.44, 0.27, 0.10))
        floor.glow(lamp, 0.78, 0.40, (0.22, 0.13, 0.04), 0.3)

    near = blank()
    near.put("pot", near.across(-0.06), 1.16, 0.42)
    near.put("pot", near.across(1.45), 1.16, 0.42)
    return Plane(wall, 0.6), Plane(floor, 1.0), Plane(near, 1.5, 0.0, 0.012)


def window(canvas: Canvas, look: Look, x: float, y: float, wide: float, tall: float) -> None:
    """Paint a window with curtains; behind it is day, or night with a moon."""
    canvas.block(
        x - wide - 0.025, y - tall - 0.025, x + wide + 0.025, y + tall + 0.025, rgb("fdf8ef"), 0.012, 0.02
    )
    canvas.block(x - wide, y - tall, x + wide, y + tall, rgb("bfe4fb"), 0.004, 0.001, 0.0)
    at = canvas.box(x - wide, y - tall, x + wide, y + tall)
    away = np.maximum(np.abs(canvas.x[:, at[1]] - x) - wide, np.abs(canvas.y[at[0]] - y) - tall)
    pane = canvas.sharp(away)
    down = np.clip((canvas.y[at[0]] - y + tall) / (2 * tall), 0, 1)[..., None]
    if look.time.dark:
        canvas.over(pane, rgb("0a1440"), at)
        moon(canvas, x + 0.35 * wide, y - 0.35 * tall, 0.045)
    else:
        canvas.over(
            pane,
            tint(rgb("6cbdf2")) + (tint(rgb("e6f6fd")) - tint(rgb("6cbdf2"))) * down,
            at,
        )
        hill = canvas.y[at[0]] - y - 0.45 * tall + 0.1 * tall * np.sin(canvas.x[:, at[1]] * 12)
        canvas.over(pane * canvas.sharp(-hill), rgb("7cc35a"), at)
        canvas.light[at] += 0.10 * pane[..., None]
    canvas.block(x - 0.007, y - tall, x + 0.007, y + tall, rgb("fdf8ef"), 0.003, 0.006)
    canvas.block(x - wide, y - 0.007, x + wide, y + 0.007, rgb("fdf8ef"), 0.003, 0.006)
    for way in (-1, 1):
        for fold in range(3):
            cx = x + way * (wide + 0.045 - 0.03 * fold)
            canvas.block(
                cx - 0.022, y - tall - 0.05, cx + 0.022, y + tall + 0.08, rgb("3f9a8f"), 0.01, 0.022, 0.8
            )
    canvas.block(
        x - wide - 0.10, y - tall - 0.065, x + wide + 0.10, y - tall - 0.045, rgb("8a5a3a"), 0.008, 0.01
    )


def stage(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """A theatre stage: red curtains, a starry backdrop, spotlights on the boards, footlights in front."""
    dark = look.time.dark
    back = blank()
    gradient(
        back,
        stops("0f1750", "24338c", "4a4fb4", horizon=0.7)
        if dark
        else stops("3f6fd0", "79b4f0", "fbe3c0", horizon=0.7),
    )
    for x in scatter(rng, back, 11):
        back.put("star", x, 0.14 + 0.34 * rng.random(), 0.06 + 0.03 * rng.random())
    back.put("disco", back.across(0.5), 0.20, 0.15)

    sides = blank()
    for u in (-0.5, -0.33, -0.16, 0.02, 0.15, 0.85, 0.98, 1.16, 1.33, 1.5):
        drape(sides, sides.across(u), 0.72)
    valance(sides, 0.05)

    boards = blank()
    planks(boards, 0.695, rgb("a4602f"), rgb("cf8b4c"))
    boards.put("drum", boards.across(0.12), 0.80, 0.15, shadow=0.4)
    boards.put("guitar", boards.across(0.90), 0.80, 0.22, shadow=0.4)
    beam = 1.0 if dark else 0.45
    for u, aim, colour in (
        (0.08, 0.42, (0.30, 0.26, 0.16)),
        (0.92, 0.58, (0.30, 0.22, 0.22)),
        (0.5, 0.5, (0.22, 0.23, 0.30)),
    ):
        spotlight(boards, boards.across(u), boards.across(aim), blend((0.0, 0.0, 0.0), colour, beam))

    front = blank()
    front.block(-3 * front.half, 1.0, 3 * front.half, 1.4, rgb("5d2c22"), 0.01, 0.03, 0.5)
    for x in np.arange(-7, 8) * 0.21:
        front.ball(x, 1.005, 0.035, 0.032, rgb("f7d98a"))
        front.glow(x, 0.985, 0.055, (0.42, 0.30, 0.10))
    return Plane(back, 0.45), Plane(sides, 0.75), Plane(boards, 1.0), Plane(front, 1.3, 0.0, 0.006)


def drape(canvas: Canvas, x: float, foot: float) -> None:
    """Paint a curtain of four folds."""
    for fold in range(4):
        cx = x + (fold - 1.5) * 0.042
        canvas.block(
            cx - 0.026,
            -0.4,
            cx + 0.026,
            foot + 0.008 * np.sin(fold * 2.1),
            rgb("c4202f"),
            0.008,
            0.026,
            1.0,
            0.3,
        )


def valance(canvas: Canvas, y: float) -> None:
    """Hang swags of curtain across the top, with a golden hem."""
    for x in np.arange(-9, 10) * 0.24:
        canvas.ball(x, y - 0.02, 0.135, 0.085, rgb("eebc4a"), 0.03)
        canvas.ball(x, y - 0.035, 0.132, 0.085, rgb("b5182a"), None, 0.8)
    canvas.block(-3 * canvas.half, -0.5, 3 * canvas.half, y - 0.03, rgb("a31525"), 0.002, 0.03, 0.5)


def spotlight(canvas: Canvas, x: float, aim: float, colour: Colour) -> None:
    """Add a cone of light from above onto the boards, with the pool that it makes."""
    share = np.clip((canvas.y + 0.05) / 0.90, 0, 1)
    middle = x + (aim - x) * share
    wide = 0.03 + 0.21 * share
    cone = (
        np.exp(-(((canvas.x - middle) / wide) ** 4))
        * (0.25 + 0.75 * (1 - share))
        * canvas.sharp(canvas.y - 0.86)
        * 0.75
    )
    pool = np.exp(-((((canvas.x - aim) / 0.26) ** 2 + ((canvas.y - 0.86) / 0.075) ** 2) ** 2))
    canvas.light[...] += (cone + 1.1 * pool)[..., None] * tint(colour)


def underwater(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """Under the sea: blue water with shafts of light, corals, sea grass, fish and bubbles over pale sand."""
    water = blank()
    gradient(water, stops("5fd8f0", "2fa9e0", "1a7cc6", "125b9f", "0d4780", horizon=0.75))
    slant = water.x + 0.35 * water.y
    beams = np.clip(np.sin(slant * 11 + 0.4) + 0.6 * np.sin(slant * 23 + 1.1), 0, 1.2) ** 2
    water.light[...] += (beams * np.clip(1 - water.y / 0.85, 0, 1))[..., None] * tint((0.13, 0.17, 0.15))

    far = blank()
    far.ridge(0.60 + 0.06 * waves(far.x, 2.0, 0.9), rgb("2a78b0"), rgb("1f6aa4"), 0.2)
    for x in scatter(rng, far, 12):
        far.put("coral", x, 0.68, 0.10 + 0.10 * rng.random(), fade=0.55)
    for x in scatter(rng, far, 7):
        y, flip = 0.16 + 0.30 * rng.random(), rng.random() < 0.5
        for dx, dy in ((0, 0), (0.07, 0.03), (-0.02, 0.065)):
            far.put("tropical", x + dx, y + dy, 0.042, mirrored=flip)

    reef = blank()
    reef.ridge(0.685 + 0.03 * waves(reef.x, 4.0, 1.0), rgb("b9a87c"), rgb("c2ad7a"), 0.15, 0.02)
    for x in scatter(rng, reef, 12, 0.18):
        reef.put("coral", x, 0.73, 0.15 + 0.10 * rng.random(), shadow=0.2)
    for u in (-0.4, 0.06, 0.94, 1.4):
        weeds(reef, rng, reef.across(u), 0.75, 0.34)

    sand = blank()
    ground(sand, 0.735, rgb("e3c583"), rgb("ffeab2"), 0.014, 1.0, 0.06)
    side = sand.x / np.maximum(sand.y - 0.55, 0.05)
    ripple = np.abs(speckle(side * 0.35, 0.12 / np.maximum(sand.y - 0.55, 0.05), 2))
    caustics = np.clip(1 - 9 * ripple, 0, 1) * np.clip((sand.y - 0.74) * 8, 0, 1)
    sand.light[...] += caustics[..., None] * tint((0.12, 0.18, 0.16))
    for x in scatter(rng, sand, 9, 0.30):
        sand.put(
            ("shell", "rock", "shell")[int(rng.integers(3))],
            x,
            0.82 + 0.15 * rng.random(),
            0.06 + 0.03 * rng.random(),
            shadow=0.3,
        )
    bubbles(sand, rng, 22)

    near = blank()
    for u in (-0.32, 0.0, 1.0, 1.35):
        near.put("coral", near.across(u), 1.10, 0.30)
    for x in scatter(rng, near, 6):
        near.put("rock", x, 1.08, 0.12)
    bubbles(near, rng, 6, 0.022)
    return (
        Plane(water, 0.0),
        Plane(far, 0.25, 0.42),
        Plane(reef, 0.65, 0.16),
        Plane(sand, 1.0, 0.05),
        Plane(near, 1.5, 0.12, 0.010),
    )


def weeds(canvas: Canvas, rng: np.random.Generator, x: float, y: float, tall: float) -> None:
    """Paint a bunch of waving sea grass."""
    for number in range(5):
        high, phase, hue = tall * (0.6 + 0.4 * rng.random()), 6 * rng.random(), rng.random()
        foot = x + 0.028 * (number - 2)
        distance = partial(blade, foot=(foot, y), tall=high, phase=phase)
        green = blend(rgb("1f8f5f"), rgb("63c45a"), hue)
        canvas.clay(distance, (foot - 0.06, y - high, foot + 0.06, y), green, 0.012, 0.7)


def bubbles(canvas: Canvas, rng: np.random.Generator, count: int, size: float = 0.011) -> None:
    """Sprinkle bubbles: pale rings with a glint."""
    for x, y, big in zip(rng.random(count), rng.random(count), rng.random(count), strict=True):
        radius = size * (0.6 + 0.8 * big)
        cx, cy = (4 * x - 2) * canvas.half, -0.1 + 0.85 * y
        at = canvas.box(cx - radius, cy - radius, cx + radius, cy + radius)
        away = np.hypot(canvas.x[:, at[1]] - cx, canvas.y[at[0]] - cy)
        ring = np.exp(-(((away - 0.8 * radius) * canvas.size / 1.0) ** 2)) + 0.25 * canvas.sharp(
            away - radius
        )
        canvas.light[at] += ring[..., None] * tint((0.40, 0.48, 0.50))


MOON_ROCK = ramp("5f5c82", "d9d6ea")


def space(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """On a small grey moon under a purple nebula, with the Earth and Saturn in the sky."""
    sky = blank()
    gradient(sky, stops("05030f", "110838", "2a1263", horizon=0.8))
    cloud = speckle(sky.x * 0.75 + 0.4 * speckle(sky.x, sky.y, 8), sky.y * 0.9, 9)
    mist = np.clip(cloud * 1.3 + 0.28, 0, 1) ** 1.5
    band = np.exp(-(((sky.y - 0.32 + 0.35 * sky.x) / 0.42) ** 2))
    warm = np.clip(speckle(sky.x * 0.5, sky.y * 0.5, 4) + 0.4, 0, 1)[..., None]
    hue = tint((0.44, 0.12, 0.78)) + warm * tint((0.36, 0.08, -0.16))
    sky.light[...] += (mist * (0.35 + 0.65 * band))[..., None] * hue * 0.85
    stars(sky, 190, 0.8, 1.1)

    planets = blank()
    earth(planets, planets.across(0.19), 0.36, 0.33)
    planets.put("saturn", planets.across(0.80), 0.30, 0.24)
    planets.put("moonlet", planets.across(0.58), 0.13, 0.06)
    for u in (-0.35, 1.35):
        planets.put("comet", planets.across(u), 0.3, 0.16)

    far = blank()
    far.ridge(0.645 + 0.035 * waves(far.x, 3.0, 0.9, 4), rgb("6d6796"), rgb("4b4672"), 0.15, 0.015)
    for x in scatter(rng, far, 6):
        crater(far, x, 0.70, 0.05)

    moonscape = blank()
    ground(moonscape, 0.70, rgb("86819f"), rgb("b9b4cf"), 0.016, 2.0, 0.06)
    for x in scatter(rng, moonscape, 9):
        y = 0.76 + 0.24 * rng.random()
        crater(moonscape, x, y, 0.03 + 0.22 * (y - 0.70))
    for x in scatter(rng, moonscape, 7, 0.32):
        moonscape.put(
            "rock", x, 0.80 + 0.15 * rng.random(), 0.06 + 0.04 * rng.random(), MOON_ROCK, shadow=0.4
        )

    near = blank()
    near.ridge(1.04 + 0.05 * waves(near.x, 0.6, 0.8, 3), rgb("5b567c"), rgb("322e50"), 0.12)
    for u in (-0.3, -0.02, 1.02, 1.35):
        near.put("rock", near.across(u), 1.13, 0.22, MOON_ROCK)
    return (
        Plane(sky, 0.0),
        Plane(planets, 0.12),
        Plane(far, 0.45),
        Plane(moonscape, 1.0),
        Plane(near, 1.5, 0.0, 0.010),
    )


def earth(canvas: Canvas, x: float, y: float, tall: float) -> None:
    """Hang up the Earth with a blue glow, in shade on its right."""
    canvas.glow(x, y - tall / 2, 0.62 * tall, (0.10, 0.22, 0.42))
    canvas.put("earth", x, y, tall)


def crater(canvas: Canvas, x: float, y: float, wide: float) -> None:
    """Press a crater into the ground."""
    canvas.ball(x, y, wide, 0.30 * wide, rgb("cfcbe0"), 0.01, 0.2)
    canvas.ball(x, y - 0.03 * wide, 0.86 * wide, 0.24 * wide, rgb("5f5a80"), 0.01, 0.2)
    canvas.ball(x + 0.03 * wide, y + 0.05 * wide, 0.72 * wide, 0.15 * wide, rgb("77729a"), 0.01, 0.2)
