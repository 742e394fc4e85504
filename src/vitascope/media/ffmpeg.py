"""Videos by FFmpeg's decoders: their facts, and their frames upright in 8-bit RGB."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.filter import Graph
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from vitascope.media.colour import colour_range, tone_mapped
from vitascope.media.image import TURNS, Colour, too_large
from vitascope.media.info import MediaFacts, Pixels, Reel, Shown, SoundFacts
from vitascope.media.limits import Limits, Source

Track = TypeVar("Track", VideoStream, AudioStream)

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
"""The decoders of sound that may run: what cameras, phones, editors and browsers make."""
VIDEO_DECODERS = frozenset(PICTURES.split(","))
SOUND_DECODERS = frozenset(SOUNDS.split(","))
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
BACK = 0.5
"""Seconds by which a clock that goes back starts a new recording; less is a matter of the order of frames."""
LEAP = 5.0
"""Seconds by which the clock of a broadcast's container leaps where two recordings were joined."""
BROADCAST = ("mpegts", "mpeg")
"""Containers that stay readable when files are joined byte by byte."""
FLATTEST = 4.0
"""The most that a pixel's width may differ from its height, as a ratio, to be believed."""
SEE_THROUGH = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Codecs whose transparency lies beside their packets, and the decoders that read it."""

MOST_COMMENT = 100_000
"""Characters of the comment in a file's tags that are read."""


@dataclass(frozen=True)
class _Timeline:
    """When a video's first frame is shown and its last one ends, on the clock of its file, and how many there are."""

    start: float
    end: float
    num_frames: int
    variable: bool
    usual: float
    """How long most frames last."""
    joined: int = 1


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
    with source.decoding(), opened_container(source) as container:
        stream = _picture_stream(source, container)
        timeline = _timeline(source, container, stream, limits)
    with source.decoding(), opened_container(source) as container:
        stream = _picture_stream(source, container)
        _check_pixels(source, stream.width, stream.height, limits)
        _check_pixels(source, round(stream.width * _pixel_aspect(stream)), stream.height, limits)
        frame = next(_decoded(container, stream), None)
        if frame is None:
            raise source.refuse("has no pictures in it")
        facts = _facts(source, container, stream, frame, timeline)
    yield Reel(facts, partial(_frames, source, timeline, limits, background))


@contextmanager
def opened_container(source: Source) -> Iterator[InputContainer]:
    """Yield a file with FFmpeg's demuxer open; raises `RequestError` for one that it cannot read."""
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
    with source.decoding(), opened_container(source) as container:
        stream = _picture_stream(source, container)
        _check_pixels(source, stream.width, stream.height, limits)
        if share > 0:
            length = container.duration or 0
            if length < LONG_SECONDS * av.time_base:
                return
            container.seek(int(share * length))
        yield from islice(container.decode(stream), most)


def _picture_stream(source: Source, container: InputContainer) -> VideoStream:
    """Return the stream of moving pictures that a player would show."""
    streams = _picture_streams(container)
    if not streams:
        raise source.refuse(
            "has sound but no picture" if container.streams.audio else "has no pictures in it"
        )
    stream = _default(streams)
    decoder = stream.codec_context.name if stream.codec_context else "something unknown"
    if decoder not in VIDEO_DECODERS:
        raise source.refuse(f"is coded as {decoder}, which is not read here", "save it as H.264")
    stream.thread_type = "AUTO"
    return stream


def _picture_streams(container: InputContainer) -> list[VideoStream]:
    """Return the streams of moving pictures; a cover picture is none."""
    return [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]


def sound_stream(container: InputContainer) -> AudioStream | None:
    """Return the stream of sound that a player would play, None where there is none that may be decoded."""
    stream = _default(container.streams.audio) if container.streams.audio else None
    codec = stream.codec_context if stream is not None else None
    return stream if codec is not None and codec.name in SOUND_DECODERS else None


def _default(streams: Sequence[Track]) -> Track:
    """Return the stream that its file marks as the usual one, else the first."""
    return next((each for each in streams if each.disposition & Disposition.default), streams[0])


def picture_start(source: Source, container: InputContainer, limits: Limits) -> float:
    """Return when the first picture of a file is shown, in seconds on the file's own clock."""
    return _timeline(source, container, _picture_stream(source, container), limits).start


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Yield the frames of a stream, with what is transparent in them."""
    decoder = SEE_THROUGH.get(stream.codec_context.name)
    if stream.metadata.get("alpha_mode") != "1" or decoder is None:
        yield from container.decode(stream)
        return
    context = av.CodecContext.create(decoder, "r")
    assert isinstance(context, VideoCodecContext)
    for packet in container.demux(stream):
        yield from context.decode(packet)


def _progressive(frames: Iterator[VideoFrame], stream: VideoStream) -> Iterator[VideoFrame]:
    """Yield frames, those of two fields as one picture of a single moment."""
    graph = None
    for frame in frames:
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        if graph is None:
            graph = Graph()
            fields = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
            begin, end = graph.add_buffer(template=stream), graph.add("buffersink")
            begin.link_to(fields)
            fields.link_to(end)
            graph.configure()
        graph.push(frame)
        yield from _filtered(graph)
    if graph is not None:
        graph.push(None)
        yield from _filtered(graph)


def _filtered(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        assert isinstance(frame, VideoFrame)
        yield frame


def _timeline(source: Source, container: InputContainer, stream: VideoStream, limits: Limits) -> _Timeline:
    """Read all packets without decoding any; raises `RequestError` for a file that is cut short or too long."""
    stretches: list[list[float]] = [[]]
    end = reached = before = 0.0
    for packet in container.demux():
        timestamp = packet.dts if packet.pts is None else packet.pts
        if timestamp is None or not packet.size or packet.is_discard:
            continue
        until = float((timestamp + (packet.duration or 0)) * packet.time_base)
        reached = max(reached, until)
        if packet.stream_index == stream.index:
            now = float((timestamp if packet.dts is None else packet.dts) * packet.time_base)
            if stretches[-1] and restarts(container, before, now):
                stretches.append([])
                end = 0.0
            before = now
            stretches[-1].append(float(timestamp * packet.time_base))
            end = max(end, until)
        if sum(map(len, stretches)) > limits.frames:
            raise source.refuse(f"has more than {limits.frames} frames", "cut it first")
    if not stretches[0]:
        raise source.refuse("has no pictures in it")
    times, end, usual = _one_clock(stretches, end, stream)
    gaps = [after - before for before, after in pairwise(times)] or [end - times[0]]
    _check_whole(source, container, reached)
    if end - times[0] > limits.seconds:
        raise source.refuse(
            f"lasts {end - times[0]:g} s", f"at most {limits.seconds:g} s are read: cut it first"
        )
    variable = max(gaps) - min(gaps) > max(0.0025, usual / 10)
    return _Timeline(times[0], end, len(times), variable, usual, len(stretches))


def restarts(container: InputContainer, before: float, now: float) -> bool:
    """Say whether another recording begins between two times that lie one after the other in a file."""
    leaps = container.format.name in BROADCAST and now > before + LEAP
    return now < before - BACK or leaps


def _one_clock(
    stretches: list[list[float]], end: float, stream: VideoStream
) -> tuple[list[float], float, float]:
    """Return the times of recordings one after the other, when the last one ends, and how long most frames last.

    `end` is when the last recording ends on its own clock, as far as its packets say.
    """
    for stretch in stretches:
        stretch.sort()
    gaps = [after - before for stretch in stretches for before, after in pairwise(stretch)]
    usual = (median(gaps) if gaps else 0.0) or float(1 / (stream.average_rate or 25))
    times, shift = stretches[0], 0.0
    for stretch in stretches[1:]:
        shift = times[-1] + usual - stretch[0]
        times = [*times, *(time + shift for time in stretch)]
    end += shift
    return times, max(end, times[-1] + (0 if end > times[-1] else usual)), usual


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
    aspect = _pixel_aspect(stream)
    width, height = _shown_size(frame, aspect)
    seconds = timeline.end - timeline.start
    facts = MediaFacts(
        name=Path(source.name).name,
        kind="video",
        format=container.format.name.split(",")[0],
        codec=stream.codec_context.name,
        pixel_format=frame.format.name,
        size=(height, width) if turn.swapped else (width, height),
        num_frames=timeline.num_frames,
        seconds=seconds,
        fps=timeline.num_frames / seconds,
        variable=timeline.variable,
        turned=turn.words,
        alpha=_has_alpha(frame),
        sound=_sound_facts(container),
        interlaced=bool(frame.interlaced_frame),
        pixel_aspect=(aspect.numerator, aspect.denominator),
        colours=colour_range(frame),
        joined=timeline.joined,
        picture_tracks=len(_picture_streams(container)),
        sound_tracks=len(container.streams.audio),
        comment=container.metadata.get("comment", "")[:MOST_COMMENT],
    )
    return replace(facts, remarks=tuple(_remarks(facts, (frame.width, frame.height))))


def _remarks(facts: MediaFacts, stored: tuple[int, int]) -> Iterator[str]:
    """Yield what is done about the facts of a video that players act on in silence."""
    if facts.pixel_aspect != (1, 1):
        wide, high = facts.pixel_aspect
        yield f"its {stored[0]}x{stored[1]} pixels are {wide}:{high} wide and become square"
    if facts.interlaced:
        yield "the two fields of each frame become one picture"
    if facts.colours:
        yield f"its {facts.colours} colours become BT.709"
    if facts.joined > 1:
        yield f"{facts.joined} recordings, each with its own clock, follow one another"
    if facts.picture_tracks > 1:
        yield f"one of its {facts.picture_tracks} picture tracks is taken"
    if facts.sound_tracks > 1:
        yield f"one of its {facts.sound_tracks} sound tracks is taken"


def _sound_facts(container: InputContainer) -> SoundFacts | None:
    """Return the facts of the sound that a player would play; its codec is "" where FFmpeg knows none."""
    if not container.streams.audio:
        return None
    sound = _default(container.streams.audio)
    if sound.codec_context is None:
        return SoundFacts("", 0, 0)
    return SoundFacts(sound.codec_context.name, sound.rate or 0, sound.channels)


def _pixel_aspect(stream: VideoStream) -> Fraction:
    """Return the width of a stream's pixels to their height; 1 where none is said that can be believed."""
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    return aspect if 1 / FLATTEST <= aspect <= FLATTEST else Fraction(1)


def _shown_size(frame: VideoFrame, aspect: Fraction) -> tuple[int, int]:
    """Return width and height of a frame once its pixels are square: an even width where it is changed."""
    return (frame.width if aspect == 1 else max(2, 2 * round(frame.width * aspect / 2))), frame.height


def _frames(source: Source, timeline: _Timeline, limits: Limits, background: Colour) -> Iterator[Shown]:
    with source.decoding(), opened_container(source) as container:
        size, turn, late, shift = None, _Turn(), timeline.start, 0.0
        stream = _picture_stream(source, container)
        aspect, clock = _pixel_aspect(stream), timeline.start
        for frame in _progressive(_decoded(container, stream), stream):
            if size is None:
                size, turn = (frame.width, frame.height), _turn(frame)
                _check_pixels(source, *size, limits)
            elif size != (frame.width, frame.height):
                raise source.refuse(
                    f"changes its size from {size[0]}x{size[1]} to {frame.width}x{frame.height}"
                )
            # A frame without a time of its own comes at once after the one before.
            if frame.time is not None:
                if restarts(container, clock, frame.time):
                    shift += clock + timeline.usual - frame.time
                clock = frame.time
                late = max(late, clock + shift)
            picture = partial(_pixels, source, frame, turn, background, _shown_size(frame, aspect))
            yield Shown(late - timeline.start, picture)


def _pixels(
    source: Source, frame: av.VideoFrame, turn: _Turn, background: Colour, size: tuple[int, int]
) -> Pixels:
    with source.decoding():
        picture = _rgb(frame, background)
        if size != (frame.width, frame.height):
            picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
        return turn(picture)


def _rgb(frame: av.VideoFrame, background: Colour) -> Pixels:
    unsaid = int(frame.colorspace) == _UNSPECIFIED and frame.height >= _HD
    matrix = "ITU709" if unsaid else None
    if colour_range(frame):
        wide = frame.to_ndarray(format="rgb48le", src_colorspace=matrix)
        return tone_mapped(wide, int(frame.color_trc), int(frame.color_primaries))
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
