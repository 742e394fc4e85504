"""A picture moved as a flat thing under the camera: what an edit of a photograph starts from.

The model knows nothing of the world that a photograph shows. What it can be told is where each pixel goes when the
camera moves, as if the picture were painted on the set where the subject stands.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float32, UInt8

from vitascope.camera.path import filmed_path
from vitascope.givens.load import Known
from vitascope.toybox.motion.trajectory import through_camera
from vitascope.types import Shot


def filmed(
    picture: UInt8[np.ndarray, "height width 3"], camera: Float[np.ndarray, "frames 4"]
) -> UInt8[np.ndarray, "frames height width 3"]:
    """Return a picture as the camera sees it in every frame; in the first it is as it is.

    Beyond its edges, where nobody knows what there is, it is mirrored.
    """
    height, width, _ = picture.shape
    maps = through_camera(camera, width / height)
    back = np.linalg.inv(maps[0]) @ maps
    y, x = np.meshgrid(*((np.arange(size) + 0.5) / size - 0.5 for size in (height, width)), indexing="ij")
    screen = np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
    frames = [picture if not moved else _looked_up(picture, screen, each) for each, moved in _moves(back)]
    return np.stack(frames)


def photographed(shot: Shot) -> bool:
    """Say whether a planned shot films a photograph."""
    return any(given.role == "frame" and given.shows is not None for given in shot.givens)


def with_film(known: Known, shot: Shot) -> Known:
    """Return what is known of a planned shot with the film of its photograph as its source, if it films one."""
    if not photographed(shot):
        return known
    path = filmed_path(shot.camera or (), shot.video_shape())
    return replace(known, source=filmed(known.canvas.frames[0], path))


def retouched(
    made: UInt8[np.ndarray, "frames height width 3"],
    before: UInt8[np.ndarray, "frames height width 3"],
    filmed: UInt8[np.ndarray, "frames filmed_height filmed_width 3"],
) -> UInt8[np.ndarray, "frames filmed_height filmed_width 3"]:
    """Return a filmed photograph changed by as much as what was `made` differs from what was there `before`.

    Those two may be smaller than the photograph, which keeps what they cannot show of it.
    """
    change = made.astype(np.float32) - before
    down, across = (_between(old, new) for old, new in zip(change.shape[1:3], filmed.shape[1:3], strict=True))
    wide = np.einsum("yh,fhwc->fywc", down, change, optimize=True)
    large = np.einsum("xw,fywc->fyxc", across, wide, optimize=True)
    return np.rint(np.clip(filmed + large, 0, 255)).astype(np.uint8)


def _between(old: int, new: int) -> Float32[np.ndarray, "new old"]:
    """Return the share of each of `old` pixels in each of `new` ones of the same edge: linear, held beyond the ends."""
    places = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    return np.clip(1 - np.abs(places[:, None] - np.arange(old)), 0, None).astype(np.float32)


def _moves(back: Float[np.ndarray, "frames 3 3"]) -> list[tuple[Float[np.ndarray, "3 3"], bool]]:
    return [(each, not np.allclose(each, np.eye(3))) for each in back]


def _looked_up(
    picture: UInt8[np.ndarray, "height width 3"],
    screen: Float[np.ndarray, "3 pixels"],
    back: Float[np.ndarray, "3 3"],
) -> UInt8[np.ndarray, "height width 3"]:
    """Return what a camera shows of a picture, `back` leading from its screen to the picture; bilinear."""
    height, width, _ = picture.shape
    across, down, _ = back @ screen
    columns, left, right = _mirrored((across + 0.5) * width - 0.5, width)
    rows, top, bottom = _mirrored((down + 0.5) * height - 0.5, height)
    pixels = picture.astype(np.float32)
    above = pixels[top, left] * (1 - columns) + pixels[top, right] * columns
    below = pixels[bottom, left] * (1 - columns) + pixels[bottom, right] * columns
    seen = above * (1 - rows) + below * rows
    return np.rint(seen).astype(np.uint8).reshape(picture.shape)


def _mirrored(
    places: Float[np.ndarray, " pixels"], size: int
) -> tuple[Float32[np.ndarray, "pixels 1"], np.ndarray, np.ndarray]:
    """Return the share of the second, and the first and second pixel between which places lie, mirrored at the ends."""
    first = np.floor(places)
    share = (places - first).astype(np.float32)[:, None]
    around = [np.mod(first.astype(int) + step, 2 * size) for step in (0, 1)]
    low, high = (np.where(place < size, place, 2 * size - 1 - place) for place in around)
    return share, low, high
