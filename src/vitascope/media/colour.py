"""Wide and high dynamic range to what every screen shows: BT.2020 and Display P3, HLG and PQ, become BT.709."""

from functools import cache

import numpy as np
from av import VideoFrame
from jaxtyping import Float32, UInt8, UInt16

PQ, HLG = 16, 18
"""Transfer curves in FFmpeg's list (ITU-T H.273)."""
HDR_NAMES = {PQ: "PQ", HLG: "HLG"}
WIDE_NAMES = {9: "BT.2020", 12: "Display P3"}
"""Primaries in FFmpeg's list that reach beyond BT.709."""
WHITE_NITS = 203.0
"""How bright white paper is in HDR (ITU-R BT.2408)."""
PEAK_NITS = 1000.0
"""How bright the brightest light is taken to be; HLG's nominal peak."""
KNEE = 0.6
"""Share of white up to which nothing is changed; all above it up to the peak is pressed together."""
SCREEN_GAMMA = 2.4
"""Of the screen that BT.709 is watched on (ITU-R BT.1886)."""
_TO_BT709 = {
    9: ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187)),
    12: ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979)),
}
"""Linear light of other primaries to that of BT.709 (ITU-R BT.2087 for BT.2020)."""


def colour_range(frame: VideoFrame) -> str:
    """Return in words how a frame's colours reach beyond BT.709, "" where they do not."""
    return HDR_NAMES.get(int(frame.color_trc), "") or WIDE_NAMES.get(int(frame.color_primaries), "")


def tone_mapped(
    frame_rgb: UInt16[np.ndarray, "height width 3"], curve: int, primaries: int
) -> UInt8[np.ndarray, "height width 3"]:
    """Return a picture of a transfer curve and primaries (FFmpeg's numbers) as BT.709 shows it, in 8 bits."""
    light = _light(curve)[frame_rgb]
    if curve == HLG:
        # The look of HLG depends on the brightness of the screen (ITU-R BT.2100): here one of 1000 nits.
        bright = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        light *= np.power(np.maximum(bright, 1e-6), np.float32(0.2))[..., None]
    if curve in HDR_NAMES:
        light *= np.float32(PEAK_NITS / WHITE_NITS)
    if (matrix := _TO_BT709.get(primaries)) is not None:
        light = light @ np.array(matrix, np.float32).T
    light = np.maximum(light, 0)
    if curve in HDR_NAMES:
        brightest = np.maximum(light.max(axis=-1, keepdims=True), np.float32(1e-6))
        light *= _pressed(brightest) / brightest
    coded = np.power(np.minimum(light, 1), np.float32(1 / SCREEN_GAMMA))
    return (coded * 255 + np.float32(0.5)).astype(np.uint8)


def _pressed(light: Float32[np.ndarray, "height width 1"]) -> Float32[np.ndarray, "height width 1"]:
    """Return light in shares of white with all up to the peak pressed below 1: straight, then a smooth knee."""
    reach = PEAK_NITS / WHITE_NITS - KNEE
    bend = 1 / (reach / (1 - KNEE) - 1)
    above = np.clip((light - KNEE) / reach, 0, 1)
    knee = KNEE + (1 - KNEE) * (1 + bend) * above / (above + bend)
    return np.where(light > KNEE, knee, light).astype(np.float32)


@cache
def _light(curve: int) -> Float32[np.ndarray, " values"]:
    """Return the light of each 16-bit value: shares of the peak for HDR curves, of white for others."""
    value = np.arange(65536, dtype=np.float64) / 65535
    if curve == PQ:  # SMPTE ST 2084
        root = np.power(value, 1 / 78.84375)
        light = np.power(np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root), 1 / 0.1593017578125)
        return np.minimum(light * 10000 / PEAK_NITS, 1).astype(np.float32)
    if curve == HLG:  # ITU-R BT.2100
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        return np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12).astype(np.float32)
    return np.power(value, SCREEN_GAMMA).astype(np.float32)
