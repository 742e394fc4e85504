"""Sets of the house: a kitchen, and the table in it seen from near."""

from collections.abc import Callable

import numpy as np

from vitascope.training.toytheatre.sets.canvas import Canvas, Colour, tint
from vitascope.training.toytheatre.sets.inside import window
from vitascope.training.toytheatre.sets.land import blend, floor_of, scatter
from vitascope.training.toytheatre.sets.look import Look, rgb, stops
from vitascope.training.toytheatre.sets.painted import Plane
from vitascope.training.toytheatre.sets.sky import gradient

Blank = Callable[[], Canvas]


def kitchen(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """A kitchen: tiled wall, window over the sink, stove and fridge, pots and fruit, a chequered floor."""
    wall = blank()
    gradient(wall, stops("f6e6c4", "f9edd2", "fbf2de", horizon=0.7))
    tiles(wall, 0.27, 0.60)
    window(wall, look, wall.across(0.50), 0.27, 0.15, 0.135)

    units = blank()
    reach = 2.1 * units.half
    cupboards(units, -reach, units.across(0.18), 0.02, 0.20, 0.155)
    cupboards(units, units.across(0.86), reach, 0.02, 0.20, 0.155)
    stove(units, look, units.across(0.15), 0.74)
    fridge(units, units.across(0.93), 0.75)
    for x0, x1 in (
        (units.across(0.15) + 0.135, units.across(0.93) - 0.125),
        (-reach, units.across(0.15) - 0.135),
    ):
        counter(units, x0, x1, 0.74)
    counter(units, units.across(0.93) + 0.125, reach, 0.74)
    line = 0.565
    sink(units, 0.0, line)
    units.put("teapot", units.across(0.15) + 0.055, line - 0.028, 0.085)
    units.put("pan", units.across(0.15) - 0.060, line - 0.022, 0.07)
    for u, name, tall in (
        (0.335, "bread", 0.075),
        (0.645, "honey", 0.08),
        (0.73, "apple", 0.055),
        (0.79, "lemon", 0.05),
    ):
        units.put(name, units.across(u), line, tall)
    for u, name in ((-0.35, "teapot"), (-0.2, "apple"), (1.25, "honey"), (1.4, "basket")):
        units.put(name, units.across(u), line, 0.08)

    floor = blank()
    chequers(floor, 0.735, rgb("f7efe0"), rgb("7fb3a8"))
    floor.put("chair", floor.across(0.05), 0.84, 0.27, shadow=0.4)
    floor.put("basket", floor.across(0.92), 0.86, 0.13, shadow=0.4)
    for u in (-0.35, 1.35):
        floor.put("chair", floor.across(u), 0.84, 0.27, shadow=0.4)
    if look.time.dark:
        lamp(floor, 0.0, 0.10, 0.60)

    near = blank()
    for u, name, tall in ((-0.05, "bouquet", 0.30), (1.05, "jar", 0.22)):
        near.put(name, near.across(u), 1.14, tall)
    return Plane(wall, 0.6), Plane(units, 0.8), Plane(floor, 1.0), Plane(near, 1.45, 0.0, 0.012)


def tiles(canvas: Canvas, top: float, foot: float) -> None:
    """Tile a band of the wall: white tiles with a blue one now and then."""
    side = 0.052
    at = canvas.box(-2 * canvas.half, top, 2 * canvas.half, foot)
    x, y = canvas.x[:, at[1]] / side, (canvas.y[at[0]] - top) / side
    inside = canvas.sharp(np.maximum(top - canvas.y[at[0]], canvas.y[at[0]] - foot)) + 0 * x
    canvas.over(inside, rgb("e3ddd2"), at)
    edge = np.maximum(np.abs(x % 1 - 0.5), np.abs(y % 1 - 0.5))
    cover = np.clip((0.46 - edge) * canvas.size * side, 0, 1) * inside
    blue = ((np.floor(x) * 3 + np.floor(y) * 5) % 7 == 0)[..., None]
    colour = np.where(blue, tint(rgb("b4d6e4")), tint(rgb("fdfbf6")))
    shade = 1 - 0.05 * np.clip((x % 1) + (y % 1) - 1, -1, 1)[..., None]
    canvas.over(cover, colour * shade, at)


def cupboards(canvas: Canvas, x0: float, x1: float, y0: float, y1: float, pitch: float) -> None:
    """Hang wall cupboards between x0 and x1."""
    count = max(1, round((x1 - x0) / pitch))
    wide = (x1 - x0) / count
    for number in range(count):
        left = x0 + number * wide
        canvas.block(left, y0 - 0.3, left + wide, y1, rgb("6fae9f"), 0.006, 0.014, 0.5)
        canvas.block(
            left + 0.016, y0 - 0.2, left + wide - 0.016, y1 - 0.020, rgb("82c2b2"), 0.008, 0.012, 0.6
        )
        canvas.ball(left + (0.03 if number % 2 else wide - 0.03), y1 - 0.045, 0.008, 0.008, rgb("f6d489"))
    canvas.block(x0, y1 - 0.004, x1, y1 + 0.010, rgb("578f83"), 0.003)


def counter(canvas: Canvas, x0: float, x1: float, foot: float) -> None:
    """Build floor units with drawers under a wooden top."""
    count = max(1, round((x1 - x0) / 0.16))
    wide = (x1 - x0) / count
    for number in range(count):
        left = x0 + number * wide
        canvas.block(left, 0.585, left + wide, foot, rgb("6fae9f"), 0.004, 0.012, 0.5)
        canvas.block(left + 0.012, 0.600, left + wide - 0.012, 0.640, rgb("82c2b2"), 0.006, 0.010, 0.6)
        canvas.block(left + 0.012, 0.650, left + wide - 0.012, foot - 0.016, rgb("82c2b2"), 0.006, 0.012, 0.6)
        canvas.block(left + wide / 2 - 0.022, 0.616, left + wide / 2 + 0.022, 0.623, rgb("f6d489"), 0.003)
    canvas.block(x0 - 0.004, 0.560, x1 + 0.004, 0.590, rgb("c68a52"), 0.006, 0.012, 0.7)


def sink(canvas: Canvas, x: float, y: float) -> None:
    """Put a steel tap and a sink into the counter."""
    canvas.block(x - 0.085, y - 0.010, x + 0.085, y + 0.012, rgb("dfe6ee"), 0.006, 0.010, 0.8)
    canvas.block(x - 0.006, y - 0.085, x + 0.006, y, rgb("c3ced9"), 0.005, 0.006, 1.0)
    canvas.block(x - 0.006, y - 0.090, x + 0.050, y - 0.079, rgb("c3ced9"), 0.005, 0.006, 1.0)
    canvas.block(x + 0.040, y - 0.085, x + 0.050, y - 0.060, rgb("c3ced9"), 0.004, 0.006, 1.0)


def stove(canvas: Canvas, look: Look, x: float, foot: float) -> None:
    """Build a stove with an oven whose window glows, knobs, and a hood above."""
    wide = 0.135
    canvas.block(x - wide, 0.555, x + wide, foot, rgb("f4f1ec"), 0.008, 0.016, 0.6)
    canvas.block(x - wide - 0.004, 0.545, x + wide + 0.004, 0.565, rgb("4b4a57"), 0.005, 0.010, 0.7)
    for dx in (-0.09, -0.03, 0.03, 0.09):
        canvas.ball(x + dx, 0.587, 0.011, 0.011, rgb("d9534a"))
    canvas.block(x - 0.105, 0.615, x + 0.105, 0.705, rgb("3c3a48"), 0.012, 0.012, 0.7)
    canvas.block(x - 0.085, 0.633, x + 0.085, 0.690, rgb("8a5230"), 0.008, 0.008, 0.5)
    canvas.glow(x, 0.665, 0.07, (0.34, 0.17, 0.04) if look.time.dark else (0.16, 0.08, 0.02), 0.5)
    canvas.block(x - 0.10, 0.603, x + 0.10, 0.611, rgb("c3ced9"), 0.004, 0.005, 1.0)
    hood = [(x - 0.045, 0.10), (x + 0.045, 0.10), (x + 0.12, 0.27), (x - 0.12, 0.27)]
    canvas.gem(hood, rgb("d5dde6"), 0.020, 0.8)
    canvas.block(x - 0.045, -0.4, x + 0.045, 0.12, rgb("d5dde6"), 0.004, 0.03, 0.8)
    canvas.block(x - 0.13, 0.262, x + 0.13, 0.288, rgb("b9c4d0"), 0.006, 0.010, 0.8)


def fridge(canvas: Canvas, x: float, foot: float) -> None:
    """Build a round-cornered fridge with pictures on its door."""
    canvas.block(x - 0.12, 0.25, x + 0.12, foot, rgb("f0948c"), 0.035, 0.030, 0.8)
    canvas.block(x - 0.12, 0.405, x + 0.12, 0.412, rgb("c96f69"), 0.002, 0.003)
    for y0, y1 in ((0.32, 0.385), (0.435, 0.53)):
        canvas.block(x - 0.100, y0, x - 0.088, y1, rgb("f1f4f8"), 0.005, 0.006, 1.0)
    canvas.put("picture", x + 0.025, 0.54, 0.075)
    canvas.put("star", x + 0.065, 0.36, 0.03)


def chequers(canvas: Canvas, line: float, light: Colour, dark: Colour) -> None:
    """Lay a floor of tiles in two colours that runs away from the viewer."""
    flat = np.full(canvas.x.shape[1], line, np.float32)
    canvas.ridge(flat, blend(light, dark, 0.5), light, 0.1)
    side, away = floor_of(canvas, line, 0.5)
    x, y = side * 2.6 + 0.5, away * 3.1
    fine = np.clip(1.4 - 0.22 * away, 0.2, 1)
    sharp = 9 / np.maximum(away, 1)
    square = np.clip(np.sin(np.pi * x) * sharp, -1, 1) * np.clip(np.sin(np.pi * y) * sharp, -1, 1)
    share = (0.5 + 0.5 * square * fine) * (canvas.y > line)
    colour = tint(light) + (tint(dark) - tint(light)) * share[..., None]
    shade = 1 - 0.16 * np.clip((canvas.y - 0.86) / 0.3, 0, 1)[..., None]
    sheen = (
        0.10
        * np.exp(-((canvas.x / 0.45) ** 2))[..., None]
        * np.exp(-(((canvas.y - 0.80) / 0.09) ** 2))[..., None]
    )
    canvas.over(canvas.sharp(line - canvas.y) + 0 * canvas.x, np.clip(colour * shade + sheen, 0, 1))


def lamp(canvas: Canvas, x: float, y: float, reach: float) -> None:
    """Hang a lamp from the ceiling, whose light falls into the room."""
    canvas.block(x - 0.003, -0.4, x + 0.003, y - 0.03, rgb("4b4a57"), 0.001, 0.003)
    canvas.gem(
        [(x - 0.03, y - 0.045), (x + 0.03, y - 0.045), (x + 0.085, y + 0.01), (x - 0.085, y + 0.01)],
        rgb("e2584e"),
        0.02,
    )
    canvas.glow(x, y + 0.02, 0.05, (0.90, 0.66, 0.30))
    canvas.glow(x, y + 0.10, 0.30, (0.34, 0.22, 0.08))
    canvas.glow(x, 0.86, reach, (0.26, 0.17, 0.06), 0.25)


def table(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """On a kitchen table: warm wood with a cloth, plates and cups to the sides, the room out of focus behind."""
    wall = blank()
    gradient(wall, stops("f0c9a4", "f5d8b8", "f7e2c8", horizon=0.7))
    paper = np.clip(np.sin(wall.x * 2 * np.pi / 0.085) * 3, 0, 1)
    wall.over(paper * 0.10, rgb("e7a886"))
    window(wall, look, wall.across(0.27), 0.24, 0.15, 0.17)
    wall.put("picture", wall.across(0.66), 0.36, 0.19)
    wall.put("clock", wall.across(0.90), 0.28, 0.17)
    for u in (-0.3, 1.35):
        wall.put("picture", wall.across(u), 0.36, 0.2)

    room = blank()
    reach = 2.1 * room.half
    room.block(-reach, 0.56, reach, 0.72, rgb("fbf1e4"), 0.004, 0.012, 0.5)
    for u in (-0.4, 0.16, 0.84, 1.4):
        room.put("chair", room.across(u), 0.83, 0.40)
    room.put("pot", room.across(0.52), 0.60, 0.22)

    top = blank()
    board(top, 0.685)
    cloth(top, look, 0.745, 0.965)
    for u, name, tall, y in (
        (0.09, "bouquet", 0.24, 0.775), (0.90, "teapot", 0.145, 0.785), (0.955, "coffee", 0.095, 0.865),
        (0.035, "apple", 0.075, 0.862), (0.80, "candle", 0.12, 0.752), (-0.3, "bread", 0.13, 0.80),
        (1.3, "honey", 0.13, 0.80),
    ):  # fmt: skip
        top.put(name, top.across(u), y, tall, shadow=0.4)
    if look.time.dark:
        flame = (top.across(0.80), 0.752 - 0.105)
        top.glow(*flame, 0.03, (0.95, 0.66, 0.25))
        top.glow(*flame, 0.20, (0.36, 0.22, 0.07))
        top.glow(0.0, 0.84, 0.5, (0.26, 0.17, 0.06), 0.3)
    for x in scatter(rng, top, 4, 0.45):
        top.put("lemon", x, 0.90 + 0.04 * rng.random(), 0.07, shadow=0.4)

    near = blank()
    for u, name, tall in ((-0.02, "plate", 0.22), (1.03, "basket", 0.24)):
        near.put(name, near.across(u), 1.16, tall)
    return (
        Plane(wall, 0.5, 0.0, 0.010),
        Plane(room, 0.75, 0.0, 0.006),
        Plane(top, 1.0),
        Plane(near, 1.4, 0.0, 0.012),
    )


def board(canvas: Canvas, line: float) -> None:
    """Paint a wooden table top whose grain runs across, and the edge that is towards the viewer."""
    flat = np.full(canvas.x.shape[1], line, np.float32)
    canvas.ridge(flat, rgb("c98d58"), rgb("b5733f"), 0.3, 0.010)
    side, away = floor_of(canvas, line, 0.5)
    grain = np.sin(away * 17 + 1.1 * np.sin(side * 1.3) + 0.5 * np.sin(side * 3.1 + away * 2)) * (
        canvas.y > line
    )
    canvas.colour[...] = np.clip(canvas.colour * (1 + 0.045 * grain[..., None]), 0, 1)
    edge = canvas.x * 0 + canvas.sharp(np.abs(canvas.y - 1.075) - 0.012)
    canvas.over(0.6 * edge, rgb("8a5330"))
    canvas.over(0.5 * canvas.sharp(1.087 - canvas.y) + 0 * canvas.x, rgb("7a4728"))


def cloth(canvas: Canvas, look: Look, top: float, foot: float) -> None:
    """Lay a chequered cloth on the table, narrower with distance, with a hem."""
    share = np.clip((canvas.y - top) / (foot - top), 0, 1)
    wide = 0.40 + 0.17 * share
    away = np.maximum(np.abs(canvas.x) - wide, np.maximum(top - canvas.y, canvas.y - foot))
    canvas.over(canvas.sharp(away - 0.004) * 0.35, rgb("6e4426"))
    cover = canvas.sharp(away)
    x, y = canvas.x / wide * 5.5, 2.6 * (1 - (1 - share) ** 1.5)
    red_x, red_y = np.clip(np.sin(np.pi * x) * 6, 0, 1), np.clip(np.sin(2 * np.pi * y) * 6, 0, 1)
    depth = (0.5 * red_x + 0.5 * red_y)[..., None]
    colour = tint(rgb("fdf6ec")) + (tint(rgb("e0605a")) - tint(rgb("fdf6ec"))) * depth
    hem = np.clip((away + 0.016) * 160, 0, 1)[..., None]
    canvas.over(cover, colour + (tint(rgb("fdf6ec")) - colour) * hem)
