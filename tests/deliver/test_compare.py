from dataclasses import replace

from vitascope.deliver.compare import compare
from vitascope.deliver.mux import read
from vitascope.testing.fakes import synthetic_clip


def compared(tmp_path, first, second):
    a, b = first.save(tmp_path / "a.mp4"), second.save(tmp_path / "b.mp4")
    return compare(a, read(a), b)


def test_the_same_clip_is_identical(tmp_path):
    result = compared(tmp_path, synthetic_clip(), synthetic_clip())
    assert result.picture_identical
    assert result.bytes_identical
    assert result.sentence() == "identical: all 9 frames, and every byte of the file but its signature"


def test_the_same_picture_by_another_version(tmp_path):
    clip = synthetic_clip()
    result = compared(tmp_path, clip, replace(clip, record=replace(clip.record, versions={"av": "99"})))
    assert result.picture_identical
    assert not result.bytes_identical
    assert "changed since: av" in result.sentence()


def test_another_picture_says_where(tmp_path):
    clip = synthetic_clip()
    frames = clip.frames.copy()
    frames[5, :20, :20] = 255 - frames[5, :20, :20]
    result = compared(tmp_path, clip, replace(clip, frames=frames))
    assert not result.picture_identical
    assert 5 in result.different
    assert result.largest is not None
    assert result.largest > 50
    assert result.sentence().startswith("different:")


def test_another_length(tmp_path):
    result = compared(tmp_path, synthetic_clip(9), synthetic_clip(5))
    assert not result.same_shape
    assert not result.to_json()["picture_identical"]
