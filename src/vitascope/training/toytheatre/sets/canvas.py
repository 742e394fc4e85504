"""A layer while it is being painted: soft clay shapes, ridges, props and light on a strip of picture.

Places are in picture heights: x = 0 is the middle of the picture and y goes from 0 at its top to 1 at its
bottom. The strip shows more than the picture: a quarter of a height above and below it, half a width to
each side.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from jaxtyping import Float32
from PIL import Image, ImageFilter

from vitascope.training.toytheatre.sets.props import Ramp, prop
from vitascope.training.toytheatre.sets.shapes import Field, ellipse, polygon, rounded_box

Colour = tuple[float, float, float]
Paint = Colour | np.ndarray
"""One colour, or one per pixel."""
Distance = Callable[[Field, Field], Field]
"""How far points (x, y) are outside of a shape; see `shapes.py`."""

TOP, BOTTOM = -0.25, 1.25


def tint(colour: Paint | Sequence[Any]) -> np.ndarray:
    """Return a colour (or other numbers) as an array to reckon with."""
    return np.asarray(colour, np.float32)


@dataclass(frozen=True)
class Canvas:
    """The strip of one layer, painted from back to front: colour times alpha, alpha, light given off."""

    size: int
    colour: Float32[np.ndarray, "rows columns 3"]
    alpha: Float32[np.ndarray, "rows columns 1"]
    light: Float32[np.ndarray, "rows columns 3"]
    x: Float32[np.ndarray, "1 columns"]
    y: Float32[np.ndarray, "rows 1"]

    @property
    def half(self) -> float:
        """Half the width of the picture, in heights; the strip reaches to twice that on both sides."""
        return self.x.shape[1] / self.size / 4

    def across(self, u: float) -> float:
        """Return the x of a place in picture widths, 0 at the left edge of the picture and 1 at the right one."""
        return (2 * u - 1) * self.half

    def box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[slice, slice]:
        """Return the rows and columns that hold a box, clipped to the strip."""
        rows, columns = self.alpha.shape[:2]
        top, bottom = ((y - TOP) * self.size for y in (y0, y1))
        left, right = (x * self.size + columns / 2 for x in (x0, x1))
        return (
            slice(max(0, int(top) - 1), max(0, min(rows, int(bottom) + 2))),
            slice(max(0, int(left) - 1), max(0, min(columns, int(right) + 2))),
        )

    def over(self, cover: Field, colour: Paint, at: tuple[slice, slice] = (slice(None), slice(None))) -> None:
        """Paint a colour (one, or one per pixel) where `cover` is above 0, and hide the light behind it."""
        cover = np.asarray(cover, np.float32)[..., None]
        left = 1 - cover
        self.colour[at] = self.colour[at] * left + cover * np.asarray(colour, np.float32)
        self.alpha[at] = self.alpha[at] * left + cover
        self.light[at] *= left

    def sharp(self, distance: Field) -> Field:
        """Return how much of each pixel a shape covers, from the distance to its edge in heights."""
        return np.clip(0.5 - distance * self.size, 0, 1)

    def clay(
        self,
        distance: Distance,
        box: tuple[float, float, float, float],
        colour: Colour,
        round: float = 0.02,
        shine: float = 0.5,
        dim: float = 0.0,
    ) -> None:
        """Paint a shape as if it were made of clay: edges rounded over `round` heights, lit from the upper left.

        `shine` is how strong light and shade are; the colour gets darker by `dim` from top to bottom of the box.
        """
        at = self.box(*box)
        x, y = self.x[:, at[1]], self.y[at[0]]
        if 0 in (x.size, y.size) or x.size < 2 or len(y) < 2:
            return
        d = np.asarray(distance(x, y), np.float32)
        edge = np.clip(1 + d / max(round, 1e-4), 0, 1) ** 2
        dy, dx = np.gradient(d, 1 / self.size)
        lit = edge * (-0.55 * dx - 0.83 * dy)
        down = np.clip((y - box[1]) / (box[3] - box[1]), 0, 1)
        tone = (1 + shine * 0.55 * lit - dim * down)[..., None]
        gloss = shine * 0.16 * np.clip(lit, 0, 1)[..., None]
        self.over(self.sharp(d), np.clip(tint(colour) * tone + gloss, 0, 1), at)

    def block(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        colour: Colour,
        corner: float = 0.01,
        round: float = 0.015,
        shine: float = 0.5,
        dim: float = 0.0,
    ) -> None:
        """Paint a clay box with rounded corners."""
        corner = min(corner, (x1 - x0) / 2, (y1 - y0) / 2)
        distance = partial(rounded_box, x0=x0, y0=y0, x1=x1, y1=y1, corner=corner)
        self.clay(distance, (x0, y0, x1, y1), colour, round, shine, dim)

    def ball(
        self,
        x: float,
        y: float,
        wide: float,
        tall: float,
        colour: Colour,
        round: float | None = None,
        shine: float = 0.5,
    ) -> None:
        """Paint a clay ellipse with half axes `wide` and `tall`."""
        distance = partial(ellipse, cx=x, cy=y, wide=wide, tall=tall)
        bound = (x - wide, y - tall, x + wide, y + tall)
        self.clay(distance, bound, colour, min(wide, tall) if round is None else round, shine)

    def gem(
        self,
        points: Sequence[Sequence[float]],
        colour: Colour,
        round: float = 0.015,
        shine: float = 0.5,
        dim: float = 0.0,
    ) -> None:
        """Paint a convex clay polygon; its points go clockwise on the picture."""
        corners = tint(points)
        distance = partial(polygon, corners=corners)
        (left, top), (right, bottom) = corners.min(0).tolist(), corners.max(0).tolist()
        self.clay(distance, (left, top, right, bottom), colour, round, shine, dim)

    def ridge(
        self,
        line: Float32[np.ndarray, " columns"],
        top: Colour,
        base: Colour,
        reach: float = 0.2,
        rim: float = 0.0,
    ) -> None:
        """Paint everything below a line, from `top` to `base` over `reach` heights; `rim` is its lighter edge."""
        at = self.box(-2 * self.half, float(line.min()) - 0.01, 2 * self.half, BOTTOM)
        below = self.y[at[0]] - line[None]
        step = np.clip(below / reach, 0, 1)[..., None]
        colour = tint(top) + (tint(base) - tint(top)) * step
        if rim:
            colour = colour + (1 - colour) * 0.35 * np.exp(-((below / rim) ** 2))[..., None]
        self.over(self.sharp(-below), colour, at)

    def put(
        self,
        name: str,
        x: float,
        y: float,
        tall: float,
        ramp: Ramp | None = None,
        snowy: bool = False,
        mirrored: bool = False,
        shadow: float = 0.0,
        fade: float = 1.0,
    ) -> None:
        """Stand a prop on (x, y), `tall` heights high; `shadow` is how dark its soft shadow is."""
        pixels = prop(name, max(2, round(tall * self.size)), mirrored, ramp, snowy)
        high, wide = pixels.shape[:2]
        if shadow:
            self.shade(x, y, 0.55 * wide / self.size, 0.06 * tall + 0.006, shadow)
        rows, columns = self.alpha.shape[:2]
        top = round((y - TOP) * self.size) - high
        left = round(x * self.size + columns / 2 - wide / 2)
        y0, y1 = np.clip((top, top + high), 0, rows).tolist()
        x0, x1 = np.clip((left, left + wide), 0, columns).tolist()
        at = (slice(y0, y1), slice(x0, x1))
        seen = pixels[y0 - top : y1 - top, x0 - left : x1 - left] * fade
        if seen.size:
            hidden = 1 - seen[..., 3:]
            self.colour[at] = self.colour[at] * hidden + seen[..., :3]
            self.alpha[at] = self.alpha[at] * hidden + seen[..., 3:]
            self.light[at] *= hidden

    def shade(
        self, x: float, y: float, wide: float, tall: float, strength: float, colour: Colour = (0.0, 0.0, 0.0)
    ) -> None:
        """Darken (or tint) what is already painted within a soft ellipse."""
        at = self.box(x - 1.6 * wide, y - 1.6 * tall, x + 1.6 * wide, y + 1.6 * tall)
        near = ((self.x[:, at[1]] - x) / wide) ** 2 + ((self.y[at[0]] - y) / tall) ** 2
        share = strength * np.exp(-(near**2))[..., None]
        self.colour[at] += share * (tint(colour) * self.alpha[at] - self.colour[at])

    def glow(self, x: float, y: float, radius: float, colour: Colour, flat: float = 1.0) -> None:
        """Add light around a lamp, out to about twice `radius`; `flat` below 1 squeezes it upright."""
        at = self.box(x - 2.2 * radius, y - 2.2 * radius * flat, x + 2.2 * radius, y + 2.2 * radius * flat)
        near = ((self.x[:, at[1]] - x) / radius) ** 2 + ((self.y[at[0]] - y) / (radius * flat)) ** 2
        self.light[at] += np.exp(-1.1 * near)[..., None] * tint(colour)

    def lamp(self, cover: Field, colour: Colour, at: tuple[slice, slice]) -> None:
        """Let a shape give off light of its own."""
        self.light[at] += np.asarray(cover, np.float32)[..., None] * tint(colour)

    def blur(self, radius: float) -> None:
        """Put the whole layer out of focus by a radius in heights."""
        planes = np.concatenate([self.colour, self.alpha], -1)
        picture = Image.fromarray((np.clip(planes, 0, 1) * 255).round().astype(np.uint8), "RGBA")
        soft = picture.filter(ImageFilter.GaussianBlur(radius * self.size))
        planes = np.asarray(soft, np.float32) / 255
        self.colour[...], self.alpha[...] = planes[..., :3], planes[..., 3:]


def blank(height: int, width: int) -> Canvas:
    """Return an empty strip for pictures of `height` x `width` pixels: 1.5 as high and twice as wide."""
    rows, columns = height * 3 // 2, 2 * width
    x = ((np.arange(columns) + 0.5 - columns / 2) / height).astype(np.float32)[None]
    y = ((np.arange(rows) + 0.5) / height + TOP).astype(np.float32)[:, None]
    return Canvas(
        height, np.zeros((rows, columns, 3), np.float32), np.zeros((rows, columns, 1), np.float32),
        np.zeros((rows, columns, 3), np.float32), x, y,
    )  # fmt: skip


@lru_cache(8)
def noise(key: int) -> Float32[np.ndarray, "64 64"]:
    """Return smooth noise that repeats at its edges, about -1..1."""
    spectrum = np.fft.fft2(np.random.Generator(np.random.Philox(key=key)).normal(size=(64, 64)))
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(64, 1 / 64), np.fft.fftfreq(64, 1 / 64)))
    field = np.fft.ifft2(spectrum * np.exp(-((k / 7) ** 2))).real
    return (field / np.abs(field).max()).astype(np.float32)


def speckle(x: Field, y: Field, key: int = 0) -> Field:
    """Return smooth noise at the points (x, y); its bumps are about 1 across."""
    tile = noise(key)
    x, y = np.broadcast_arrays(x * 8, y * 8)
    left, top = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    fx, fy = x - left, y - top
    a, b = tile[top & 63, left & 63], tile[top & 63, (left + 1) & 63]
    c, d = tile[(top + 1) & 63, left & 63], tile[(top + 1) & 63, (left + 1) & 63]
    upper, lower = a + (b - a) * fx, c + (d - c) * fx
    return upper + (lower - upper) * fy


def waves(
    x: Field, seed: float, scale: float, octaves: int = 3, rough: float = 0.5
) -> Float32[np.ndarray, " columns"]:
    """Return a line of hills over the columns, -1..1: sines of growing pitch with phases that follow from `seed`."""
    total = np.zeros(x.shape[1], np.float32)
    norm = 0.0
    for octave in range(octaves):
        part = rough**octave
        pitch = 2 * np.pi / scale * 1.9**octave
        total += part * np.sin(pitch * x[0] + seed * (octave + 1) * 2.399 + octave)
        norm += part
    return total / norm


def peaks(x: Field, seed: float, scale: float) -> Float32[np.ndarray, " columns"]:
    """Return a line of pointed mountains over the columns, about 0..1."""
    rough = speckle(x * 3 / scale, np.full((1, 1), 0.37 * seed, np.float32), 3)[0]
    big = 1 - np.abs(2 * ((x[0] / scale + 0.1309 * seed) % 1) - 1)
    small = 1 - np.abs(2 * ((x[0] / scale * 1.7 + 0.41 * seed + 0.3) % 1) - 1)
    return (np.maximum(big, 0.75 * small) + 0.12 * rough).astype(np.float32)
