"""Sets in the country: garden, meadow, forest and farm, each in four seasons."""

from collections.abc import Callable

import numpy as np

from vitascope.training.toytheatre.sets.buildings import barn, glowing_window, windmill
from vitascope.training.toytheatre.sets.canvas import Canvas, Colour, tint, waves
from vitascope.training.toytheatre.sets.land import blend, fence, flowers, ground, scatter, stripes, trees
from vitascope.training.toytheatre.sets.look import Look, ramp, rgb
from vitascope.training.toytheatre.sets.painted import Plane
from vitascope.training.toytheatre.sets.sky import clouds, gradient, stars, sun

Blank = Callable[[], Canvas]

PINK = ramp("d9749f", "ffd9e6")


def open_sky(look: Look, blank: Blank) -> Plane:
    """Paint the sky of the time with its sun, or its moon and stars."""
    canvas = blank()
    gradient(canvas, look.sky)
    if look.time.dark:
        stars(canvas, 110)
    sun(canvas, look)
    return Plane(canvas, 0.0)


def lower(x: float) -> float:
    """Return how much smaller something before the lens must be at `x`, so that it does not hide a toy's feet."""
    return 0.65 + 0.35 * min(1.0, abs(x) / 0.35)


def near_flowers(
    look: Look, rng: np.random.Generator, blank: Blank, tall: float = 0.2, count: int = 9
) -> Plane:
    """Paint what grows right in front of the lens, out of focus; heaps of snow in winter."""
    canvas, season = blank(), look.season
    if season.snowy:
        canvas.ridge(1.02 + 0.035 * waves(canvas.x, 1.3, 0.8, 2), rgb("ffffff"), rgb("c4d4ea"), 0.2)
    names = season.flowers if season.flowers else ("sprig",)
    for x in scatter(rng, canvas, count):
        size = tall * (0.75 + 0.5 * rng.random()) * lower(x)
        if not season.snowy:
            canvas.put("sprig", x + 0.09, 1.08, size * 0.95, season.pine)
            canvas.put(names[int(rng.integers(len(names)))], x, 1.045 + 0.04 * rng.random(), size)
    return Plane(canvas, 1.5, 0.0, 0.010)


def garden(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """A lawn before a white picket fence, a cottage on the right, flowers everywhere."""
    season = look.season
    far = blank()
    clouds(far, look, rng)
    far.ridge(
        0.50 + 0.035 * waves(far.x, 1.0, 1.5),
        season.hills,
        blend(season.hills, season.grass[1], 0.5),
        0.2,
        0.02,
    )

    middle = blank()
    trees(middle, look, rng, 0.62, 0.25, 15)
    middle.ridge(
        0.595 + 0.006 * waves(middle.x, 2.0, 0.3),
        blend(season.grass[0], (0.1, 0.3, 0.2), 0.25),
        season.grass[0],
        0.1,
    )
    x = middle.across(0.80)
    middle.put("cottage", x, 0.655, 0.33, season.pine, season.snowy, shadow=0.3)
    glowing_window(middle, look, x + 0.080, 0.552, 0.030, 0.030)
    middle.put("tree", middle.across(0.10), 0.66, 0.36, season.leaves[0], season.snowy, shadow=0.3)
    fence(middle, 0.675, 0.085, rgb("fdfdfb"), 0.062, (0.28, 0.66), True)

    lawn = blank()
    ground(lawn, 0.665, season.grass[0], season.grass[1], 0.004)
    if not season.snowy:
        stripes(lawn, 0.60, 1.5, 0.16, blend(season.grass[1], (1.0, 1.0, 0.8), 0.35), 0.66)
    flowers(lawn, season.flowers, rng, ((0.70, 0.075, 26), (0.745, 0.09, 12)), 0.0, 0.2)
    flowers(lawn, season.flowers, rng, ((0.86, 0.105, 9), (0.97, 0.125, 8)), 0.36, 0.25)
    if season.snowy:
        lawn.put("snowman", lawn.across(0.16), 0.79, 0.22, shadow=0.25)
    return (
        open_sky(look, blank),
        Plane(far, 0.2, 0.30),
        Plane(middle, 0.6, 0.06),
        Plane(lawn, 1.0),
        near_flowers(look, rng, blank),
    )


def meadow(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """Wide rolling hills under a big sky, blue mountains far away, a windmill on a hill, wild flowers."""
    season = look.season
    far = blank()
    clouds(far, look, rng, 7, 1.15)
    mountains = 0.47 + 0.07 * waves(far.x, 4.0, 1.1, 4, 0.55)
    far.ridge(mountains, rgb("7b93c9"), rgb("b4cbe6"), 0.2, 0.02)

    hills = blank()
    green = blend(season.hills, season.grass[0], 0.4)
    hills.ridge(
        0.555 + 0.045 * waves(hills.x, 0.6, 1.3, 2), blend(green, (0.75, 0.87, 0.85), 0.25), green, 0.15, 0.02
    )
    windmill(hills, look, hills.across(0.20), 0.57, 0.21)
    hills.ridge(
        0.635 + 0.045 * waves(hills.x + 0.9, 2.2, 1.6, 2),
        blend(season.grass[1], green, 0.4),
        season.grass[0],
        0.15,
        0.02,
    )
    for x in (hills.across(0.74), hills.across(-0.2), hills.across(1.3)):
        hills.put("tree", x, 0.66, 0.2, season.leaves[0], season.snowy, shadow=0.25)
    trees(hills, look, rng, 0.655, 0.075, 9, 0.3, 0.0, 0.15)

    grass = blank()
    ground(grass, 0.70, season.grass[0], season.grass[1], 0.022, 0.8, 0.12)
    names = {
        "spring": ("hyacinth", "daisy", "tulip"),
        "summer": ("daisy", "hibiscus", "daisy"),
        "autumn": ("leaves", "maple", "wheat"),
    }
    wild = names.get(season.name, ())
    flowers(grass, wild, rng, ((0.74, 0.04, 20), (0.79, 0.055, 14)), 0.0, 0.15)
    flowers(grass, wild, rng, ((0.87, 0.075, 11), (0.97, 0.10, 9)), 0.33, 0.2)
    return (
        open_sky(look, blank),
        Plane(far, 0.15, 0.34),
        Plane(hills, 0.5, 0.10),
        Plane(grass, 1.0),
        near_flowers(look, rng, blank, 0.15, 7),
    )


def forest(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """Among tall trunks: crowns close above, light falls in shafts, toadstools and ferns below."""
    season = look.season
    far = blank()
    far.ridge(
        0.42 + 0.05 * waves(far.x, 3.0, 0.35, 3),
        blend(season.leaves[1][1], season.hills, 0.5),
        season.hills,
        0.25,
    )
    trunks(far, rng, 13, 0.62, 0.020, blend(rgb("6f7f6a"), season.hills, 0.45))
    trees(far, look, rng, 0.64, 0.32, 15, 0.5, 0.0, 0.0)

    middle = blank()
    trees(middle, look, rng, 0.67, 0.42, 11, 0.4, 0.16, 0.3)
    trunks(middle, rng, 7, 0.69, 0.036, rgb("7a5136"), 0.24)
    canopy(middle, look, rng, 0.02, 0.085, 17)
    moss = blend(season.grass[0], rgb("1f4a33"), 0.0 if season.snowy else 0.42)
    middle.ridge(0.655 + 0.012 * waves(middle.x, 1.0, 0.6), moss, moss, 0.1, 0.012)

    floor = blank()
    litter = blend(
        season.grass[0], rgb("2c5a30" if season.name != "autumn" else "8a4a20"), 0.0 if season.snowy else 0.45
    )
    ground(floor, 0.70, litter, blend(season.grass[1], litter, 0.5), 0.012, 0.4, 0.16)
    things = {
        "spring": ("sprig", "hyacinth", "daisy"),
        "summer": ("sprig", "toadstool", "sprig"),
        "autumn": ("leaves", "maple", "toadstool"),
    }
    growth = things.get(season.name, ())
    flowers(floor, growth, rng, ((0.735, 0.07, 18), (0.78, 0.07, 9)), 0.0, 0.25)
    flowers(floor, growth, rng, ((0.88, 0.09, 9), (0.98, 0.12, 8)), 0.36, 0.25)
    floor.put("stump", floor.across(0.12), 0.80, 0.13, None, season.snowy, shadow=0.35)
    floor.put(
        "rock" if season.snowy else "toadstool",
        floor.across(0.88),
        0.785,
        0.12,
        None,
        season.snowy,
        shadow=0.35,
    )
    if not look.time.dark:
        shafts(floor, (0.46, 0.42, 0.20) if look.time.name == "day" else (0.55, 0.27, 0.08))

    near = blank()
    for u, wide in ((-0.42, 0.09), (-0.02, 0.075), (1.03, 0.085), (1.45, 0.08)):
        trunk(near, near.across(u), 1.3, wide, rgb("4d3426"))
    canopy(near, look, rng, -0.14, 0.13, 9)
    return (
        open_sky(look, blank),
        Plane(far, 0.25, 0.34),
        Plane(middle, 0.65, 0.08),
        Plane(floor, 1.0),
        Plane(near, 1.45, 0.0, 0.010),
    )


def trunk(canvas: Canvas, x: float, y: float, wide: float, colour: Colour) -> None:
    """Paint a tree trunk that leaves the picture above."""
    canvas.block(x - wide, -0.6, x + wide, y, colour, 0.01, wide, 0.9)


def trunks(
    canvas: Canvas,
    rng: np.random.Generator,
    count: int,
    y: float,
    wide: float,
    colour: Colour,
    clear: float = 0.0,
) -> None:
    """Paint a row of trunks."""
    for x in scatter(rng, canvas, count, clear):
        trunk(canvas, x, y + 0.01 * rng.random(), wide * (0.7 + 0.6 * rng.random()), colour)


def canopy(canvas: Canvas, look: Look, rng: np.random.Generator, y: float, size: float, count: int) -> None:
    """Hang crowns of leaves along the top."""
    for x in scatter(rng, canvas, count):
        dark, light = look.season.leaves[int(rng.integers(3))]
        canvas.ball(
            x,
            y - 0.5 * size,
            1.1 * size,
            0.9 * size,
            blend(dark, light, 0.25 + 0.3 * rng.random()),
            None,
            0.5,
        )
    canvas.block(
        -3 * canvas.half, -0.5, 3 * canvas.half, y - 0.6 * size, blend(*look.season.leaves[0], 0.15), 0.02
    )


def shafts(canvas: Canvas, colour: Colour) -> None:
    """Let light fall in slanted shafts from the upper right."""
    slant = canvas.x + 0.55 * canvas.y
    beams = np.clip(np.sin(slant * 9.0 + 0.7) + 0.55 * np.sin(slant * 21.0), 0, 1) ** 2
    fade = np.clip(1 - canvas.y / 0.95, 0, 1) * np.clip((canvas.y + 0.2) * 2, 0, 1)
    canvas.light[...] += (beams * fade)[..., None] * tint(colour)


def farm(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """A red barn with a silo on the left, rows of a field that run to the horizon, a wooden fence, hay."""
    season = look.season
    far = blank()
    clouds(far, look, rng, 4)
    far.ridge(
        0.545 + 0.03 * waves(far.x, 5.0, 1.7, 2),
        season.hills,
        blend(season.hills, season.grass[1], 0.6),
        0.15,
        0.02,
    )
    trees(far, look, rng, 0.60, 0.09, 22, 0.2, 0.0, 0.0)

    yard = blank()
    crop = season.field[0]
    yard.ridge(0.605 + 0.006 * waves(yard.x, 1.0, 1.0), blend(crop, (1.0, 1.0, 1.0), 0.2), crop, 0.1, 0.015)
    barn(yard, look, yard.across(0.27), 0.675, 0.34)
    yard.put("tree", yard.across(0.95), 0.665, 0.27, season.leaves[0], season.snowy, shadow=0.3)
    for x in scatter(rng, yard, 5, 0.42):
        yard.ball(x, 0.645, 0.042, 0.040, rgb("e7c25a") if not season.snowy else rgb("e9eef6"), None, 0.8)
    fence(yard, 0.705, 0.075, rgb("a8764a"), 0.17, (0.35, 0.78), False)

    far_field, near_field, furrow = season.field
    field = blank()
    ground(field, 0.695, far_field, near_field, 0.004)
    stripes(field, 0.62, 0.9, 0.55, furrow, 0.69)
    plants = {
        "spring": ("sprig",),
        "summer": ("corn", "sunflower"),
        "autumn": ("pumpkin", "pumpkin", "wheat"),
    }.get(season.name, ())
    flowers(field, plants, rng, ((0.745, 0.075, 16),), 0.22, 0.25)
    flowers(field, plants, rng, ((0.86, 0.11, 10), (0.98, 0.14, 8)), 0.38, 0.3)
    near = near_crops(look, rng, blank)
    return open_sky(look, blank), Plane(far, 0.2, 0.28), Plane(yard, 0.6, 0.05), Plane(field, 1.0), near


def near_crops(look: Look, rng: np.random.Generator, blank: Blank) -> Plane:
    """Paint the crops of the season (or snow) right before the lens."""
    canvas = blank()
    if look.season.snowy:
        return near_flowers(look, rng, blank)
    crops = {"spring": ("sprig", "tulip"), "summer": ("wheat",), "autumn": ("pumpkin", "wheat")}[
        look.season.name
    ]
    for number, x in enumerate(scatter(rng, canvas, 16)):
        name = crops[number % len(crops)]
        size = (0.2 + 0.06 * rng.random()) * lower(x) * (0.85 if name == "pumpkin" else 1.0)
        canvas.put(name, x, 1.10 + 0.05 * rng.random(), size)
    return Plane(canvas, 1.5, 0.0, 0.010)
