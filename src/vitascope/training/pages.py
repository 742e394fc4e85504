"""Pages for training: the shipped memory as an atlas of the theatre, and many more by mirrors and dyes."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8

from vitascope.toybox.cast.pages import Cast, Page
from vitascope.training.toytheatre.atlas import Atlas

SIDE = 128
"""Pixels along each side of the pages from which takes are rendered."""
DYED, MIRRORED = 0.35, 0.3
"""Shares of the pages that are dyed and mirrored, so that no colour and no shape is ever met again and again."""


def page_of(sprites: UInt8[np.ndarray, "frames 4 size size"], size: int, phases: int) -> Page:
    """Return the page of a loop of straight alpha: its evenly spaced frames, premultiplied, made small."""
    chosen = np.arange(phases) * len(sprites) // phases
    full = torch.from_numpy(sprites[chosen]).float()
    full[:, :3] *= full[:, 3:] / 255
    return F.interpolate(full, (size, size), mode="area").round().to(torch.uint8).numpy()


def straight(page: Page) -> UInt8[np.ndarray, "phases 4 size size"]:
    """Return a premultiplied page with straight alpha."""
    alpha = np.maximum(page[:, 3:].astype(np.float32), 1)
    colours = np.clip(page[:, :3] * (255 / alpha) + 0.5, 0, 255)
    return np.concatenate([colours.astype(np.uint8), page[:, 3:]], axis=1)


def cast_atlas(cast: Cast, names: list[str]) -> Atlas:
    """Return some pages of a memory as the theatre's atlas."""
    entries = [cast.find(name) for name in names]
    return Atlas(
        tuple(names),
        tuple(straight(cast.page(entry.id, SIDE)) for entry in entries),
        np.array([entry.aspect for entry in entries], np.float32),
        np.array([entry.height for entry in entries], np.float32),
        np.array([entry.phases for entry in entries]),
        np.array([entry.loop_seconds for entry in entries], np.float32),
    )


def varied(atlas: Atlas, rng: np.random.Generator) -> Atlas:
    """Return an atlas some of whose pages are dyed, mirrored or both."""
    sprites = []
    for loop in atlas.sprites:
        loop = loop[..., ::-1] if rng.random() < MIRRORED else loop
        sprites.append(dyed(loop, rng) if rng.random() < DYED else np.ascontiguousarray(loop))
    return replace(atlas, sprites=tuple(sprites))


def dyed(
    loop: UInt8[np.ndarray, "frames 4 size size"], rng: np.random.Generator
) -> UInt8[np.ndarray, "frames 4 size size"]:
    """Return a loop whose colours are turned around grey by a random angle, and made paler or stronger."""
    colours = np.moveaxis(loop[:, :3], 1, -1).astype(np.float32) / 255 - 0.5
    turned = colours @ _turn(float(rng.uniform(0.5, 5.8))) * float(rng.uniform(0.6, 1.2))
    turned += 0.5 + float(rng.uniform(-0.12, 0.12))
    bytes_ = (np.clip(turned, 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.concatenate([np.moveaxis(bytes_, -1, 1), loop[:, 3:]], axis=1)


def _turn(angle: float) -> Float[np.ndarray, "3 3"]:
    """Return the matrix that turns colours (as rows) about the grey axis."""
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float32) / np.sqrt(3)
    return (np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross).astype(np.float32)
