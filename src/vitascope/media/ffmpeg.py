"""Videos by FFmpeg's decoders: their facts, and their frames upright in 8-bit RGB."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vitascope.media.image import TURNS, Colour, too_large
from vitascope.media.info import MediaFacts, Pixels, Reel, Shown, SoundFacts
from vitascope.media.limits import Limits, Source

FORMATS = "mov,matroska,avi,mpegts,mpeg,ogg,flv,asf,mxf,yuv4mpegpipe"
"""FFmpeg's names of the containers that are read: none that can point to another file."""
PICTURES = (
    "h264,hevc,av1,libdav1d,vp8,vp9,libvpx,libvpx-vp9,mpeg4,mpeg2video,mpeg1video,mjpeg,h263,flv,theora,prores,dnxhd,"
    "cfhd,dvvideo,qtrle,png,rawvideo,v210,ffv1,huffyuv,ffvhuff,utvideo,msmpeg4,wmv1,wmv2,wmv3,vc1"
)
"""FFmpeg's names of the decoders of pictures that may run: what cameras, phones, editors and browsers make.

FFmpeg has several hundred more, of games and of programs long gone, which a file can ask for by four letters. Hardly
anybody looks after them, and most of the holes that are found are in these.
"""
SOUNDS = (
    "aac,mp3,mp3float,mp2,mp2float,opus,libopus,vorbis,flac,alac,ac3,eac3,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,"
    "pcm_f32le,pcm_u8,pcm_alaw,pcm_mulaw"
)
"""The decoders of sound that FFmpeg may try where a container does not say enough of a track; no sound is used."""
VIDEO_DECODERS = frozenset(PICTURES.split(","))
OPTIONS = {
    "format_whitelist": FORMATS,
    "protocol_whitelist": "none",
    "codec_whitelist": f"{PICTURES},{SOUNDS}",
}

LONG_SECONDS = 12.0
"""From which length on a video is looked at in more than one place."""
_UNSPECIFIED = 2
_HD = 720
"""Lines from which a video that does not say how its colours are coded means BT.709."""
_HDR = (16, 18)
"""The transfer curves of HDR, PQ and HLG, in FFmpeg's list."""

MOST_COMMENT = 100_000
"""Characters of the comment in a file's tags that are read."""


@dataclass(frozen=True)
class _Timeline:
    """When a video's first frame is shown and its last one ends, on the clock of its file, and how many there are."""

    start: float
    end: float
    num_frames: int
    variable: bool


@dataclass(frozen=True)
class _Turn:
    """How decoded frames become upright: rows and columns are swapped, then each may be turned round."""

    swapped: bool = False
    rows_back: bool = False
    columns_back: bool = False

    @property
    def words(self) -> str:
        """What is done, in the words of the EXIF orientation that asks for the same."""
        turns = {
            (False, False, True): 2, (False, True, True): 3, (False, True, False): 4, (True, False, False): 5,
            (True, False, True): 6, (True, True, True): 7, (True, True, False): 8,
        }  # fmt: skip
        return TURNS.get(turns.get((self.swapped, self.rows_back, self.columns_back), 1), "")

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Return the picture upright."""
        if self.swapped:
            picture = picture.swapaxes(0, 1)
        return np.ascontiguousarray(
            picture[:: -1 if self.rows_back else 1, :: -1 if self.columns_back else 1]
        )


@contextmanager
def opened_movie(source: Source, limits: Limits, background: Colour) -> Iterator[Reel]:
    """Yield a video that FFmpeg can read; raises `RequestError` for one that is cut short or beyond the limits."""
    with source.decoding(), _container(source) as container:
        stream = _picture_stream(source, container)
        timeline = _timeline(source, container, stream, limits)
    with source.decoding(), _container(source) as container:
        stream = _picture_stream(source, container)
        _check_pixels(source, stream.width, stream.height, limits)
        frame = next(container.decode(stream), None)
        if frame is None:
            raise source.refuse("has no pictures in it")
        facts = _facts(source, container, stream, frame, timeline)
    yield Reel(facts, partial(_frames, source, timeline, limits, background))


@contextmanager
def _container(source: Source) -> Iterator[InputContainer]:
    source.file.seek(0)
    try:
        container = av.open(source.file, "r", options=dict(OPTIONS), metadata_errors="replace")
    except FFmpegError:
        raise source.refuse("could not be read (it is damaged, or no video)") from None
    with container:
        yield container


def opened_frames(source: Source, limits: Limits, share: float, most: int) -> Iterator[VideoFrame]:
    """Yield up to `most` decoded frames from a `share` of a video's length on, as they lie in the file.

    Nothing where that is the beginning again. Raises `RequestError` for a file without pictures, or too large ones.
    """
    with source.decoding(), _container(source) as container:
        stream = _picture_stream(source, container)
        _check_pixels(source, stream.width, stream.height, limits)
        if share > 0:
            length = container.duration or 0
            if length < LONG_SECONDS * av.time_base:
                return
            container.seek(int(share * length))
        yield from islice(container.decode(stream), most)


def _picture_stream(source: Source, container: InputContainer) -> VideoStream:
    """Return the first stream of moving pictures; a cover picture is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            decoder = stream.codec_context.name if stream.codec_context else "something unknown"
            if decoder not in VIDEO_DECODERS:
                raise source.refuse(f"is coded as {decoder}, which is not read here", "save it as H.264")
            stream.thread_type = "AUTO"
            return stream
    raise source.refuse("has sound but no picture" if container.streams.audio else "has no pictures in it")


def _timeline(source: Source, container: InputContainer, stream: VideoStream, limits: Limits) -> _Timeline:
    """Read all packets without decoding any; raises `RequestError` for a file that is cut short or too long."""
    times: list[float] = []
    end = reached = 0.0
    for packet in container.demux():
        timestamp = packet.dts if packet.pts is None else packet.pts
        if timestamp is None or not packet.size or packet.is_discard:
            continue
        until = float((timestamp + (packet.duration or 0)) * packet.time_base)
        reached = max(reached, until)
        if packet.stream_index == stream.index:
            times.append(float(timestamp * packet.time_base))
            end = max(end, until)
        if len(times) > limits.frames:
            raise source.refuse(f"has more than {limits.frames} frames", "cut it first")
    if not times:
        raise source.refuse("has no pictures in it")
    times.sort()
    gaps = [after - before for before, after in pairwise(times)] or [end - times[0]]
    usual = median(gaps) or float(1 / (stream.average_rate or 25))
    end = max(end, times[-1] + (0 if end > times[-1] else usual))
    _check_whole(source, container, reached)
    if end - times[0] > limits.seconds:
        raise source.refuse(
            f"lasts {end - times[0]:g} s", f"at most {limits.seconds:g} s are read: cut it first"
        )
    return _Timeline(times[0], end, len(times), max(gaps) - min(gaps) > max(0.0025, usual / 10))


def _check_whole(source: Source, container: InputContainer, reached: float) -> None:
    stated = (container.duration or 0) / av.time_base
    # Some containers count their length from 0, others from their first frame: the later end is held against it.
    position = reached - min(container.start_time or 0, 0) / av.time_base
    if position < 0.98 * stated - 0.25:
        raise source.refuse(f"is cut short: {max(position, 0):.3g} s of {stated:.3g} s are there")


def _facts(
    source: Source,
    container: InputContainer,
    stream: VideoStream,
    frame: av.VideoFrame,
    timeline: _Timeline,
) -> MediaFacts:
    turn = _turn(frame)
    size = (frame.height, frame.width) if turn.swapped else (frame.width, frame.height)
    seconds = timeline.end - timeline.start
    sound = container.streams.audio[0] if container.streams.audio else None
    square = stream.sample_aspect_ratio in (None, 0, 1)
    return MediaFacts(
        name=Path(source.name).name,
        kind="video",
        format=container.format.name.split(",")[0],
        codec=stream.codec_context.name,
        pixel_format=frame.format.name,
        size=size,
        num_frames=timeline.num_frames,
        seconds=seconds,
        fps=timeline.num_frames / seconds,
        variable=timeline.variable,
        turned=turn.words,
        alpha=_has_alpha(frame),
        sound=SoundFacts(sound.codec_context.name, sound.rate or 0, sound.channels) if sound else None,
        remarks=("its HDR colours are taken without tone mapping",) * (int(frame.color_trc) in _HDR)
        + ("its pixels are taken as square, which they are not",) * (not square),
        comment=container.metadata.get("comment", "")[:MOST_COMMENT],
    )


def _frames(source: Source, timeline: _Timeline, limits: Limits, background: Colour) -> Iterator[Shown]:
    with source.decoding(), _container(source) as container:
        size, turn, late = None, _Turn(), timeline.start
        for frame in container.decode(_picture_stream(source, container)):
            if size is None:
                size, turn = (frame.width, frame.height), _turn(frame)
                _check_pixels(source, *size, limits)
            elif size != (frame.width, frame.height):
                raise source.refuse(
                    f"changes its size from {size[0]}x{size[1]} to {frame.width}x{frame.height}"
                )
            # A frame without a time of its own comes at once after the one before.
            late = late if frame.time is None else max(late, frame.time)
            yield Shown(late - timeline.start, partial(_pixels, source, frame, turn, background))


def _pixels(source: Source, frame: av.VideoFrame, turn: _Turn, background: Colour) -> Pixels:
    with source.decoding():
        return turn(_rgb(frame, background))


def _rgb(frame: av.VideoFrame, background: Colour) -> Pixels:
    unsaid = int(frame.colorspace) == _UNSPECIFIED and frame.height >= _HD
    matrix = "ITU709" if unsaid else None
    if not _has_alpha(frame):
        return frame.to_ndarray(format="rgb24", src_colorspace=matrix)
    picture = frame.to_ndarray(format="rgba", src_colorspace=matrix).astype(np.uint16)
    colour, alpha = picture[..., :3], picture[..., 3:]
    # 255 * 255 and a half of 255 still fit into 16 bits.
    mixed = (colour * alpha + np.array(background, np.uint16) * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)


def _has_alpha(frame: av.VideoFrame) -> bool:
    return any(component.is_alpha for component in frame.format.components)


def _turn(frame: av.VideoFrame) -> _Turn:
    """Return what the frame's display matrix asks for, to the nearest quarter turn.

    A pixel (x, y) is shown at (a x + c y, b x + d y), with y downwards (ISO/IEC 14496-12, 8.3.2).
    """
    side_data: Any = frame.side_data  # PyAV's stubs know no key of it
    try:
        data = side_data["DISPLAYMATRIX"]
    except KeyError:
        return _Turn()
    a, b, _, c, d = np.frombuffer(data, np.int32)[:5].astype(np.int64).tolist()
    swapped = abs(b) + abs(c) > abs(a) + abs(d)
    return _Turn(True, b < 0, c < 0) if swapped else _Turn(False, d < 0, a < 0)


def _check_pixels(source: Source, width: int, height: int, limits: Limits) -> None:
    if width * height > limits.pixels:
        raise too_large(source, limits)
