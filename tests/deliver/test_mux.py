import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from vitascope.deliver.mux import read, read_record, save
from vitascope.errors import InputFileError, OutputExistsError
from vitascope.testing.fakes import synthetic_clip


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return save(synthetic_clip(num_frames=17), tmp_path_factory.mktemp("mux") / "clip.mp4")


def boxes(data: bytes) -> list[bytes]:
    """Return the names of an MP4's top-level boxes."""
    names, place = [], 0
    while place < len(data):
        names.append(data[place + 4 : place + 8])
        place += int.from_bytes(data[place : place + 4], "big")
    return names


def test_the_file_plays_everywhere(file):
    with av.open(str(file)) as container:
        video, cover = container.streams.video
        assert (video.codec.name, video.pix_fmt, video.width, video.height) == ("h264", "yuv420p", 64, 48)
        assert (video.average_rate, video.frames) == (8, 17)
        assert container.duration == 17 * av.time_base // 8
        assert cover.disposition.name == "attached_pic"
        first = next(container.decode(video))
        assert (first.colorspace, first.color_range) == (av.video.reformatter.Colorspace.ITU709, 1)
    names = boxes(file.read_bytes())
    assert names.index(b"moov") < names.index(b"mdat"), "the index comes first"


def test_the_picture_survives(file):
    movie = read(file)
    clip = synthetic_clip(num_frames=17)
    assert movie.frames.shape == clip.frames.shape
    assert movie.fps == 8.0
    error = np.square(movie.frames.astype(float) - clip.frames).mean()
    assert 10 * np.log10(255**2 / error) > 32


def test_the_settings_travel_in_the_file(file):
    assert read_record(file) == synthetic_clip(num_frames=17).record


def test_the_same_clip_gives_the_same_bytes(file, tmp_path):
    for number in range(10):
        again = save(synthetic_clip(num_frames=17), tmp_path / f"{number}.mp4")
        assert again.read_bytes() == file.read_bytes()


def test_one_frame_is_a_clip(tmp_path):
    assert read(save(synthetic_clip(num_frames=1), tmp_path / "one.mp4")).frames.shape == (1, 48, 64, 3)


def test_nothing_is_overwritten_unless_forced(tmp_path):
    file = tmp_path / "clip.mp4"
    file.write_text("precious")
    with pytest.raises(OutputExistsError):
        save(synthetic_clip(), file)
    assert file.read_text() == "precious"
    save(synthetic_clip(), file, force=True)
    assert read(file).frames.shape[0] == 9


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link.mp4").symlink_to(tmp_path / "real.mp4")
    save(synthetic_clip(), tmp_path / "link.mp4")
    assert (tmp_path / "link.mp4").is_symlink()
    assert (tmp_path / "real.mp4").is_file()


def test_a_full_disk_is_one_error_and_leaves_nothing(tmp_path):
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from vitascope.testing.fakes import synthetic_clip; from vitascope.errors import OutputError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try: synthetic_clip().save(Path(sys.argv[1]))\n"
        "except OutputError as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "clip.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "could not be written (File too large)" in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 2000


def test_permissions_follow_the_users_mask(file):
    mask = os.umask(0)
    os.umask(mask)
    assert file.stat().st_mode & 0o777 == 0o666 & ~mask


def test_what_is_no_clip_of_ours_is_an_error_of_one_line(tmp_path, file):
    text = tmp_path / "text.mp4"
    text.write_text("not a film")
    half = tmp_path / "half.mp4"
    half.write_bytes(file.read_bytes()[:1000])
    foreign = tmp_path / "foreign.mp4"
    with av.open(str(foreign), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(synthetic_clip().frames[0], format="rgb24")))
        container.mux(stream.encode(None))
    for path in (text, half, foreign, tmp_path, tmp_path / "missing.mp4"):
        with pytest.raises(InputFileError, match=f"file: {path}") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_sound_is_written_beside_the_frames_and_gives_the_same_bytes(tmp_path: Path):
    wave = np.sin(np.arange(16000 * 2) * 440 * 2 * np.pi / 16000).astype(np.float32) / 2
    clip = replace(synthetic_clip(num_frames=17), sound=np.stack([wave, -wave]), sample_rate=16000)
    first, second = clip.save(tmp_path / "a.mp4"), clip.save(tmp_path / "b.mp4")
    assert first.read_bytes() == second.read_bytes()
    with av.open(str(first)) as container:
        heard = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert abs(heard.shape[1] - len(wave)) < 3000
    assert 0.2 < heard[0, 4000:28000].std() < 0.5
    assert len(read(first).frames) == 17
