"""Facts of files that players act on in silence: each is acted on here too, and said."""

from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.media.nasty import card, movie, number_of
from vitascope.media.colour import HLG, PQ, tone_mapped
from vitascope.media.image import read_picture
from vitascope.media.info import MediaFacts
from vitascope.media.video import probe, read_video


def told(path: Path) -> str:
    return " ".join(read_video(path, fps=8).notes)


@pytest.mark.parametrize(
    ("stored", "aspect", "shown"),
    [((72, 58), (64, 45), (102, 58)), ((144, 108), (4, 3), (192, 108)), ((72, 48), (8, 9), (64, 48))],
)
def test_pixels_that_are_not_square_become_square(tmp_path, stored, aspect, shown):
    path = movie(tmp_path / "a.mp4", [0.0, 0.1], size=stored, aspect=aspect)
    facts = probe(path)
    assert (facts.size, facts.pixel_aspect) == (shown, aspect)
    assert read_video(path, fps=8).frames.shape[1:3] == shown[::-1]
    assert f"are {aspect[0]}:{aspect[1]} wide and become square" in told(path)


def test_pixels_that_cannot_be_so_wide_are_not_believed(tmp_path):
    path = movie(tmp_path / "a.mp4", [0.0, 0.1], aspect=(200, 1))
    assert (probe(path).size, probe(path).pixel_aspect) == ((64, 48), (1, 1))


@pytest.mark.parametrize("codec", ["libvpx-vp9", "libvpx"])
def test_a_see_through_webm_is_laid_on_white(tmp_path, codec):
    path = tmp_path / "a.webm"
    picture = np.zeros((48, 64, 4), np.uint8)
    picture[:, :32] = (0, 200, 0, 255)
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=8, options={"auto-alt-ref": "0"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuva420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(picture, format="rgba").reformat(format="yuva420p")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    assert probe(path).alpha
    frames = read_video(path, fps=8).frames
    assert len(frames) == 3
    assert (frames[:, :, 40:] > 250).all()
    assert (frames[:, :, 4:24, 1] > 180).all()
    assert "what is transparent was filled" in told(path)


@pytest.mark.parametrize("name", ["a.ts", "a.mpg"])
def test_recordings_joined_byte_by_byte_follow_one_another(tmp_path, name):
    path = movie(tmp_path / name, codec="mpeg2video")
    path.write_bytes(path.read_bytes() * 2)
    facts = probe(path)
    assert (facts.joined, facts.num_frames) == (2, 48)
    assert facts.seconds == pytest.approx(2.0, abs=0.15)
    numbers = [number_of(frame) for frame in read_video(path, fps=24).frames]
    assert numbers[30:46] == pytest.approx(range(6, 22), abs=1)
    assert "2 recordings" in told(path)


def test_a_recording_joined_to_one_of_a_later_hour_leaves_no_gap(tmp_path):
    first = movie(tmp_path / "a.ts", codec="mpeg2video")
    second = movie(tmp_path / "b.ts", [100 + i / 24 for i in range(24)], codec="mpeg2video")
    first.write_bytes(first.read_bytes() + second.read_bytes())
    assert probe(first).seconds == pytest.approx(2.0, abs=0.15)
    assert len(read_video(first, fps=24).frames) == pytest.approx(48, abs=3)


def test_two_fields_become_one_picture(tmp_path):
    """What moves shows a comb where the fields of two moments lie between one another."""
    path = tmp_path / "a.mpg"
    with av.open(str(path), "w") as container:
        video = container.add_stream(
            "mpeg2video", rate=25, options={"flags": "+ildct+ilme", "top": "1", "b": "4000000"}
        )
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for number in range(6):
            picture = np.zeros((48, 64, 3), np.uint8)
            picture[::2, 8 * number : 8 * number + 8] = picture[1::2, 8 * number + 4 : 8 * number + 12] = 255
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    assert probe(path).interlaced
    frames = read_video(path, fps=25).frames.astype(int)[1:5, 4:-4, :, 0]
    assert np.abs(frames[:, 1::2] - frames[:, ::2]).mean() < 12, "33 as it lies in the file"
    assert "two fields" in told(path)


@pytest.mark.parametrize("curve", [HLG, PQ])
def test_hdr_becomes_what_a_screen_shows(tmp_path, curve):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx265", rate=8, options={"x265-params": "log-level=none"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p10le"
        video.codec_context.color_trc, video.codec_context.color_primaries = curve, 9
        video.codec_context.colorspace = 9
        white = 0.75 if curve == HLG else 0.58
        picture = np.full((48, 64, 3), round(white * 65535), np.uint16)
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb48le").reformat(format="yuv420p10le")
            frame.pts, frame.time_base = number, Fraction(1, 8)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    assert probe(path).colours == ("HLG" if curve == HLG else "PQ")
    assert 215 < read_video(path, fps=8).frames.mean() < 245, "white paper, with room for what is brighter"
    assert "become BT.709" in told(path)


@pytest.mark.parametrize("curve", [HLG, PQ])
def test_tone_mapping_keeps_black_the_order_of_greys_and_greys_grey(curve):
    greys = np.linspace(0, 65535, 64).astype(np.uint16)[None, :, None].repeat(3, axis=2)
    mapped = tone_mapped(greys, curve, 9)[0].astype(int)
    assert mapped[0].tolist() == [0, 0, 0]
    assert (np.diff(mapped[:, 1]) >= 0).all()
    assert mapped.max() >= 254
    assert np.ptp(mapped, axis=1).max() <= 1


def test_the_track_that_the_file_marks_is_taken(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        tracks = [container.add_stream("mpeg4", rate=8) for _ in range(2)]
        for track in tracks:
            track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        tracks[0].disposition = av.stream.Disposition(0)
        tracks[1].disposition = av.stream.Disposition.default
        for number, track in zip((3, 12), tracks, strict=True):
            frame = av.VideoFrame.from_ndarray(card(number), format="rgb24").reformat(format="yuv420p")
            container.mux(track.encode(frame))
            container.mux(track.encode(None))
    assert probe(path).picture_tracks == 2
    assert number_of(read_video(path, fps=8).frames[0]) == 12
    assert "one of its 2 picture tracks" in told(path)


def swapped_profile() -> bytes:
    """Return a profile that is sRGB under a name that is not, with red and green in each other's place."""
    data = bytearray(
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        .tobytes()
        .replace(b"\0s\0R\0G\0B", b"\0s\0w\0a\0p")
    )
    table = {bytes(data[at : at + 4]): at for at in range(132, 132 + 12 * data[131], 12)}
    red, green = table[b"rXYZ"], table[b"gXYZ"]
    data[red : red + 4], data[green : green + 4] = data[green : green + 4], data[red : red + 4]
    return bytes(data)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "PA"])
def test_the_colour_profile_of_a_picture_is_followed_in_every_mode(tmp_path, mode):
    picture = Image.new("RGBA", (8, 8), (200, 20, 20, 255))
    if mode.endswith("A"):
        picture.putpixel((0, 0), (200, 20, 20, 0))
    picture = picture.quantize(8) if mode.startswith("P") else picture.convert(mode)
    picture.save(tmp_path / "a.png", icc_profile=swapped_profile())
    read = read_picture(tmp_path / "a.png")
    red, green, _ = read.pixels[5, 5].tolist()
    assert green > 150 > 90 > red
    if mode.endswith("A"):
        assert read.pixels[0, 0].tolist() == [255, 255, 255]


def grey_profile() -> bytes:
    """Return a profile of greys in linear light."""
    curve = b"curv" + bytes(4) + (1).to_bytes(4, "big") + (256).to_bytes(2, "big") + bytes(2)
    point = b"XYZ " + bytes(4) + b"".join(n.to_bytes(4, "big") for n in (63190, 65536, 54061))
    name = b"desc" + bytes(4) + (5).to_bytes(4, "big") + b"line\0" + bytes(79)
    tags, body = [(b"desc", name), (b"wtpt", point), (b"kTRC", curve)], b""
    table = len(tags).to_bytes(4, "big")
    for tag, data in tags:
        table += (
            tag + (128 + 4 + 12 * len(tags) + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        )
        body += data + bytes(-len(data) % 4)
    size = 128 + len(table) + len(body)
    head = size.to_bytes(4, "big") + b"lcms\2\x10\0\0mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28)
    head += b"".join(n.to_bytes(4, "big") for n in (63190, 65536, 54061))
    return head.ljust(128, b"\0") + table + body


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_the_profile_of_greys_is_followed(tmp_path, mode):
    grey = Image.new("L", (8, 8), 55)
    picture = Image.fromarray(np.full((8, 8), 55 * 257, np.uint16)) if mode == "I;16" else grey.convert(mode)
    picture.save(tmp_path / "a.png", icc_profile=grey_profile())
    assert 120 < read_picture(tmp_path / "a.png").pixels.mean() < 136, (
        "55 of 255 of the light is half way in sRGB"
    )


def test_a_broken_profile_is_no_reason_to_refuse(tmp_path):
    Image.new("RGBA", (8, 8), (9, 9, 9, 255)).save(tmp_path / "a.png", icc_profile=b"none" * 64)
    assert read_picture(tmp_path / "a.png").pixels.mean() == 9


def test_the_page_says_what_is_done_about_each_fact():
    page = (Path(__file__).parents[2] / "docs" / "inputs.md").read_text(encoding="utf-8")
    cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    rows = {name.strip(" `") for cell in cells for name in cell.split(",")}
    assert {field.name for field in fields(MediaFacts)} - {"remarks"} <= rows
