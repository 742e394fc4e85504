"""The invisible watermark: a pattern of 64x64 cells, repeated over every frame, that says 64 bits.

The pattern is a sum of waves. Their frequencies and signs come from a key; some of them are a pilot, by which a
reader finds scale, place and mirroring, and the others carry two signs of the code, in their real and imaginary parts.
The host's own share in a wave is known while it is written, so only what is missing is added, and less of it where the
picture is flat (informed embedding: Miller, Doërr, Cox, 2004). Frames are marked one by one, and each says all bits.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import shake_256

import av
import numpy as np
from av.video.plane import VideoPlane
from jaxtyping import Float, Float32, UInt8
from PIL import Image, ImageChops, ImageFilter

from vitascope.deliver.provenance.codes import CODED, Payload, encode
from vitascope.deliver.provenance.label import Label

Luma = UInt8[np.ndarray, "height width"]

TILE = 64
INNER, OUTER = 9.5, 15.3
"""Waves from 64/15.3 to 64/9.5 cells long: longer ones drown in the picture, shorter ones end at half size."""
REPEATS = 2
"""How often each sign of the code is written, by waves of different lengths."""
PILOTS = 36
CELL_SIDE = 360
"""A cell is as many pixels wide as this goes into a frame's shorter side."""
RADIUS = 12
"""Of the blur, in cells, whose difference to the picture is what waves are looked for in."""
CLIP = 2.5
"""Where the picture differs more from its blur than so many times the usual there, it is cut off."""
FLAT = 6.0
"""Luma steps that are added to what is usual: the smaller, the less is seen in skies, and survives there."""
_FOUR_TIMES = [min(255, 4 * level) for level in range(256)]
LEAST_SIDE = 64
"""Pictures smaller than this have no room for a tile, and are not marked."""
PUBLIC_KEY = b"vitascope watermark 1"
"""The key that every installation reads with: what it hides from is compression, not people."""


RMS = 1.68
"""What may be added to a frame, root mean square in luma steps of limited range: 42.3 dB against the unmarked frame."""
FLAT_RMS = 1.5
"""What may be added where the picture is flat and every grain would be seen."""
MOST_LACK = 3.0
"""A wave in which the host says the opposite is made up for by no more than so many times the mean strength."""


@dataclass(frozen=True)
class Carriers:
    """The waves of a key: their frequencies (y, x) in half a plane, which are pilots, and every wave's sign pair."""

    frequencies: np.ndarray
    pilot: np.ndarray
    data: np.ndarray
    signs: np.ndarray
    rings: np.ndarray
    """Which of eight rings each frequency lies in, from the longest waves to the shortest."""

    def spectrum(self, payload: Payload) -> np.ndarray:
        """Return each wave's sign pair as a complex number, for what a payload says."""
        coded = encode(payload.bits()).astype(np.float64)
        pairs = np.tile(coded[0::2] + 1j * coded[1::2], REPEATS)
        whole = np.ones(len(self.frequencies), np.complex128) * (1 + 1j)
        whole[self.data] = pairs
        real, imaginary = np.real(whole) * np.real(self.signs), np.imag(whole) * np.imag(self.signs)
        return real + 1j * imaginary


@cache
def carriers(key: bytes) -> Carriers:
    """Return the waves of a key."""
    side = int(OUTER) + 1
    grid = [(y, x) for y in range(side) for x in range(-side, side + 1) if y > 0 or x > 0]
    band = np.array([(y, x) for y, x in grid if INNER <= np.hypot(y, x) <= OUTER])
    drawn = np.frombuffer(shake_256(b"waves" + key).digest(8 * len(band)), np.uint64)
    order = np.argsort(drawn, kind="stable")
    # Pilots and data lie at all frequencies: of each three neighbours on the way outwards one is a pilot, by chance.
    needed = REPEATS * CODED // 2 + PILOTS
    radius = np.hypot(*band.T)
    kept = (
        np.sort(order)
        if len(band) <= needed
        else np.argsort(radius + 1e-9 * drawn.astype(float), kind="stable")[:needed]
    )
    assert len(kept) == needed, len(band)
    shuffled = kept[np.argsort(drawn[kept], kind="stable")]
    bits = np.unpackbits(np.frombuffer(shake_256(b"signs" + key).digest(needed // 4 + 1), np.uint8))
    signs = 1.0 - 2.0 * bits[: 2 * needed].astype(np.float64)
    frequencies = band[shuffled]
    rings = np.argsort(np.argsort(np.hypot(*frequencies.T), kind="stable"), kind="stable") * 8 // needed
    return Carriers(
        frequencies, np.arange(PILOTS), np.arange(PILOTS, needed), signs[0::2] + 1j * signs[1::2], rings
    )


def cell_size(width: int, height: int) -> int:
    """Return how many pixels wide a cell of the pattern is in a frame."""
    return max(1, round(min(width, height) / CELL_SIDE))


def normalised(
    luma: UInt8[np.ndarray, "height width"], cell: int = 1
) -> tuple[Float32[np.ndarray, "height width"], Float32[np.ndarray, "height width"]]:
    """Return how a picture differs from its blur, as a multiple of what is usual there, and what is usual.

    So busy parts count no more than flat ones, where little hides a wave and little hides it from a reader.
    """
    height, width = luma.shape
    picture = Image.fromarray(luma)
    # All that is slowly changing is worked out on small pictures and made large again: it takes a third of the time.
    quarter = picture.reduce(min(4 * cell, height, width))
    blurred = quarter.filter(ImageFilter.BoxBlur(RADIUS / 4)).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    apart = np.subtract(luma, np.asarray(blurred), dtype=np.int16)
    # Fine detail hides a wave beside it; an edge does not, so its blocks count as their calmest neighbour.
    half = picture.reduce(min(2 * cell, height, width))
    near = ImageChops.difference(half, half.filter(ImageFilter.BoxBlur(1))).point(_FOUR_TIMES)
    usual = near.reduce(min(2, *near.size)).filter(ImageFilter.MinFilter(3)).filter(ImageFilter.BoxBlur(1))
    wide = Image.fromarray(np.asarray(usual, np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    mask = np.asarray(wide) * np.float32(0.5) + np.float32(FLAT)
    ratio = apart / mask
    return np.clip(ratio, -CLIP, CLIP, out=ratio), mask


class Embedder:
    """Marks the luma of frames with one payload; what it does to a frame depends on that frame alone."""

    def __init__(
        self, payload: Payload, key: bytes = PUBLIC_KEY, rms: float = RMS, label: Label | None = None
    ):
        """Mark with a payload under a key, adding so much to each frame; a `label` is for all to see."""
        self.label = label
        self._waves, self._rms = carriers(key), rms
        self._wanted = self._waves.spectrum(payload)

    def __call__(self, luma: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width"]:
        """Return the luma of a frame with the watermark in it."""
        height, width = luma.shape
        if min(height, width) < LEAST_SIDE:
            return luma
        cell = cell_size(width, height)
        ratio, mask = normalised(luma, cell)
        # The mean square of a picture full of the pattern, times the mask, is what is seen of it.
        strength = min(self._rms / float(np.sqrt(np.mean(np.square(mask)))), FLAT_RMS / FLAT)
        added = _spread(self._tile(_folded(ratio, cell), strength), height, width, cell)
        added *= mask
        # The mask and the pattern may go together: the budget is what is added, not what was expected.
        rms = float(np.sqrt(np.mean(np.square(added))))
        if rms > self._rms:
            added *= self._rms / rms
        np.rint(added, out=added)
        out = added.astype(np.int16)
        out += luma
        return np.clip(out, 0, 255, out=out).astype(np.uint8)

    def _tile(self, folded: Float[np.ndarray, "64 64"], rms: float) -> Float32[np.ndarray, "64 64"]:
        """Return the pattern of one tile: all waves are brought as far as its mean square allows."""
        y, x, wanted = *self._waves.frequencies.T, self._wanted
        host = np.fft.fft2(folded)[y, x] / TILE**2
        there = np.concatenate([np.real(wanted) * np.real(host), np.imag(wanted) * np.imag(host)])
        # A wave with the amplitudes a and b of its cosine and sine has the mean square 2 (a² + b²).
        mean = rms / np.sqrt(2 * len(there))
        # More than the mean is never needed: a frame that is marked already is left as it is.
        low, high = 0.0, mean
        for _ in range(30):
            aim = (low + high) / 2
            lack = np.clip(aim - there, 0.0, MOST_LACK * mean)
            low, high = (aim, high) if 2 * np.sum(np.square(lack)) < rms**2 else (low, aim)
        lack = np.clip(low - there, 0.0, MOST_LACK * mean)
        pairs = np.real(wanted) * lack[: len(y)] + 1j * np.imag(wanted) * lack[len(y) :]
        spectrum = np.zeros((TILE, TILE), np.complex128)
        spectrum[y, x], spectrum[-y, -x] = pairs, pairs.conj()
        return (np.real(np.fft.ifft2(spectrum)) * TILE**2).astype(np.float32)


def mark_frame(frame: av.VideoFrame, embedder: Embedder) -> None:
    """Mark a frame in yuv420p of limited range where it lies, and label it if that is wanted."""
    if embedder.label is not None:
        left, top, right, bottom = embedder.label.box(frame.width, frame.height)
        for plane in frame.planes[1:]:
            colours = _lines(plane)
            colours[top // 2 : bottom // 2, left // 2 : right // 2] = 128
            _write(plane, colours)
    luma = _lines(frame.planes[0])
    if embedder.label is not None:
        embedder.label.draw(luma, 16, 235)
    _write(frame.planes[0], embedder(luma))


def _lines(plane: VideoPlane) -> Luma:
    """Return a copy of a plane without the padding of its lines."""
    whole = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return whole[: plane.height, : plane.width].copy()


def _write(plane: VideoPlane, lines: Luma) -> None:
    whole = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size).copy()
    whole[: plane.height, : plane.width] = lines
    plane.update(whole.tobytes())


def mark_picture(
    picture: UInt8[np.ndarray, "height width 3"], embedder: Embedder
) -> UInt8[np.ndarray, "height width 3"]:
    """Return an RGB picture with the watermark in its luma, labelled if that is wanted."""
    if embedder.label is not None:
        picture, (height, width, _) = picture.copy(), picture.shape
        left, top, right, bottom = embedder.label.box(width, height)
        ground = np.zeros((height, width), np.uint8)
        embedder.label.draw(ground)
        picture[top:bottom, left:right] = ground[top:bottom, left:right, None]
    luma = np.asarray(Image.fromarray(picture).convert("L"))
    added = embedder(luma).astype(np.int16) - luma
    return np.clip(picture + added[..., None], 0, 255).astype(np.uint8)


def _folded(apart: Float32[np.ndarray, "height width"], cell: int) -> Float[np.ndarray, "64 64"]:
    """Return the mean over all tiles of a frame, as its pattern is written; cells that no tile has whole are 0."""
    height, width = apart.shape
    if cell > 1:
        whole = apart[: height // cell * cell, : width // cell * cell]
        apart = whole.reshape(height // cell, cell, width // cell, cell).mean(axis=(1, 3))
        height, width = apart.shape
    padded = np.zeros((-(-height // TILE) * TILE, -(-width // TILE) * TILE), np.float32)
    padded[:height, :width] = apart
    total = padded.reshape(padded.shape[0] // TILE, TILE, padded.shape[1] // TILE, TILE).sum(axis=(0, 2))
    return total / (height * width / TILE**2)


def _spread(
    tile: Float32[np.ndarray, "64 64"], height: int, width: int, cell: int
) -> Float32[np.ndarray, "height width"]:
    """Return a frame full of tiles, their first cell at its top left."""
    if cell > 1:
        tile = np.repeat(np.repeat(tile, cell, axis=0), cell, axis=1)
    side = TILE * cell
    return np.tile(tile, (-(-height // side), -(-width // side)))[:height, :width].copy()
