"""Files that strangers send to do harm: by name, the bytes of each, or what writes them to a path."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image

from tests.server.conftest import png

SCRIPT = "<script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
ELSEWHERE = b"http://127.0.0.1:1/x.ts"
PICKLE = b"\x80\x04\x95" + b"cos\nsystem\n(S'true'\ntR."


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, *more: bytes, rows: bytes = b"") -> bytes:
    """A PNG in black and white, of no more rows than are given."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def bomb(side: int) -> bytes:
    """A small PNG of a very large picture."""
    return png_of(side, side, rows=zlib.compress(b"\0" * (side // 8 + 1) * side, 9))


def box(name: bytes, *inside: bytes) -> bytes:
    """A box of an MP4."""
    data = b"".join(inside)
    return struct.pack(">I", 8 + len(data)) + name + data


def table(name: bytes, data: bytes) -> bytes:
    """The index of an MP4, with one table in it."""
    found = box(name, data)
    for outer in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        found = box(outer, found)
    return found


def nested(name: bytes, depth: int) -> bytes:
    """Boxes in boxes."""
    heads = [struct.pack(">I", 8 * (depth - level)) + name for level in range(depth)]
    return b"".join(heads)


def zipped(**files: bytes) -> bytes:
    """A zip of files; a symbolic link is a file that says so."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o120777 if name == "link" else 0o644) << 16
            archive.writestr(entry, data)
    return out.getvalue()


def gif(frames: int) -> bytes:
    """An animation of one pixel with many frames."""
    frame = b"\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
    return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b";"


def packets(codec: str, *sent: tuple[float, bytes], size: tuple[int, int] = (64, 48)) -> bytes:
    """A video whose packets are what we say, at these seconds."""
    out = io.BytesIO()
    with av.open(out, "w", format="mov" if codec == "png" else "matroska") as container:
        video = container.add_stream(codec, rate=24)
        video.width, video.height = size
        video.pix_fmt = "yuvj420p" if codec == "mjpeg" else "rgba"
        for seconds, data in sent:
            packet = av.Packet(data)
            packet.stream, packet.time_base = video, Fraction(1, 1000)
            packet.pts = packet.dts = round(seconds * 1000)
            container.mux(packet)
    return out.getvalue()


def jpeg() -> bytes:
    """A small photograph."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "blue").save(out, "JPEG")
    return out.getvalue()


FTYP = box(b"ftyp", b"isom\0\0\2\0isomiso2")
TIFF = b"II*\0\x08\0\0\0"

BYTES: dict[str, bytes] = {
    "empty": b"",
    "noise": bytes(range(256)) * 40,
    "text": b"hello",
    "the name of a file": b"/etc/passwd",
    "an address": b"rtsp://127.0.0.1:1/x",
    # Pages and drawings.
    "html": f"<!doctype html>{SCRIPT}".encode(),
    "html without a head": SCRIPT.encode(),
    "html in utf-16": f"<html>{SCRIPT}</html>".encode("utf-16"),
    "html that begins as a gif": b"GIF89a/*" + SCRIPT.encode() + b"*/=1;",
    "html in the comment of a jpeg that is none": b"\xff\xd8\xff\xfe\x00\x30" + SCRIPT.encode() + bytes(40),
    "svg": SVG,
    "svg with an xml head": b'<?xml version="1.0"?>' + SVG,
    "svg after a comment": b"<!-- a cat -->" + SVG,
    "svg that was packed": gzip.compress(SVG),
    "svg with an entity bomb": b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + SVG,
    "pdf": b"%PDF-1.7\n",
    "postscript": b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n",
    "xpm": b"/* XPM */\nstatic char *x[] = {",
    # Lists of what lies elsewhere.
    "playlist": b"#EXTM3U\n#EXTINF:1,\n" + ELSEWHERE + b"\n",
    "playlist of our files": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "playlist in front of a picture": b"\xef\xbb\xbf  #EXTM3U\n" + png(),
    "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "dash": b"<MPD><BaseURL>http://127.0.0.1:1/</BaseURL></MPD>",
    "smil": b"<smil><video src='" + ELSEWHERE + b"'/></smil>",
    "asx": b"<asx version='3.0'><ref href='" + ELSEWHERE + b"'/></asx>",
    "pls": b"[playlist]\nFile1=" + ELSEWHERE + b"\n",
    "asf reference": b"[Reference]\nRef1=" + ELSEWHERE + b"\n",
    "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=video 9 RTP/AVP 33\r\n",
    "reference movie": FTYP
    + box(b"moov", box(b"rmra", box(b"rmda", box(b"rdrf", bytes(4), b"url ", struct.pack(">I", 24), ELSEWHERE)))),
    # Programs and archives.
    "pickle": PICKLE,
    "torch checkpoint": zipped(**{"archive/data.pkl": PICKLE, "archive/version": b"3\n"}),
    "numpy of objects": b"\x93NUMPY\1\0v\0{'descr': '|O', 'fortran_order': False, 'shape': (1,), }" + PICKLE,
    "safetensors with an endless head": struct.pack("<Q", 2**60) + b"{}",
    "zip bomb": zipped(zeros=bytes(20_000_000)),
    "zip that climbs": zipped(**{"../../../tmp/x": b"x"}),
    "zip with a link": zipped(link=b"/etc/passwd"),
    "gzip bomb": gzip.compress(bytes(20_000_000)),
    "program": b"\x7fELF\2\1\1" + bytes(57),
    "windows program": b"MZ" + bytes(62),
    "script": b"#!/bin/sh\ntrue\n",
    # Pictures.
    "half a picture": png(256, 256)[:100],
    "a bomb": bomb(16_000),
    "png of two billion squared": png_of(2**31 - 1, 2**31 - 1),
    "png of no pixels": png_of(0, 0),
    "png with a comment that swells": png_of(
        8, 8, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000), 9)), rows=b""
    ),
    "png with a profile that swells": png_of(8, 8, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(20_000_000), 9))),
    "png of a million frames": png_of(8, 8, chunk(b"acTL", struct.pack(">II", 10**6, 0))),
    "gif of a large screen": b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff;",
    "gif of too many frames": gif(41_000),
    "webp of a large canvas": b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff",
    "tiff that is its own next page": TIFF + struct.pack("<HI", 0, 8),
    "tiff with a million tags": TIFF + b"\xff\xff" + bytes(1000),
    "bmp of two gigabytes": b"BM"
    + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 2**15, 2**14, 1, 32, 0, 0, 0, 0, 0, 0),
    "ppm of a thousand megapixels": b"P6 40000 40000 255\n" + bytes(100),
    "fits": b"SIMPLE  =                    T".ljust(2880) + bytes(100),
    "psd": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 30000, 30000, 8, 3),
    "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50),
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "avif of nothing": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(100),
    "icon": b"\0\0\1\0\xff\xff" + bytes(100),
    # Videos.
    "mp4 without an index": FTYP + box(b"mdat", bytes(5000)),
    "mp4 with a box larger than the file": FTYP + struct.pack(">I", 2**31 - 1) + b"moov" + bytes(100),
    "mp4 with a box of exabytes": FTYP + struct.pack(">I4sQ", 1, b"moov", 2**63 - 1) + bytes(100),
    "mp4 with boxes of no size": FTYP + (struct.pack(">I", 0) + b"moov") * 500,
    "mp4 of boxes in boxes": FTYP + nested(b"moov", 20_000),
    "mp4 of two billion samples": FTYP
    + table(b"stsz", struct.pack(">III", 0, 1, 2**31 - 1)),
    "mkv whose head never ends": b"\x1aE\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xff" + bytes(500),
    "mkv of nothing": b"\x1aE\xdf\xa3\x80\x18S\x80g\x80",
    "avi with a list larger than itself": b"RIFF\xff\xff\xff\x7fAVI LIST\xff\xff\xff\x7fhdrlavih" + bytes(100),
    "ts of empty packets": (b"G\x1f\xff\x10" + b"\xff" * 184) * 100,
    "flv of noise": b"FLV\1\5\0\0\0\x09\0\0\0\0" + bytes(range(256)) * 10,
    "ogg of noise": b"OggS" + bytes(range(256)) * 10,
    "mxf of noise": b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02\x04\x00" + bytes(range(256)) * 10,
    "y4m of a large frame": b"YUV4MPEG2 W60000 H60000 F25:1 C420\nFRAME\n" + bytes(100),
    "y4m without a frame": b"YUV4MPEG2 W64 H48 F25:1 C420\n",
}  # fmt: skip
"""What is nothing that we take, whatever it is called."""

MADE: dict[str, Callable[[], bytes]] = {
    "video that lasts for days": lambda: packets("mjpeg", (0, jpeg()), (200_000, jpeg())),
    "video whose picture is a bomb": lambda: packets("png", (0, bomb(16_000)), (1, bomb(16_000))),
    "video of too many frames": lambda: packets(
        "mjpeg", *((i / 1000, b"\xff\xd8\xff\xd9") for i in range(41_000))
    ),
    "video that says it is larger than any": lambda: packets("mjpeg", (0, jpeg()), size=(16_000, 16_000)),
    "video of pages": lambda: packets("mjpeg", (0, SCRIPT.encode()), (1, SCRIPT.encode())),
}
"""Videos that are whole, and too much."""

NAMES = (
    "../../../tmp/x.png", "..\\..\\x.png", "/etc/cron.d/x", "C:\\x.png", "a\0b.png", "🐈'\".png", "CON", "x" * 1000,
    ".htaccess", "a.html", "a.svg", "file:///etc/passwd", "-rf", "a\r\nset-cookie: x=1.png", "%2e%2e%2fx", "~/.ssh/x",
)  # fmt: skip
"""Names that somebody hopes will become names of files."""


def write(folder: Path) -> dict[str, Path]:
    """Write all of them into a folder, under names that lie about them."""
    found = {}
    for number, (name, data) in enumerate({**BYTES, **{name: make() for name, make in MADE.items()}}.items()):
        found[name] = folder / f"{number}.mp4"
        found[name].write_bytes(data)
    return found
