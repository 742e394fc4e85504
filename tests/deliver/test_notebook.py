import base64
import re
from dataclasses import replace

from vitascope.deliver import notebook
from vitascope.deliver.mux import read
from vitascope.testing.fakes import synthetic_clip


def test_a_notebook_shows_the_clip_with_its_record(tmp_path):
    shown = synthetic_clip()._repr_html_()
    (data,) = re.findall(r'src="data:video/mp4;base64,([A-Za-z0-9+/=]+)"', shown)
    (tmp_path / "shown.mp4").write_bytes(base64.b64decode(data))
    assert read(tmp_path / "shown.mp4").record.shot.prompt == "a disc"
    assert "1.125 s, 64x48, 8 fps, seed 0" in shown


def test_words_are_no_html():
    clip = synthetic_clip()
    shot = clip.record.shot.model_copy(update={"prompt": '<script>alert("x")</script>\u202e'})
    shown = replace(clip, record=replace(clip.record, shot=shot))._repr_html_()
    assert "<script" not in shown
    assert "\u202e" not in shown


def test_a_large_clip_is_not_laid_into_the_notebook(monkeypatch):
    monkeypatch.setattr(notebook, "MAX_BYTES", 100)
    shown = synthetic_clip()._repr_html_()
    assert "base64" not in shown
    assert "too large" in shown
