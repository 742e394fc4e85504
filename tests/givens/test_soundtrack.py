"""The sound of what comes in, through the whole road with the fake backend."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media.nasty import movie
from vitascope import tasks
from vitascope.api import extension
from vitascope.deliver.stream import stream as write_stream
from vitascope.givens.soundtrack import notes
from vitascope.media.sound import SAMPLE_RATE, read_sound
from vitascope.pipeline import generate, plan, stream
from vitascope.progress import Progress
from vitascope.testing.fakes import FakeBackend, register_fakes, synthetic_clip
from vitascope.types import Clip, Given, Shot

TONE = 0.3
"""How loud the tone of the fixture is, at least (root mean square)."""


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A video of one second with a tone from its beginning to its end."""
    return movie(tmp_path / "in.mp4", size=(160, 120), sound=440)


def made(*givens: Given, frames: int = 5, **said) -> Clip:
    shot = Shot(prompt="a disc", seed=3, num_frames=frames, givens=givens, **said)
    return generate(shot, FakeBackend(), Progress())


def loudness(sound: np.ndarray, start: float, end: float) -> float:
    return float(sound[0, round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)].std())


@pytest.mark.parametrize(
    "givens",
    [
        lambda video: (tasks.region(video, box=(0.25, 0.25, 0.5, 0.5)),),
        lambda video: (tasks.edited(video),),
        lambda video: tasks.retake(video, 0.25, 0.5),
        lambda video: (tasks.region(video, fit="pad"),),
    ],
    ids=["box", "instruction", "span", "outpaint"],
)
def test_an_edit_keeps_the_sound_to_the_sample(video, givens):
    clip = made(*givens(video))
    assert clip.sound is not None
    assert clip.sound.shape == (2, round(clip.seconds * SAMPLE_RATE))
    assert loudness(clip.sound, 0.05, clip.seconds - 0.1) > TONE
    assert any(note.startswith("sound: that of in.mp4 stays") for note in clip.record.notes)


@pytest.mark.parametrize("before", [False, True])
def test_an_extension_is_silent_where_it_is_new(video, before):
    register_fakes()
    fields, _ = extension(video, 1, before=before, model="fake")
    clip = generate(Shot(prompt="a disc", seed=3, **fields), FakeBackend(), Progress())
    assert clip.sound is not None
    assert clip.sound.shape[1] == round(clip.seconds * SAMPLE_RATE)
    begin = fields["givens"][0].start or 0.0
    kept, new = (begin + 0.1, begin + 0.7), (0, begin - 0.01) if before else (1.05, clip.seconds)
    assert loudness(clip.sound, *kept) > TONE
    assert loudness(clip.sound, *new) == 0


def test_the_file_has_just_as_much_sound_as_pictures(video, tmp_path):
    path = made(tasks.region(video, box=(0.25, 0.25, 0.5, 0.5))).save(tmp_path / "out.mp4")
    with av.open(str(path)) as container:
        heard, shown = container.streams.audio[0], container.streams.video[0]
        assert heard.time_base == Fraction(1, SAMPLE_RATE)
        assert heard.duration == round(shown.frames / shown.average_rate * SAMPLE_RATE)


def test_a_stream_has_the_sound_of_the_clip(video):
    shot = Shot(prompt="a disc", seed=3, num_frames=5, givens=tasks.retake(video, 0.25, 0.5))
    told, clip, out = stream(shot, FakeBackend(), Progress()), made(*shot.givens), io.BytesIO()
    assert told.sound is not None
    assert clip.sound is not None
    assert np.array_equal(told.sound, clip.sound)
    write_stream(told.frames, told.fps, told.record, out, told)
    with av.open(io.BytesIO(out.getvalue())) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) >= clip.sound.shape[1]


def test_a_sound_that_starts_late_stays_late(tmp_path):
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as container:
        video, tone = container.add_stream("mpeg4", rate=8), container.add_stream("pcm_s16le", rate=8000)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        tone.codec_context.layout = "mono"
        for _ in range(8):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            container.mux(video.encode(frame.reformat(format="yuv420p")))
        container.mux(video.encode(None))
        loud = av.AudioFrame.from_ndarray(np.full((1, 2000), 9000, np.int16), format="s16", layout="mono")
        loud.sample_rate, loud.pts = 8000, 4000
        container.mux(tone.encode(loud))
        container.mux(tone.encode(None))
    sound = read_sound(path, seconds=1.0)
    assert sound is not None
    assert sound.shape == (1, SAMPLE_RATE)
    heard = np.flatnonzero(np.abs(sound[0]) > 0.1) / SAMPLE_RATE
    assert (heard[0], heard[-1]) == pytest.approx((0.5, 0.75), abs=0.01)
    assert np.abs(read_sound(path, start=0.5, seconds=0.1)).min() > 0.2  # pyright: ignore


def test_a_silent_video_stays_silent_and_a_motion_video_says_so(video, tmp_path):
    silent = synthetic_clip(9, 64, 48, 8.0, seed=5).save(tmp_path / "silent.mp4")
    clip = made(tasks.edited(silent))
    assert clip.sound is None
    assert not any("sound" in note for note in clip.record.notes)
    shot = plan(
        Shot(prompt="a disc", seed=3, num_frames=5, givens=(tasks.edited(video),)), FakeBackend()
    ).shot
    moved = shot.givens[0].model_copy(update={"role": "pose"})
    assert notes(shot.model_copy(update={"givens": (moved,)})) == (
        "sound: that of in.mp4 is left out; only its motion is used",
    )
