"""Sets out in the world that look the same in every season: beach, desert, snow field and city."""

from collections.abc import Callable

import numpy as np

from vitascope.training.toytheatre.sets.canvas import Canvas, Colour, peaks, speckle, waves
from vitascope.training.toytheatre.sets.country import glowing_window, open_sky
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
        sand.put(("shell", "crab", "shell")[int(rng.integers(3))], x, 0.85 + 0.11 * rng.random(), 0.055, shadow=0.3)

    near = blank()
    for x in scatter(rng, near, 8):
        near.put(("shell", "hibiscus", "sprig")[int(rng.integers(3))], x, 1.05 + 0.02 * rng.random(), 0.13, shadow=0.2)
    return open_sky(look, rng, blank), Plane(sea, 0.2, 0.05), Plane(shore, 0.6), Plane(sand, 1.0), Plane(near, 1.5, 0.0, 0.009)


def water(canvas: Canvas, look: Look, horizon: float) -> None:
    """Paint the sea below the horizon, with a path of glints under the sun."""
    line = np.full(canvas.x.shape[1], horizon, np.float32)
    canvas.ridge(line, rgb("1f86c9"), rgb("45cdd0"), 0.15)
    below = np.clip(canvas.y - horizon, 0, 1)
    away = 1 / (below + 0.02)
    ripple = speckle(canvas.x * away * 0.10, away * 0.55, 5) * (canvas.y > horizon)
    canvas.over(np.clip(ripple * 1.2, 0, 0.28), rgb("d7f5f5"))
    shine = {"day": (0.55, 0.55, 0.45), "sunset": (0.95, 0.55, 0.22), "night": (0.42, 0.45, 0.55)}[look.time.name]
    path = np.exp(-(((canvas.x - canvas.across(look.time.sun[0])) / (0.07 + 0.5 * below)) ** 2))
    glints = np.clip(0.35 + 1.4 * ripple, 0, 1) * path * (canvas.y > horizon)
    canvas.light[...] += glints[..., None] * np.float32(shine) * canvas.alpha


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
    ripples = np.clip(np.sin(2 * np.pi * (away * 4.2 + 0.25 * np.sin(sand.x * 5))), 0, 1) * np.clip((sand.y - 0.70) * 6, 0, 1)
    sand.over(ripples * 0.16, rgb("b9692f"))
    sand.put("cactus", sand.across(0.10), 0.785, 0.37, shadow=0.4)
    for x in scatter(rng, sand, 8, 0.34):
        sand.put("rock", x, 0.82 + 0.13 * rng.random(), 0.05 + 0.04 * rng.random(), RED_ROCK, shadow=0.3)

    near = blank()
    near.ridge(1.02 + 0.03 * waves(near.x, 0.2, 1.1, 2), rgb("f2b46a"), rgb("c9793a"), 0.15, 0.02)
    for u in (-0.28, -0.01, 1.02, 1.4):
        near.put("cactus", near.across(u), 1.12, 0.30)
    return open_sky(look, rng, blank), Plane(far, 0.2, 0.22), Plane(dunes, 0.55, 0.04), Plane(sand, 1.0), Plane(near, 1.5, 0.0, 0.010)


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
    side = np.clip(-slope * 4, 0, 1)[None] * np.clip(below * canvas.size, 0, 1) * np.exp(-((below / 0.07) ** 2))
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
        middle.put("pine", x, 0.655 + 0.012 * rng.random(), 0.15 + 0.12 * rng.random(), ramp("3f7f78", "cfe8e6"), True, shadow=0.15)

    field = blank()
    ground(field, 0.685, rgb("e6eefa"), rgb("fdfeff"), 0.012, 0.7, 0.025, 0.02)
    for _ in range(7):
        field.shade((rng.random() * 4 - 2) * field.half, 0.74 + 0.3 * rng.random(), 0.25, 0.02, 0.35, (0.72, 0.82, 0.95))
    igloo(field, look, field.across(0.86), 0.765, 0.125)
    field.put("snowman", field.across(0.13), 0.79, 0.26, shadow=0.25)
    for x in scatter(rng, field, 5, 0.42):
        field.put("ice", x, 0.90 + 0.06 * rng.random(), 0.08, shadow=0.2)

    near = blank()
    near.ridge(1.02 + 0.04 * waves(near.x, 0.9, 0.9, 2), rgb("ffffff"), rgb("bcd0ec"), 0.2)
    for u in (-0.30, -0.03, 1.04, 1.36):
        near.put("pine", near.across(u), 1.12, 0.34, ramp("35746f", "d5ecea"), True)
    return open_sky(look, rng, blank), Plane(far, 0.2, 0.22), Plane(middle, 0.6, 0.06), Plane(field, 1.0), Plane(near, 1.5, 0.0, 0.010)


def white_peaks(canvas: Canvas, y: float, tall: float, seed: float, scale: float) -> None:
    """Paint pointed mountains, blue below and white on top."""
    line = y - tall * peaks(canvas.x, seed, scale)
    canvas.ridge(line, rgb("7f9fd0"), rgb("a9c4e6"), tall)
    jag = 0.02 * waves(canvas.x, seed, 0.08, 2)
    below = canvas.y - line[None]
    cap = canvas.sharp(below - 0.34 * np.clip(y - line, 0, 1)[None] - jag[None]) * canvas.sharp(-below)
    slope = np.clip(np.gradient(line, 1 / canvas.size) * 1.5, -1, 1)[None, :, None]
    canvas.over(cap, np.clip(np.float32(rgb("f4f8ff")) - 0.12 * np.clip(slope, 0, 1), 0, 1))
    shady = np.clip(slope[..., 0], 0, 1) * canvas.sharp(-below) * 0.22
    canvas.over(shady, rgb("46619a"))


def igloo(canvas: Canvas, look: Look, x: float, y: float, tall: float) -> None:
    """Paint an igloo with a dark door, lit from inside at night."""
    canvas.shade(x, y, 1.5 * tall, 0.025, 0.3, (0.35, 0.45, 0.65))
    canvas.ball(x, y, 1.15 * tall, tall, rgb("eaf3ff"), None, 0.55)
    at = canvas.box(x - 1.2 * tall, y - 1.1 * tall, x + 1.2 * tall, y + 1.1 * tall)
    joints = np.abs(np.sin((canvas.y[at[0]] - y) / tall * 2 * np.pi * 1.6)) < 0.12
    inside = np.hypot((canvas.x[:, at[1]] - x) / 1.15, canvas.y[at[0]] - y) < 0.93 * tall
    canvas.over(0.28 * (joints & inside), rgb("8fb0dd"), at)
    canvas.block(x - 2 * tall, y, x + 2 * tall, y + 1.2 * tall, rgb("eff4fc"), 0.002, 0.001, 0.0)
    canvas.ball(x - 0.5 * tall, y, 0.50 * tall, 0.58 * tall, rgb("f4f9ff"))
    canvas.ball(x - 0.52 * tall, y, 0.30 * tall, 0.38 * tall, rgb("39507f"), 0.02)
    canvas.block(x - 1.3 * tall, y, x + 0.2 * tall, y + 0.62 * tall, rgb("eff4fc"), 0.002, 0.001, 0.0)
    glowing_window(canvas, look, x - 0.52 * tall, y - 0.12 * tall, 0.10 * tall, 0.12 * tall)


def aurora(canvas: Canvas) -> None:
    """Hang green curtains of light into the night sky."""
    line = 0.16 + 0.07 * waves(canvas.x, 0.5, 1.2, 3)
    height = (line[None] - canvas.y) / 0.26
    curtain = np.where(height > 0, np.exp(-2.5 * height), np.exp(-((height * 9) ** 2)))
    folds = 0.6 + 0.4 * np.sin(canvas.x * 31 + 2 * np.sin(canvas.x * 7))
    canvas.light[...] += (curtain * folds)[..., None] * np.float32((0.10, 0.50, 0.34))


def city(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """A skyline of towers with windows that shine at night, a street with lanes, lamps and street trees."""
    far = blank()
    clouds(far, look, rng, 4, 0.9)
    skyline(far, look, 0.64, ((0.34, 0.5), (0.09, 0.15)), ("8ea3c9", "9d9ec8", "86a5c4"), 11, 0.7)

    middle = blank()
    skyline(middle, look, 0.70, ((0.20, 0.38), (0.12, 0.2)), ("e08a6a", "6f8fc0", "e6b877", "8d86c4", "6fb0a8", "d9798a"), 23, 1.0)

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
    return open_sky(look, rng, blank), Plane(far, 0.2, 0.36), Plane(middle, 0.5, 0.08), Plane(street, 1.0), Plane(near, 1.5, 0.0, 0.010)


def skyline(
    canvas: Canvas, look: Look, base: float, sizes: tuple[tuple[float, float], tuple[float, float]], walls: tuple[str, ...],
    key: int, detail: float,
) -> None:  # fmt: skip
    """Paint a row of towers; always the same ones for the same key."""
    rng = np.random.Generator(np.random.Philox(key=key))
    (low, high), (thin, wide) = sizes
    x = -2 * canvas.half - 0.1
    while x < 2 * canvas.half + 0.1:
        across = thin + (wide - thin) * rng.random()
        tall = low + (high - low) * rng.random()
        wall = rgb(walls[int(rng.integers(len(walls)))])
        canvas.block(x, base - tall, x + across, BELOW, wall, 0.012, 0.018, 0.6, 0.25)
        windows(canvas, look, (x + 0.016, base - tall + 0.022, x + across - 0.016, base - 0.05), wall, int(rng.integers(1 << 30)), detail)
        if rng.random() < 0.3:
            canvas.block(x + 0.45 * across, base - tall - 0.06, x + 0.45 * across + 0.008, base - tall, wall, 0.002, 0.004)
        x += across * (0.94 + 0.1 * rng.random())


BELOW = 1.3


def windows(canvas: Canvas, look: Look, box: tuple[float, float, float, float], wall: Colour, key: int, detail: float) -> None:
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


def dashes(canvas: Canvas, y: float, thick: float, solid: bool = False) -> None:
    """Paint the lines of a lane."""
    gap = 1.0 if solid else np.clip(0.5 + (0.11 - np.abs((canvas.x % 0.36) - 0.18)) * canvas.size, 0, 1)
    canvas.over(canvas.sharp(np.abs(canvas.y - y) - thick / 2) * gap, rgb("f3d45c") if not solid else rgb("d9d6d0"))
