"""The door that every file from outside comes through: what it must not be, what it is, and how it may fail.

Decoders only ever see the open file, never its name: so a name can be no address, pattern or device, and what was
checked is what is read.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from vitascope.errors import RequestError, VitascopeError


@dataclass(frozen=True)
class Limits:
    """How much may come in at once.

    `bytes` of a file, `pixels` of one picture, `seconds` and `frames` of a video, and `memory`: the bytes of frames
    that are held at a time.
    """

    bytes: int = 2 * 1024**3
    pixels: int = 50_000_000
    seconds: float = 600.0
    frames: int = 40_000
    memory: int = 1024**3


LIMITS = Limits()

_PICTURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG"),
    (re.compile(rb"\xff\xd8\xff"), "JPEG"),
    (re.compile(rb"GIF8[79]a"), "GIF"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WEBP"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "AVIF"),
    (re.compile(rb"II\*\0|MM\0\*"), "TIFF"),
    (re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL), "BMP"),
    (re.compile(rb"P[1-6]\s"), "PPM"),
)
"""How a file begins -> the one decoder of Pillow that may read it."""

_REFUSED = (
    (
        re.compile(rb"#EXT|ffconcat|\[playlist\]|<smil|<MPD|<asx", re.IGNORECASE),
        "is a playlist",
        "give the video itself",
    ),
    (
        re.compile(rb"%PDF|%!PS|\xc5\xd0\xd3\xc6|<svg|<\?xml|<!doctype", re.IGNORECASE),
        "is a document (PDF, PostScript, SVG …), not pixels",
        "save it as PNG",
    ),
    (
        re.compile(rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL),
        "is a HEIC picture",
        "save it as JPEG or PNG",
    ),
)


@dataclass(frozen=True)
class Source:
    """A file that came through the door: for which argument, its name, the file itself, and Pillow's format for it.

    `picture` is None for what is left to FFmpeg.
    """

    argument: str
    name: str
    file: BinaryIO
    picture: str | None

    def refuse(self, problem: str, nearest: str | None = None) -> RequestError:
        """Return the error that says what is wrong with this file."""
        return RequestError(self.argument, f"{self.name} {problem}", nearest)

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Turn whatever a decoder raises inside into one `RequestError` about this file."""
        try:
            yield
        except VitascopeError:
            raise
        except Exception as error:  # decoders raise nearly anything over bytes that strangers wrote
            raise self.refuse(f"could not be read ({reason(error)})") from None


@contextmanager
def opened(argument: str, path: str | Path, limits: Limits = LIMITS) -> Iterator[Source]:
    """Yield a file that may be decoded; raises `RequestError` for `argument` for any that may not."""
    name = printable(path)
    with _plain_file(argument, path, name, limits) as file:
        source = Source(argument, name, file, None)
        with source.decoding():
            source = replace(source, picture=_recognised(source))
        yield source


def printable(path: str | Path) -> str:
    """Return a path as it can be shown on one line."""
    text = str(path)
    return "".join(c if c.isprintable() else "?" for c in (text if len(text) < 200 else f"…{text[-199:]}"))


def reason(error: BaseException) -> str:
    """Return in a few words, on one line, why something failed."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(str(text).splitlines()[0])[:100].rstrip(".")


def _plain_file(argument: str, path: str | Path, name: str, limits: Limits) -> BinaryIO:
    try:
        # Asked before it is opened: to open a device or a pipe can wait for ever, or do something.
        _check_plain(argument, name, os.stat(path), limits)
        file = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb")
    except FileNotFoundError:
        hint = "only files on this machine are read" if "://" in str(path) else None
        raise RequestError(argument, f"there is no file {name}", hint) from None
    except (OSError, ValueError) as error:
        raise RequestError(argument, f"{name} could not be opened ({reason(error)})") from None
    try:
        _check_plain(argument, name, os.fstat(file.fileno()), limits)
    except RequestError:
        file.close()
        raise
    return file


def _check_plain(argument: str, name: str, status: os.stat_result, limits: Limits) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise RequestError(argument, f"{name} is a folder", "name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise RequestError(argument, f"{name} is not a plain file")
    if not status.st_size:
        raise RequestError(argument, f"{name} is empty")
    if status.st_size > limits.bytes:
        problem = f"{name} has {status.st_size / 1e6:.1f} MB"
        raise RequestError(argument, problem, f"at most {limits.bytes / 1e6:.1f} MB are read")


def _recognised(source: Source) -> str | None:
    head = source.file.read(512)
    source.file.seek(0)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, problem, hint in _REFUSED:
        if pattern.match(text):
            raise source.refuse(problem, hint)
    return next((name for pattern, name in _PICTURES if pattern.match(head)), None)
