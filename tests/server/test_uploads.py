"""Files that strangers send: each hostile one is refused, in one line, and leaves nothing behind."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from tests.server.conftest import png
from vitascope.errors import RequestError
from vitascope.server import check as checking
from vitascope.server.check import check


def bomb(side: int) -> bytes:
    """A small PNG of a very large picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (side // 8 + 1) * side, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


HOSTILE = {
    "empty": b"",
    "noise": bytes(range(256)) * 40,
    "html": b"<!doctype html><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "playlist": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n",
    "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "dash": b'<MPD><BaseURL>http://127.0.0.1:1/</BaseURL></MPD>',
    "pdf": b"%PDF-1.7\n",
    "postscript": b"%!PS-Adobe-3.0\n",
    "text": b"hello",
    "half a picture": png(256, 256)[:100],
    "a bomb": bomb(16_000),
    "zip": b"PK\3\4" + bytes(100),
    "pickle": b"\x80\x04\x95" + b"cos\nsystem\n(S'true'\ntR.",
    "playlist in front of a picture": b"\xef\xbb\xbf  #EXTM3U\n" + png(),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_and_leave_nothing(client, house, name):
    answer = client.post("/api/v1/uploads", files={"file": ("cat.mp4", HOSTILE[name], "video/mp4")})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["param"], error["code"]) == ("file", "invalid_value")
    assert "\n" not in error["message"]
    assert str(house.uploads.folder) not in error["message"]
    assert list(house.uploads.folder.iterdir()) == []


def test_half_a_video_is_refused(client, clip):
    answer = client.post("/api/v1/uploads", files={"file": ("a.mp4", clip[: len(clip) // 2])})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    "name", ["../../../tmp/x.png", "a\0b.png", "🐈'\".png", "CON", "x" * 1000, ".htaccess", "a.html"]
)
def test_files_get_names_of_ours(client, house, name, tmp_path):
    told = client.post("/api/v1/uploads", files={"file": (name, png(), "text/html")}).json()
    assert (told["kind"], told["format"], told["size"]) == ("picture", "png", [64, 48])
    names = sorted(file.name for file in house.uploads.folder.iterdir())
    assert names == [f"{told['id']}.json", f"{told['id']}.picture"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["jobs", "uploads"]


def test_an_upload_is_used_listed_and_removed(client, clip, desk):
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
    (job,) = desk.store.page().jobs
    assert (desk.rooms.path / job.request.shot.givens[0].source).is_file(), "the job has a copy"


def test_files_that_come_with_a_request_go_with_it(client, house):
    form = {"data": {"prompt": "a cat"}, "files": {"input_reference": ("a", png())}}
    assert client.post("/v1/videos", **form).status_code == 200
    form["data"]["seconds"] = "-1"
    assert client.post("/v1/videos", **form).status_code == 400
    assert list(house.uploads.folder.iterdir()) == []


def test_a_full_folder_of_uploads_takes_no_more(client, house):
    client.post("/api/v1/uploads", files={"file": ("a", png())})
    object.__setattr__(house.uploads, "max_total", 10)
    answer = client.post("/api/v1/uploads", files={"file": ("a", png())})
    assert "is full" in answer.json()["error"]["message"]


@pytest.mark.parametrize("how", ["breaks", "hangs"])
def test_a_decoder_that_breaks_or_hangs_takes_nobody_along(tmp_path: Path, monkeypatch, how):
    """The process that looks is real, and does what a broken decoder would."""
    file = tmp_path / "a.png"
    Image.new("RGB", (4, 4)).save(file)
    code = {"breaks": "import os; os.abort()", "hangs": "import time; time.sleep(600)"}[how]
    real = subprocess.run
    monkeypatch.setattr(checking, "WALL_SECONDS", 3)
    monkeypatch.setattr(subprocess, "run", lambda command, **said: real([command[0], "-c", code], **said))
    with pytest.raises(RequestError, match=r"could not be read|takes too long"):
        check(file, "file")


def test_the_look_is_taken_with_little_memory_and_no_right_to_write(tmp_path: Path):
    """A child that is confined as the real one can neither take much memory nor write much."""
    program = (
        "import vitascope.server.check as c, pathlib, sys; c._confine()\n"
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
