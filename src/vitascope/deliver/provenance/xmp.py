"""XMP: IPTC's terms for pictures and films that a machine made, as plain text in the file.

Anybody can read it and anybody can remove or write it: it says, and proves nothing. (IPTC Photo Metadata Standard
2025.1: Digital Source Type, AI System Used, AI Prompt Information.)
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import BinaryIO

from vitascope.deliver.provenance.boxes import XMP_UUID, top_boxes, uuid_box

SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
MOST_BYTES = 1 << 20
"""Bytes of a packet that are read; ours has some hundred."""

_FIELD = r"""Iptc4xmpExt:{0}(?:\s*=\s*"([^"<]*)"|\s*=\s*'([^'<]*)'|>(?:\s|<[^>]*>)*([^<]*))"""


@dataclass(frozen=True)
class Xmp:
    """What a file's XMP says: the last word of its digital source type, the system, and what it was asked."""

    digital_source_type: str
    system: str = ""
    prompt: str = ""


def packet(xmp: Xmp) -> bytes:
    """Return XMP as the text that goes into a file."""
    fields = {
        "DigitalSourceType": SOURCE + xmp.digital_source_type,
        "AISystemUsed": xmp.system,
        "AIPromptInformation": xmp.prompt,
    }
    rows = "".join(
        f"\n   <Iptc4xmpExt:{name}>{escape(_printable(text))}</Iptc4xmpExt:{name}>"
        for name, text in fields.items()
        if text
    )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f"{rows}\n  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n"
        '<?xpacket end="r"?>'
    ).encode()


def xmp_box(xmp: Xmp) -> bytes:
    """Return the box that holds XMP in an MP4 file."""
    return uuid_box(XMP_UUID, packet(xmp))


def wav_chunk(xmp: Xmp) -> bytes:
    """Return the chunk that holds XMP in a WAV file."""
    body = packet(xmp)
    return b"_PMX" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def read_xmp(path: Path) -> Xmp | None:
    """Return what a file's XMP says about how it was made, None where it says nothing; never raises for bad bytes."""
    with path.open("rb") as file:
        for text in _packets(file):
            if (found := parse(text)) is not None:
                return found
    return None


def parse(text: bytes) -> Xmp | None:
    """Return the three fields of a packet; no XML parser gets to see what strangers wrote."""
    words = text[:MOST_BYTES].decode("utf-8", "replace")
    source = _field(words, "DigitalSourceType")
    if not source:
        return None
    last = source.rstrip("/").rpartition("/")[2]
    return Xmp(last, _field(words, "AISystemUsed"), _field(words, "AIPromptInformation"))


def _field(words: str, name: str) -> str:
    match = re.search(_FIELD.format(name), words)
    found = next((group for group in match.groups() if group is not None), "") if match else ""
    return _printable(unescape(found)).strip()[:2000]


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _packets(file: BinaryIO) -> Iterator[bytes]:
    head = file.read(16)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        yield from _from_png(file)
    elif head[:4] == b"RIFF":
        yield from _from_riff(file)
    elif head[:3] == b"\xff\xd8\xff":
        yield from _from_jpeg(file)
    elif head[4:8] in (b"ftyp", b"styp", b"moov", b"free", b"mdat", b"wide"):
        for box in top_boxes(file):
            if box.uuid == XMP_UUID:
                file.seek(box.start + box.head + 16)
                yield file.read(min(MOST_BYTES, box.size - box.head - 16))


def _from_png(file: BinaryIO) -> Iterator[bytes]:
    file.seek(8)
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        start = file.tell()
        if kind == b"iTXt" and size <= MOST_BYTES:
            name, _, rest = file.read(size).partition(b"\0")
            if name == b"XML:com.adobe.xmp" and len(rest) > 2:
                text = rest[2:].split(b"\0", 2)[-1]
                yield _inflated(text) if rest[:1] == b"\1" else text
        file.seek(start + size + 4)


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, MOST_BYTES)
    except zlib.error:
        return b""


def _from_riff(file: BinaryIO) -> Iterator[bytes]:
    file.seek(12)
    while len(head := file.read(8)) == 8:
        kind, size = struct.unpack("<4sI", head)
        start = file.tell()
        if kind in (b"XMP ", b"_PMX"):
            yield file.read(min(size, MOST_BYTES))
        file.seek(start + size + size % 2)


def _from_jpeg(file: BinaryIO) -> Iterator[bytes]:
    file.seek(2)
    while len(head := file.read(4)) == 4 and head[0] == 0xFF and head[1] not in (0xD9, 0xDA):
        body = file.read(max(0, struct.unpack(">H", head[2:])[0] - 2))
        name = b"http://ns.adobe.com/xap/1.0/\0"
        if head[1] == 0xE1 and body.startswith(name):
            yield body[len(name) :]
