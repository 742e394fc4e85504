"""Sets out in the world that look the same in every season: beach, desert, snow field and city."""

from collections.abc import Callable

import numpy as np

from vitascope.training.toytheatre.sets.buildings import igloo, skyline, street_lamp
from vitascope.training.toytheatre.sets.canvas import Canvas, Colour, peaks, speckle, tint, waves
from vitascope.training.toytheatre.sets.country import open_sky
from vitascope.training.toytheatre.sets.land import blend, ground, scatter
from vitascope.training.toytheatre.sets.look import Look, ramp, rgb
from vitascope.training.toytheatre.sets.painted import Plane
from vitascope.training.toytheatre.sets.sky import clouds

Blank = Callable[[], Canvas]


def beach(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """Sand and a turquoise sea to the horizon, palms on both sides, a parasol, a sailing boat."""
    sea = blank()
    clouds(sea, look, rng, 4)
    for u, tall in ((-0.35, 0.05), (0.33, 0.055), (1.4, 0.06)):
        sea.ball(sea.across(u), 0.525, 0.24, tall, rgb("6fa694"))
    water(sea, look, 0.52)
    sea.put("boat", sea.across(0.40), 0.56, 0.13)

    shore = blank()
    edge = 0.655 + 0.010 * waves(shore.x, 1.0, 0.8, 2)
    shore.ridge(edge, rgb("c9f3ee"), rgb("8fe0dc"), 0.03)
    shore.ridge(edge + 0.012, rgb("ffffff"), rgb("e9f7f2"), 0.03)
    shore.ridge(edge + 0.024, rgb("d9a86c"), rgb("efc98c"), 0.03)

    sand = blank()
    ground(sand, 0.70, rgb("f0c581"), rgb("fbe2ae"), 0.007, 0.0, 0.06)
    for u, tall in ((-0.30, 0.48), (0.085, 0.50), (0.95, 0.44), (1.32, 0.5)):
        sand.put("palm", sand.across(u), 0.775, tall, mirrored=u > 0.5, shadow=0.35)
    sand.put("parasol", sand.across(0.72), 0.742, 0.17, shadow=0.3)
    for x in scatter(rng, sand, 9, 0.30):
        sand.put(
            ("shell", "crab", "shell")[int(rng.integers(3))], x, 0.85 + 0.11 * rng.random(), 0.055, shadow=0.3
        )

    near = blank()
    for x in scatter(rng, near, 8):
        near.put(
            ("shell", "hibiscus", "sprig")[int(rng.integers(3))],
            x,
            1.05 + 0.02 * rng.random(),
            0.13,
            shadow=0.2,
        )
    return (
        open_sky(look, blank),
        Plane(sea, 0.2, 0.05),
        Plane(shore, 0.6),
        Plane(sand, 1.0),
        Plane(near, 1.5, 0.0, 0.009),
    )


def water(canvas: Canvas, look: Look, horizon: float) -> None:
    """Paint the sea below the horizon, with a path of glints under the sun."""
    line = np.full(canvas.x.shape[1], horizon, np.float32)
    canvas.ridge(line, rgb("1f86c9"), rgb("45cdd0"), 0.15)
    below = np.clip(canvas.y - horizon, 0, 1)
    away = 1 / (below + 0.02)
    ripple = speckle(canvas.x * away * 0.10, away * 0.55, 5) * (canvas.y > horizon)
    canvas.over(np.clip(ripple * 1.2, 0, 0.28), rgb("d7f5f5"))
    shine = {"day": (0.55, 0.55, 0.45), "sunset": (0.95, 0.55, 0.22), "night": (0.75, 0.75, 0.70)}[
        look.time.name
    ]
    path = np.exp(-(((canvas.x - canvas.across(look.time.sun[0])) / (0.07 + 0.5 * below)) ** 2))
    glints = np.clip(0.35 + 1.4 * ripple, 0, 1) * path * (canvas.y > horizon)
    canvas.light[...] += glints[..., None] * tint(shine) * canvas.alpha


def desert(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """Orange dunes, red table mountains, cacti."""
    far = blank()
    for u, wide, tall in ((-0.35, 0.20, 0.17), (0.14, 0.17, 0.21), (0.60, 0.10, 0.12), (1.22, 0.22, 0.2)):
        mesa(far, far.across(u), 0.60, wide, tall)
    far.ridge(0.585 + 0.012 * waves(far.x, 2.0, 0.9), rgb("e2955a"), rgb("eaa35e"), 0.1, 0.01)

    dunes = blank()
    for y, seed, high, low in ((0.60, 0.4, "f7c272", "d98a45"), (0.645, 2.6, "f9cb7e", "dd8f49")):
        dune(dunes, y, seed, rgb(high), rgb(low))
    for x, tall in ((dunes.across(0.80), 0.22), (dunes.across(-0.25), 0.2), (dunes.across(1.35), 0.24)):
        dunes.put("cactus", x, 0.675, tall, shadow=0.3)

    sand = blank()
    ground(sand, 0.70, rgb("eea659"), rgb("fad08a"), 0.014, 1.4, 0.05)
    away = 0.35 / np.maximum(sand.y - 0.58, 0.03)
    ripples = np.clip(np.sin(2 * np.pi * (away * 4.2 + 0.25 * np.sin(sand.x * 5))), 0, 1) * np.clip(
        (sand.y - 0.70) * 6, 0, 1
    )
    sand.over(ripples * 0.16, rgb("b9692f"))
    sand.put("cactus", sand.across(0.10), 0.785, 0.37, shadow=0.4)
    for x in scatter(rng, sand, 8, 0.34):
        sand.put("rock", x, 0.82 + 0.13 * rng.random(), 0.05 + 0.04 * rng.random(), RED_ROCK, shadow=0.3)

    near = blank()
    near.ridge(1.02 + 0.03 * waves(near.x, 0.2, 1.1, 2), rgb("f2b46a"), rgb("c9793a"), 0.15, 0.02)
    for u in (-0.28, -0.01, 1.02, 1.4):
        near.put("cactus", near.across(u), 1.12, 0.30)
    return (
        open_sky(look, blank),
        Plane(far, 0.2, 0.22),
        Plane(dunes, 0.55, 0.04),
        Plane(sand, 1.0),
        Plane(near, 1.5, 0.0, 0.010),
    )


RED_ROCK = ramp("8a4526", "e79a63")


def mesa(canvas: Canvas, x: float, y: float, wide: float, tall: float) -> None:
    """Paint a table mountain with layers of rock."""
    for step, code in enumerate(("b5503a", "d06a45", "c25a3e")):
        low, high = y - tall * step / 3 + 0.02, y - tall * (step + 1) / 3
        a, b = wide * (1 - 0.12 * step), wide * (1 - 0.12 * (step + 1) + 0.03)
        canvas.gem([(x - a, low), (x - b, high), (x + b, high), (x + a, low)], rgb(code), 0.03, 0.6, 0.1)


def dune(canvas: Canvas, y: float, seed: float, bright: Colour, dark: Colour) -> None:
    """Paint a dune with a sunny and a shady side."""
    line = y + 0.035 * waves(canvas.x, seed, 1.2, 2, 0.4)
    canvas.ridge(line, bright, blend(bright, dark, 0.6), 0.12, 0.012)
    slope = np.gradient(line, 1 / canvas.size)
    below = canvas.y - line[None]
    side = (
        np.clip(-slope * 4, 0, 1)[None] * np.clip(below * canvas.size, 0, 1) * np.exp(-((below / 0.07) ** 2))
    )
    canvas.over(side * 0.55, dark)


def snow(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """A white field before blue snowy mountains, pines under snow, a snowman and an igloo."""
    far = blank()
    if look.time.dark:
        aurora(far)
    white_peaks(far, 0.60, 0.30, 1.0, 0.9)
    white_peaks(far, 0.63, 0.18, 2.7, 0.6)

    middle = blank()
    middle.ridge(0.62 + 0.02 * waves(middle.x, 2.0, 1.4), rgb("f2f7ff"), rgb("dbe7f7"), 0.1, 0.01)
    for x in scatter(rng, middle, 17):
        middle.put(
            "pine",
            x,
            0.655 + 0.012 * rng.random(),
            0.15 + 0.12 * rng.random(),
            ramp("3f7f78", "cfe8e6"),
            True,
            shadow=0.15,
        )

    field = blank()
    ground(field, 0.685, rgb("d3e2f6"), rgb("ffffff"), 0.012, 0.7, 0.05, 0.02)
    for _ in range(7):
        field.shade(
            (rng.random() * 4 - 2) * field.half,
            0.74 + 0.3 * rng.random(),
            0.25,
            0.02,
            0.35,
            (0.72, 0.82, 0.95),
        )
    igloo(field, look, field.across(0.86), 0.765, 0.125)
    field.put("snowman", field.across(0.13), 0.79, 0.26, shadow=0.25)
    for x in scatter(rng, field, 5, 0.42):
        field.put("ice", x, 0.90 + 0.06 * rng.random(), 0.08, shadow=0.2)

    near = blank()
    near.ridge(1.02 + 0.04 * waves(near.x, 0.9, 0.9, 2), rgb("ffffff"), rgb("bcd0ec"), 0.2)
    for u in (-0.30, -0.03, 1.04, 1.36):
        near.put("pine", near.across(u), 1.12, 0.34, ramp("35746f", "d5ecea"), True)
    return (
        open_sky(look, blank),
        Plane(far, 0.2, 0.12),
        Plane(middle, 0.6, 0.04),
        Plane(field, 1.0),
        Plane(near, 1.5, 0.0, 0.010),
    )


def white_peaks(canvas: Canvas, y: float, tall: float, seed: float, scale: float) -> None:
    """Paint pointed mountains, blue below and white on top."""
    line = y - tall * peaks(canvas.x, seed, scale)
    canvas.ridge(line, rgb("7f9fd0"), rgb("b4cdea"), tall)
    below = canvas.y - line[None]
    here = canvas.sharp(-below)
    height = np.clip(y - line, 0, 1)[None]
    jag = 0.10 * height * np.sin(canvas.x * 2 * np.pi / (0.18 * scale))
    slope = np.clip(np.gradient(line, 1 / canvas.size), -1, 1)[None]
    canvas.over(np.clip(slope * 1.2, 0, 0.45) * here, rgb("4d69a6"))
    cap = canvas.sharp(below - 0.42 * height - jag) * here
    snowy = tint(rgb("fbfdff")) - 0.16 * np.clip(slope, 0, 1)[..., None] * tint((1, 0.7, 0.3))
    canvas.over(cap, np.broadcast_to(snowy, (len(cap), *snowy.shape[1:])))


def aurora(canvas: Canvas) -> None:
    """Hang green curtains of light into the night sky."""
    line = 0.16 + 0.07 * waves(canvas.x, 0.5, 1.2, 3)
    height = (line[None] - canvas.y) / 0.26
    curtain = np.where(height > 0, np.exp(-2.5 * height), np.exp(-((height * 9) ** 2)))
    folds = 0.6 + 0.4 * np.sin(canvas.x * 31 + 2 * np.sin(canvas.x * 7))
    canvas.light[...] += (curtain * folds)[..., None] * tint((0.10, 0.50, 0.34))


def city(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """A skyline of towers with windows that shine at night, a street with lanes, lamps and street trees."""
    far = blank()
    clouds(far, look, rng, 4, 0.9)
    skyline(far, look, 0.64, ((0.34, 0.5), (0.09, 0.15)), ("8ea3c9", "9d9ec8", "86a5c4"), 11, 0.7)

    middle = blank()
    skyline(
        middle,
        look,
        0.70,
        ((0.20, 0.38), (0.12, 0.2)),
        ("e08a6a", "6f8fc0", "e6b877", "8d86c4", "6fb0a8", "d9798a"),
        23,
        1.0,
    )

    street = blank()
    line = np.full(street.x.shape[1], 0.672, np.float32)
    street.ridge(line, rgb("cfc9c6"), rgb("b9b3b4"), 0.05)
    for x in np.arange(-8, 9) * street.half / 4 + 0.11:
        street.put("tree", x, 0.71, 0.165, ramp("1f6b38", "6cc455"), shadow=0.3)
    for u in (-0.55, -0.05, 0.32, 0.73, 1.05, 1.55):
        street_lamp(street, look, street.across(u), 0.722, 0.30)
    street.ridge(line + 0.062, rgb("e9e4de"), rgb("b0a9aa"), 0.02)
    street.ridge(line + 0.078, rgb("5d5f6e"), rgb("494b5a"), 0.3)
    dashes(street, 0.925, 0.030)
    dashes(street, 0.775, 0.010, True)
    if look.time.dark:
        for u in (-0.55, -0.05, 0.32, 0.73, 1.05, 1.55):
            street.glow(street.across(u), 0.77, 0.13, (0.20, 0.15, 0.06), 0.25)

    near = blank()
    near.ridge(np.full(near.x.shape[1], 1.03, np.float32), rgb("d8d2cd"), rgb("9e9899"), 0.06)
    near.put("postbox", near.across(-0.02), 1.14, 0.30)
    near.put("lights", near.across(1.02), 1.14, 0.36)
    return (
        open_sky(look, blank),
        Plane(far, 0.2, 0.36),
        Plane(middle, 0.5, 0.08),
        Plane(street, 1.0),
        Plane(near, 1.5, 0.0, 0.010),
    )


def dashes(canvas: Canvas, y: float, thick: float, solid: bool = False) -> None:
    """Paint the lines of a lane."""
    gap = 1.0 if solid else np.clip(0.5 + (0.11 - np.abs((canvas.x % 0.36) - 0.18)) * canvas.size, 0, 1)
    canvas.over(
        canvas.sharp(np.abs(canvas.y - y) - thick / 2) * gap, rgb("f3d45c") if not solid else rgb("d9d6d0")
    )
