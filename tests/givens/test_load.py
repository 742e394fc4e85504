from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope import tasks
from vitascope.errors import RequestError
from vitascope.givens import load
from vitascope.givens.load import Known, pinned
from vitascope.testing.fakes import synthetic_clip
from vitascope.types import Given, Shot

SHOT = Shot(prompt="a disc", seed=1, num_frames=17, fps=8.0, size=(64, 48))


TIME_STRIDE = 4


def gather(shot: Shot) -> Known:
    return load.gather(shot, TIME_STRIDE)


def shot(*givens: Given, **said) -> Shot:
    return SHOT.model_copy(update={"givens": givens, **said})


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.new("RGB", (128, 96), (200, 30, 40)).save(tmp_path / "red.png")
    return tmp_path / "red.png"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return synthetic_clip(17, seed=5).save(tmp_path / "disc.mp4")


def known_frames(known) -> list[int]:
    return np.flatnonzero(known.canvas.known.all(axis=(1, 2))).tolist()


def test_first_last_and_key_frames_lie_where_they_were_said(picture: Path):
    known = gather(pinned(shot(tasks.first_frame(picture))))
    assert known_frames(known) == [0]
    assert np.abs(known.canvas.frames[0].astype(int) - (200, 30, 40)).max() < 2
    assert known_frames(gather(pinned(shot(tasks.last_frame(picture))))) == [13, 14, 15, 16]
    assert known_frames(gather(pinned(shot(tasks.keyframe(picture, 1.1))))) == [5, 6, 7, 8]


def test_a_video_goes_on_or_is_led_up_to(video: Path):
    after = gather(shot(tasks.continued(video), num_frames=33))
    assert known_frames(after) == list(range(17))
    before = gather(shot(tasks.continued(video, 2.0), num_frames=33))
    assert known_frames(before) == list(range(16, 33))
    np.testing.assert_array_equal(after.canvas.frames[:17], before.canvas.frames[16:])


def test_a_video_of_one_frame_is_led_up_to_as_a_key_frame_is(video: Path):
    (single,) = (Given(kind="video", source=str(video), start=1.0, offset=15 / 8),)
    known = gather(shot(single, num_frames=9))
    assert known_frames(known) == [5, 6, 7, 8]


def test_a_span_is_made_anew_and_the_rest_stays_in_its_time(video: Path):
    whole = gather(shot(tasks.continued(video)))
    parts = gather(shot(*tasks.retake(video, 0.5, 1.0)))
    assert known_frames(parts) == [0, 1, 2, 3, *range(8, 17)]
    np.testing.assert_array_equal(parts.canvas.frames[8:], whole.canvas.frames[8:])


def test_the_white_of_a_mask_and_the_inside_of_a_box_are_wanted(video: Path, tmp_path: Path):
    white = np.zeros((96, 128), np.uint8)
    white[24:72, 32:64] = 255
    Image.fromarray(white).save(tmp_path / "mask.png")
    masked = gather(shot(tasks.region(video, mask=tmp_path / "mask.png")))
    boxed = gather(shot(tasks.region(video, box=(0.25, 0.25, 0.25, 0.5))))
    wanted = np.zeros((48, 64), bool)
    wanted[12:36, 16:32] = True
    np.testing.assert_array_equal(~boxed.canvas.known[3], wanted)
    assert (masked.canvas.known[3] != boxed.canvas.known[3]).mean() < 0.03


def test_a_mask_of_another_shape_lies_over_the_whole_picture(video: Path, tmp_path: Path):
    Image.fromarray(np.repeat(np.uint8([[0, 255]]), 20, axis=1).repeat(10, axis=0)).save(
        tmp_path / "wide.png"
    )
    known = gather(shot(tasks.region(video, mask=tmp_path / "wide.png")))
    assert known.canvas.known[0, :, :30].all()
    assert not known.canvas.known[0, :, 34:].any()


def test_what_lies_beside_a_padded_video_is_wanted(video: Path):
    known = gather(shot(tasks.region(video, fit="pad"), size=(96, 48)))
    np.testing.assert_array_equal(
        known.canvas.known[0].any(axis=0), (np.arange(96) >= 16) & (np.arange(96) < 80)
    )


def test_a_source_lasts_as_long_as_the_shot_and_a_reference_is_a_picture(video: Path, picture: Path):
    known = gather(shot(tasks.edited(video), tasks.reference(picture), num_frames=25))
    assert not known.canvas.known.any()
    assert known.source is not None
    assert len(known.source) == 25
    np.testing.assert_array_equal(known.source[16], known.source[24])
    assert len(known.references) == 1
    assert known.references[0].shape == (48, 64, 3)


def test_a_loop_ends_as_it_begins():
    frames = np.random.default_rng(0).integers(0, 256, (17, 48, 64, 3), dtype=np.uint8)
    known = load.looped(gather(SHOT), frames, TIME_STRIDE)
    assert known_frames(known) == [0, 13, 14, 15, 16]
    np.testing.assert_array_equal(known.canvas.frames[0], known.canvas.frames[16])


def test_it_is_said_what_was_done_to_a_picture(picture: Path):
    known = gather(shot(tasks.first_frame(picture)))
    assert any("red.png" in note for note in known.notes), known.notes


def test_a_file_that_has_changed_is_not_taken_for_the_one_it_was(picture: Path):
    before = pinned(shot(tasks.first_frame(picture)))
    assert pinned(before) == before
    Image.new("RGB", (128, 96), (0, 0, 255)).save(picture)
    with pytest.raises(RequestError, match=r"image: .*is not the file that this clip was made from"):
        pinned(before)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(RequestError, match=r"image: there is no file .*nothing\.png"):
        pinned(shot(tasks.first_frame(tmp_path / "nothing.png")))
