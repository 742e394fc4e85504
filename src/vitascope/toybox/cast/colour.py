"""Pages in another colour: the hue is replaced, light and shade stay."""

import numpy as np

from vitascope.toybox.cast.pages import Page
from vitascope.toybox.cast.vocabulary import words

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in the lightness that people see (BT.601)."""


def dye(page: Page, colour: str) -> Page:
    """Return a page in a colour of `words.toml`; the darkest and the palest parts change least.

    Raises KeyError for an unknown colour.
    """
    hue, saturation, light = map(float, words()["colours"][colour])
    alpha = np.maximum(page[:, 3:].astype(np.float32), 1)
    straight = np.clip(page[:, :3].astype(np.float32) / alpha, 0, 1)
    lightness = np.einsum("pchw,c->phw", straight, LUMA)[:, None]
    shown = page[:, 3:] > 0
    usual = float(np.median(np.broadcast_to(lightness, shown.shape)[shown])) if shown.any() else 0.5
    usual = min(max(usual, 0.1), 0.9)
    pure = _rgb(hue, saturation).reshape(1, 3, 1, 1)
    pure_light = float((_rgb(hue, saturation) * LUMA).sum())
    # What is usually light or dark on the page becomes as light as the colour is; shade and shine lie around it.
    target = min(0.92, pure_light * light)
    shade, shine = target * lightness / usual, target + (1 - target) * (lightness - usual) / (1 - usual)
    wanted = np.where(lightness <= usual, shade, 0.75 * shine + 0.25 * target)
    # Below its own lightness a colour is shaded towards black, above it towards white, as paint is.
    below = pure * (wanted / max(pure_light, 1e-3))
    above = pure + (1 - pure) * ((wanted - pure_light) / max(1 - pure_light, 1e-3))
    dyed = np.where(wanted <= pure_light, below, above)
    # White of eyes and black of outlines have no colour to replace.
    span = straight.max(1, keepdims=True) - straight.min(1, keepdims=True)
    grey = np.clip(1 - span / 0.12, 0, 1)
    extreme = np.clip(np.maximum((lightness - 0.9) / 0.08, (0.12 - lightness) / 0.08), 0, 1)
    keep = np.clip(grey * extreme, 0, 1) if saturation >= 0.1 else np.zeros_like(lightness)
    mixed = dyed * (1 - keep) + straight * keep
    colours = np.clip(mixed, 0, 1) * page[:, 3:]
    return np.concatenate([np.rint(colours), page[:, 3:]], axis=1).astype(np.uint8)


def _rgb(hue: float, saturation: float) -> np.ndarray:
    """Return the colour of a hue (degrees) at full value: `float32[3]` in 0..1."""
    offsets = np.array([5.0, 3.0, 1.0]) + hue / 60
    turns = np.mod(offsets, 6)
    return (1 - saturation * np.clip(np.minimum(turns, 4 - turns), 0, 1)).astype(np.float32)
