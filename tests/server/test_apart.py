"""What strangers send is decoded by workers and by confined processes, and never by the server itself."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.server.conftest import png
from tests.server.hostile import BYTES, write
from vitascope import pipeline
from vitascope.api import editing, extension, make_shot
from vitascope.backends.registry import backend
from vitascope.errors import RequestError
from vitascope.media.inspector import LOCAL
from vitascope.server import sandbox as checking
from vitascope.server.sandbox import Inspection, SandboxInspector, inspect_file
from vitascope.tasks import first_frame, reference
from vitascope.testing.fakes import synthetic_clip
from vitascope.testing.media import sources


def animation() -> bytes:
    out, frames = io.BytesIO(), [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue", "green")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=500)
    return out.getvalue()


@pytest.fixture
def large(tmp_path) -> bytes:
    """The bytes of a video that is larger than what is made of it."""
    return synthetic_clip(width=384, height=288).save(tmp_path / "large.mp4").read_bytes()


@pytest.fixture
def blind(monkeypatch, tmp_path):
    """From now on this process can decode nothing."""

    def decode(*_, **__):
        raise AssertionError("the server decodes")

    monkeypatch.setattr("av.open", decode)
    monkeypatch.setattr("PIL.Image.open", decode)
    (tmp_path / "probe.png").write_bytes(png())
    with pytest.raises(RequestError, match="the server decodes"):
        LOCAL.check_picture(tmp_path / "probe.png", "image")


@pytest.mark.parametrize("model", ["fake", "toybox"])
def test_the_server_decodes_nothing_to_take_a_request_in(
    client, context, service, clip, large, made, blind, model
):
    object.__setattr__(context, "models", (model, "fake"))
    part = {"prompt": "make it night", "model": model, "box": "0.25,0.25,0.5,0.5"}
    wide = "1:1" if model == "toybox" else "48:64"
    kept = client.post("/api/v1/uploads", files={"file": ("a", clip)}).json()["id"]
    who = client.post("/v1/videos/characters", data={"name": "Mia"}, files={"video": ("m", clip)}).json()[
        "id"
    ]
    asked = {
        "picture": ("/v1/videos", {"prompt": "a cat"}, {"input_reference": png(), "last_image": png()}),
        "animation": ("/v1/videos/edits", {"prompt": "make it night"}, {"video": animation()}),
        "character": ("/v1/videos", {"prompt": "a cat", "characters": f'[{{"id": "{who}"}}]'}, {}),
        "box": ("/v1/videos/edits", part, {"video": large}),
        "mask": ("/v1/videos/edits", {"prompt": "make it night"}, {"video": clip, "mask": png()}),
        "span": ("/v1/videos/edits", {"prompt": "make it night", "span": "0s-0.5s"}, {"video": clip}),
        "whole": ("/v1/videos/edits", {"prompt": "make it night"}, {"video": clip}),
        "outpaint": ("/v1/videos/edits", {"prompt": "more", "outpaint": wide}, {"video": clip}),
        "longer": ("/v1/videos/extensions", {"prompt": "a cat", "seconds": "1"}, {"video": clip}),
        "mine": ("/v1/videos/edits", {"prompt": "make it night", "video_id": made.id}, {}),
        "remix": (f"/v1/videos/{made.id}/remix", {"prompt": "make it night"}, {}),
    }
    for name, (url, data, files) in asked.items():
        sent = {field: (field, content) for field, content in files.items()} or None
        answer = client.post(url, data={"model": model, **data}, files=sent)
        assert answer.status_code == 200, (name, answer.text)
    given = {"kind": "video", "role": "source", "source": kept}
    shot = {"prompt": "make it night", "model": model, "num_frames": 5, "givens": [given]}
    assert client.post("/api/v1/jobs", json={"shot": shot}).status_code == 200
    assert service.store.counts()["queued"] == len(asked) + 1
    told = [note for job in service.store.page(limit=100).jobs for note in job.notes]
    assert [note for note in told if "what is not edited stays as it is, 384x288" in note]
    assert not [note for note in told if str(context.uploads.folder) in note], "no names of our folders"


def test_what_is_seen_apart_is_what_is_seen_here(tmp_path):
    """All kinds of files, and the real eye: a plan is the same to the letter."""
    apart = SandboxInspector()
    for name, data in list(sources(tmp_path).items())[::2]:
        (tmp_path / name).write_bytes(data)
        facts = LOCAL.facts(tmp_path / name, "file")
        assert apart.facts(tmp_path / name, "file") == facts, name
        kind = "image" if facts.kind == "picture" else "video"
        here, there = (one.moments(tmp_path / name, kind, (32, 24), 0.0) for one in (LOCAL, apart))
        assert here.dtype == there.dtype == np.uint8
        assert np.array_equal(here, there), name
    clip, still = synthetic_clip().save(tmp_path / "clip.mp4"), tmp_path / "still.png"
    still.write_bytes(png())
    told = [editing(clip, model="toybox", box=(0.2, 0.2, 0.5, 0.5)), editing(clip, model="toybox")]
    told += [extension(clip, 1, before=False, model="toybox")[0]]
    told += [{"givens": (first_frame(still), reference(still))}]
    for more in told:
        shot = make_shot("make it night", seed=7, **more)
        here = pipeline.plan(shot, backend("toybox"))
        assert pipeline.plan(shot, backend("toybox"), apart) == here


def test_hostile_files_break_no_look_whatever_is_asked_of_them(tmp_path):
    files = [path for name, path in write(tmp_path).items() if name in BYTES][::5]
    told = {"size": (64, 48), "start": 0.0}
    for path in files:
        with pytest.raises(RequestError) as error:
            SandboxInspector().facts(path, "file")
        assert str(tmp_path) not in str(error.value)
        looks = [inspect_file(path, "file", task="picture")]
        looks += [
            inspect_file(path, "file", tmp_path / "out", "moments", {**told, "kind": kind})
            for kind in ("image", "video")
        ]
        assert {look.end for look in looks} <= {"read", "refused"}, path
        assert max(look.peak_bytes for look in looks) < 10**9


def test_what_was_found_is_asked_for_once(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(png())
    looks, real = [], checking.inspect_file
    monkeypatch.setattr(checking, "inspect_file", lambda *a, **k: looks.append(k["task"]) or real(*a, **k))
    apart = SandboxInspector()
    for _ in range(3):
        assert apart.facts(tmp_path / "a.png", "image").size == (64, 48)
        apart.check_picture(tmp_path / "a.png", "image")
    assert looks == ["facts", "picture"]


@pytest.mark.parametrize("said", [{}, {"kind": "film"}, {"size": "large"}, {"num_frames": "many"}])
def test_who_looked_is_not_believed_blindly(tmp_path, monkeypatch, said):
    (tmp_path / "a.png").write_bytes(png())
    whole = dataclasses.asdict(LOCAL.facts(tmp_path / "a.png", "image"))
    found = {**whole, **said} if said else {}
    monkeypatch.setattr(checking, "inspect_file", lambda *_, **__: Inspection("read", found))
    with pytest.raises(RequestError, match="could not be read"):
        SandboxInspector().facts(tmp_path / "a.png", "image")


@pytest.mark.parametrize("look", [Inspection("refused", {}), Inspection("read", {})])
def test_an_answer_that_makes_no_sense_is_a_file_that_cannot_be_read(tmp_path, monkeypatch, look):
    monkeypatch.setattr(checking, "inspect_file", lambda *_, **__: look)
    with pytest.raises(RequestError, match="could not be read"):
        SandboxInspector().moments(tmp_path / "a", "video", (64, 48), 0.0)


@pytest.mark.parametrize("size", [0, 100, 64 * 48 * 3 * 9])
def test_pictures_that_were_not_asked_for_are_not_taken(tmp_path, monkeypatch, size):
    def look(path, argument, out, what, told):
        out.write_bytes(bytes(size))
        return Inspection("read", {})

    monkeypatch.setattr(checking, "inspect_file", look)
    if size < 64 * 48 * 3:
        with pytest.raises(RequestError, match="could not be read"):
            SandboxInspector().moments(tmp_path / "a", "video", (64, 48), 0.0)
    else:
        assert SandboxInspector().moments(tmp_path / "a", "video", (64, 48), 0.0).shape == (3, 48, 64, 3)


def test_a_server_whose_folder_is_gone_still_looks_at_files(tmp_path, monkeypatch):
    (tmp_path / "in.png").write_bytes(png())
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(FileNotFoundError):
        Path.cwd()
    worker = checking.SandboxWorker()
    try:
        assert worker.look("file", str(tmp_path / "in.png"), "").end == "read"
        monkeypatch.chdir(tmp_path)
        assert worker.look("file", "in.png", "").end == "read"
    finally:
        worker.close()
