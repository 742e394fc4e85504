import contextlib
import os

import numpy as np
import pytest

from tests.media.nasty import animation, movie, photo, text
from vitascope.errors import RequestError
from vitascope.media.image import read_mask, read_picture
from vitascope.media.limits import Limits
from vitascope.media.video import probe, read_video

READERS = [
    lambda path: probe(path, "it"),
    lambda path: read_picture(path, "it"),
    lambda path: read_mask(path, "it"),
    lambda path: read_video(path, "it", fps=8),
]


def refused(path) -> list[str]:
    """Return what every reader says of a file; each says it in one line about the argument."""
    said = []
    for read in READERS:
        with pytest.raises(RequestError) as error:
            read(path)
        assert str(error.value).startswith("it: ")
        assert "\n" not in str(error.value)
        assert error.value.__cause__ is None
        said.append(str(error.value))
    return said


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros.png").symlink_to("/dev/zero")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nothing")
    for name, problem in (
        ("missing.png", "there is no file"), ("", "is a folder"), ("pipe", "is not a plain file"),
        ("zeros.png", "is not a plain file"), ("gone.png", "there is no file"),
    ):  # fmt: skip
        assert all(problem in said for said in refused(tmp_path / name))


@pytest.mark.parametrize(
    "path",
    [
        "http://127.0.0.1:9/a.mp4",
        "concat:a.mp4|b.mp4",
        "a\0b.png",
        "pipe:0",
        "x" * 5000,
        "subfile,,start,0,end,9,,:a",
    ],
)
def test_a_name_is_a_name_and_no_address(path):
    refused(path)
    if "://" in path:
        assert "only files on this machine are read" in refused(path)[0]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = photo(tmp_path / "a.png")
    path.chmod(0)
    assert all("could not be opened" in said for said in refused(path))


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("empty.mp4", "", "is empty"),
        ("noise.mp4", bytes(range(256)) * 40, ""),
        ("words.png", "a picture of a cat", ""),
        ("list.mp4", "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n", "is a playlist"),
        ("list.mkv", "\ufeff  ffconcat version 1.0\nfile '/etc/passwd'\n", "is a playlist"),
        ("dash.mp4", "<?xml version='1.0'?><MPD></MPD>", "is a document"),
        ("draw.png", "<svg xmlns='http://www.w3.org/2000/svg'/>", "is a document"),
        ("page.jpg", b"%PDF-1.7\n", "is a document"),
        ("page.png", b"%!PS-Adobe-3.0 EPSF-3.0\n", "is a document"),
        ("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC picture; save it as JPEG or PNG"),
        ("talk.mp4", "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=video 9 RTP/AVP 33\r\n", ""),
        ("header.png", b"\x89PNG\r\n\x1a\n", "could not be read"),
        ("header.gif", b"GIF89a", "could not be read"),
        ("header.jpg", b"\xff\xd8\xff\xe0", ""),
        ("header.webp", b"RIFF\x10\0\0\0WEBPVP8 ", "could not be read"),
        ("header.tif", b"II*\0\x08\0\0\0", ""),
    ],
)  # fmt: skip
def test_what_holds_no_pixels_is_refused(tmp_path, name, content, problem):
    path = text(tmp_path / name, content)
    assert all(problem in said for said in refused(path))
    assert os.listdir(tmp_path) == [name]


def test_a_playlist_hidden_behind_other_bytes_is_not_followed(tmp_path):
    movie(tmp_path / "real.mp4")
    for head in ("\n" * 600, "# a comment\n"):
        refused(text(tmp_path / "a.mp4", f"{head}ffconcat version 1.0\nfile '{tmp_path}/real.mp4'\n"))
        refused(text(tmp_path / "a.mp4", f"{head}#EXTM3U\n#EXTINF:1,\n{tmp_path}/real.mp4\n"))


def test_a_file_that_is_two_things_is_what_it_begins_as(tmp_path):
    picture, video = photo(tmp_path / "a.png").read_bytes(), movie(tmp_path / "a.mp4").read_bytes()
    both = text(tmp_path / "both.mp4", picture + video)
    assert read_picture(both).facts.format == "png"
    with pytest.raises(RequestError, match="is a still picture, not a video; give it as an image"):
        read_video(both, fps=8)
    assert probe(text(tmp_path / "both.png", video + picture)).kind == "video"


def test_a_file_with_too_many_bytes_is_refused(tmp_path):
    with pytest.raises(RequestError, match=r"image: .* has 0.0 MB; at most 0.0 MB are read"):
        read_picture(photo(tmp_path / "a.png"), limits=Limits(bytes=10))


def test_no_file_stays_open(tmp_path):
    path, folder = photo(tmp_path / "a.png"), "/proc/self/fd"
    if not os.path.isdir(folder):
        pytest.skip("needs /proc")
    before = len(os.listdir(folder))
    for other in (path, text(tmp_path / "b.png", b"\x89PNG\r\n\x1a\n"), tmp_path, movie(tmp_path / "c.mp4")):
        for read in READERS:
            with contextlib.suppress(RequestError):
                read(other)
    assert len(os.listdir(folder)) == before


def test_a_damaged_file_is_read_or_refused_but_never_worse(tmp_path):
    rng = np.random.default_rng(8)
    whole = [
        photo(tmp_path / "a.png"), photo(tmp_path / "a.jpg"), photo(tmp_path / "a.webp"),
        animation(tmp_path / "b.gif", [100] * 4), animation(tmp_path / "b.webp", [100] * 4),
        movie(tmp_path / "c.mp4", sound=440), movie(tmp_path / "c.mkv", codec="ffv1"),
    ]  # fmt: skip
    for path in whole:
        for _ in range(6):
            data = np.frombuffer(path.read_bytes(), np.uint8).copy()
            places = rng.integers(8, len(data), 12)
            data[places] = rng.integers(0, 256, 12)
            damaged = text(tmp_path / f"damaged{path.suffix}", data.tobytes())
            for read in (READERS[0], READERS[1 if path.stem == "a" else 3]):
                with contextlib.suppress(RequestError):
                    read(damaged)
