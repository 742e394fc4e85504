"""Files that strangers send: each hostile one is refused, in one line, and leaves nothing behind."""

import io
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from tests.server.conftest import png
from tests.server.hostile import BYTES, MADE, NAMES, write
from vitascope.errors import RequestError
from vitascope.server import characters
from vitascope.server import sandbox as checking
from vitascope.server import uploads as module
from vitascope.server.sandbox import Inspection, SandboxPool, SandboxWorker, check, inspect_file
from vitascope.testing.media import mutant, sources

SLACK = 4
"""How much longer something may take on a machine that is busy with other things."""

HOSTILE = (*BYTES, *MADE)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_and_leave_nothing(client, context, name):
    data = BYTES[name] if name in BYTES else MADE[name]()
    began = time.monotonic()
    answer = client.post("/api/v1/uploads", files={"file": ("cat.mp4", data, "video/mp4")})
    assert time.monotonic() - began < 5 * SLACK
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["param"], error["code"]) == ("file", "invalid_value")
    assert "\n" not in error["message"]
    assert str(context.uploads.folder) not in error["message"]
    assert list(context.uploads.folder.iterdir()) == []


def test_there_are_enough_of_them():
    assert len(HOSTILE) >= 40


def test_no_hostile_file_breaks_a_look_or_takes_much(tmp_path):
    looks = {name: inspect_file(path, "file") for name, path in write(tmp_path).items()}
    assert {name: look for name, look in looks.items() if look.end != "refused"} == {}
    assert max(look.peak_bytes for look in looks.values()) < 10**9


def test_a_sample_of_mutants_is_read_or_refused(tmp_path):
    """`benchmarks/fuzz_media.py` does this with thousands."""
    found, ends = sources(tmp_path), Counter()
    lookout = SandboxWorker()
    for number in range(64):
        one = mutant(found, number)
        file = tmp_path / "mutant"
        file.write_bytes(one.data)
        began = time.monotonic()
        look = lookout.look("file", str(file), "")
        assert time.monotonic() - began < 5 * SLACK, one
        assert look.end in ("read", "refused"), (one.number, one.source, one.how, look)
        assert look.peak_bytes < 10**9
        ends[look.end] += 1
    assert lookout.alive, "it never came to harm itself"
    lookout.close()
    assert min(ends["read"], ends["refused"]) > 8, ends


def test_whole_files_of_every_kind_are_read(tmp_path):
    for name, data in sources(tmp_path).items():
        (tmp_path / "file").write_bytes(data)
        assert check(tmp_path / "file", "file").size == (64, 48), name


def test_half_a_video_is_refused(client, clip):
    answer = client.post("/api/v1/uploads", files={"file": ("a.mp4", clip[: len(clip) // 2])})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("name", NAMES)
def test_files_get_names_of_ours(client, context, name, tmp_path):
    told = client.post("/api/v1/uploads", files={"file": (name, png(), "text/html")}).json()
    assert (told["kind"], told["format"], told["size"]) == ("picture", "png", [64, 48])
    names = sorted(file.name for file in context.uploads.folder.iterdir())
    assert names == [f"{told['id']}.json", f"{told['id']}.picture"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["jobs", "uploads"]


def test_an_upload_is_used_listed_and_removed(client, clip, service):
    picture = client.post("/api/v1/uploads", files={"file": ("a", png())}).json()
    video = client.post("/api/v1/uploads", files={"file": ("b", clip)}).json()
    assert (video["kind"], video["num_frames"], video["seconds"]) == ("video", 9, 1.125)
    assert [one["id"] for one in client.get("/api/v1/uploads").json()["data"]] == [video["id"], picture["id"]]
    body = {"prompt": "a cat", "input_reference": {"file_id": picture["id"]}}
    assert client.post("/v1/videos", json=body).status_code == 200
    refused = client.post("/v1/videos", json={**body, "input_reference": video["id"]})
    assert refused.json()["error"]["message"] == "input_reference: is a video; a picture is wanted"
    assert client.delete(f"/api/v1/uploads/{picture['id']}").json()["deleted"] is True
    assert client.get(f"/api/v1/uploads/{picture['id']}").status_code == 404
    (job,) = service.store.page().jobs
    assert (service.storage.path / job.request.shot.givens[0].source).is_file(), "the job has a copy"


def test_files_that_come_with_a_request_go_with_it(client, context):
    form = {"data": {"prompt": "a cat"}, "files": {"input_reference": ("a", png())}}
    assert client.post("/v1/videos", **form).status_code == 200
    form["data"]["seconds"] = "-1"
    assert client.post("/v1/videos", **form).status_code == 400
    assert list(context.uploads.folder.iterdir()) == []


def test_a_full_folder_of_uploads_takes_no_more(client, context):
    client.post("/api/v1/uploads", files={"file": ("a", png())})
    for name in ("max_total", "max_reserved"):
        object.__setattr__(context.uploads, name, 10)
    answer = client.post("/api/v1/uploads", files={"file": ("a", png())})
    assert "is full" in answer.json()["error"]["message"]
    form = {"data": {"prompt": "a cat"}, "files": {"input_reference": ("a", png())}}
    assert client.post("/v1/videos", **form).status_code == 200, (
        "what goes with its request needs no place there"
    )


@pytest.fixture
def callers(context) -> dict[str, dict[str, dict[str, str]]]:
    """What three tokens send to be known."""
    secrets = {name: context.tokens.add(name, "write") for name in ("ann", "bob", "cy")}
    return {name: {"headers": {"authorization": f"Bearer {secret}"}} for name, secret in secrets.items()}


def test_one_tokens_uploads_leave_room_for_those_of_others(client, context, callers):
    """S13: when ann had filled the folder, nobody else could keep anything."""
    size = len(png())
    for name, files in (("max_each", 3), ("max_total", 4), ("max_reserved", 1)):
        object.__setattr__(context.uploads, name, files * size)

    def send(name: str) -> str:
        answer = client.post("/api/v1/uploads", files={"file": ("a", png())}, **callers[name])
        return "" if answer.status_code == 200 else answer.json()["error"]["message"]

    assert [send("ann") for _ in range(3)] == [""] * 3
    assert "your uploads would have more than" in send("ann")
    assert send("bob") == ""
    assert send("cy") == "", "a part is kept for each"
    assert "is full" in send("bob")
    assert "is full" in send("cy")
    mine = client.get("/api/v1/uploads", **callers["ann"]).json()["data"]
    client.delete(f"/api/v1/uploads/{mine[0]['id']}", **callers["ann"])
    assert "is full" in send("ann")
    client.delete(f"/api/v1/uploads/{mine[1]['id']}", **callers["ann"])
    assert send("ann") == ""


def test_the_number_of_uploads_of_a_token_has_an_end(client, callers, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILES_EACH", 2)
    send = lambda name: client.post("/api/v1/uploads", files={"file": ("a", png())}, **callers[name])  # noqa: E731
    assert [send("ann").status_code for _ in range(3)] == [200, 200, 400]
    assert "there are 2 uploads" in send("ann").json()["error"]["message"]
    assert send("bob").status_code == 200


@pytest.mark.parametrize(("name", "most"), [("MAX_EACH", 2), ("MAX_BYTES_EACH", 1)])
def test_characters_of_a_token_have_an_end(client, callers, monkeypatch, name, most):
    monkeypatch.setattr(characters, name, most)

    def send(caller: str):
        form = {"data": {"name": "Mia"}, "files": {"video": ("a", png())}}
        return client.post("/v1/videos/characters", **form, **callers[caller])

    statuses = [send("ann").status_code for _ in range(3)]
    assert statuses[0] == 200
    assert statuses[2] == 400
    assert "a token may have" in send("ann").json()["error"]["message"]
    assert send("bob").status_code == 200


def test_a_characters_picture_is_no_larger_than_it_need_be(client, context):
    form = {"data": {"name": "Mia"}, "files": {"video": ("a", png(5000, 2500))}}
    name = client.post("/v1/videos/characters", **form).json()["id"]
    with Image.open(context.characters.folder / name / "picture.png") as picture:
        assert picture.size == (2048, 1024)


@pytest.mark.parametrize("free", [[0], [2**40, 2**20]])
def test_uploads_leave_some_of_the_disk_free(client, context, monkeypatch, clip, free):
    """S13: 30 MB went onto a disk of 40 MB."""
    monkeypatch.setattr(module, "SPACE_CHECK_BYTES", 1)
    left = list(free)
    object.__setattr__(context.uploads, "free", lambda path: left.pop(0) if len(left) > 1 else left[0])
    for route, part in (("/api/v1/uploads", "file"), ("/v1/videos", "input_reference")):
        left[:] = free
        form = {"data": {"prompt": "a cat"}, "files": {part: ("a", png(1200, 900) * 2**8)}}
        answer = client.post(route, **form)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "disk_full")
    assert list(context.uploads.folder.iterdir()) == []


BAD = {
    "breaks": ("os.abort()", "broken", signal.SIGABRT),
    "is killed": ("os.kill(os.getpid(), 9)", "broken", signal.SIGKILL),
    "sleeps": ("time.sleep(600)", "too long", signal.SIGALRM),
    "spins": ("exec('while True: pass')", "too long", signal.SIGXCPU),
    "eats": ("bytearray(2 * 2**30)", "broken", 0),
    "talks": ("os.write(1, b'{}' * 9999)", "broken", 0),
    "leaves": ("sys.exit(3)", "broken", 0),
}


@pytest.mark.parametrize("how", BAD)
def test_a_decoder_that_comes_to_harm_takes_nobody_along(tmp_path: Path, monkeypatch, how):
    """The processes are real, and do what a broken decoder would: the next file is looked at as if nothing had been."""
    deed, end, killer = BAD[how]
    program = f"""
import os, sys, time, vitascope.server.sandbox as c
real = c._run_task
c._run_task = lambda argument, *told: {deed} if argument == "bad" else real(argument, *told)
c.WALL_SECONDS, c.CPU_SECONDS = {2 if how == "sleeps" else 60}, 1
c._serve()
"""
    monkeypatch.setattr(SandboxWorker, "program", ("-c", program))
    file = tmp_path / "a.png"
    file.write_bytes(png())
    lookout = SandboxWorker()
    bad = lookout.look("bad", str(file), "")
    assert (bad.end, bad.signal) == (end, killer)
    good = lookout.look("good", str(file), "")
    assert (good.end, good.answer["size"]) == ("read", [64, 48])
    lookout.close()


def test_a_process_that_looks_is_replaced_when_it_dies(tmp_path: Path):
    file, lookouts = tmp_path / "a.png", SandboxPool(1)
    file.write_bytes(png())
    with lookouts.borrow() as first:
        first.close()
        assert first.look("file", str(file), "").end == "broken"
    with lookouts.borrow() as second:
        assert second is not first
        assert second.look("file", str(file), "").end == "read"
    with lookouts.borrow() as third:
        assert third is second, "it is kept"
    lookouts.close()


def test_where_nothing_can_be_forked_each_file_gets_a_process(tmp_path: Path, monkeypatch):
    program = "import vitascope.server.sandbox as c; c.FORKS = False; c._serve()"
    monkeypatch.setattr(SandboxWorker, "program", ("-c", program))
    monkeypatch.setattr(checking, "FORKS", False)
    file, lookouts = tmp_path / "a.png", SandboxPool(1)
    for content, end in ((png(), "read"), (b"hello", "refused")):
        file.write_bytes(content)
        with lookouts.borrow() as lookout:
            assert lookout.look("file", str(file), "").end == end
        assert not lookout.alive
    lookouts.close()


def test_a_look_that_cannot_end_is_refused_in_one_line(tmp_path: Path, monkeypatch):
    for end, words in (("too long", "takes too long"), ("broken", "could not be read within the limits")):
        monkeypatch.setattr(SandboxWorker, "look", lambda self, *told, end=end: Inspection(end, {}))
        with pytest.raises(RequestError, match=f"video: {words}"):
            check(tmp_path / "a", "video")


def test_the_look_is_taken_with_little_memory_and_no_right_to_write(tmp_path: Path):
    """A child that is confined as the real one can neither take much memory nor write much."""
    program = (
        "import vitascope.server.sandbox as c, pathlib, sys; c._confine(['file', '', '', 'check', {}])\n"
        "try: bytearray(3 * 2**30); print('memory')\n"
        "except MemoryError: pass\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try: pathlib.Path(sys.argv[1]).write_bytes(bytes(100 * 2**20)); print('file')\n"
        "except OSError: pass\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "x")], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""


def test_a_still_of_a_picture_is_a_picture_of_ours(tmp_path: Path):
    file = tmp_path / "a"
    file.write_bytes(png(8, 8))
    found = check(file, "file", still=tmp_path / "still.png")
    assert found.size == (8, 8)
    assert Image.open(io.BytesIO((tmp_path / "still.png").read_bytes())).size == (8, 8)


@pytest.mark.parametrize("note", ["", "{", "[" * 100_000, '{"id": 7}', "7"])
def test_a_note_that_is_broken_hides_no_other(client, context, note):
    for kind, folder in (("uploads", context.uploads.folder), ("characters", context.characters.folder)):
        folder.mkdir(exist_ok=True)
        if kind == "uploads":
            (folder / f"file_{'0' * 24}.json").write_text(note)
        else:
            (folder / f"char_{'0' * 24}").mkdir()
            (folder / f"char_{'0' * 24}" / "character.json").write_text(note)
    good = client.post("/api/v1/uploads", files={"file": ("a.png", png())})
    assert good.status_code == 200
    assert [one["id"] for one in client.get("/api/v1/uploads").json()["data"]] == [good.json()["id"]]
    assert client.get("/v1/videos/characters").json()["data"] == []
    assert client.get(f"/api/v1/uploads/file_{'0' * 24}").status_code == 404
