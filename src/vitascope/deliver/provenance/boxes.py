"""The outermost boxes of an MP4 file, and its bytes without the signature (ISO/IEC 14496-12)."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
MOST_BOXES = 1_000_000
"""A fragmented file has two for each frame; one that claims more is not read on."""


@dataclass(frozen=True)
class Box:
    """Where a box lies, how long its head and all of it are, its four letters and, for `uuid`, which."""

    start: int
    head: int
    size: int
    kind: bytes
    uuid: bytes = b""


def top_boxes(file: BinaryIO) -> Iterator[Box]:
    """Yield the outermost boxes of a file; stops at the first one that cannot be true."""
    end, start = file.seek(0, io.SEEK_END), 0
    for _ in range(MOST_BOXES):
        file.seek(start)
        head = file.read(32)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head[:8])
        length = 8
        if size == 1 and len(head) >= 16:
            size, length = struct.unpack(">Q", head[8:16])[0], 16
        elif size == 0:
            size = end - start
        if size < length or start + size > end:
            return
        uuid = head[length : length + 16] if kind == b"uuid" else b""
        yield Box(start, length, size, kind, uuid)
        start += size


def uuid_box(uuid: bytes, body: bytes) -> bytes:
    """Return a `uuid` box as bytes."""
    return struct.pack(">I4s", 24 + len(body), b"uuid") + uuid + body


def manifest_box(manifest: bytes) -> bytes:
    """Return the box that holds a C2PA manifest store (C2PA 2.2, A.5.1)."""
    return uuid_box(C2PA_UUID, b"\0\0\0\0manifest\0" + bytes(8) + manifest)


def unsigned(path: Path) -> bytes:
    """Return the bytes of an MP4 file as they were before it was signed: the same for the same clip.

    A signature has a time and an identifier of its own. It lies in one box, which moved what comes after it.
    """
    with path.open("rb") as file:
        boxes = list(top_boxes(file))
        signature = next((box for box in boxes if box.uuid == C2PA_UUID), None)
        file.seek(0)
        data = bytearray(file.read())
    if signature is None:
        return bytes(data)
    moov = next((box for box in boxes if box.kind == b"moov"), None)
    if moov is not None:
        _move(data, moov.start + moov.head, moov.start + moov.size, signature.start, -signature.size)
    del data[signature.start : signature.start + signature.size]
    return bytes(data)


def _move(data: bytearray, start: int, end: int, after: int, by: int) -> None:
    """Add to the chunk offsets in a `moov` that point behind a place."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8 or start + size > end:
            return
        if kind in (b"trak", b"mdia", b"minf", b"stbl"):
            _move(data, start + 8, start + size, after, by)
        elif kind in (b"stco", b"co64"):
            form, width = (">I", 4) if kind == b"stco" else (">Q", 8)
            (count,) = struct.unpack_from(">I", data, start + 12)
            for place in range(start + 16, min(start + 16 + width * count, start + size), width):
                (offset,) = struct.unpack_from(form, data, place)
                if offset > after:
                    struct.pack_into(form, data, place, offset + by)
        start += size
