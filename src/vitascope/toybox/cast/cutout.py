"""Cuts a subject out of a photograph: by its own alpha, by the plain ground around it, else by GrabCut."""

from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vitascope.errors import RequestError

Cut = UInt8[np.ndarray, "height width 4"]
WORKING_SIZE = 512
"""Pixels of the longer side at which a photograph is cut out: a page has 128."""
GRAB_SIZE = 256
"""Pixels of the longer side of the box at which GrabCut works: its time grows faster than its pixels."""
ROUNDS = 5
MIDDLE = 0.82
"""Share of a box that is probably the subject."""
AROUND = 0.1
"""Share of a picture around the box that shows GrabCut what the ground looks like."""
HOLE = 0.12
"""Share of a subject that a hole in it may have to be filled."""
PLAIN = 14
"""Levels that the edge of a picture may vary for its ground to be a plain colour."""
MARGIN = 0.03
"""Share of a picture at its edge that is taken for ground where no box is given."""


def shrink(picture: Cut) -> Cut:
    """Return a picture whose longer side has at most `WORKING_SIZE` pixels."""
    height, width = picture.shape[:2]
    scale = WORKING_SIZE / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def cut_out(picture: Cut, box: tuple[float, float, float, float] | None = None) -> tuple[Cut, str]:
    """Return a picture with what is not its subject made transparent, and how that was found.

    Alpha is used where there is any. `box` is where the subject is: left, top, width, height in shares of the
    picture. Raises RequestError where a photograph needs OpenCV, which is not installed, or nothing is found in it.
    """
    picture = shrink(picture)
    if (picture[..., 3] < 250).mean() > 0.01:
        return picture, "its own alpha"
    alpha = None if box is not None else _plain_ground(picture[..., :3])
    how = "its plain ground"
    if alpha is None:
        alpha, how = (
            _grab(picture[..., :3], box or (MARGIN, MARGIN, 1 - 2 * MARGIN, 1 - 2 * MARGIN)),
            "GrabCut",
        )
    shown = (alpha > 127).mean()
    if not 0.01 < shown < 0.98:
        raise RequestError(
            "FILES",
            "show nothing that stands out from its ground",
            "say where it is, in shares of the picture: --box LEFT,TOP,WIDTH,HEIGHT",
        )
    return np.dstack([picture[..., :3], alpha]), how


def _plain_ground(pixels: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width"] | None:
    """Return the alpha of what differs from a ground of one colour; None where the edge has more than one."""
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).astype(np.float32)
    ground = np.median(edge, axis=0)
    if np.percentile(np.abs(edge - ground).max(axis=1), 90) > PLAIN:
        return None
    difference = np.abs(pixels.astype(np.float32) - ground).max(axis=2)
    outside = _flood(difference < 2 * PLAIN)
    return np.where(outside, 0, 255).astype(np.uint8)


def _flood(open_: np.ndarray) -> np.ndarray:
    """Return which open pixels hang together with the picture's edge."""
    reached = np.zeros_like(open_)
    reached[[0, -1]], reached[:, [0, -1]] = open_[[0, -1]], open_[:, [0, -1]]
    while True:
        grown = reached.copy()
        for axis in (0, 1):
            for turn in (1, -1):
                line = np.moveaxis(grown, axis, 0)[::turn]
                gate = np.moveaxis(open_, axis, 0)[::turn]
                for place in range(1, len(line)):
                    line[place] |= line[place - 1] & gate[place]
        if (grown == reached).all():
            return reached
        reached = grown


def _opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise RequestError(
            "FILES",
            "hold a photograph without alpha, and OpenCV, which cuts it out, is not installed",
            'pip install ".[cutout]" from a checkout, or give a PNG whose ground is transparent or of one colour',
        ) from None
    return cv2


def _grab(
    pixels: UInt8[np.ndarray, "height width 3"], box: tuple[float, float, float, float]
) -> UInt8[np.ndarray, "height width"]:
    """Return the alpha of what is in a box by GrabCut (Rother et al. 2004), its largest piece, with a soft edge.

    What is around the middle of the box is probably the subject, and all that is outside it is its ground: a person
    stands in the middle of a photograph and is cut off by its lower edge. Holes are filled.
    """
    cv2 = _opencv()
    height, width = pixels.shape[:2]
    scale = min(1.0, GRAB_SIZE / max(box[2] * width, box[3] * height))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
    left, top, right, bottom = (
        round(share * side)
        for share, side in zip(
            (box[0] - AROUND, box[1] - AROUND, box[0] + box[2] + AROUND, box[1] + box[3] + AROUND),
            size * 2,
            strict=True,
        )
    )
    part = slice(max(0, top), bottom), slice(max(0, left), right)
    mask = _first_guess(cv2, size, box)[part]
    models = np.zeros((1, 65)), np.zeros((1, 65))
    # GrabCut draws its first clusters by chance: the same picture must give the same page.
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.ascontiguousarray(small[part][..., ::-1]), mask, None, *models, ROUNDS, cv2.GC_INIT_WITH_MASK
    )
    shown = np.zeros(size[::-1], np.uint8)
    shown[part] = _largest_piece(cv2, np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)) * 255
    soft = cv2.GaussianBlur(shown, (0, 0), 1.0)
    return np.asarray(Image.fromarray(soft).resize((width, height), Image.Resampling.BICUBIC))


def _first_guess(
    cv2: Any, size: tuple[int, int], box: tuple[float, float, float, float]
) -> UInt8[np.ndarray, "height width"]:
    """Return GrabCut's first mask: ground outside the box, a subject probably in its middle."""
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width]
    across = ((columns + 0.5) / width - box[0]) / box[2]
    down = ((rows + 0.5) / height - box[1]) / box[3]
    mask = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    mask[np.hypot(across - 0.5, down - 0.5) < MIDDLE / 2] = cv2.GC_PR_FGD
    # Below its middle a subject may reach the picture's edge.
    outside = (across < 0) | (across > 1) | (down < 0) | ((down > 1) & (np.abs(across - 0.5) > 0.3))
    mask[outside] = cv2.GC_BGD
    return mask


def _largest_piece(cv2: Any, shown: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width"]:
    """Return the largest piece of a mask of 0 and 1 without its smaller holes."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(shown)
    if count < 2:
        return shown
    piece = (labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - piece, connectivity=4)
    edge = {*labels[0], *labels[-1], *labels[:, 0], *labels[:, -1]}
    most = HOLE * piece.sum()
    for hole in range(1, count):
        if hole not in edge and stats[hole, cv2.CC_STAT_AREA] < most:
            piece[labels == hole] = 1
    return piece
