"""Givens to pixels: what a shot is given, read from its files and laid where it holds."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

from vitascope.errors import RequestError
from vitascope.givens.canvas import Canvas
from vitascope.media.fit import Placement, fit, fit_mask
from vitascope.media.image import read_mask, read_picture
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.media.limits import opened
from vitascope.media.video import notes, read_video
from vitascope.types import Given, Shot, VideoShape

Pixels = UInt8[np.ndarray, "height width 3"]
Frames = UInt8[np.ndarray, "frames height width 3"]


@dataclass(frozen=True)
class Piece:
    """A given as it lies in the shot: frames, which of their pixels are to be made anew, and what was done to it."""

    frames: Frames
    wanted: Bool[np.ndarray, "height width"]
    notes: tuple[str, ...] = ()


Read = Callable[[Given, VideoShape], Piece]
"""Reads a given's pictures at the frame rate and size of a shape, at most as many frames as that has."""


def read(given: Given, shape: VideoShape) -> Piece:
    """Read a given from its file. Raises `RequestError` for one that cannot be read."""
    size = (shape.width, shape.height)
    if given.kind == "image":
        picture = read_picture(given.source, "image")
        frames, placement = fit(picture.pixels[None], size, given.fit)
        return Piece(frames, _wanted(given, placement), (*notes(picture.facts, placement), *picture.notes))
    start = round((given.start or 0.0) * shape.fps)
    footage = read_video(
        given.source,
        "video",
        fps=shape.fps,
        size=size,
        how=given.fit,
        start=given.offset,
        max_frames=max(1, shape.num_frames - start),
    )
    return Piece(footage.frames, _wanted(given, footage.placement), footage.notes)


def _wanted(given: Given, placement: Placement) -> Bool[np.ndarray, "height width"]:
    """Return which pixels are to be made anew: bars beside the picture, and what a mask or a box says."""
    width, height = placement.size
    inner = np.zeros((height, width), bool)
    inner[placement.inner.slices] = True
    wanted = ~inner if given.role == "frame" else np.zeros_like(inner)
    if given.mask is not None:
        wanted |= inner & (fit_mask(sized(read_mask(given.mask, "mask"), placement.source), placement) > 0.5)
    if given.box is not None:
        wanted |= inner & _boxed(given.box, placement)
    return wanted


def sized(
    mask: Float32[np.ndarray, "height width"], size: tuple[int, int]
) -> Float32[np.ndarray, "source_height source_width"]:
    """Return a mask at the size (width, height) of the picture that it lies over, whatever its own."""
    if mask.shape == (size[1], size[0]):
        return mask
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR), np.float32)


def _boxed(box: tuple[float, float, float, float], placement: Placement) -> Bool[np.ndarray, "height width"]:
    """Return the pixels of a box that is said in shares of the file's own picture."""
    (wide, high), (width, height) = placement.source, placement.size
    left, top = placement.from_source(box[0] * wide, box[1] * high)
    right, bottom = placement.from_source((box[0] + box[2]) * wide, (box[1] + box[3]) * high)
    y, x = np.arange(height)[:, None] + 0.5, np.arange(width)[None] + 0.5
    return (x > left) & (x < right) & (y > top) & (y < bottom)


@dataclass(frozen=True)
class Known:
    """What is known of a clip in pixels: frames that stay, the clip that an edit starts from, and who is meant."""

    canvas: Canvas
    source: Frames | None = None
    references: tuple[Pixels, ...] = ()
    notes: tuple[str, ...] = ()


def gather(shot: Shot, time_stride: int, read: Read = read) -> Known:
    """Read a resolved shot's givens and lay them where they hold; later ones lie over earlier ones.

    A model reads `time_stride` frames as one: a picture in the midst of the shot fills all of those.
    """
    shape = shot.video_shape()
    known = Known(Canvas.empty(shape))
    for given in shot.givens:
        piece = read(given, shape)
        known = replace(known, notes=known.notes + piece.notes)
        match given.role:
            case "frame":
                known = replace(known, canvas=_laid(known.canvas, given, piece, shape, time_stride))
            case "source":
                known = replace(known, source=_lasting(piece.frames, shape.num_frames))
            case "reference":
                known = replace(known, references=(*known.references, piece.frames[0]))
            case "sound" | "pose" | "face":
                pass
    return known


def pinned(shot: Shot, inspector: Inspector = LOCAL) -> Shot:
    """Return a planned shot whose givens say which files they are, by checksum, and hold within the shot.

    How long that is, may be unknown: a server decides it.

    Raises `RequestError` for a file that cannot be read, or is no longer the one that the shot was made from.
    """
    last = math.inf
    if shot.num_frames is not None and shot.fps is not None:
        last = (shot.num_frames - 1) / shot.fps
    givens = []
    for given in shot.givens:
        _check(given, inspector)
        with opened(given.kind, given.source) as source:
            found = checksum(source.file)
        if given.sha256 not in (None, found):
            problem = f"{given.source} is not the file that this clip was made from"
            raise RequestError(given.kind, problem, "put that one in its place")
        start = None if given.start is None else min(given.start, last)
        givens.append(given.model_copy(update={"sha256": found, "start": start}))
    return shot.model_copy(update={"givens": tuple(givens)})


def checksum(file: BinaryIO) -> str:
    """Return the SHA-256 of a file that lies open, from where it is, in hexadecimal."""
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _check(given: Given, inspector: Inspector) -> None:
    """Raise `RequestError` for files that are not what they are given as."""
    if given.kind == "image":
        inspector.check_picture(given.source, given.kind)
    elif inspector.facts(given.source, given.kind).kind == "picture":
        raise RequestError(given.kind, f"{given.source} is a picture", "give it as an image")
    if given.mask is not None:
        inspector.check_picture(given.mask, "mask")


def _laid(canvas: Canvas, given: Given, piece: Piece, shape: VideoShape, time_stride: int) -> Canvas:
    if (given.kind == "image" or len(piece.frames) == 1) and given.start is not None:
        first, hold, frames = keyframe(given.start, shape, time_stride), time_stride, piece.frames[:1]
    else:
        first, hold, frames = round((given.start or 0.0) * shape.fps), 1, piece.frames
    if given.end is not None:
        frames = frames[: max(0, round(given.end * shape.fps) - first)]
    laid = canvas.with_frames(first, frames, hold)
    wanted = np.zeros(canvas.known.shape, bool)
    wanted[max(0, first - hold + 1) : first + len(frames)] = piece.wanted
    return laid.without(wanted)


def keyframe(seconds: float, shape: VideoShape, time_stride: int) -> int:
    """Return the frame that stands for a keyframe: the last of its latent frame, nearest to the time that was said."""
    return min(time_stride * round(seconds * shape.fps / time_stride), shape.num_frames - 1)


def _lasting(frames: Frames, count: int) -> UInt8[np.ndarray, "count height width 3"]:
    """Return `count` frames; the last one stays where there are too few."""
    return frames[np.minimum(np.arange(count), len(frames) - 1)]


def looped(known: Known, frames: Frames, time_stride: int) -> Known:
    """Return what is known of a clip that is to end where it begins, once one made freely has shown how it begins."""
    canvas = known.canvas.with_frames(0, frames[:1])
    return replace(known, canvas=canvas.with_frames(len(frames) - 1, frames[:1], hold=time_stride))
