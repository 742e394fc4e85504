"""The things that stand around in the sets: Fluent Emoji stills (MIT, see NOTICE), packed into one picture.

`python -m vitascope.training.toytheatre.sets.props ASSETS` packs them again from the folder of stills of
the npm package `@lobehub/fluent-emoji-3d`.
"""

import argparse
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from PIL import Image

PACKED = Path(__file__).with_name("props.webp")
PACKED_LATER = Path(__file__).with_name("props_later.webp")
"""A second picture: packing more into the first would change the pixels of what is in it, and weights know those."""

CELL = 96
"""Side of a prop in the packed picture, in pixels."""

COLUMNS = 8

PROPS = {
    "tree": "1f333", "pine": "1f332", "palm": "1f334", "cactus": "1f335", "cottage": "1f3e0",
    "tulip": "1f337", "sunflower": "1f33b", "daisy": "1f33c", "blossom": "1f338", "rose": "1f339",
    "hibiscus": "1f33a", "sprig": "1f33f", "toadstool": "1f344", "leaves": "1f342", "maple": "1f341",
    "snowman": "26c4", "coral": "1fab8", "shell": "1f41a", "crab": "1f980", "saturn": "1fa90",
    "earth": "1f30d", "star": "2b50", "pot": "1fab4", "sofa": "1f6cb-fe0f", "picture": "1f5bc-fe0f",
    "bear": "1f9f8", "books": "1f4da", "wheat": "1f33e", "pumpkin": "1f383", "stump": "1fab5",
    "rock": "1faa8", "boat": "26f5", "parasol": "26f1-fe0f", "lights": "1f6a6", "guitar": "1f3b8",
    "drum": "1f941", "gift": "1f381", "clock": "1f570-fe0f", "disco": "1faa9", "tropical": "1f420",
    "comet": "2604-fe0f", "moonlet": "1f311", "corn": "1f33d", "postbox": "1f4ee", "hyacinth": "1fabb",
    "ice": "1f9ca",
}  # fmt: skip
"""What each prop is called here, and the code points that name its still."""

LATER_PROPS = {
    "island": "1f3dd-fe0f", "church": "26ea", "christmas": "1f384", "lotus": "1fab7", "canoe": "1f6f6",
    "reed": "1f33e", "shield": "1f6e1-fe0f", "bus_stop": "1f68f", "mailbox": "1f4eb", "bench_pot": "1fab4",
    "sign": "1faa7", "barrier": "1f6a7", "slide": "1f6dd", "carousel": "1f3a0", "wheel": "1f3a1",
    "fountain": "26f2", "balloons": "1f388", "teapot": "1fad6", "pan": "1f373", "bread": "1f35e",
    "honey": "1f36f", "apple": "1f34e", "lemon": "1f34b", "basket": "1f9fa", "chair": "1fa91",
    "bouquet": "1f490", "jar": "1fad9", "coffee": "2615", "candle": "1f56f-fe0f", "plate": "1f37d-fe0f",
    "lantern": "1f3ee", "tent": "26fa",
}  # fmt: skip
"""The same for those in the second picture."""

Pixels = Float32[np.ndarray, "height width 4"]
"""Red, green and blue times alpha, and alpha, all in 0..1."""

Ramp = tuple[tuple[float, float, float], tuple[float, float, float]]
"""The colours of the darkest and the lightest part of a thing."""


def build_props(assets_dir: Path, out: Path, props: dict[str, str] = PROPS) -> None:
    """Pack the stills in `assets_dir` into the picture `out`, each cropped to what can be seen, in a cell.

    Raises FileNotFoundError if a still is missing.
    """
    rows = -(-len(props) // COLUMNS)
    sheet = Image.new("RGBA", (COLUMNS * CELL, rows * CELL))
    for index, name in enumerate(props.values()):
        still = Image.open(assets_dir / f"{name}.webp").convert("RGBA")
        still = _cropped(still)
        still.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
        sheet.paste(still, (index % COLUMNS * CELL, index // COLUMNS * CELL))
    sheet.save(out, quality=88, alpha_quality=90, method=6)


def _cropped(still: Image.Image) -> Image.Image:
    seen = np.asarray(still.getchannel("A")) > 8
    return still.crop(Image.fromarray(seen).getbbox())


@cache
def stills() -> dict[str, Image.Image]:
    """Return all props by name, cropped to what can be seen of them."""
    found = {}
    for packed, props in ((PACKED, PROPS), (PACKED_LATER, LATER_PROPS)):
        sheet = Image.open(packed).convert("RGBA")
        for index, name in enumerate(props):
            x, y = index % COLUMNS * CELL, index // COLUMNS * CELL
            still = sheet.crop((x, y, x + CELL, y + CELL))
            found[name] = _cropped(still)
    return found


@lru_cache(512)
def prop(
    name: str, height: int, mirrored: bool = False, ramp: Ramp | None = None, snowy: bool = False
) -> Pixels:
    """Return a prop at a height in pixels; its leaves in the colours of `ramp`, or with snow on top.

    Raises KeyError for a name that is not in `PROPS`.
    """
    still = stills()[name]
    width = max(1, round(height * still.width / still.height))
    small = still.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS)
    pixels = np.asarray(small, np.float32) / 255
    if ramp is not None:
        pixels = _coloured(pixels, ramp, _leafy)
    if snowy:
        pixels = _snowed(pixels)
    return np.ascontiguousarray(pixels[:, ::-1] if mirrored else pixels)


def _leafy(colour: Float32[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "height width"]:
    return np.clip((colour[..., 1] - np.maximum(colour[..., 0], 0.9 * colour[..., 2])) * 12, 0, 1)


def _coloured(pixels: Pixels, ramp: Ramp, where: Callable[[np.ndarray], np.ndarray]) -> Pixels:
    alpha = pixels[..., 3:]
    colour = pixels[..., :3] / np.maximum(alpha, 1e-3)
    share = where(colour)[..., None]
    light = colour @ np.array([0.3, 0.59, 0.11], np.float32)
    inside = light[share[..., 0] > 0.5]
    low, high = np.percentile(inside, (4, 96)) if inside.size else (0.0, 1.0)
    step = np.clip((light - low) / max(float(high - low), 1e-3), 0, 1)[..., None]
    dark, pale = np.array(ramp[0], np.float32), np.array(ramp[1], np.float32)
    colour = colour + share * (dark + (pale - dark) * step - colour)
    return np.concatenate([colour * alpha, alpha], -1).astype(np.float32)


def _snowed(pixels: Pixels) -> Pixels:
    """Lay snow on whatever faces up: where there is less of the prop some way above than here."""
    alpha = pixels[..., 3]
    reach = max(1, len(alpha) // 9)
    above = np.concatenate([np.zeros_like(alpha[:reach]), alpha[:-reach]])
    snow = np.clip(alpha - above, 0, 1)[..., None] * 0.9
    white = np.array([0.95, 0.97, 1.0], np.float32) * pixels[..., 3:]
    colour = pixels[..., :3] + snow * (white - pixels[..., :3])
    return np.concatenate([colour, pixels[..., 3:]], -1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Pack the stills that stand around in the sets.")
    parser.add_argument("assets", type=Path)
    parser.add_argument("--out", type=Path, default=PACKED)
    parser.add_argument("--later-out", type=Path, default=PACKED_LATER)
    options = parser.parse_args()
    build_props(options.assets, options.out)
    build_props(options.assets, options.later_out, LATER_PROPS)
