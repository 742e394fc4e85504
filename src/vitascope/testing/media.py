"""Drills that ship: real pictures and videos, and copies of them that were hurt. For tests and benchmarks.

`mutant(sources, number)` is the same file for the same number, so that whatever one of them does can be had again.
"""

import random
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from PIL import Image

SIZE = 64, 48
FRAMES = 8
MOVIES = {
    "mp4": ("libx264", "yuv420p", {}),
    "fragmented.mp4": ("libx264", "yuv420p", {"movflags": "frag_keyframe+empty_moov"}),
    "hevc.mp4": ("libx265", "yuv420p", {}),
    "prores.mov": ("prores_ks", "yuv422p10le", {}),
    "ffv1.mkv": ("ffv1", "bgra", {}),
    "webm": ("libvpx-vp9", "yuv420p", {}),
    "mjpeg.avi": ("mjpeg", "yuvj420p", {}),
    "ts": ("mpeg2video", "yuv420p", {}),
    "flv": ("flv1", "yuv420p", {}),
}
"""The name of a container and the codec in it, its pixels, and options of the container."""
PICTURES = {
    "png": ("PNG", {}), "jpg": ("JPEG", {}), "webp": ("WEBP", {}), "tiff": ("TIFF", {"compression": "tiff_lzw"}),
    "bmp": ("BMP", {}), "avif": ("AVIF", {}),
}  # fmt: skip
ANIMATED = ("GIF", "WEBP", "PNG")

EXTREME = (0, 1, 7, 8, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
"""Numbers that a reader of lengths, counts and offsets may not have expected."""


def sources(folder: Path) -> dict[str, bytes]:
    """Return small files of every kind that is read, by name; they are written to a folder on the way."""
    found = {f"movie.{name}": _movie(folder / f"movie.{name}", *told) for name, told in MOVIES.items()}
    cards = [Image.fromarray(_card(number)) for number in range(FRAMES)]
    for name, (kind, options) in PICTURES.items():
        path = folder / f"picture.{name}"
        cards[0].save(path, kind, **options)
        found[path.name] = path.read_bytes()
    for kind in ANIMATED:
        path = folder / f"animation.{kind.lower()}"
        cards[0].save(path, kind, save_all=True, append_images=cards[1:], duration=80, loop=0)
        found[path.name] = path.read_bytes()
    return found


def _movie(path: Path, codec: str, pixels: str, options: dict[str, str]) -> bytes:
    with av.open(str(path), "w", options=options) as container:
        video = container.add_stream(codec, rate=24, options={"x265-params": "log-level=none"})
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = *SIZE, pixels
        tone = container.add_stream("aac", rate=48000, layout="mono") if codec == "libx264" else None
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(_card(number), format="rgb24").reformat(format=pixels)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if tone is not None:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
            silence.sample_rate = 48000
            container.mux([*tone.encode(silence), *tone.encode(None)])
    return path.read_bytes()


def _card(number: int) -> np.ndarray:
    """Return a picture with edges, a gradient and something that moves."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    picture = np.stack([4 * x, 5 * y, 255 - 4 * x], axis=-1).astype(np.uint8)
    picture[10:20, 5 * number : 5 * number + 12] = 255
    return picture


@dataclass(frozen=True)
class Mutant:
    """A file that was hurt: its number, which file it was, how it was hurt, and its bytes."""

    number: int
    source: str
    how: tuple[str, ...]
    data: bytes


def mutant(sources: Mapping[str, bytes], number: int) -> Mutant:
    """Return the mutant of a number: one of the files, hurt in one to three ways."""
    rng = random.Random(number)
    names = sorted(sources)
    name = names[number % len(names)]
    data, how = bytearray(sources[name]), []
    for way in rng.choices(list(WAYS), k=rng.choice((1, 1, 2, 3))):
        data = WAYS[way](data, rng, [sources[other] for other in names]) or data
        how.append(way)
    return Mutant(number, name, tuple(how), bytes(data) or b"\0")


Way = Callable[[bytearray, random.Random, Sequence[bytes]], bytearray | None]


def _flip_bits(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    for _ in range(rng.choice((1, 2, 8, 40))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set_bytes(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    begin = rng.randrange(len(data))
    length = min(rng.choice((1, 4, 64, 1024)), len(data) - begin)
    data[begin : begin + length] = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))


def _cut_off(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> bytearray:
    return data[: rng.randrange(1, len(data) + 1)]


def _cut_out(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> bytearray:
    begin = rng.randrange(len(data))
    return data[:begin] + data[begin + rng.choice((1, 3, 100, 2000)) :]


def _repeat(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> bytearray:
    begin = rng.randrange(len(data))
    piece = data[begin : begin + rng.choice((1, 8, 200, 3000))]
    return data[:begin] + piece * rng.choice((2, 3, 50)) + data[begin:]


def _splice(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> bytearray:
    other = rng.choice(others)
    return data[: rng.randrange(1, len(data) + 1)] + other[rng.randrange(len(other)) :]


def _set_numbers(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    for _ in range(rng.choice((1, 2, 5))):
        order, width = rng.choice("<>"), rng.choice("BHI")
        at = rng.randrange(max(1, len(data) - 4))
        piece = struct.pack(order + width, rng.choice(EXTREME) & (2 ** (8 * struct.calcsize(width)) - 1))
        data[at : at + len(piece)] = piece


def _set_boxes(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> bytearray | None:
    """Give boxes (MP4) or chunks (PNG, RIFF) another length: four bytes before or after four letters."""
    names = [found.start() for found in re.finditer(rb"[A-Za-z]{4}", data) if found.start() >= 4]
    for at in rng.sample(names, min(len(names), rng.choice((1, 2, 4)))):
        place = at + rng.choice((-4, 4, 12))
        size = rng.choice((*EXTREME, rng.randrange(2 * len(data))))
        if 0 <= place <= len(data) - 4:
            data[place : place + 4] = struct.pack(rng.choice("<>") + "I", size)
    return None


WAYS: dict[str, Way] = {
    "flip bits": _flip_bits, "set bytes": _set_bytes, "cut off": _cut_off, "cut out": _cut_out,
    "repeat": _repeat, "splice": _splice, "set numbers": _set_numbers, "set boxes": _set_boxes,
}  # fmt: skip
