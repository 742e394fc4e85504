"""What time and season do to a set: the sky's colours, the grade of everything under it, grass and leaves."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from vitascope.training.toytheatre.sets.canvas import Colour, tint
from vitascope.training.toytheatre.sets.props import Ramp

Stops = tuple[tuple[float, Colour], ...]
"""Colours at heights of the picture, from the top down."""


def rgb(code: str) -> Colour:
    """Read a colour such as `8fd05a`."""
    return (int(code[:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:], 16) / 255)


def ramp(dark: str, light: str) -> Ramp:
    """Read the two ends of a colour ramp."""
    return rgb(dark), rgb(light)


def stops(*codes: str, horizon: float = 0.62) -> Stops:
    """Spread colours evenly between the top of the strip and the horizon."""
    places = np.linspace(-0.15, horizon, len(codes))
    return tuple((float(y), rgb(code)) for y, code in zip(places, codes, strict=True))


@dataclass(frozen=True)
class Time:
    """A time of day: its sky, what it does to colours, what distance fades into, and how its light falls.

    `dim` multiplies colours, `chroma` is how much of their colour they keep; `sun` is where the sun or moon
    stands in picture widths and heights; `toy` multiplies the colours of the toys, and `lean` is where shadows
    fall (-1 left .. 1 right).
    """

    name: str
    sky: Stops
    dim: Colour
    chroma: float
    haze: Colour
    cloud: Colour
    sun: tuple[float, float]
    toy: Colour
    lean: float

    @property
    def dark(self) -> bool:
        """Whether lamps are on."""
        return self.name == "night"


DAY = Time(
    "day", stops("3d9bee", "7fc2f8", "c6e6fb", "eef7f6"), (1.0, 1.0, 1.0), 1.0, rgb("d3e9f6"),
    (1.0, 1.0, 1.0), (0.80, 0.13), (1.0, 1.0, 1.0), -0.7,
)  # fmt: skip
SUNSET = Time(
    "sunset", stops("3a2f7d", "8f4590", "ee6a63", "ffa95a", "ffe09a"), (1.0, 0.76, 0.66), 1.0, rgb("f59a78"),
    (1.0, 0.66, 0.62), (0.72, 0.47), (1.0, 0.84, 0.74), -1.0,
)  # fmt: skip
NIGHT = Time(
    "night", stops("050825", "0d164c", "1d2f7c", "3a54ab"), (0.37, 0.44, 0.70), 1.15, rgb("243a86"),
    (0.30, 0.36, 0.62), (0.80, 0.16), (0.66, 0.72, 0.95), -0.5,
)  # fmt: skip
TIMES = {time.name: time for time in (DAY, SUNSET, NIGHT)}

GRADES = {
    ("snow", "sunset"): replace(SUNSET, dim=(0.97, 0.78, 0.84), haze=rgb("e39aa8")),
    ("winter", "sunset"): replace(SUNSET, dim=(0.97, 0.76, 0.80), haze=rgb("e8949a")),
    ("underwater", "day"): replace(
        DAY, dim=(0.90, 0.97, 1.0), haze=rgb("1c86c8"), toy=(0.80, 0.96, 1.0), lean=0.0
    ),
    ("space", "day"): replace(
        DAY, dim=(0.96, 0.94, 1.0), haze=rgb("1c0d4a"), toy=(0.94, 0.92, 1.0), lean=0.9
    ),
    ("desert", "night"): replace(NIGHT, dim=(0.40, 0.35, 0.66), chroma=0.95, haze=rgb("3a2a6a")),
    ("room", "day"): replace(DAY, lean=0.7),
    ("room", "night"): replace(NIGHT, dim=(0.50, 0.42, 0.52), chroma=1.0, toy=(0.86, 0.76, 0.74), lean=-0.7),
    ("kitchen", "day"): replace(DAY, lean=0.6),
    ("kitchen", "night"): replace(
        NIGHT, dim=(0.56, 0.48, 0.56), chroma=1.0, toy=(0.92, 0.82, 0.78), lean=0.0
    ),
    ("table", "day"): replace(DAY, lean=0.7),
    ("table", "night"): replace(NIGHT, dim=(0.54, 0.45, 0.52), chroma=1.0, toy=(0.94, 0.82, 0.74), lean=-0.6),
    ("rink", "sunset"): replace(SUNSET, dim=(0.97, 0.78, 0.84), haze=rgb("e39aa8")),
    ("rink", "night"): replace(NIGHT, dim=(0.44, 0.50, 0.76), toy=(0.84, 0.86, 1.0)),
    ("lake", "sunset"): replace(SUNSET, dim=(0.86, 0.62, 0.60)),
    ("stage", "day"): replace(DAY, lean=0.0),
    ("stage", "night"): replace(NIGHT, dim=(0.42, 0.36, 0.48), chroma=1.0, toy=(0.98, 0.92, 0.94), lean=0.0),
}
"""Light that differs from that of the time: by set, else by season."""

SKIES: dict[tuple[str, str], Stops] = {
    ("desert", "day"): stops("2f86d6", "6fb4e6", "bfd9dd", "fbe3b0"),
    ("desert", "sunset"): stops("4a2167", "a83366", "f0543f", "ff9a3d", "ffd871"),
    ("desert", "night"): stops("06061f", "17123f", "33225f", "5b3a74"),
    ("snow", "day"): stops("5f97df", "97bfee", "c9def6", "f3f7fc"),
    ("snow", "sunset"): stops("3f4a9c", "8b63ae", "e588a6", "ffbd9f", "ffe6c4"),
    ("snow", "night"): stops("040a26", "0a1c4d", "174272", "2f7486"),
    ("beach", "day"): stops("1f9be6", "57bdf2", "a6e0f7", "e9fbf7"),
    ("city", "day"): stops("4f9fe0", "8dc2ec", "c9def0", "f6ecdf"),
    ("city", "night"): stops("090726", "1a1250", "372070", "5c3580"),
    ("forest", "day"): stops("63b7c9", "97d4c4", "c9ecc0", "eaf8cf"),
    ("forest", "night"): stops("040d1d", "0a1f37", "123a4a", "1d5457"),
    ("mountains", "day"): stops("2f86de", "6fb6f2", "b4ddf8", "e6f4fb"),
    ("mountains", "sunset"): stops("33307f", "7a4a9c", "d9698a", "ff9f74", "ffd9a0"),
    ("sea", "day"): stops("2593e6", "62bff4", "abe1f8", "ecfaf6", horizon=0.47),
    ("sea", "sunset"): stops("3a2f7d", "8f4590", "ee6a63", "ffa95a", "ffe09a", horizon=0.47),
    ("lake", "day"): stops("4a9fe0", "8cc8f0", "c9e7f6", "f2f6ec", horizon=0.52),
    ("lake", "sunset"): stops("3b3b8c", "8a559f", "e8757f", "ffad6a", "ffe3a3", horizon=0.52),
    ("rink", "day"): stops("5f97df", "97bfee", "c9def6", "f3f7fc"),
    ("rink", "sunset"): stops("3f4a9c", "8b63ae", "e588a6", "ffbd9f", "ffe6c4"),
    ("rink", "night"): stops("060a2c", "101b54", "23397f", "4a5fae"),
    ("street", "night"): stops("0a0a2b", "191a57", "33337d", "5a4f95"),
    ("castle", "day"): stops("4a97ea", "8fc4f5", "cfe4fa", "f8ecf2"),
    ("castle", "night"): stops("070726", "15114c", "2b2476", "4b3a92"),
    ("winter", "day"): stops("7fa9dc", "a9c8ea", "d0e1f3", "f2f5f9"),
    ("autumn", "day"): stops("5a9fdc", "96c3e4", "d3e0dd", "faeccf"),
}
"""Skies that differ from those of the time: by set, else by season."""


@dataclass(frozen=True)
class Season:
    """A season: colours of grass near and far, of far hills, of leaves, what blooms, and a field's colours (far,
    near, furrows)."""

    name: str
    grass: tuple[Colour, Colour]
    hills: Colour
    leaves: tuple[Ramp, ...]
    pine: Ramp
    flowers: tuple[str, ...]
    field: tuple[Colour, Colour, Colour]

    @property
    def snowy(self) -> bool:
        """Whether snow lies."""
        return self.name == "winter"


SEASONS = {
    season.name: season
    for season in (
        Season(
            "spring", (rgb("7ed04b"), rgb("b5e66f")), rgb("8ecb8a"),
            (ramp("d9749f", "ffd3e2"), ramp("5fae4a", "c9ee86"), ramp("e2a1c2", "fff0f5")),
            ramp("3f9a63", "a3dc8d"), ("tulip", "daisy", "hyacinth", "blossom"),
            (rgb("8fd45a"), rgb("ace66e"), rgb("8a5c3a")),
        ),
        Season(
            "summer", (rgb("47a83c"), rgb("83cc4c")), rgb("5ea56f"),
            (ramp("1f6b38", "6cc455"), ramp("2a7a34", "86cf52"), ramp("1b6346", "58b568")),
            ramp("1d6a4a", "5bb06c"), ("sunflower", "rose", "daisy", "sunflower"),
            (rgb("e6bd45"), rgb("f4d868"), rgb("6fa53a")),
        ),
        Season(
            "autumn", (rgb("c29a3c"), rgb("e0c060")), rgb("b98a5a"),
            (ramp("a8401a", "ff9a3a"), ramp("8f2a20", "ee5a36"), ramp("b87a12", "ffd24a")),
            ramp("4a6b3a", "a3b45c"), ("pumpkin", "leaves", "toadstool", "leaves"),
            (rgb("9c6437"), rgb("b27a44"), rgb("66401f")),
        ),
        Season(
            "winter", (rgb("e3ecf7"), rgb("ffffff")), rgb("b5c8e0"),
            (ramp("8ba3c6", "ffffff"), ramp("9db1d0", "f6faff"), ramp("7f9abf", "f2f7ff")),
            ramp("5f8f8f", "eaf5f7"), (),
            (rgb("e3ecf7"), rgb("ffffff"), rgb("c3d3ea")),
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """A time and a season together, the sky of a set under them, and the time that leaves colours as they are."""

    time: Time
    season: Season
    sky: Stops
    plain: Time = DAY


def look(set_: str, time: str, season: str) -> Look:
    """Return how a set looks at a time of day in a season. Raises KeyError for an unknown time or season."""
    sky = SKIES.get((set_, time), SKIES.get((season, time), TIMES[time].sky))
    return Look(GRADES.get((set_, time), GRADES.get((season, time), TIMES[time])), SEASONS[season], sky)


def graded(
    colour: Float32[np.ndarray, "rows columns 3"],
    alpha: Float32[np.ndarray, "rows columns 1"],
    light: Float32[np.ndarray, "rows columns 3"],
    time: Time,
    haze: float,
) -> np.ndarray:
    """Return a layer in the light of a time of day as bytes [4 rows columns], straight alpha.

    `haze` is how much of the layer the distance takes away, 0..1; its own light is added last.
    """
    plain = colour / np.maximum(alpha, 1e-4)
    grey = plain @ tint([[0.3], [0.59], [0.11]])
    plain = (grey + (plain - grey) * time.chroma) * tint(time.dim)
    plain = plain + (tint(time.haze) - plain) * haze
    cover = np.maximum(alpha, np.clip(light.max(-1, keepdims=True), 0, 1))
    lit = (plain * alpha + light) / np.maximum(cover, 1e-4)
    planes = np.concatenate([np.clip(lit, 0, 1), np.clip(cover, 0, 1)], -1)
    return np.ascontiguousarray((planes * 255 + 0.5).astype(np.uint8).transpose(2, 0, 1))
