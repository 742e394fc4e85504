"""The sound of a video, decoded under limits, on the clock of its pictures."""

from pathlib import Path

import numpy as np
from av.audio.resampler import AudioResampler
from jaxtyping import Float32

from vitascope.media.ffmpeg import opened_container, picture_start, sound_stream
from vitascope.media.limits import LIMITS, Limits, opened

SAMPLE_RATE = 48_000
"""Samples a second of all sound that comes in."""
MOST_CHANNELS = 2

Sound = Float32[np.ndarray, "channels samples"]


def read_sound(
    path: str | Path, argument: str = "video", *, start: float = 0.0, seconds: float, limits: Limits = LIMITS
) -> Sound | None:
    """Return what is heard of a video from second `start` of its pictures on, for `seconds`; None if it has no sound.

    The result has `SAMPLE_RATE` samples a second, one channel or two, and just as many samples as asked for: where the
    video has no sound it is silent. Raises `RequestError` for `argument` when the sound cannot be decoded.
    """
    wanted = round(min(seconds, limits.seconds) * SAMPLE_RATE)
    with opened(argument, path, limits) as source:
        if source.picture is not None:
            return None
        with source.decoding(), opened_container(source) as container:
            begin = picture_start(source, container, limits) + start
        with source.decoding(), opened_container(source) as container:
            stream = sound_stream(container)
            if stream is None:
                return None
            layout = "mono" if stream.channels == 1 else "stereo"
            result = np.zeros((1 if layout == "mono" else MOST_CHANNELS, wanted), np.float32)
            resampler = AudioResampler(format="fltp", layout=layout, rate=SAMPLE_RATE)
            place = None
            for frame in container.decode(stream):
                if place is None:
                    place = round(((frame.time or 0.0) - begin) * SAMPLE_RATE)
                frame.pts = None
                for heard in resampler.resample(frame):
                    place = _lay(result, heard.to_ndarray(), place)
                if place >= wanted:
                    return result
            for heard in resampler.resample(None) if place is not None else ():
                place = _lay(result, heard.to_ndarray(), place or 0)
            return result


def _lay(result: np.ndarray, heard: np.ndarray, place: int) -> int:
    """Lay samples into a sound at a place, as far as they lie in it, and return the place after them."""
    end = place + heard.shape[1]
    first, last = max(place, 0), min(end, result.shape[1])
    if first < last:
        clear = np.nan_to_num(heard[:, first - place : last - place], posinf=0.0, neginf=0.0)
        result[:, first:last] = np.clip(clear, -1, 1)
    return end
