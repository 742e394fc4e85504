"""What is known of a clip's pixels before it is made: the one value behind every task that is given pictures."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from vitascope.types import LatentSpec, VideoShape

FEATHER = 2.0
"""Pixels over which what was made fades into what was given."""
NEAR = (2.0, 6.0)
"""Radii within which colours are looked for that go on beyond an edge so soft."""


@dataclass(frozen=True)
class Canvas:
    """A clip's frames as far as they are known; `known` says which pixels are, and the others mean nothing."""

    frames: UInt8[np.ndarray, "frames height width 3"]
    known: Bool[np.ndarray, "frames height width"]

    @classmethod
    def empty(cls, shape: VideoShape) -> "Canvas":
        """Return the canvas of a clip of which nothing is known."""
        size = (shape.num_frames, shape.height, shape.width)
        return cls(np.zeros((*size, 3), np.uint8), np.zeros(size, bool))

    @property
    def whole(self) -> Bool[np.ndarray, " frames"]:
        """Which frames are wholly known."""
        return np.logical_and.reduce(self.known.reshape(len(self.known), -1), axis=1)

    @property
    def ready(self) -> int:
        """How many frames from the beginning on are wholly known."""
        return self.ready_after(0)

    def ready_after(self, count: int) -> int:
        """Return `ready` where so many frames are known to be, without a look at them or at what comes later."""
        while count < len(self.known) and self.known[count].all():
            count += 1
        return count

    def part(self, frames: slice) -> "Canvas":
        """Return the canvas of a span of the clip."""
        return Canvas(self.frames[frames], self.known[frames])

    def with_frames(
        self, start: int, frames: UInt8[np.ndarray, "count height width 3"], hold: int = 1
    ) -> "Canvas":
        """Return the canvas with whole frames known from frame `start` on; what does not fit is cut off.

        A single frame is held for `hold` frames that end with it, as far back as the clip goes: a picture in the
        midst of a clip is known to the network only as a whole latent frame.
        """
        if len(frames) == 1 and hold > 1:
            first = max(0, start - hold + 1)
            frames, start = np.repeat(frames, start - first + 1, axis=0), first
        stop = min(start + len(frames), len(self.frames))
        pixels, known = self.frames.copy(), self.known.copy()
        pixels[start:stop] = frames[: stop - start]
        known[start:stop] = True
        return Canvas(pixels, known)

    def fill(self, start: int, frames: UInt8[np.ndarray, "count height width 3"]) -> None:
        """Make whole frames known in place: the canvas of a long clip is too large to be copied for every window."""
        self.frames[start : start + len(frames)] = frames
        self.known[start : start + len(frames)] = True

    def without(self, wanted: Bool[np.ndarray, "frames height width"]) -> "Canvas":
        """Return the canvas with the wanted pixels unknown."""
        return replace(self, known=self.known & ~wanted)

    def cells(self, latents: LatentSpec) -> Bool[np.ndarray, "latent_frames rows columns"]:
        """Return which latent cells are given: those of which every pixel of every frame is known."""
        frames, height, width = self.known.shape
        side = latents.space_stride
        rows, columns = height // side, width // side
        tiles = np.all(
            self.known.reshape(frames, rows, side, columns, side), axis=(2, 4), keepdims=True
        ).reshape(frames, rows, columns)
        later = np.logical_and.reduce(tiles[1:].reshape(-1, latents.time_stride, rows, columns), axis=1)
        return np.concatenate([tiles[:1], later])

    def filled(self) -> UInt8[np.ndarray, "frames height width 3"]:
        """Return frames without holes, to be encoded: a hole takes the colours around it, a frame its neighbour."""
        some = np.logical_or.reduce(self.known.reshape(len(self.known), -1), axis=1)
        if not some.any():
            return self.frames
        filled = [
            _closed(frame, known) if known.any() else frame
            for frame, known in zip(self.frames, self.known, strict=True)
        ]
        places = np.flatnonzero(some)
        nearest = places[np.abs(np.arange(len(some))[:, None] - places).argmin(axis=1)]
        return np.stack([filled[place] for place in nearest])

    def composite(
        self, made: UInt8[np.ndarray, "frames height width 3"]
    ) -> UInt8[np.ndarray, "frames height width 3"]:
        """Return what was made with every known pixel as it was given, and a soft edge on the made side."""
        out = made.copy()
        for i, known in enumerate(self.known):
            if known.all():
                out[i] = self.frames[i]
            elif known.any():
                # Beyond the edge the given colours go on: what lies there may be bars, or what is to be gone.
                share, beyond = softened(known)[..., None], _closed(self.frames[i], known, NEAR)
                mixed = share * beyond + (1 - share) * made[i]
                out[i] = np.where(known[..., None], self.frames[i], np.rint(mixed).astype(np.uint8))
        return out


def _closed(
    frame: UInt8[np.ndarray, "height width 3"],
    known: Bool[np.ndarray, "height width"],
    radii: tuple[float, ...] = (2.0, 6.0, 18.0, 54.0),
) -> UInt8[np.ndarray, "height width 3"]:
    """Fill a frame's holes with the known colours around them, the nearest counting most."""
    if known.all():
        return frame
    total = np.zeros((*known.shape, 3), np.float32)
    weight = np.full((*known.shape, 1), 1e-6, np.float32)
    for radius in radii:
        share = _blurred(known.astype(np.float32), radius)[..., None]
        colour = np.stack([_blurred(frame[..., c] * known.astype(np.float32), radius) for c in range(3)], -1)
        total, weight = total + colour / radius**2, weight + share / radius**2
    return np.where(known[..., None], frame, np.clip(total / weight, 0, 255).astype(np.uint8))


def softened(
    known: Bool[np.ndarray, "height width"], radius: float = FEATHER
) -> Float32[np.ndarray, "height width"]:
    """Return how much of the given picture shows beyond the edge of what is known: 1 there, fading to 0."""
    return np.clip(2 * _blurred(known.astype(np.float32), radius), 0, 1)


def _blurred(
    plane: Float32[np.ndarray, "height width"], radius: float
) -> Float32[np.ndarray, "height width"]:
    """Return a plane with Gaussian blur, without darkening towards the borders."""
    down, across = (_kernel(size, radius) for size in plane.shape)
    return down @ plane @ across.T


def _kernel(size: int, radius: float) -> Float32[np.ndarray, "size size"]:
    places = np.arange(size, dtype=np.float32)
    weights = np.exp(((places[:, None] - places) / radius) ** 2 / -2)
    return weights / weights.sum(axis=1, keepdims=True)
