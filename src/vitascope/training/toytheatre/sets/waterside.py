"""Sets on and beside water: the open sea, a lake that mirrors its shore, and an ice rink."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from jaxtyping import Float32

from vitascope.training.toytheatre.sets.buildings import street_lamp
from vitascope.training.toytheatre.sets.canvas import Canvas, Colour, peaks, speckle, tint, waves
from vitascope.training.toytheatre.sets.country import lower, open_sky
from vitascope.training.toytheatre.sets.highlands import capped_peaks
from vitascope.training.toytheatre.sets.land import blend, scatter, trees
from vitascope.training.toytheatre.sets.look import Look, ramp, rgb
from vitascope.training.toytheatre.sets.painted import Drift, Plane
from vitascope.training.toytheatre.sets.places import water
from vitascope.training.toytheatre.sets.shapes import blade
from vitascope.training.toytheatre.sets.sky import clouds

Blank = Callable[[], Canvas]

REEDS = {
    "spring": ramp("4f9a4a", "a6d86a"), "summer": ramp("3f7f3f", "8fbf4f"),
    "autumn": ramp("9a7a35", "d9b25a"), "winter": ramp("8f98a6", "dfe6ef"),
}  # fmt: skip
"""Colours of reeds in each season, dark and light."""


def cloud_plane(
    look: Look, rng: np.random.Generator, blank: Blank, count: int = 5, size: float = 1.0
) -> Plane:
    """Paint clouds on a plane of their own, which the wind moves."""
    canvas = blank()
    clouds(canvas, look, rng, count, size)
    return Plane(canvas, 0.1, drift=Drift(speed=0.022))


def crests(
    canvas: Canvas, y: float, tall: float, pitch: float, seed: float
) -> Float32[np.ndarray, " columns"]:
    """Return the line of a wave as toy theatres cut it: arcs that meet in points, each a little its own height."""
    place = canvas.x[0] / pitch + seed
    arc = np.abs(np.sin(np.pi * (place + 0.12 * np.sin(2 * np.pi * place))))
    return (y - tall * (1 - arc) ** 1.5 + 0.006 * np.sin(canvas.x[0] * 2.3 + seed)).astype(np.float32)


def wave(
    canvas: Canvas, y: float, tall: float, pitch: float, seed: float, crest: Colour, deep: Colour
) -> None:
    """Paint one strip of waves: a rim of foam, then the colour of the water, darker below."""
    line = crests(canvas, y, tall, pitch, seed)
    canvas.ridge(line, blend(crest, (1.0, 1.0, 1.0), 0.75), blend(crest, (1.0, 1.0, 1.0), 0.55), 0.03)
    canvas.ridge(line + 0.011, crest, deep, 0.17, 0.016)
    below = canvas.y - line[None]
    sheen = np.exp(-(((below - 0.038) / 0.012) ** 2)) * np.clip(
        np.sin(2 * np.pi * (canvas.x / pitch + seed)) - 0.2, 0, 1
    )
    canvas.over(0.35 * sheen, rgb("e9fbff"))


def sea(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """The open sea: waves in strips that rise and fall, a lighthouse on a rock, an island with palms."""
    far = blank()
    water(far, look, 0.47)
    for u, tall in ((-0.42, 0.055), (1.37, 0.06)):
        far.ball(far.across(u), 0.475, 0.26, tall, rgb("5f9c8d"))
    lighthouse(far, look, far.across(0.15), 0.50, 0.30)
    far.put("island", far.across(0.86), 0.515, 0.15)
    far.put("boat", far.across(0.56), 0.50, 0.075)

    strips = []
    for y, pitch, tall, seed, crest, deep, depth in (
        (0.585, 0.17, 0.022, 0.3, "58c4dc", "2f96c8", 0.45),
        (0.665, 0.23, 0.030, 0.7, "44b3da", "2285c0", 0.7),
        (0.755, 0.30, 0.040, 0.1, "35a3d6", "1a74b4", 1.0),
    ):
        canvas = blank()
        wave(canvas, y, tall, pitch, seed + 0.3 * rng.random(), rgb(crest), rgb(deep))
        strips.append(Plane(canvas, depth, 0.14 * (1 - depth), drift=Drift(0.0, 0.030, 0.008, 0.35, seed)))

    front = blank()
    wave(front, 0.860, 0.048, 0.36, 0.45 + 0.3 * rng.random(), rgb("2b95cf"), rgb("125f9c"))
    near = blank()
    wave(near, 0.99, 0.07, 0.50, 0.2 + 0.3 * rng.random(), rgb("1f83c2"), rgb("0b477f"))
    return (
        open_sky(look, blank),
        cloud_plane(look, rng, blank, 5),
        Plane(far, 0.2, 0.08),
        *strips,
        Plane(front, 1.1, drift=Drift(0.0, 0.034, 0.010, 0.35, 0.45)),
        Plane(near, 1.45, 0.0, 0.006, Drift(0.0, 0.045, 0.014, 0.35, 0.8)),
    )


def lighthouse(canvas: Canvas, look: Look, x: float, y: float, tall: float) -> None:
    """Paint a red and white lighthouse on a rock, whose lamp shines unless it is day."""
    wide = 0.13 * tall
    for dx, big in ((-0.07, 0.055), (0.06, 0.06), (0.0, 0.075)):
        canvas.ball(x + dx, y, 1.25 * big, 0.7 * big, rgb("7b7482"), None, 0.7)
    for step in range(5):
        low, high = y - 0.02 - 0.14 * tall * step, y - 0.02 - 0.14 * tall * (step + 1)
        a, b = wide * (1 - 0.09 * step), wide * (1 - 0.09 * (step + 1))
        colour = rgb("e8483f") if step % 2 == 0 else rgb("fdf8f0")
        canvas.gem([(x - a, low), (x - b, high), (x + b, high), (x + a, low)], colour, 0.03, 0.7)
    top = y - 0.02 - 0.70 * tall
    canvas.block(x - 0.85 * wide, top - 0.012, x + 0.85 * wide, top + 0.006, rgb("3c4258"), 0.004)
    canvas.block(x - 0.42 * wide, top - 0.13 * tall, x + 0.42 * wide, top - 0.010, rgb("ffe9a8"), 0.004)
    canvas.gem(
        [(x - 0.62 * wide, top - 0.12 * tall), (x, top - 0.23 * tall), (x + 0.62 * wide, top - 0.12 * tall)],
        rgb("c93a34"),
        0.02,
        0.7,
    )
    if look.time.name != "day":
        lamp = top - 0.07 * tall
        canvas.glow(x, lamp, 0.035, (0.95, 0.80, 0.42))
        canvas.glow(x, lamp, 0.15, (0.34, 0.26, 0.10))
        if look.time.dark:
            beam(canvas, x, lamp)


def beam(canvas: Canvas, x: float, y: float) -> None:
    """Send two beams of light to the sides."""
    aside = np.abs(canvas.x - x)
    cone = np.exp(-(((canvas.y - y + 0.03 * aside) / (0.010 + 0.085 * aside)) ** 2)) * np.exp(-1.6 * aside)
    canvas.light[...] += (0.6 * cone * (aside > 0.012))[..., None] * tint((0.55, 0.48, 0.28))


def mirrored(canvas: Canvas, line: float, clear: float, ripple: float) -> None:
    """Mirror what stands above a line in the water below it; `clear` is how much of it is seen."""
    rows, columns = canvas.alpha.shape[:2]
    y = canvas.y[:, 0]
    source = np.clip(((2 * line - y + 0.25) * canvas.size).round().astype(int), 0, rows - 1)
    below = np.flatnonzero(y > line)
    away = 1 / (np.clip(y - line, 0, 1) + 0.03)
    shake = (ripple * canvas.size * np.sin(away * 9 + 1.3 * np.sin(away * 3))).round().astype(int)
    take = np.clip(np.arange(columns)[None] + shake[below, None], 0, columns - 1)
    from_row = source[below, None]
    alpha = canvas.alpha[from_row, take]
    share = clear * np.exp(-2.2 * (y[below] - line))[:, None, None]
    colour = canvas.colour[from_row, take] * share + canvas.colour[below] * (1 - alpha * share)
    canvas.light[below] = canvas.light[from_row, take] * share + canvas.light[below] * (1 - alpha * share)
    canvas.colour[below] = colour


def sky_water(canvas: Canvas, look: Look, line: float, deep: Colour, share: float = 0.86) -> None:
    """Fill what lies below a line with still water: the sky upside down, deeper in colour towards the viewer."""
    places, values = zip(*look.sky, strict=True)
    horizon = places[-1]
    height = horizon - (canvas.y[:, 0] - line) * 1.25
    sky = np.stack([np.interp(height, places, channel) for channel in zip(*values, strict=True)], -1)
    at = canvas.box(-2 * canvas.half, line, 2 * canvas.half, 1.25)
    cover = canvas.sharp(line - canvas.y) + 0 * canvas.x
    canvas.over(cover[at], tint(deep) * (1 - share), at)
    down = np.clip((canvas.y[at[0]] - line) / 0.5, 0, 1)[..., None]
    canvas.light[at] += cover[at][..., None] * (sky[at[0], None] * share * (1 - 0.35 * down))


def glints(canvas: Canvas, look: Look, line: float, strength: float = 1.0) -> None:
    """Add the path of light under the sun or moon, in short strokes."""
    below = np.clip(canvas.y - line, 0, 1)
    away = 1 / (below + 0.03)
    stroke = np.clip(speckle(canvas.x * away * 0.16, away * 0.9, 6) * 2.2 - 0.25, 0, 1) * np.clip(
        (canvas.y - line - 0.012) * 30, 0, 1
    )
    path = np.exp(-(((canvas.x - canvas.across(look.time.sun[0])) / (0.06 + 0.32 * below)) ** 2))
    shine = {"day": (0.5, 0.5, 0.42), "sunset": (1.0, 0.66, 0.30), "night": (0.72, 0.74, 0.66)}
    canvas.light[...] += (stroke * (0.16 + path) * strength)[..., None] * tint(shine[look.time.name])


def lake(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """A still lake that mirrors mountains and woods; a jetty with a canoe, reeds and water lilies, a grassy bank."""
    season = look.season
    line = 0.50
    far = blank()
    capped_peaks(far, look, line + 0.02, 0.24, 1.3, 1.0, rgb("7d8fc4"), rgb("a9bfe2"))
    capped_peaks(far, look, line + 0.02, 0.15, 3.1, 0.7, rgb("6c86b4"), rgb("9fbcd6"))
    woods = blend(season.hills, rgb("2f6a58"), 0.0 if season.snowy else 0.35)
    far.ridge(
        line - 0.030 + 0.022 * waves(far.x, 2.2, 0.8, 3),
        blend(woods, (1.0, 1.0, 1.0), 0.12),
        woods,
        0.06,
        0.012,
    )
    trees(far, look, rng, line + 0.006, 0.085, 30, 0.55, 0.0, 0.0)
    far.put("cottage", far.across(0.30), line + 0.008, 0.085, season.pine, season.snowy)
    deep = rgb("9fc4da") if season.snowy else rgb("2e7f9e")
    sky_water(far, look, line, deep)
    mirrored(far, line, 0.62, 0.010)

    shine = blank()
    glints(shine, look, line + 0.01)

    bank = blank()
    edge = (
        0.735
        + 0.012 * waves(bank.x, 1.7, 0.7, 2)
        - 0.05 * np.exp(-(((bank.x[0] + 0.9 * bank.half) / 0.3) ** 2))
    )
    bank.ridge(edge - 0.010, blend(season.grass[0], rgb("8a6b46"), 0.55), rgb("6d5438"), 0.03, 0.008)
    soil = blend(season.grass[0], season.grass[1], 0.3)
    ground_line(bank, edge, season.grass[0], season.grass[1], soil)
    jetty(bank, look, bank.across(0.80), 0.775)
    bank.put("canoe", bank.across(0.56), 0.735, 0.075)
    reeds(
        bank,
        rng,
        look,
        (bank.across(0.02), bank.across(0.13), bank.across(1.05), bank.across(-0.35)),
        0.765,
        0.21,
    )
    if not season.snowy:
        for x in scatter(rng, bank, 7, 0.25):
            bank.put("lotus", x, 0.715 + 0.012 * rng.random(), 0.038)
    for x in scatter(rng, bank, 8, 0.36):
        name = "rock" if season.snowy or rng.random() < 0.4 else "daisy"
        bank.put(
            name, x, 0.86 + 0.11 * rng.random(), 0.06 + 0.03 * rng.random(), None, season.snowy, shadow=0.25
        )

    near = blank()
    reeds(near, rng, look, [near.across(u) for u in (-0.35, -0.02, 0.06, 0.96, 1.03, 1.4)], 1.16, 0.40)
    for x in scatter(rng, near, 6):
        near.put("rock", x, 1.09, 0.13 * lower(x), None, season.snowy)
    return (
        open_sky(look, blank),
        cloud_plane(look, rng, blank, 5),
        Plane(far, 0.25, 0.12),
        Plane(shine, 0.3, drift=Drift(0.0, 0.016, 0.003, 0.3, 0.2)),
        Plane(bank, 1.0),
        Plane(near, 1.5, 0.0, 0.010),
    )


def ground_line(canvas: Canvas, edge: np.ndarray, far: Colour, near: Colour, soil: Colour) -> None:
    """Paint a bank below a line of its own shape, with soft patches."""
    canvas.ridge(edge, blend(far, soil, 0.2), near, 0.28, 0.012)
    away = 0.35 / np.maximum(canvas.y - 0.66, 0.03)
    tone = 0.10 * speckle(canvas.x * away * 0.9, away * 1.6, 0) * (canvas.y > edge[None])
    shade = np.clip((canvas.y - 0.86) / 0.3, 0, 1) * 0.22
    canvas.colour[...] = np.clip(canvas.colour * (1 + tone - shade)[..., None], 0, 1)


def jetty(canvas: Canvas, look: Look, x: float, y: float) -> None:
    """Build a wooden jetty that runs out into the water, narrower with distance."""
    wood = rgb("a8754a") if not look.season.snowy else rgb("d9dce6")
    for side in (-1, 1):
        for dx, foot, tall in ((0.135, y + 0.02, 0.10), (0.085, y - 0.08, 0.07), (0.055, y - 0.13, 0.05)):
            canvas.block(
                x + side * dx - 0.011, foot - tall, x + side * dx + 0.011, foot + 0.02, rgb("7a5233"), 0.006
            )
    deck = [(x - 0.14, y + 0.015), (x - 0.05, y - 0.155), (x + 0.05, y - 0.155), (x + 0.14, y + 0.015)]
    canvas.gem(deck, wood, 0.010, 0.4)
    for share in np.linspace(0.04, 0.96, 11):
        level = y + 0.015 - 0.17 * (1 - (1 - share) ** 1.6)
        wide = 0.14 - 0.09 * (y + 0.015 - level) / 0.17
        canvas.block(x - wide, level - 0.0022, x + wide, level + 0.0022, rgb("6e4a2e"), 0.001, 0.002, 0.0)


def reeds(
    canvas: Canvas, rng: np.random.Generator, look: Look, places: Sequence[float], y: float, tall: float
) -> None:
    """Plant bunches of reeds."""
    rng = rng.spawn(1)[0]
    for x in places:
        for number in range(7):
            size, phase = tall * (0.65 + 0.35 * rng.random()), 6 * rng.random()
            foot = x + 0.09 * tall * (number - 3)
            colour = blend(*REEDS[look.season.name], rng.random())
            distance = partial(blade, foot=(foot, y), tall=size, phase=phase)
            canvas.clay(distance, (foot - 0.06, y - size, foot + 0.06, y), colour, 0.012, 0.7)
            if number % 2:
                head = foot + 0.028 * 0.9 * np.sin(8 * 0.9 + phase)
                canvas.ball(head, y - 0.92 * size, 0.045 * tall, 0.13 * tall, rgb("8a5230"), None, 0.8)


def rink(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """An ice rink in the open: boards round blue ice with lines, lamps, a string of coloured lights, firs behind."""
    far = blank()
    far.ridge(0.50 + 0.035 * waves(far.x, 1.4, 1.2), rgb("c7d9ee"), rgb("e4eefb"), 0.15, 0.015)
    line = 0.555 - 0.12 * peaks(far.x, 2.0, 1.1)
    far.ridge(line, rgb("9db7dc"), rgb("d3e2f5"), 0.1)
    for u, name, tall in (
        (0.12, "cottage", 0.17),
        (0.66, "cottage", 0.14),
        (-0.4, "church", 0.2),
        (1.3, "church", 0.2),
    ):
        far.put(name, far.across(u), 0.60, tall, None, True)
        if look.time.dark:
            far.glow(far.across(u), 0.57, 0.07, (0.34, 0.22, 0.06))

    wood = blank()
    for x in scatter(rng, wood, 16):
        wood.put("pine", x, 0.645, 0.19 + 0.09 * rng.random(), ramp("3f7f78", "cfe8e6"), True, shadow=0.1)
    wood.put("christmas", wood.across(0.88), 0.665, 0.36)
    if look.time.dark:
        wood.glow(wood.across(0.88), 0.50, 0.15, (0.30, 0.22, 0.08))
    boards(wood, 0.70, 0.085)

    ice = blank()
    frozen(ice, look, 0.695)
    for u in (-0.4, 0.10, 0.90, 1.4):
        street_lamp(ice, look, ice.across(u), 0.705, 0.42)
    bulbs(ice, look, 0.245, 0.045)

    near = blank()
    boards(near, 1.14, 0.10)
    return (
        open_sky(look, blank),
        cloud_plane(look, rng, blank, 4, 0.9),
        Plane(far, 0.2, 0.22),
        Plane(wood, 0.7, 0.03),
        Plane(ice, 1.0),
        Plane(near, 1.35, 0.0, 0.008),
    )


def boards(canvas: Canvas, y: float, tall: float) -> None:
    """Paint the boards of a rink: white, a red rail, a yellow kick plate, a joint every half height."""
    reach = 2.1 * canvas.half
    canvas.block(-reach, y - tall, reach, y + 0.01, rgb("f7f9fd"), 0.006, 0.02, 0.4, 0.15)
    for x in np.arange(-8, 9) * 0.31 + 0.12:
        canvas.block(x - 0.003, y - tall, x + 0.003, y, rgb("c3cede"), 0.001, 0.003)
    canvas.block(-reach, y - tall - 0.008, reach, y - tall + 0.014, rgb("d9404a"), 0.006, 0.012, 0.8)
    canvas.block(-reach, y - 0.020, reach, y + 0.006, rgb("f2c744"), 0.003, 0.012, 0.5)


def frozen(canvas: Canvas, look: Look, line: float) -> None:
    """Paint ice from a line down: pale blue, with the lines of the game, scratches and a soft sheen."""
    flat = np.full(canvas.x.shape[1], line, np.float32)
    canvas.ridge(flat, rgb("bfe0f4"), rgb("e6f5fd"), 0.26)
    below = np.clip(canvas.y - line, 0, 1)
    away = 0.35 / np.maximum(below + 0.10, 0.03)
    side = canvas.x * away
    for place, code, wide in ((0.0, "e0525a", 0.013), (-1.25, "4a7fd6", 0.02), (1.25, "4a7fd6", 0.02)):
        stripe = np.clip(0.5 + (wide - np.abs(side - place)) * canvas.size / np.maximum(away, 0.2), 0, 1)
        canvas.over(0.55 * stripe * (canvas.y > line), rgb(code))
    circle = np.abs(np.hypot(canvas.x / 0.36, (canvas.y - 0.86) / 0.105) - 1) * 0.105 - 0.0055
    canvas.over(0.55 * canvas.sharp(circle), rgb("4a7fd6"))
    for key, turn in ((11, 0.5), (12, -0.35), (13, 1.1)):
        scratch = np.abs(speckle(side * 0.8 + turn * away, away * (0.7 + 0.2 * turn), key))
        canvas.over(0.5 * np.clip(1 - 26 * scratch, 0, 1) * (canvas.y > line), rgb("ffffff"))
    sheen = np.exp(-(((canvas.x - 0.25 * canvas.half) / 0.5) ** 2)) * np.exp(
        -(((canvas.y - 0.76) / 0.05) ** 2)
    )
    canvas.over(0.4 * sheen, rgb("ffffff"))
    if look.time.name != "day":
        colours = ((1.0, 0.35, 0.35), (1.0, 0.8, 0.3), (0.35, 0.9, 0.5), (0.4, 0.6, 1.0))
        for number, x in enumerate(np.arange(-8, 9) * 0.17):
            strength = 0.22 if look.time.dark else 0.08
            shade = tint(colours[number % 4]) * strength
            canvas.glow(float(x), 0.80, 0.065, (float(shade[0]), float(shade[1]), float(shade[2])), 1.3)


def bulbs(canvas: Canvas, look: Look, y: float, sag: float) -> None:
    """Hang a string of coloured bulbs across, shining unless it is day."""
    line = y + sag * (1 - np.abs(((canvas.x[0] / 0.95 + 0.5) % 1) - 0.5) ** 2 * 4)
    canvas.over(canvas.sharp(np.abs(canvas.y - line[None]) - 0.0022), rgb("3c4258"))
    for number, x in enumerate(np.arange(-22, 23) * 0.085):
        code = ("ff5a52", "ffc93c", "56cc6a", "5aa7ff")[number % 4]
        hang = float(np.interp(x, canvas.x[0], line)) + 0.016
        canvas.ball(float(x), hang, 0.011, 0.015, rgb(code), None, 0.8)
        if look.time.name != "day":
            shine = tint(rgb(code)) * (0.8 if look.time.dark else 0.45)
            canvas.glow(float(x), hang, 0.022, (float(shine[0]), float(shine[1]), float(shine[2])))
