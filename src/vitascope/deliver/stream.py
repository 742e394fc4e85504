"""Frames to a fragmented MP4 that can be watched while it grows: written once from front to back, never sought in."""

import io
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from tempfile import TemporaryFile
from typing import Protocol, runtime_checkable

import av
import numpy as np
from jaxtyping import Float32, UInt8

from vitascope.deliver.mux import Heard, add_sound, add_video, packets
from vitascope.deliver.provenance.marks import Marks, marks_of
from vitascope.deliver.record import to_tags
from vitascope.errors import OutputError
from vitascope.types import Record

CONTAINER = {
    # A fragment is written when the next one begins: one for each frame, that nobody waits for more than one more.
    "movflags": "+frag_every_frame+empty_moov+default_base_moof",
    "flush_packets": "1",
    "fflags": "+bitexact",
}
WITH_SOUND = {**CONTAINER, "movflags": "+empty_moov+default_base_moof", "frag_duration": "100000"}
"""A fragment of each frame would hold the sound of no time of its own: fragments of 0.1 s hold both."""


@runtime_checkable
class Sink(Protocol):
    """Any binary file that is open for writing: a pipe, a socket's file, stdout, a file on a disk."""

    def write(self, data: memoryview, /) -> int | None:
        """Take bytes, and return how many."""
        ...

    def flush(self) -> None:
        """Pass on what was taken."""
        ...


class Pipe:
    """The part of a binary file that a pipe has too, which is all that the muxer gets to see."""

    def __init__(self, out: Sink, copy: io.BufferedIOBase | None = None):
        """Write to `out`, and to a file that can be read again, for what is signed is read twice."""
        self._out, self._copy = out, copy

    def write(self, data: bytes) -> int:
        """Write all of it at once; raises `BrokenPipeError` and, for what else can go wrong, `OutputError`."""
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._out.write(rest) or 0 :]
            self._out.flush()
            if self._copy is not None:
                self._copy.write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"output: the stream could not be written ({error.strerror})") from None
        return len(data)


@dataclass(frozen=True)
class Track:
    """The sound of a stream, -1..1, and its samples a second."""

    sound: Float32[np.ndarray, "channels samples"] | None = None
    sample_rate: int | None = None


SILENT = Track()


def stream(
    frames: Iterator[UInt8[np.ndarray, "frames height width 3"]],
    fps: float,
    record: Record,
    out: Sink,
    track: Heard = SILENT,
) -> None:
    """Write a clip to `out` as its chunks of frames come, in memory that does not grow with it.

    Decoded, the frames are those of the file that `deliver.mux` makes of the same frames. The record must be whole
    before the first frame, because it comes first. The signature comes last.
    Raises `BrokenPipeError` when the reader leaves.
    """
    first = next(frames)
    height, width = first.shape[1:3]
    marks = marks_of(record)
    with TemporaryFile() if marks else nullcontext() as copy:
        pipe = Pipe(out, copy)
        _stream(pipe, chain((first,), frames), (width, height), fps, record, track, marks)
        if marks is not None and copy is not None:
            pipe.write(marks.end(copy))


def _stream(
    pipe: "Pipe",
    frames: Iterator[UInt8[np.ndarray, "frames height width 3"]],
    size: tuple[int, int],
    fps: float,
    record: Record,
    track: Heard,
    marks: Marks | None,
) -> None:
    options = CONTAINER if track.sound is None else WITH_SOUND
    with av.open(pipe, "w", format="mp4", options=options) as container:
        container.metadata.update(to_tags(record))
        video = add_video(container, fps, *size)
        sound = add_sound(container, track)
        container.start_encoding()
        pictures = packets(video, frames, None if marks is None else marks.watermark)
        for packet in merge(pictures, sound, key=_second) if track.sound is not None else pictures:
            container.mux(packet)


def _second(packet: av.Packet) -> float:
    """Return when a packet is to be decoded."""
    return float((packet.dts or 0) * (packet.time_base or 0))
