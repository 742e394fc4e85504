"""Which of FFmpeg's decoders a file may ask for."""

from pathlib import Path

import pytest

from tests.media.nasty import movie
from vitascope.errors import RequestError
from vitascope.media.ffmpeg import VIDEO_DECODERS
from vitascope.media.video import probe, read_video


def renamed(path: Path, codec: bytes, other: bytes) -> Path:
    """The same file with another name of its codec wherever it says one."""
    data = path.read_bytes()
    assert codec in data
    path.write_bytes(data.replace(codec, other))
    return path


@pytest.mark.parametrize(
    ("name", "letters", "decoder"),
    [
        ("a.avi", b"AFLC", "flic"),
        ("a.avi", b"M8RG", "magicyuv"),
        ("a.avi", b"cvid", "cinepak"),
        ("a.avi", b"IV50", "indeo5"),
        ("a.avi", b"SNOW", "snow"),
        ("a.mov", b"rpza", "rpza"),
        ("a.mov", b"SVQ3", "svq3"),
    ],
)
def test_a_decoder_that_no_camera_needs_is_refused_by_name(tmp_path, name, letters, decoder):
    """S15: an AVI of MJPEG whose four letters are changed reached any of 557 decoders, in the worker as well."""
    path = movie(tmp_path / name, codec="mjpeg", pixels="yuvj420p")
    assert probe(path).codec == "mjpeg"
    renamed(path, b"MJPG" if name == "a.avi" else b"jpeg", letters)
    for read in (lambda: probe(path), lambda: read_video(path, fps=8)):
        with pytest.raises(RequestError, match=f"is coded as {decoder}, which is not read here") as refused:
            read()
        assert refused.value.nearest == "save it as H.264"


def test_the_decoders_that_may_run_are_few_and_none_points_elsewhere():
    assert len(VIDEO_DECODERS) < 40
    assert (
        not {"flic", "magicyuv", "cinepak", "indeo5", "svq3", "snow", "rv40", "bethsoftvid"} & VIDEO_DECODERS
    )
