"""Frames to an MP4 file that plays everywhere: H.264, yuv420p, the index first, a poster, its own settings.

The same clip gives the same bytes: one encoder thread, no dates, no names of libraries in the container.
"""

import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from jaxtyping import UInt8

from vitascope.deliver.names import check_output
from vitascope.deliver.record import from_tags, to_tags
from vitascope.deliver.thumbnail import poster
from vitascope.errors import InputFileError, OutputError, OutputExistsError
from vitascope.types import Clip, Record

CONTAINER = {"movflags": "+faststart", "fflags": "+bitexact"}
ENCODER = {"crf": "15", "preset": "slow", "flags": "+bitexact"}
# x264's AVX-512 code gives other bytes now and then for pictures narrower than 80 pixels; its SSE4.2 code never did.
SAME_BYTES = {"x264-params": "asm=SSE4.2"} if platform.machine().lower() in ("x86_64", "amd64") else {}
BT709 = 1
"""BT.709 in FFmpeg's lists of primaries, transfer curves and matrices."""
LIMITED_RANGE = 1


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
    if clip.sound is not None:
        raise OutputError("output: clips with sound cannot be written yet; save it with sound=None")
    with published(path, force=force) as part:
        encode(clip, part)
    return path


@contextmanager
def published(path: Path, *, force: bool) -> Iterator[Path]:
    """Yield a new file beside `path` that takes its place when all went well and vanishes when not.

    Raises `OutputError` for whatever the system refuses, and `OutputExistsError` for a file that appeared meanwhile.
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.part")
    try:
        # Created by ourselves, so that a name that was there before is never written over.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        _publish(part, target, force=force)
    except FileExistsError:
        raise OutputExistsError("output", f"{path} exists", "say --force to write over it") from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OutputError(f"output: {path} could not be written ({reason})") from None
    finally:
        part.unlink(missing_ok=True)


def _publish(part: Path, target: Path, *, force: bool) -> None:
    if force:
        part.replace(target)
    else:
        try:
            os.link(part, target)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            part.replace(target)
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def encode(clip: Clip, path: Path) -> None:
    """Encode a clip into the file at `path`; raises `OSError` when the disk does."""
    _, height, width, _ = clip.frames.shape
    with av.open(str(path), "w", format="mp4", options=CONTAINER) as container:
        container.metadata.update(to_tags(clip.record))
        rate = Fraction(clip.fps).limit_denominator(1001)
        video = container.add_stream("libx264", rate=rate, options=ENCODER | SAME_BYTES)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        context = video.codec_context
        context.thread_count = 1
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED_RANGE
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = width, height, "yuvj444p"
        cover.disposition = Disposition.attached_pic
        for frame in clip.frames:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            container.mux(
                video.encode(picture.reformat(format="yuv420p", dst_colorspace="ITU709", threads=1))
            )
        container.mux(video.encode(None))
        picture = av.Packet(poster(clip.frames))
        picture.stream, picture.pts, picture.dts, picture.is_keyframe = cover, 0, 0, True
        container.mux(picture)


def read_record(path: Path) -> Record:
    """Return how a file was made; raises `InputFileError` naming a file that is not ours."""
    with _opened(path) as container:
        return from_tags(container.metadata)


def read(path: Path) -> Movie:
    """Return frames, frame rate and record of a file of ours; raises `InputFileError`."""
    with _opened(path) as container:
        record = from_tags(container.metadata)
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return Movie(np.stack(frames), float(stream.average_rate or 0), record)


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    try:
        with av.open(str(path)) as container:
            yield container
    except InputFileError as error:
        raise InputFileError(f"file: {path}: {error}") from None
    except IndexError:
        raise InputFileError(f"file: {path} has no video in it") from None
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "not a video"
        raise InputFileError(f"file: {path} could not be read ({reason})") from None
