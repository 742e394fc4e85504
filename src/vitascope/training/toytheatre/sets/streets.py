"""Sets with a road: a street of small shops, a country road, and a playground beside one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vitascope.training.toytheatre.sets.buildings import street_lamp
from vitascope.training.toytheatre.sets.canvas import Canvas, Colour, waves
from vitascope.training.toytheatre.sets.country import lower, near_flowers, open_sky
from vitascope.training.toytheatre.sets.land import blend, fence, flowers, ground, scatter, stripes, trees
from vitascope.training.toytheatre.sets.look import Look, rgb
from vitascope.training.toytheatre.sets.painted import Drift, Plane
from vitascope.training.toytheatre.sets.places import dashes
from vitascope.training.toytheatre.sets.sky import clouds

Blank = Callable[[], Canvas]


@dataclass(frozen=True)
class House:
    """A town house: width and height in heights of the picture, colours, and the awning of its shop if it has one."""

    wide: float
    tall: float
    wall: str
    roof: str
    awning: str | None = None


TERRACE = (
    House(0.23, 0.36, "f2a48b", "b5493f", "e2504a"), House(0.19, 0.42, "f6d58a", "7c5a8f"),
    House(0.24, 0.33, "8fc6d8", "3f6f96", "3d8fc4"), House(0.18, 0.40, "f7efe2", "c05a44"),
    House(0.22, 0.37, "b7d89a", "5d7f4c", "58a35a"), House(0.20, 0.43, "e9a7bd", "9a4467"),
    House(0.23, 0.34, "d8c2ee", "6a5599", "8a62c4"),
)  # fmt: skip


def street(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """A street in a small town: a row of painted houses with shops and awnings, lamps, trees, a lane of cobbles."""
    sky = blank()
    clouds(sky, look, rng, 5)
    far = blank()
    far.ridge(
        0.47 + 0.04 * waves(far.x, 1.9, 1.4),
        look.season.hills,
        blend(look.season.hills, (1.0, 1.0, 1.0), 0.3),
        0.2,
    )
    far.put("church", far.across(0.62), 0.52, 0.26)

    row = blank()
    x, number = -2 * row.half - 0.15, 2
    while x < 2 * row.half + 0.1:
        house = TERRACE[number % len(TERRACE)]
        townhouse(row, look, x, 0.70, house, number)
        x, number = x + house.wide, number + 1

    pavement = blank()
    flat = np.full(pavement.x.shape[1], 0.685, np.float32)
    snowy = look.season.snowy
    pavement.ridge(flat, rgb("e6e9f2" if snowy else "d9d2cc"), rgb("d3d9e8" if snowy else "c3bab5"), 0.06)
    pavement.ridge(flat + 0.072, rgb("f4efe8"), rgb("b0a9aa"), 0.02)
    cobbles(pavement, look, 0.772)
    for u in (-0.42, 0.06, 0.50, 0.94, 1.4):
        street_lamp(pavement, look, pavement.across(u), 0.745, 0.36)
        if look.time.dark:
            pavement.glow(pavement.across(u), 0.80, 0.16, (0.22, 0.16, 0.06), 0.25)
    for u in (-0.15, 0.26, 0.72, 1.18):
        x = pavement.across(u)
        pavement.put("tree", x, 0.735, 0.24, look.season.leaves[0], snowy, shadow=0.3)
        pavement.block(x - 0.035, 0.718, x + 0.035, 0.745, rgb("a8764a"), 0.006, 0.012)
    pavement.put("bus_stop", pavement.across(0.84), 0.75, 0.17, shadow=0.3)
    pavement.put("postbox", pavement.across(0.15), 0.75, 0.125, shadow=0.3)
    for x in scatter(rng, pavement, 5, 0.30):
        pavement.put("bench_pot", x, 0.752, 0.075, look.season.pine, snowy, shadow=0.3)

    near = blank()
    near.ridge(
        np.full(near.x.shape[1], 1.035, np.float32), rgb("f0f2f8" if snowy else "e2dad3"), rgb("a79f9b"), 0.06
    )
    for u, name, tall in ((-0.03, "mailbox", 0.28), (1.02, "bench_pot", 0.24), (-0.4, "postbox", 0.3)):
        near.put(name, near.across(u), 1.15, tall, None, snowy)
    return (
        open_sky(look, blank),
        Plane(sky, 0.1, drift=Drift(speed=0.022)),
        Plane(far, 0.25, 0.30),
        Plane(row, 0.7, 0.04),
        Plane(pavement, 1.0),
        Plane(near, 1.45, 0.0, 0.010),
    )


def townhouse(canvas: Canvas, look: Look, x: float, y: float, house: House, number: int) -> None:
    """Paint one house of a terrace between x and x + its width: gable or hipped roof, windows, a shop or a door."""
    wall, roof, white = rgb(house.wall), rgb(house.roof), rgb("fdf8f0")
    if look.season.snowy:
        roof = blend(roof, rgb("f6f9ff"), 0.85)
    left, right, top = x + 0.004, x + house.wide - 0.004, y - house.tall
    middle = (left + right) / 2
    if number % 2:
        gable = [(left - 0.01, top + 0.005), (middle, top - 0.34 * house.wide), (right + 0.01, top + 0.005)]
        canvas.gem(gable, roof, 0.016, 0.7)
    else:
        slope = 0.03
        hip = [(left - 0.008, top + 0.004), (left + slope, top - 0.075), (right - slope, top - 0.075)]
        canvas.gem([*hip, (right + 0.008, top + 0.004)], roof, 0.018, 0.7)
        canvas.block(middle - 0.055, top - 0.105, middle - 0.03, top - 0.05, rgb("9c5a48"), 0.003, 0.006)
    canvas.block(left, top, right, y + 0.02, wall, 0.004, 0.018, 0.5, 0.12)
    canvas.block(left - 0.004, top - 0.004, right + 0.004, top + 0.012, white, 0.003, 0.008)
    floors, across = (2, 2) if house.tall < 0.36 else (3, 2)
    shop = house.awning is not None
    ground_floor = 0.135 if shop else 0.125
    pitch = (house.tall - ground_floor - 0.02) / (floors - 1 if shop else floors)
    for level in range(floors - 1 if shop else floors):
        for column in range(across):
            cx = left + (column + 0.5) * (right - left) / across
            cy = top + 0.03 + (level + 0.45) * pitch
            if not shop and level == floors - 1:
                cy = y - 0.085
                if column:
                    continue
            sash(canvas, look, cx, cy, 0.026, 0.034, (number + level * 3 + column * 5) % 3 != 0)
    if shop:
        front(canvas, look, left, right, y, rgb(house.awning or "ffffff"))
    else:
        door = left + 1.5 * (right - left) / across
        canvas.block(door - 0.028, y - 0.105, door + 0.028, y + 0.01, white, 0.016, 0.006)
        canvas.block(
            door - 0.022, y - 0.098, door + 0.022, y + 0.01, blend(roof, (0.2, 0.1, 0.1), 0.3), 0.014, 0.010
        )


def sash(canvas: Canvas, look: Look, x: float, y: float, wide: float, tall: float, lit: bool) -> None:
    """Paint a window with a white frame and a sill, lit at night if somebody is home."""
    canvas.block(
        x - wide - 0.006, y - tall - 0.006, x + wide + 0.006, y + tall + 0.006, rgb("fdf8f0"), 0.003, 0.006
    )
    canvas.block(x - wide, y - tall, x + wide, y + tall, rgb("9fd0ec"), 0.002, 0.004, 0.3, 0.2)
    if lit:
        at = canvas.box(x - wide, y - tall, x + wide, y + tall)
        away = np.maximum(np.abs(canvas.x[:, at[1]] - x) - wide, np.abs(canvas.y[at[0]] - y) - tall)
        glow = {"day": 0.0, "sunset": 0.45, "night": 1.0}[look.time.name]
        canvas.lamp(canvas.sharp(away), (0.86 * glow, 0.62 * glow, 0.25 * glow), at)
    canvas.block(x - 0.0025, y - tall, x + 0.0025, y + tall, rgb("fdf8f0"), 0.001, 0.003, 0.0)
    canvas.block(x - wide, y - 0.0025, x + wide, y + 0.0025, rgb("fdf8f0"), 0.001, 0.003, 0.0)
    canvas.block(
        x - wide - 0.011, y + tall + 0.004, x + wide + 0.011, y + tall + 0.014, rgb("e8dfd2"), 0.003, 0.005
    )


def front(canvas: Canvas, look: Look, left: float, right: float, y: float, colour: Colour) -> None:
    """Paint the front of a shop: a big window, a glass door, a striped awning over both."""
    canvas.block(
        left + 0.012, y - 0.105, right - 0.012, y + 0.01, blend(colour, (0.15, 0.1, 0.1), 0.45), 0.006, 0.010
    )
    split = left + 0.66 * (right - left)
    panes = ((left + 0.022, y - 0.088, split, y - 0.022), (split + 0.010, y - 0.088, right - 0.022, y + 0.01))
    for x0, y0, x1, y1 in panes:
        canvas.block(x0, y0, x1, y1, rgb("bfe3f2"), 0.003, 0.004, 0.3, 0.15)
        glow = {"day": 0.06, "sunset": 0.5, "night": 0.95}[look.time.name]
        at = canvas.box(x0, y0, x1, y1)
        away = np.maximum(
            np.abs(canvas.x[:, at[1]] - (x0 + x1) / 2) - (x1 - x0) / 2,
            np.abs(canvas.y[at[0]] - (y0 + y1) / 2) - (y1 - y0) / 2,
        )
        canvas.lamp(canvas.sharp(away), (0.80 * glow, 0.62 * glow, 0.32 * glow), at)
    stripes_of = max(4, round((right - left) / 0.03))
    pitch = (right - left + 0.012) / stripes_of
    for number in range(stripes_of):
        x0 = left - 0.006 + number * pitch
        shade = colour if number % 2 == 0 else rgb("fdf6ee")
        canvas.gem(
            [(x0 + 0.004, y - 0.125), (x0 + pitch - 0.002, y - 0.125), (x0 + pitch, y - 0.088), (x0, y - 0.088)],
            shade, 0.012, 0.6,
        )  # fmt: skip
        canvas.ball(x0 + pitch / 2, y - 0.088, pitch / 2, 0.010, shade, 0.008, 0.5)


def cobbles(canvas: Canvas, look: Look, line: float) -> None:
    """Pave a lane with rounded cobbles, smaller with distance; snow lies between the wheel tracks in winter."""
    flat = np.full(canvas.x.shape[1], line, np.float32)
    canvas.ridge(flat, rgb("8d8794"), rgb("a29aa2"), 0.25)
    below = np.clip(canvas.y - line, 0, 1)
    away = 0.35 / np.maximum(below + 0.14, 0.03)
    row = away * 7.0
    stone = canvas.x * away * 6.2 + 0.5 * (np.floor(row) % 2)
    bump = np.hypot(row - np.floor(row) - 0.5, stone - np.floor(stone) - 0.5)
    here = canvas.y > line
    canvas.over(np.clip((bump - 0.40) * 5, 0, 1) * 0.42 * here, rgb("5f5a6c"))
    canvas.over(np.clip(0.30 - bump, 0, 0.3) * 0.55 * here, rgb("d9d2d6"))
    if look.season.snowy:
        canvas.over(np.clip(np.sin(canvas.y * 60) * 0.5 + 0.35, 0, 1) * 0.55 * here, rgb("f2f5fb"))


def road(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """A country road under a big sky: fields and hills behind, telegraph poles, a guard rail, a sign, a verge."""
    season = look.season
    sky = blank()
    clouds(sky, look, rng, 7, 1.15)
    far = blank()
    far.ridge(0.50 + 0.06 * waves(far.x, 5.2, 1.2, 4, 0.5), rgb("8096c4"), rgb("b9cde4"), 0.2, 0.02)

    fields = blank()
    green, crop = season.grass[0], season.field[0]
    fields.ridge(
        0.555 + 0.035 * waves(fields.x, 1.1, 1.5, 2),
        blend(season.hills, (1.0, 1.0, 1.0), 0.2),
        season.hills,
        0.12,
        0.02,
    )
    trees(fields, look, rng, 0.60, 0.07, 18, 0.25, 0.0, 0.0)
    fields.ridge(
        0.605 + 0.018 * waves(fields.x, 3.9, 1.0, 2), blend(crop, (1.0, 1.0, 1.0), 0.15), crop, 0.08, 0.015
    )
    stripes(fields, 0.545, 1.1, 0.22, season.field[2], 0.62)
    fields.put("cottage", fields.across(0.22), 0.645, 0.125, season.pine, season.snowy, shadow=0.25)
    for u in (-0.3, 0.30, 0.78, 1.34):
        fields.put("tree", fields.across(u), 0.66, 0.17, season.leaves[1], season.snowy, shadow=0.25)

    lane = blank()
    ground(lane, 0.665, green, season.grass[1], 0.006, 0.5)
    poles(lane, 0.715, 0.40)
    asphalt(lane, 0.765, 0.985, season.snowy)
    rail(lane, 0.765)
    lane.put("sign", lane.across(0.90), 0.752, 0.16, shadow=0.25)
    near = near_flowers(look, rng, blank, 0.16, 8)
    near.canvas.put("barrier", near.canvas.across(-0.04), 1.13, 0.2 * lower(0.5))
    return (
        open_sky(look, blank),
        Plane(sky, 0.1, drift=Drift(speed=0.026)),
        Plane(far, 0.2, 0.34),
        Plane(fields, 0.55, 0.08),
        Plane(lane, 1.0),
        near,
    )


def asphalt(canvas: Canvas, top: float, foot: float, snowy: bool) -> None:
    """Paint a road across the strip between two heights: shoulders, edge lines and a dashed line."""
    reach = 2.1 * canvas.half
    canvas.block(
        -reach, top - 0.014, reach, foot + 0.022, rgb("dfe4ee" if snowy else "c9b48c"), 0.002, 0.01, 0.3
    )
    canvas.block(-reach, top, reach, foot, rgb("5f6273"), 0.002, 0.012, 0.4, -0.12)
    dashes(canvas, top + 0.014, 0.006, True)
    dashes(canvas, foot - 0.020, 0.011, True)
    dashes(canvas, (top + foot) / 2 + 0.01, 0.017)


def rail(canvas: Canvas, y: float) -> None:
    """Build a low guard rail of steel behind the road, with posts that carry red reflectors."""
    reach = 2.1 * canvas.half
    for x in np.arange(-10, 11) * 0.24 + 0.07:
        canvas.block(x - 0.009, y - 0.062, x + 0.009, y - 0.004, rgb("f4f5f9"), 0.004, 0.008, 0.7)
        canvas.block(x - 0.006, y - 0.054, x + 0.006, y - 0.044, rgb("e0453f"), 0.002, 0.004)
    canvas.block(-reach, y - 0.040, reach, y - 0.020, rgb("b9c1cf"), 0.006, 0.010, 0.9)


def poles(canvas: Canvas, y: float, tall: float) -> None:
    """Put up telegraph poles with sagging wires."""
    gap = 0.72
    for number in (0, 1):
        sag = 0.045 * (4 * (((canvas.x[0] - 0.31) / gap % 1) - 0.5) ** 2 - 1)
        line = y - tall + 0.022 + 0.022 * number - sag
        canvas.over(0.7 * canvas.sharp(np.abs(canvas.y - line[None]) - 0.0014), rgb("4a4550"))
    for x in np.arange(-3, 4) * gap + 0.31:
        canvas.block(x - 0.008, y - tall, x + 0.008, y, rgb("8a6244"), 0.004, 0.008, 0.8)
        for bar in (0.02, 0.042):
            canvas.block(
                x - 0.045, y - tall + bar - 0.004, x + 0.045, y - tall + bar + 0.004, rgb("77533a"), 0.002
            )


def playground(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """A playground in a park: a slide, swings, a sandpit, a round fountain, a big wheel behind the trees."""
    season = look.season
    sky = blank()
    clouds(sky, look, rng, 5)
    far = blank()
    far.ridge(
        0.55 + 0.03 * waves(far.x, 2.4, 1.2),
        season.hills,
        blend(season.hills, season.grass[1], 0.5),
        0.2,
        0.02,
    )
    far.put("wheel", far.across(0.24), 0.60, 0.40)
    trees(far, look, rng, 0.63, 0.17, 18, 0.1, 0.0, 0.0)
    if look.time.name != "day":
        far.glow(far.across(0.24), 0.40, 0.20, (0.34, 0.22, 0.12) if look.time.dark else (0.16, 0.10, 0.05))

    hedge = blank()
    hedge.ridge(
        0.632 + 0.006 * waves(hedge.x, 2.0, 0.2), blend(*season.pine, 0.6), season.pine[0], 0.06, 0.012
    )
    fence(hedge, 0.69, 0.062, rgb("ffd35a"), 0.055, (0.35, 0.75), False)

    lawn = blank()
    ground(lawn, 0.675, season.grass[0], season.grass[1], 0.004, 1.2)
    lawn.put("slide", lawn.across(0.84), 0.785, 0.33, shadow=0.35)
    swings(lawn, lawn.across(0.13), 0.775, 0.30)
    lawn.put("carousel", lawn.across(-0.3), 0.77, 0.2, shadow=0.3)
    lawn.put("fountain", lawn.across(1.33), 0.77, 0.22, shadow=0.3)
    lawn.shade(0.0, 0.90, 0.44, 0.095, 0.25)
    lawn.ball(0.0, 0.885, 0.44, 0.088, rgb("c98d4e"), 0.014, 0.5)
    lawn.ball(0.0, 0.880, 0.415, 0.074, rgb("eef2f8") if season.snowy else rgb("f3d791"), 0.02, 0.3)
    for u in (0.42, 0.60):
        street_lamp(lawn, look, lawn.across(u), 0.72, 0.30)
    flowers(lawn, season.flowers, rng, ((0.735, 0.055, 18),), 0.30, 0.2)
    near = near_flowers(look, rng, blank, 0.15, 7)
    near.canvas.put("balloons", near.canvas.across(0.97), 1.08, 0.34)
    return (
        open_sky(look, blank),
        Plane(sky, 0.1, drift=Drift(speed=0.022)),
        Plane(far, 0.25, 0.20),
        Plane(hedge, 0.6, 0.06),
        Plane(lawn, 1.0),
        near,
    )


def swings(canvas: Canvas, x: float, y: float, tall: float) -> None:
    """Put up a frame with two swings."""
    canvas.shade(x, y, 0.18, 0.025, 0.3)
    for side in (-1, 1):
        for lean in (-0.028, 0.028):
            foot, top = x + side * 0.145 + lean, x + side * 0.13
            canvas.gem(
                [(top - 0.007, y - tall), (top + 0.007, y - tall), (foot + 0.007, y), (foot - 0.007, y)],
                rgb("4a8fd8"), 0.008, 0.7,
            )  # fmt: skip
    canvas.block(x - 0.155, y - tall - 0.010, x + 0.155, y - tall + 0.010, rgb("e2504a"), 0.008, 0.010, 0.8)
    for place in (-0.062, 0.062):
        for rope in (-0.026, 0.026):
            canvas.block(
                x + place + rope - 0.0018,
                y - tall,
                x + place + rope + 0.0018,
                y - 0.07,
                rgb("5d5a66"),
                0.001,
                0.002,
            )
        canvas.block(x + place - 0.034, y - 0.078, x + place + 0.034, y - 0.062, rgb("ffc83c"), 0.005, 0.008)
