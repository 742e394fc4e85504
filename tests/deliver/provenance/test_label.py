import numpy as np
import pytest

from vitascope.deliver.mux import read
from vitascope.deliver.provenance.label import Label
from vitascope.deliver.provenance.verify import verify
from vitascope.testing.fakes import synthetic_clip


@pytest.mark.parametrize("corner", ["top-left", "top-right", "bottom-left", "bottom-right"])
def test_a_label_lies_inside_the_safe_area(corner):
    left, top, right, bottom = Label(corner).box(448, 256)
    assert left >= 20
    assert top >= 10
    assert right <= 448 - 20
    assert bottom <= 256 - 10
    assert (left < 224) is corner.endswith("left")
    assert (top < 128) is corner.startswith("top")


def test_the_letters_are_those_of_the_language():
    assert [Label("top-left", language).text for language in ("en", "de", "fr", "ja")] == [
        "AI",
        "KI",
        "IA",
        "AI",
    ]


def test_every_frame_of_a_clip_shows_it_and_is_marked(tmp_path, configure):
    plain = read(synthetic_clip(num_frames=5, width=256, height=192).save(tmp_path / "plain.mp4")).frames
    configure('label = "bottom-right"')
    file = synthetic_clip(num_frames=5, width=256, height=192).save(tmp_path / "a.mp4")
    frames = read(file).frames
    left, top, right, bottom = Label("bottom-right").box(256, 192)
    inside = frames[:, top:bottom, left:right]
    assert inside.min() < 30
    assert inside.max() > 225
    assert np.abs(inside.astype(int)[..., 0] - inside[..., 1]).mean() < 4, "grey"
    assert np.abs(frames[:, : top - 16].astype(int) - plain[:, : top - 16]).mean() < 3
    assert verify(file).watermark is not None
