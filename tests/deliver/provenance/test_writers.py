"""Every place that writes a picture or a video for a person puts the three marks on it."""

import io
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from vitascope.deliver.mux import frames_of, read_record
from vitascope.deliver.provenance.c2pa import read_manifest
from vitascope.deliver.provenance.marks import marks_of
from vitascope.deliver.provenance.verify import verify
from vitascope.deliver.provenance.xmp import read_xmp
from vitascope.deliver.sheet import save_sheet
from vitascope.deliver.stream import stream
from vitascope.director.film import parse_film
from vitascope.director.make import make
from vitascope.director.pictures import save_storyboard
from vitascope.director.storyboard import storyboard
from vitascope.jobs.previews import Previews
from vitascope.progress import Event, Progress
from vitascope.server.thumbnails import glance
from vitascope.testing.fakes import FakeBackend, register_fakes, synthetic_clip

SOURCE = Path(__file__).parents[3] / "src" / "vitascope"
WIDTH, HEIGHT = 256, 192


@pytest.fixture
def clip(tmp_path):
    return synthetic_clip(num_frames=5, width=WIDTH, height=HEIGHT).save(tmp_path / "clip.mp4")


def check(path: Path, *, watermark: bool = True):
    manifest = read_manifest(path)
    assert manifest.state == "Valid", manifest.problem
    assert read_xmp(path) is not None
    assert bool(manifest.soft_bindings) is watermark
    if watermark:
        report = verify(path)
        assert report.verdict == "marked", report.lines
        assert report.watermark is not None, report.lines
    return manifest


def test_a_clip_and_pictures_of_it(tmp_path, clip):
    check(clip)
    output = SimpleNamespace(num_frames=5)
    check(glance(clip, output, "thumbnail"))
    check(glance(clip, output, "spritesheet"))
    check(save_sheet([clip, clip], tmp_path / "sheet.png"))


def test_a_stream_and_a_preview(tmp_path):
    made, out = synthetic_clip(num_frames=5, width=WIDTH, height=HEIGHT), io.BytesIO()
    stream(iter((made.frames,)), made.fps, made.record, out)
    (tmp_path / "stream.mp4").write_bytes(out.getvalue())
    check(tmp_path / "stream.mp4")
    previews = Previews(tmp_path / "preview.webp", every=0.0)
    previews.see(Event("denoise", 1, 4, preview=lambda: made.frames[0]))
    check(tmp_path / "preview.webp")


def test_a_film_its_takes_and_its_storyboard(tmp_path):
    register_fakes()
    shots = [{"prompt": f"a cat {n}", "num_frames": 5} for n in range(3)]
    board = storyboard(parse_film({"shots": shots, "model": "fake", "seed": 1, "size": [64, 48]}))
    make(board, FakeBackend(), tmp_path / "shots", tmp_path / "film.mp4", Progress())
    # The fake model's frames are too small for a watermark: what is asked here is how the parts are told of.
    report = check(tmp_path / "film.mp4", watermark=False)
    roles = [line.partition(" (")[0] for line in report.history]
    assert roles == ["holds shot 1", "holds shot 2", "holds shot 3"]
    for take in (tmp_path / "shots").glob("*.mp4"):
        check(take, watermark=False)
    check(save_storyboard(tmp_path / "film.mp4", tmp_path / "board.png"))


def test_frames_that_go_into_a_film_are_marked_when_it_is_cut(tmp_path, clip):
    record = read_record(clip)
    assert marks_of(record, take=True).watermark is None
    assert marks_of(record).watermark is not None
    assert len(list(frames_of(clip))) == 5


def test_no_writer_is_missing_here():
    """Whoever adds a place that writes pictures or videos marks them, and names the place here."""
    writes = re.compile(r"""av\.open\([^\n]*"w"|\.save\([^)\n]*(?:"(?:PNG|WEBP|JPEG|GIF)"|kind|path\))""")
    found = set()
    for file in SOURCE.rglob("*.py"):
        name = file.relative_to(SOURCE).as_posix()
        if not name.startswith(("training/", "testing/", "toybox/")) and writes.search(
            file.read_text("utf-8")
        ):
            found.add(name)
    marked = {"deliver/mux.py", "deliver/stream.py", "deliver/provenance/marks.py", "director/cut.py"}
    # A file's cover, and what only a decoder, a server or the judge reads: nobody is given these.
    inner = {
        "deliver/thumbnail.py",
        "director/shoot.py",
        "server/sandbox.py",
        "backends/remote/media_transfer.py",
        "evaluation/tasks/base.py",
    }
    assert found - marked - inner == set()
    assert marked <= found
