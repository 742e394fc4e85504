import tracemalloc

import av
import numpy as np
import pytest

from tests.media.nasty import (
    animation,
    card,
    cut,
    movie,
    number_of,
    photo,
    see_through_movie,
    sound_only,
)  # fmt: skip
from vitascope.errors import RequestError
from vitascope.media.limits import Limits
from vitascope.media.video import opened_video, probe, read_video


def numbers(path, **wanted) -> list[int]:
    return [number_of(frame) for frame in read_video(path, **wanted).frames]


def test_frames_are_taken_at_the_times_that_are_asked_for(tmp_path):
    path = movie(tmp_path / "a.mp4")
    assert numbers(path, fps=24) == list(range(24))
    assert numbers(path, fps=8) == list(range(0, 24, 3))
    assert numbers(path, fps=8, start=0.5) == [12, 15, 18, 21]
    assert numbers(path, fps=8, start=0.5, max_frames=2) == [12, 15]
    assert numbers(path, fps=48, max_frames=6) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_of_a_variable_frame_rate_each_time_gets_what_is_shown_then(tmp_path, name):
    path = movie(tmp_path / name, [0.0, 0.05, 0.1, 0.6, 0.61, 1.0, 1.9])
    facts = probe(path)
    assert facts.variable
    assert facts.num_frames == 7
    assert numbers(path, fps=10, max_frames=19) == [0, 2, 2, 2, 2, 2, 3, 4, 4, 4, *[5] * 9]
    assert "variable frame rate" in read_video(path, fps=10).notes[0]


def test_times_count_from_the_first_frame(tmp_path):
    path = movie(tmp_path / "a.mkv", [5 + i / 24 for i in range(24)])
    assert probe(path).seconds == pytest.approx(1.0, abs=0.05)
    assert numbers(path, fps=8) == list(range(0, 24, 3))


@pytest.mark.parametrize(
    ("turn", "mirror", "degrees"),
    [(-90, False, "rotated 90°"), (180, False, "rotated 180°"), (90, False, "rotated 270°"),
     (0, True, "mirrored"), (-90, True, "mirrored and rotated 270°")],
)  # fmt: skip
def test_a_turned_video_comes_in_upright(tmp_path, turn, mirror, degrees):
    path = movie(tmp_path / "a.mp4", [0.0, 0.1], turn=turn, mirror=mirror)
    # The convention of `set_display_rotation`: counter-clockwise, then mirrored.
    expected = np.rot90(card(0), turn // 90)
    expected = expected[:, ::-1] if mirror else expected
    read = read_video(path, fps=10)
    assert read.facts.turned == degrees
    assert read.facts.size == (expected.shape[1], expected.shape[0])
    assert read.frames[0].shape == expected.shape
    assert np.abs(read.frames[0].astype(int) - expected).mean() < 12


def test_what_was_done_is_said(tmp_path):
    path = movie(tmp_path / "in.mov", size=(96, 48), turn=-90)
    assert read_video(path, fps=8, size=(32, 32), max_frames=5).notes == (
        "in.mov: 48x96 at 24 fps, rotated 90°, becomes 32x32 at 8 fps: "
        "cropped 24 px from the top and bottom, 24 frames become 5",
    )
    plain = movie(tmp_path / "b.mp4")
    assert read_video(plain, fps=24).notes == ()


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "size", "tolerance"),
    [
        ("a.mp4", "libx264", "yuv420p10le", (64, 48), 12), ("a.mp4", "libx264", "yuvj420p", (64, 48), 12),
        ("a.mkv", "ffv1", "gray", (64, 48), 255), ("a.mkv", "ffv1", "bgra", (64, 48), 0),
        ("a.mkv", "ffv1", "yuv444p16le", (33, 17), 2), ("a.mkv", "ffv1", "yuv420p", (33, 17), 255),
        ("a.avi", "mjpeg", "yuvj444p", (64, 48), 24), ("a.mov", "prores_ks", "yuv422p10le", (64, 48), 12),
        ("a.webm", "libvpx-vp9", "yuv420p", (64, 48), 12), ("a.ts", "mpeg2video", "yuv420p", (64, 48), 40),
    ],
)  # fmt: skip
def test_videos_of_any_kind_become_8_bit_rgb(tmp_path, name, codec, pixels, size, tolerance):
    read = read_video(movie(tmp_path / name, codec=codec, pixels=pixels, size=size), fps=24)
    assert read.frames.shape[1:] == (size[1], size[0], 3)
    assert read.facts.size == size
    assert [number_of(frame) for frame in read.frames[::5]] == pytest.approx([0, 5, 10, 15, 20], abs=1)
    expected = card(5, *size)
    spots = (slice(2, None, 12), slice(2, None, 12))
    assert np.abs(read.frames[5][spots].astype(int) - expected[spots]).max() <= tolerance


def test_high_definition_that_does_not_say_is_in_its_own_colours(tmp_path):
    frame = av.VideoFrame.from_ndarray(card(9, 1280, 720), format="rgb24")
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=8)
        video.width, video.height, video.pix_fmt = 1280, 720, "yuv444p"
        container.mux(video.encode(frame.reformat(format="yuv444p", dst_colorspace="ITU709")))
        container.mux(video.encode(None))
    picture = read_video(path, fps=8, max_frames=1).frames[0].astype(int)
    assert np.abs(picture[::50, ::50] - card(9, 1280, 720)[::50, ::50]).max() <= 4


def test_a_transparent_video_lies_on_its_background(tmp_path):
    read = read_video(see_through_movie(tmp_path / "a.mov"), fps=8, background=(9, 8, 7))
    assert (read.frames[:, :, :32] == (0, 255, 0)).all()
    assert (read.frames[:, :, 32:] == (9, 8, 7)).all()
    assert read.facts.alpha
    assert "what is transparent was filled" in read.notes[0]


@pytest.mark.parametrize(("name", "options"), [("a.gif", {}), ("a.webp", {"lossless": True}), ("a.png", {})])
def test_animated_pictures_are_videos(tmp_path, name, options):
    path = animation(tmp_path / name, [200, 100, 100, 400, 100], **options)
    facts = probe(path)
    assert (facts.kind, facts.num_frames, facts.variable, facts.size) == ("video", 5, True, (64, 48))
    assert facts.seconds == pytest.approx(0.9)
    assert numbers(path, fps=10) == [0, 0, 1, 2, 3, 3, 3, 3, 4]


def test_frames_without_a_time_last_as_in_a_browser(tmp_path):
    assert probe(animation(tmp_path / "a.gif", [0, 10, 0])).seconds == pytest.approx(0.3)


def test_one_frame_is_a_video_too(tmp_path):
    path = movie(tmp_path / "a.mp4", [0.0])
    read = read_video(path, fps=8)
    assert len(read.frames) == 1
    assert read.facts.num_frames == 1


def test_what_has_no_moving_picture_is_refused(tmp_path):
    with pytest.raises(RequestError, match=r"video: .* has sound but no picture"):
        read_video(sound_only(tmp_path / "a.m4a"), fps=8)
    with pytest.raises(
        RequestError, match=r"source: .* is a still picture, not a video; give it as an image"
    ):
        read_video(photo(tmp_path / "a.jpg"), "source", fps=8)
    with pytest.raises(RequestError, match="is a still picture"):
        read_video(photo(tmp_path / "a.gif", "P"), fps=8)
    movie(tmp_path / "none.mkv", [], codec="ffv1")
    with pytest.raises(RequestError, match=r"none.mkv (has no pictures in it|could not be read)"):
        read_video(tmp_path / "none.mkv", fps=8)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.gif", "a.webp", "f.mp4"])
@pytest.mark.parametrize("share", [0.02, 0.5])
def test_a_video_that_is_cut_short_is_refused(tmp_path, name, share):
    times = [i / 24 for i in range(72)]
    if name in ("a.gif", "a.webp"):
        path = animation(tmp_path / name, [100] * 20)
    else:
        path = movie(tmp_path / name, times, codec="mjpeg" if name == "a.avi" else "libx264",
                     pixels="yuvj420p" if name == "a.avi" else "yuv420p")  # fmt: skip
    if name == "f.mp4":  # the index first, as for the web
        with (
            av.open(str(path)) as old,
            av.open(str(tmp_path / "g.mp4"), "w", options={"movflags": "faststart"}) as new,
        ):
            stream = new.add_stream_from_template(old.streams.video[0])
            for packet in old.demux():
                if packet.size:
                    packet.stream = stream
                    new.mux(packet)
        path = tmp_path / "g.mp4"
    with pytest.raises(
        RequestError, match=r"video: .*(could not be read|is cut short|has no pictures in it)"
    ):
        read_video(cut(path, share), fps=8)


def test_a_start_beyond_the_end_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(RequestError, match=r"lasts 1 s: nothing is left from 3 s on; nearest: 0.875"):
        read_video(movie(tmp_path / "a.mp4"), fps=8, start=3)


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(seconds=0.5), "lasts 1 s; at most 0.5 s are read"),
        (Limits(frames=10), "more than 10 frames"),
        (Limits(pixels=1000), "too many pixels"),
        (
            Limits(memory=64 * 48 * 3 * 5),
            "makes 8 frames of 64x48, more than memory is for; nearest: 5 frames",
        ),
    ],
)
def test_videos_beyond_a_limit_are_refused(tmp_path, limits, problem):
    for path in (movie(tmp_path / "a.mp4"), animation(tmp_path / "a.gif", [50] * 20)):
        with pytest.raises(RequestError) as error:
            read_video(path, fps=8, limits=limits)
        assert problem in str(error.value) or (path.suffix == ".gif" and "20 frames" in str(error.value))


def test_frames_can_be_had_one_by_one(tmp_path):
    with opened_video(movie(tmp_path / "a.mp4")) as reel:
        shown = [(frame.time, number_of(frame.pixels())) for frame in reel.frames()]
        assert [number for _, number in shown] == list(range(24))
        assert [time for time, _ in shown] == pytest.approx([i / 24 for i in range(24)], abs=0.001)
        assert number_of(next(reel.frames()).pixels()) == 0


def test_an_error_of_whoever_reads_is_its_own(tmp_path):
    with pytest.raises(KeyError), opened_video(movie(tmp_path / "a.mp4")):
        raise KeyError("mine")


def test_only_the_result_is_held_in_memory(tmp_path):
    path = movie(tmp_path / "a.mp4", size=(320, 240))
    tracemalloc.start()
    try:
        read_video(path, fps=24, size=(32, 32))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * 320 * 240 * 3  # 24 frames of the source were read


def test_a_video_says_whether_it_has_sound(tmp_path):
    sound = probe(movie(tmp_path / "a.mp4", sound=440)).sound
    assert sound is not None
    assert sound.codec == "aac"
    assert probe(movie(tmp_path / "b.mp4")).sound is None
