"""Sets high up: mountains over an alpine meadow, and a castle on its hill."""

from collections.abc import Callable

import numpy as np

from vitascope.training.toytheatre.sets.buildings import glowing_window
from vitascope.training.toytheatre.sets.canvas import Canvas, Colour, peaks, tint, waves
from vitascope.training.toytheatre.sets.country import near_flowers, open_sky
from vitascope.training.toytheatre.sets.land import blend, flowers, ground, scatter, trees
from vitascope.training.toytheatre.sets.look import Look, rgb
from vitascope.training.toytheatre.sets.painted import Drift, Plane
from vitascope.training.toytheatre.sets.sky import clouds

Blank = Callable[[], Canvas]

STONE = rgb("c9c3d6")


def capped_peaks(
    canvas: Canvas, look: Look, y: float, tall: float, seed: float, scale: float, high: Colour, low: Colour
) -> None:
    """Paint pointed mountains with a sunny and a shady side and snow on top, far down in winter."""
    line = y - tall * peaks(canvas.x, seed, scale)
    canvas.ridge(line, high, low, tall)
    below = canvas.y - line[None]
    here = canvas.sharp(-below)
    slope = np.clip(np.gradient(line, 1 / canvas.size), -1, 1)[None]
    canvas.over(np.clip(slope * 1.1, 0, 0.42) * here, blend(high, (0.16, 0.17, 0.36), 0.55))
    canvas.over(np.clip(-slope * 0.5, 0, 0.16) * here, (1.0, 0.97, 0.90))
    height = np.clip(y - line, 0, 1)[None]
    jag = 0.10 * height * np.sin(canvas.x * 2 * np.pi / (0.16 * scale) + seed)
    reach = 0.80 if look.season.snowy else 0.36
    cap = canvas.sharp(below - reach * height - jag + 0.30 * tall * (1 - reach)) * here
    white = tint(rgb("fbfdff")) - 0.20 * np.clip(slope, 0, 1)[..., None] * tint((1.0, 0.7, 0.3))
    canvas.over(cap, np.broadcast_to(white, (len(cap), *white.shape[1:])))


def mountains(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """Steep peaks with snow on top, woods on their slopes, a log cabin on an alp with rocks and flowers."""
    season = look.season
    sky = blank()
    clouds(sky, look, rng, 6, 1.1)

    far = blank()
    capped_peaks(far, look, 0.60, 0.48, 1.9, 0.95, rgb("6f7fb8"), rgb("a3b6dd"))
    near_peaks = blank()
    capped_peaks(near_peaks, look, 0.64, 0.30, 4.4, 0.72, rgb("6b6f8f"), rgb("8f9aa8"))
    slope = blend(season.hills, rgb("3f7a55"), 0.0 if season.snowy else 0.3)
    near_peaks.ridge(
        0.575 + 0.045 * waves(near_peaks.x, 3.3, 0.8, 3),
        blend(slope, (1.0, 1.0, 1.0), 0.1),
        slope,
        0.12,
        0.015,
    )
    trees(near_peaks, look, rng, 0.625, 0.13, 26, 0.85, 0.0, 0.0)

    alp = blank()
    ground(alp, 0.685, season.grass[0], season.grass[1], 0.028, 2.1, 0.12)
    cabin(alp, look, alp.across(0.82), 0.765, 0.22)
    trees(alp, look, rng, 0.715, 0.24, 7, 1.0, 0.42, 0.3)
    for x in scatter(rng, alp, 8, 0.34):
        alp.put(
            "rock", x, 0.83 + 0.13 * rng.random(), 0.06 + 0.05 * rng.random(), None, season.snowy, shadow=0.35
        )
    wild = {"spring": ("hyacinth", "daisy"), "summer": ("daisy", "hyacinth"), "autumn": ("leaves",)}
    names = wild.get(season.name, ())
    flowers(alp, names, rng, ((0.755, 0.038, 16), (0.81, 0.05, 11)), 0.0, 0.15)
    flowers(alp, names, rng, ((0.93, 0.085, 9),), 0.34, 0.2)

    near = near_flowers(look, rng, blank, 0.13, 6)
    for u, tall in ((-0.32, 0.22), (-0.01, 0.17), (1.02, 0.18), (1.36, 0.24)):
        near.canvas.put("rock", near.canvas.across(u), 1.12, tall, None, season.snowy)
    return (
        open_sky(look, blank),
        Plane(sky, 0.1, drift=Drift(speed=0.022)),
        Plane(far, 0.2, 0.22),
        Plane(near_peaks, 0.5, 0.10),
        Plane(alp, 1.0),
        near,
    )


def cabin(canvas: Canvas, look: Look, x: float, y: float, tall: float) -> None:
    """Paint a log cabin with a stone chimney, lit from inside at night."""
    wide, wall = 0.72 * tall, 0.52 * tall
    canvas.shade(x, y, 1.2 * wide, 0.03, 0.35)
    canvas.block(x + 0.42 * wide, y - 1.05 * tall, x + 0.66 * wide, y - 0.4 * tall, rgb("9a94a3"), 0.006)
    for step in range(6):
        low = y - wall * step / 6
        canvas.block(x - wide, low - wall / 6, x + wide, low, rgb("a5693c"), 0.012, 0.014, 0.9)
    roof = rgb("f4f8ff") if look.season.snowy else rgb("8c4a3c")
    canvas.gem([(x - wide, y - wall), (x, y - 1.0 * tall), (x + wide, y - wall)], rgb("b97a48"), 0.012, 0.5)
    for side in (-1, 1):
        edge = [(x + side * 1.18 * wide, y - 0.44 * tall), (x, y - 1.05 * tall), (x, y - 0.93 * tall)]
        edge.append((x + side * 1.18 * wide, y - 0.33 * tall))
        canvas.gem(edge if side > 0 else edge[::-1], roof, 0.014, 0.6)
    canvas.block(x - 0.62 * wide, y - 0.38 * tall, x - 0.22 * wide, y, rgb("6a3f28"), 0.012, 0.014, 0.6)
    canvas.block(x + 0.18 * wide, y - 0.40 * tall, x + 0.64 * wide, y - 0.15 * tall, rgb("fdf6e4"), 0.005)
    glass = rgb("4a3c38") if look.time.dark else rgb("8fc7e8")
    canvas.block(x + 0.23 * wide, y - 0.37 * tall, x + 0.59 * wide, y - 0.18 * tall, glass, 0.003)
    glowing_window(canvas, look, x + 0.41 * wide, y - 0.275 * tall, 0.18 * wide, 0.095 * tall)


def castle(look: Look, rng: np.random.Generator, blank: Blank) -> tuple[Plane, ...]:
    """Before a castle with round towers, red roofs and banners: a gate, a paved way through the lawn, hedges."""
    season = look.season
    sky = blank()
    clouds(sky, look, rng, 5)
    far = blank()
    far.ridge(
        0.56 + 0.05 * waves(far.x, 2.6, 1.3),
        season.hills,
        blend(season.hills, season.grass[1], 0.5),
        0.2,
        0.02,
    )
    trees(far, look, rng, 0.63, 0.12, 24, 0.4, 0.0, 0.0)

    walls = blank()
    keep(walls, look, 0.675)

    lawn = blank()
    ground(lawn, 0.675, season.grass[0], season.grass[1], 0.006, 0.3)
    way(lawn, 0.665)
    for x in (-0.98, -0.62, -0.245, 0.245, 0.62, 0.98):
        bush(lawn, look, x, 0.745, 0.058)
    flowers(lawn, season.flowers, rng, ((0.80, 0.07, 12), (0.95, 0.10, 8)), 0.40, 0.2)
    for side in (-1, 1):
        banner(lawn, side * 0.41, 0.80, 0.27, "d5373f" if side < 0 else "3b62c8")

    near = near_flowers(look, rng, blank, 0.14, 6)
    for u in (-0.3, -0.02, 1.02, 1.33):
        bush(near.canvas, look, near.canvas.across(u), 1.15, 0.13)
    return (
        open_sky(look, blank),
        Plane(sky, 0.1, drift=Drift(speed=0.022)),
        Plane(far, 0.25, 0.26),
        Plane(walls, 0.6, 0.05),
        Plane(lawn, 1.0),
        near,
    )


def keep(canvas: Canvas, look: Look, y: float) -> None:
    """Paint the castle: a wall with battlements across, four towers and a gatehouse in the middle."""
    reach = 2.1 * canvas.half
    battlements(canvas, -reach, reach, y - 0.17, y + 0.02, blend(STONE, (0.6, 0.6, 0.75), 0.25), look)
    for x, tall, wide in (
        (-0.62, 0.30, 0.075),
        (0.62, 0.30, 0.075),
        (-0.27, 0.41, 0.078),
        (0.27, 0.41, 0.078),
    ):
        tower(canvas, look, x, y, tall, wide)
    for x in (-1.15, 1.15, -1.7, 1.7):
        tower(canvas, look, x, y, 0.27, 0.07)
    battlements(canvas, -0.17, 0.17, y - 0.29, y + 0.02, STONE, look)
    canvas.block(-0.075, y - 0.16, 0.075, y + 0.02, rgb("6b6580"), 0.07, 0.012, 0.5)
    canvas.block(-0.062, y - 0.145, 0.062, y + 0.02, rgb("7a4a2e"), 0.06, 0.014, 0.7)
    for x in (-0.031, 0.0, 0.031):
        canvas.block(x - 0.002, y - 0.14, x + 0.002, y + 0.01, rgb("543120"), 0.001, 0.002)
    for x in (-0.115, 0.115):
        canvas.put("shield", x, y - 0.085, 0.085)
        glowing_window(canvas, look, x, y - 0.20, 0.012, 0.020)


def battlements(
    canvas: Canvas, x0: float, x1: float, y0: float, y1: float, colour: Colour, look: Look
) -> None:
    """Paint a wall of stone with battlements on top; snow lies on them in winter."""
    canvas.block(x0, y0, x1, y1, colour, 0.004, 0.016, 0.4, 0.18)
    at = canvas.box(x0, y0, x1, y1)
    row = (canvas.y[at[0]] - y0) / 0.030
    column = canvas.x[:, at[1]] / 0.062 + 0.5 * (np.floor(row) % 2)
    joint = (
        np.minimum(np.abs(row - np.round(row)) * 0.030, np.abs(column - np.round(column)) * 0.062) - 0.0016
    )
    inside = (canvas.x[:, at[1]] > x0) & (canvas.x[:, at[1]] < x1)
    canvas.over(0.30 * canvas.sharp(joint) * inside, blend(colour, (0.3, 0.28, 0.42), 0.6), at)
    for x in np.arange(x0 + 0.005, x1 - 0.02, 0.052):
        canvas.block(float(x), y0 - 0.030, float(x) + 0.032, y0 + 0.006, colour, 0.005, 0.012, 0.6)
        if look.season.snowy:
            canvas.block(float(x), y0 - 0.036, float(x) + 0.032, y0 - 0.024, rgb("fbfdff"), 0.005, 0.008)


def tower(canvas: Canvas, look: Look, x: float, y: float, tall: float, wide: float) -> None:
    """Paint a round tower with a pointed roof, a window and a pennant."""
    top = y - tall
    canvas.block(x - wide, top, x + wide, y + 0.02, STONE, 0.006, wide, 0.9, 0.12)
    battlements(
        canvas,
        x - 1.12 * wide,
        x + 1.12 * wide,
        top - 0.005,
        top + 0.045,
        blend(STONE, (1.0, 1.0, 1.0), 0.15),
        look,
    )
    roof = rgb("f2f6ff") if look.season.snowy else rgb("d04a45")
    peak = top - 0.03 - 1.75 * wide
    canvas.block(x - 0.004, peak - 0.07, x + 0.004, peak + 0.02, rgb("5b5470"), 0.002)
    canvas.gem([(x, peak - 0.07), (x + 0.062, peak - 0.052), (x, peak - 0.034)], rgb("f3c13f"), 0.006, 0.5)
    canvas.gem([(x - 1.08 * wide, top - 0.028), (x, peak), (x + 1.08 * wide, top - 0.028)], roof, 0.045, 0.9)
    for level in (0.32, 0.66):
        place = top + level * tall
        canvas.block(x - 0.014, place - 0.026, x + 0.014, place + 0.022, rgb("4d4763"), 0.013, 0.006)
        glowing_window(canvas, look, x, place, 0.011, 0.020)


def way(canvas: Canvas, horizon: float) -> None:
    """Lay a paved way from the viewer to the gate."""
    below = canvas.y - horizon
    wide = 0.065 + 0.62 * np.clip(below, 0, 1)
    inside = np.clip(0.5 + (wide - np.abs(canvas.x)) * canvas.size, 0, 1) * (below > 0.008)
    canvas.over(inside, rgb("d8cdb8"))
    away = 0.35 / np.maximum(below + 0.10, 0.03)
    row = away * 5.0
    stone = canvas.x / wide * 3 + 0.5 * (np.floor(row) % 2)
    joint = np.minimum(np.abs(row - np.round(row)) * 0.9, np.abs(stone - np.round(stone)))
    canvas.over(0.45 * inside * np.clip(1 - joint * 14, 0, 1), rgb("9f9280"))
    rim = np.exp(-(((np.abs(canvas.x) - wide) * 70) ** 2)) * (below > 0.008)
    canvas.over(0.4 * rim, rgb("8d8270"))


def bush(canvas: Canvas, look: Look, x: float, y: float, size: float) -> None:
    """Paint a clipped round bush, white in winter."""
    dark, light = look.season.pine
    canvas.shade(x, y, 1.1 * size, 0.25 * size, 0.3)
    colour = blend(dark, light, 0.35)
    canvas.ball(x, y - 0.78 * size, size, 0.86 * size, colour, None, 0.9)
    canvas.ball(
        x - 0.3 * size, y - 1.15 * size, 0.42 * size, 0.30 * size, blend(colour, light, 0.4), None, 0.5
    )


def banner(canvas: Canvas, x: float, y: float, tall: float, code: str) -> None:
    """Plant a pole with a long banner and a golden star on it."""
    canvas.shade(x, y, 0.04, 0.012, 0.3)
    canvas.block(x - 0.007, y - tall, x + 0.007, y, rgb("b98a4a"), 0.004, 0.008, 0.8)
    canvas.ball(x, y - tall, 0.013, 0.013, rgb("f3c13f"))
    canvas.block(x - 0.062, y - tall + 0.018, x + 0.062, y - tall + 0.034, rgb("b98a4a"), 0.004)
    cloth = [(x - 0.055, y - tall + 0.03), (x + 0.055, y - tall + 0.03), (x + 0.055, y - 0.42 * tall)]
    canvas.gem([*cloth, (x, y - 0.30 * tall), (x - 0.055, y - 0.42 * tall)], rgb(code), 0.016, 0.7)
    canvas.put("star", x, y - 0.52 * tall, 0.06)
