"""Land: grass, sand, snow and floors that run away from the viewer, and what grows in rows on them."""

from collections.abc import Sequence

import numpy as np

from vitascope.training.toytheatre.sets.canvas import Canvas, Colour, Field, speckle, waves
from vitascope.training.toytheatre.sets.look import Look


def blend(a: Colour, b: Colour, share: float) -> Colour:
    """Return a colour between two."""
    return tuple(float(x + (y - x) * share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def floor_of(canvas: Canvas, horizon: float, depth: float = 0.35) -> tuple[Field, Field]:
    """Return for every point of the ground how far it is to the side and away, as seen from a little above."""
    away = depth / np.maximum(canvas.y - horizon + 0.12, 0.03)
    return canvas.x * away, away + 0 * canvas.x


def ground(
    canvas: Canvas,
    line: float,
    near: Colour,
    far: Colour,
    bumps: float = 0.008,
    seed: float = 0.0,
    patches: float = 0.07,
    rim: float = 0.012,
    key: int = 0,
) -> None:
    """Paint ground from a gently wavy line down: far colour to near colour, with soft patches."""
    edge = line + bumps * waves(canvas.x, seed, 0.9)
    canvas.ridge(edge, far, near, 0.30, rim)
    below = canvas.y >= line - 2 * bumps
    side, away = floor_of(canvas, line)
    tone = patches * speckle(side * 0.9, away * 1.6, key) * below
    canvas.colour[...] = np.clip(canvas.colour * (1 + tone[..., None]), 0, 1)
    near_shade = np.clip((canvas.y - 0.86) / 0.3, 0, 1) * 0.22
    canvas.colour[...] *= 1 - near_shade[..., None]


def stripes(
    canvas: Canvas, horizon: float, count: float, strength: float, colour: Colour, top: float
) -> None:
    """Paint soft stripes that run towards a vanishing point in the middle of the horizon."""
    side = canvas.x / np.maximum(canvas.y - horizon + 0.06, 0.02)
    wave = np.clip(1.6 * np.sin(2 * np.pi * count * side) + 0.5, 0, 1)
    fine = np.clip((canvas.y - horizon + 0.06) / (0.16 * count / 2), 0, 1)
    canvas.over(wave * fine * strength * canvas.sharp(top - canvas.y), colour)


def scatter(rng: np.random.Generator, canvas: Canvas, count: int, clear: float = 0.0) -> list[float]:
    """Return `count` places across the strip, one in each equal slot, none within `clear` heights of the middle."""
    slots = (np.arange(count) + 0.15 + 0.7 * rng.random(count)) / count
    places = (4 * slots - 2) * canvas.half
    return [float(x) for x in places if abs(x) >= clear]


def trees(
    canvas: Canvas,
    look: Look,
    rng: np.random.Generator,
    y: float,
    tall: float,
    count: int,
    pines: float = 0.0,
    clear: float = 0.0,
    shadow: float = 0.25,
) -> None:
    """Plant a row of trees in the colours of the season; `pines` is the share of pines among them."""
    rng = rng.spawn(1)[0]
    season = look.season
    for x in scatter(rng, canvas, count, clear):
        size = tall * (0.8 + 0.4 * rng.random())
        kind, pick, foot = rng.random(), int(rng.integers(len(season.leaves))), y + 0.012 * rng.random()
        if kind < pines:
            canvas.put("pine", x, foot, size, season.pine, season.snowy, shadow=shadow)
        else:
            canvas.put("tree", x, foot, size, season.leaves[pick], season.snowy, pick == 1, shadow)


def flowers(
    canvas: Canvas,
    names: Sequence[str],
    rng: np.random.Generator,
    rows: Sequence[tuple[float, float, int]],
    clear: float = 0.0,
    shadow: float = 0.25,
) -> None:
    """Plant rows of flowers, each row (y, tall, count), the far ones first."""
    rng = rng.spawn(1)[0]
    for y, tall, count in rows:
        for x in scatter(rng, canvas, count if names else 0, clear):
            name = names[int(rng.integers(len(names)))]
            canvas.put(
                name, x, y + 0.03 * (rng.random() - 0.5), tall * (0.85 + 0.3 * rng.random()), shadow=shadow
            )


def fence(
    canvas: Canvas, y: float, tall: float, colour: Colour, gap: float, rails: Sequence[float], pointed: bool
) -> None:
    """Build a fence across the whole strip: rails at shares of its height, then posts, pointed or square."""
    reach = 2 * canvas.half
    for share in rails:
        rail = y - tall * share
        canvas.block(
            -reach - 0.1,
            rail - 0.011,
            reach + 0.1,
            rail + 0.011,
            blend(colour, (0.3, 0.3, 0.4), 0.12),
            0.004,
            0.01,
        )
    wide = 0.30 * gap if pointed else 0.16 * gap
    for x in np.arange(-round(reach / gap) - 1, reach / gap + 1) * gap:
        if pointed:
            tip = [
                (x - wide, y),
                (x - wide, y - tall * 0.8),
                (x, y - tall),
                (x + wide, y - tall * 0.8),
                (x + wide, y),
            ]
            canvas.gem(tip, colour, 0.012, 0.6)
        else:
            canvas.block(x - wide, y - tall, x + wide, y + 0.01, colour, 0.008, 0.014, 0.7)
