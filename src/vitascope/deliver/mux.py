"""Frames to an MP4 file that plays everywhere: H.264, yuv420p, the index first, a poster, its own settings.

The same clip gives the same bytes: one encoder thread, no dates, no names of libraries in the container.
"""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Protocol, runtime_checkable

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.stream import Disposition
from av.video.stream import VideoStream
from jaxtyping import Float32, UInt8

from vitascope.deliver.names import check_output
from vitascope.deliver.provenance.marks import marks_of
from vitascope.deliver.provenance.watermark import Embedder, mark_frame
from vitascope.deliver.record import forget, from_tags, to_tags
from vitascope.deliver.thumbnail import poster
from vitascope.errors import InputFileError
from vitascope.files import published
from vitascope.types import Clip, Record

CONTAINER = {"movflags": "+faststart", "fflags": "+bitexact"}
# Looking four frames ahead, not fifty, costs 0.2 dB at the same size; a stream shows its first picture after seven.
ENCODER = {"crf": "14.5", "preset": "slow", "rc-lookahead": "4", "flags": "+bitexact"}
# x264's AVX-512 code gives other bytes now and then for pictures narrower than 80 pixels; its SSE4.2 code never did.
SAME_BYTES = {"x264-params": "asm=SSE4.2"} if platform.machine().lower() in ("x86_64", "amd64") else {}
BT709 = 1
"""BT.709 in FFmpeg's lists of primaries, transfer curves and matrices."""
LIMITED_RANGE = 1
SOUND_BITS = 96_000
"""Bits a second of each channel of sound."""


@runtime_checkable
class Heard(Protocol):
    """What may have sound: a clip, or the stream of one."""

    @property
    def sound(self) -> Float32[np.ndarray, "channels samples"] | None:
        """The sound, -1..1."""
        ...

    @property
    def sample_rate(self) -> int | None:
        """Samples a second."""
        ...


@dataclass(frozen=True)
class Movie:
    """A file of ours, read back."""

    frames: UInt8[np.ndarray, "frames height width 3"]
    fps: float
    record: Record


def save(clip: Clip, path: Path, *, force: bool = False) -> Path:
    """Write a clip to `path` at once or not at all, and return the path.

    Raises `OutputExistsError` for a file that exists (unless `force`) and `OutputError` when writing fails.
    """
    check_output(path, force=force)
    marks = marks_of(clip.record)
    with published(path, force=force) as part:
        encode(clip, part, watermark=None if marks is None else marks.watermark)
        if marks is not None:
            marks.seal(part)
    return path


def encode(
    clip: Clip, path: Path, encoder: Mapping[str, str] = ENCODER, watermark: Embedder | None = None
) -> None:
    """Encode a clip into the file at `path`, with a watermark in its frames; raises `OSError` when the disk does."""
    _, height, width, _ = clip.frames.shape
    with av.open(str(path), "w", format="mp4", options=CONTAINER) as container:
        container.metadata.update(to_tags(clip.record))
        video = add_video(container, clip.fps, width, height, encoder)
        sound = add_sound(container, clip)
        cover = add_cover(container, width, height)
        for packet in packets(video, (clip.frames,), watermark):
            container.mux(packet)
        for packet in sound:
            container.mux(packet)
        container.mux(cover_packet(cover, poster(clip.frames, watermark)))


def add_cover(container: OutputContainer, width: int, height: int) -> VideoStream:
    """Return a new track for the picture that shows a file where files are listed."""
    cover = container.add_stream("mjpeg", rate=1)
    cover.width, cover.height, cover.pix_fmt = width, height, "yuvj444p"
    cover.disposition = Disposition.attached_pic
    return cover


def cover_packet(cover: VideoStream, picture: bytes) -> av.Packet:
    """Return the only packet of a cover: a JPEG."""
    packet = av.Packet(picture)
    packet.stream, packet.pts, packet.dts, packet.is_keyframe = cover, 0, 0, True
    return packet


def add_video(
    container: OutputContainer,
    fps: float,
    width: int,
    height: int,
    encoder: Mapping[str, str] = ENCODER,
) -> VideoStream:
    """Return a new H.264 track whose packets depend on nothing but its frames."""
    rate = Fraction(fps).limit_denominator(1001)
    video = container.add_stream("libx264", rate=rate, options={**encoder, **SAME_BYTES})
    video.width, video.height, video.pix_fmt = width, height, "yuv420p"
    context = video.codec_context
    context.thread_count = 1
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED_RANGE
    return video


def add_sound(container: OutputContainer, clip: Heard) -> Iterator[av.Packet]:
    """Add a track for a clip's sound, if it has any, and return its packets (AAC), made as they are taken."""
    if clip.sound is None or clip.sample_rate is None:
        return iter(())
    layout = "mono" if len(clip.sound) == 1 else "stereo"
    track = container.add_stream("aac", rate=clip.sample_rate, layout=layout, options={"flags": "+bitexact"})
    track.codec_context.bit_rate = SOUND_BITS * len(clip.sound[:2])
    heard = av.AudioFrame.from_ndarray(np.ascontiguousarray(clip.sound[:2]), format="fltp", layout=layout)
    heard.sample_rate, heard.pts = clip.sample_rate, 0
    return chain.from_iterable(track.encode(frame) for frame in (heard, None))


def packets(
    video: VideoStream,
    chunks: Iterable[UInt8[np.ndarray, "frames height width 3"]],
    watermark: Embedder | None = None,
) -> Iterator[av.Packet]:
    """Yield the packets of all frames in order; how the frames are cut into chunks makes no difference."""
    for chunk in chunks:
        for frame in chunk:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            coded = picture.reformat(format="yuv420p", dst_colorspace="ITU709", threads=1)
            if watermark is not None:
                mark_frame(coded, watermark)
            yield from video.encode(coded)
    yield from video.encode(None)


def read_record(path: Path) -> Record:
    """Return how a file was made; raises `InputFileError` naming a file that is not ours."""
    with _opened(path) as container:
        return from_tags(container.metadata)


def forget_record_of(path: Path) -> None:
    """Remove the private record of a file of ours from the home folder, if there is one."""
    with suppress(InputFileError), _opened(path) as container:
        forget(container.metadata)


def frames_of(path: Path) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """Yield the frames of a file of ours, one at a time; raises `InputFileError`."""
    with _opened(path) as container:
        for frame in container.decode(container.streams.video[0]):
            yield frame.to_ndarray(format="rgb24")


def read(path: Path) -> Movie:
    """Return frames, frame rate and record of a file of ours; raises `InputFileError`."""
    with _opened(path) as container:
        record = from_tags(container.metadata)
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return Movie(np.stack(frames), float(stream.average_rate or 0), record)


OURS = "mov,mp4,m4a,3gp,3g2,mj2"
"""What FFmpeg calls the format of our clips."""


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    try:
        # A playlist by the name of a clip would open files that it names.
        with av.open(
            str(path), options={"format_whitelist": OURS, "protocol_whitelist": "file"}
        ) as container:
            yield container
    except InputFileError as error:
        raise InputFileError(f"file: {path}: {error}") from None
    except IndexError:
        raise InputFileError(f"file: {path} has no video in it") from None
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "not a video"
        raise InputFileError(f"file: {path} could not be read ({reason})") from None
