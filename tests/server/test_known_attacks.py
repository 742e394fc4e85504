"""Attacks that succeeded against programs like ours, replayed: each test is named after what was found there."""

import json
import pickle
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.server.conftest import png
from tests.server.hostile import NAMES, SCRIPT, SVG, zipped
from tests.server.test_middleware import CAT, code, visitor
from vitascope.server.app import make_app

SHOT = {"prompt": "a cat", "model": "fake", "num_frames": 5}
CLIMBS = (
    "../tokens.json", "..%2f..%2ftokens.json", "%2e%2e/%2e%2e/etc/passwd", "....//....//etc/passwd", "..\\..\\x",
    "/etc/passwd", "//etc/passwd", "C:\\Windows\\win.ini", "\\\\?\\C:\\x", "file:///etc/passwd", "video_/../../x",
    "video_\0", "~/.ssh/id_rsa", "inputs/x", "%00",
)  # fmt: skip


@pytest.fixture
def trap():
    """A port of this machine, and the list of all who came to it."""
    came: list[str] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            came.append("somebody")
            connection.close()

    threading.Thread(target=answer, daemon=True).start()
    yield listening.getsockname()[1], came
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@pytest.fixture
def canary(tmp_path) -> tuple[bytes, Path]:
    """A pickle, and the file that appears when somebody unpickles it."""
    file = tmp_path / "canary"

    class Deed:
        def __reduce__(self):
            return Path.touch, (file,)

    return pickle.dumps(Deed()), file


def upload(client, data: bytes, name: str = "cat.png", kind: str = "image/png"):
    return client.post("/api/v1/uploads", files={"file": (name, data, kind)})


def files(folder: Path) -> dict[str, bytes]:
    """Everything under a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Scripts in what was uploaded.


def test_cve_2024_10099_an_uploaded_page_is_never_shown(client):
    assert upload(client, f"<html>{SCRIPT}</html>".encode(), "a.html", "text/html").status_code == 400
    hidden = upload(client, png() + SCRIPT.encode(), "a.html", "text/html").json()
    assert hidden["format"] == "png", "a picture with a page behind it is a picture"
    for path in ("", "/content", "/a.html", "?variant=a.html"):
        answer = client.get(f"/api/v1/uploads/{hidden['id']}{path}")
        assert SCRIPT not in answer.text
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("kind", ["image/svg+xml", "image/png", "video/mp4"])
def test_cve_2026_56670_a_drawing_with_a_script_is_refused(client, kind):
    assert upload(client, SVG, "a.svg", kind).status_code == 400
    form = {"data": {"prompt": "a cat"}, "files": {"input_reference": ("a.svg", SVG, kind)}}
    assert client.post("/v1/videos", **form).status_code == 400


def test_cve_2026_56672_words_come_back_as_data_and_never_as_a_page(client, work):
    prompt = f"a cat {SCRIPT} {{{{7*7}}}} $(touch x) '; drop table jobs; --"
    made = client.post("/v1/videos", json={**CAT, "prompt": prompt}).json()
    answers = [
        client.get(url) for url in ("/v1/videos", f"/v1/videos/{made['id']}", f"/api/v1/jobs/{made['id']}")
    ]
    answers += [
        client.get(f"/v1/videos/{SCRIPT}"),
        client.get(f"/{SCRIPT}"),
        client.get(f"/v1/videos?order={SCRIPT}"),
    ]
    for answer in answers:
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert answers[1].json()["prompt"] == prompt
    work()
    headers = client.get(f"/v1/videos/{made['id']}/content").headers
    assert headers["content-disposition"].startswith("attachment")


# Paths.


@pytest.mark.parametrize("name", CLIMBS)
def test_cve_2026_56671_2025_6237_no_path_is_read_or_removed(client, made, tmp_path, name):
    before = files(tmp_path)
    for url in (f"/v1/videos/{name}", f"/v1/videos/{name}/content", f"/api/v1/jobs/{name}",
                f"/api/v1/jobs/{name}/files/0", f"/api/v1/uploads/{name}", f"/v1/videos/characters/{name}",
                f"/v1/models/{name}"):  # fmt: skip
        url = url.replace("\0", "%00")
        assert client.get(url).status_code == 404, url
        assert client.delete(url).status_code in (404, 405), url
    for told in ({"variant": name}, {"index": name}):
        assert client.get(f"/v1/videos/{made.id}/content", params=told).status_code in (400, 404)
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", CLIMBS)
def test_cve_2026_56673_2026_28414_no_request_names_a_path(client, service, made, name):
    told = [{field: name} for field in ("input_reference", "last_image", "input_references", "video_path")]
    told += [{"input_reference": {field: name}} for field in ("file_id", "image_url", "path", "url")]
    told += [{"characters": [{"id": name}]}, {"model": name}, {"image_path": name}]
    for more in told:
        assert client.post("/v1/videos", json={**CAT, **more}).status_code in (400, 404), more
    for more in (
        {"video": name},
        {"video": {"id": name}},
        {"video_id": name},
        {"video_id": made.id, "mask": name},
    ):
        body = {"prompt": "make it night", **more}
        assert client.post("/v1/videos/edits", json=body).status_code in (400, 404), more
    given = {"kind": "image", "source": name}
    assert client.post("/api/v1/jobs", json={"shot": {**SHOT, "givens": [given]}}).status_code in (400, 404)
    assert service.store.counts() == {"completed": 1}


def test_cve_2025_67303_2024_21575_no_upload_is_written_where_its_name_says(client, context, tmp_path):
    (tmp_path / "tokens.json").write_text("[]")
    before = files(tmp_path)
    for name in NAMES:
        found = upload(client, png(), name).json()
        client.delete(f"/api/v1/uploads/{found['id']}")
        shown = {"data": {"name": "Mia"}, "files": {"video": (name, png())}}
        who = client.post("/v1/videos/characters", **shown).json()
        client.delete(f"/v1/videos/characters/{who['id']}")
    assert files(tmp_path) == before
    for name in ("../../x", "a\nb", "", "x" * 81):
        shown = {"data": {"name": name}, "files": {"video": ("a", png())}}
        assert client.post("/v1/videos/characters", **shown).status_code in (200, 400)
    assert {path.parts[0] for path in (Path(name) for name in files(tmp_path))} <= {
        "tokens.json", "uploads", "characters", "jobs",
    }  # fmt: skip


def test_cve_2024_11042_2026_123790_nothing_is_unpacked(client, tmp_path):
    before = files(tmp_path)
    for data in (
        zipped(**{"../../tokens.json": b"[]"}),
        zipped(link=b"/etc/passwd"),
        zipped(**{"/abs/x.py": b"x"}),
    ):
        assert upload(client, data, "a.zip", "application/zip").status_code == 400
    assert files(tmp_path) == before


# Fetching for others.


def urls(port: int) -> list[str]:
    """Addresses of a port of this machine, in disguises that have worked."""
    hosts = (
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "0",
        "a@127.0.0.1",
    )
    found = [f"http://{host}:{port}/x.png" for host in hosts]
    found += [
        f"{scheme}://127.0.0.1:{port}/x"
        for scheme in ("https", "ftp", "gopher", "rtsp", "tcp", "HTTP", "hls+http")
    ]
    return [
        *found,
        f"//127.0.0.1:{port}/x",
        "http://169.254.169.254/latest/meta-data/",
        f"concat:http://127.0.0.1:{port}/x",
    ]


def test_cve_2024_1183_2024_47167_2026_28416_2026_59806_nothing_is_fetched_for_others(client, service, trap):
    port, came = trap
    fields = "input_reference", "last_image", "input_references", "image", "reference_url", "video_url"
    for number, url in enumerate(urls(port)):
        for value in (url, {"image_url": url}, {"url": url}, {"image_url": {"url": url}}, {"file_id": url}):
            body = {**CAT, fields[number % len(fields)]: value}
            assert client.post("/v1/videos", json=body).status_code in (400, 404), body
        assert client.post("/v1/videos/edits", json={"prompt": "a", "video": {"url": url}}).status_code == 400
        given = {"kind": "video", "source": url}
        assert client.post("/api/v1/jobs", json={"shot": {**SHOT, "givens": [given]}}).status_code == 400
    assert (came, service.store.counts()) == ([], {})


def test_media_that_points_elsewhere_fetches_nothing(client, trap):
    port, came = trap
    url = f"http://127.0.0.1:{port}/x"
    for text in (f"#EXTM3U\n#EXTINF:1,\n{url}\n", f"ffconcat version 1.0\nfile '{url}'\n", f"[Reference]\nRef1={url}\n",
                 f"<MPD><BaseURL>{url}</BaseURL></MPD>", f'<svg><image href="{url}"/></svg>', url,
                 f"\n\n\n#EXTM3U\n{url}\n", f"v=0\r\nc=IN IP4 127.0.0.1\r\nm=video {port} RTP/AVP 33\r\n"):  # fmt: skip
        for kind in ("video/mp4", "application/x-mpegurl", "image/png"):
            assert upload(client, text.encode(), "a.mp4", kind).status_code == 400
    assert came == []


def test_cve_2024_4940_nobody_is_sent_elsewhere(client):
    for path in ("//evil.example", "//evil.example/", "/\\evil.example/", "/v1/videos/", "/https://evil.example/",
                 "/v1/models/?next=//evil.example", "/%2f%2fevil.example/"):  # fmt: skip
        where = client.get(path, follow_redirects=False).headers.get("location", "")
        assert where == "" or where.startswith("http://localhost/v1/"), (path, where)


def test_forwarded_names_are_not_believed(client):
    told = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "javascript",
        "Forwarded": "host=evil.example",
    }
    where = client.get("/v1/videos/", headers=told, follow_redirects=False).headers.get("location", "")
    assert "evil" not in where
    assert "javascript" not in where


# Programs in disguise.


def test_cve_2024_12029_2025_32434_nothing_is_unpickled(client, tmp_path, canary):
    data, file = canary
    disguised = (
        data,
        zipped(**{"archive/data.pkl": data}),
        zipped(**{"ARCHIVE/Data.PKL": data}),
        png()[:8] + data,
    )
    for number, hostile in enumerate(disguised):
        for name in ("model.ckpt", "model.pt", "cat.png", "cat.mp4"):
            assert upload(client, hostile, name).status_code == 400, number
        shown = {"data": {"name": "Mia"}, "files": {"video": ("a.pt", hostile)}}
        assert client.post("/v1/videos/characters", **shown).status_code == 400
        form = {"data": {"prompt": "a"}, "files": {"video": ("a.pt", hostile)}}
        assert client.post("/v1/videos/edits", **form).status_code == 400
    assert not file.exists()
    pickle.loads(data)
    assert file.exists(), "the pickle would have done something"


def test_cve_2026_44513_2026_4372_no_request_chooses_code(client, service):
    assert (
        client.post("/v1/videos", json={**CAT, "diffusers_kwargs": {"custom_pipeline": "x"}}).status_code
        == 400
    )
    told = {"trust_remote_code": True, "custom_pipeline": "evil/x", "_attn_implementation_internal": "evil/x"}
    told |= {"lora": [{"path": "http://127.0.0.1:1/x.pt"}], "__class__": "x", "weights": "../x.ckpt"}
    made = client.post("/v1/videos", json={**CAT, **told, "extra_body": told}).json()
    shot = service.store.get(made["id"]).request.shot_json
    assert not any(
        name in shot for name in ("trust", "pipeline", "attn", "evil", "x.pt", "__class__", "ckpt")
    )
    assert sum("is not known here" in note for note in made["notes"]) == len(told)
    for model in ("evil/model", "https://127.0.0.1:1/m.safetensors", "./model", "toybox"):
        assert code(client.post("/v1/videos", json={**CAT, "model": model})) == (400, "invalid_value")


def test_words_start_no_program(client, monkeypatch, work):
    begun: list[object] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *told, **said: begun.append(told))
    for words in (
        "$(touch x)",
        "`touch x`",
        "; touch x",
        "|touch x",
        "-i /etc/passwd",
        "@/etc/passwd",
        "%(touch)s",
    ):
        assert client.post("/v1/videos", json={**CAT, "prompt": words}).status_code == 200
        client.post("/v1/videos", json={**CAT, "style": words})
        client.post("/v1/videos", json={**CAT, "camera": words})
    assert begun == []


# Pages of other sites.


def test_csrf_asking_changes_nothing(client, made, service):
    before = service.store.page().jobs
    for path in ("/api/v1/queue/pause", f"/v1/videos/{made.id}/cancel", f"/api/v1/jobs/{made.id}/retry",
                 f"/api/v1/jobs/{made.id}/clone", f"/v1/videos/{made.id}/remix",
                 f"/api/v1/jobs/{made.id}/move"):  # fmt: skip
        assert client.get(path).status_code in (404, 405), path
        assert client.head(path).status_code in (404, 405), path
    told = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
    assert client.get(f"/v1/videos/{made.id}?_method=DELETE", headers=told).status_code == 200
    assert (service.store.page().jobs, service.store.paused) == (before, False)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_csrf_a_simple_form_of_another_site_does_nothing(client, service, made, kind):
    body = {
        "text/plain": b'{"prompt": "a cat", "x": "="}',
        "application/x-www-form-urlencoded": b"prompt=a+cat",
    }.get(kind, b'--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\na cat\r\n--x--\r\n')
    site = {"Origin": "https://evil.example", "Content-Type": kind}
    for path in ("/v1/videos", "/api/v1/queue/pause", "/api/v1/uploads", f"/v1/videos/{made.id}/cancel"):
        assert code(client.post(path, content=body, headers=site)) == (403, "wrong_origin")
        hidden = {"Sec-Fetch-Site": "cross-site", "Content-Type": kind}
        assert code(client.post(path, content=body, headers=hidden)) == (403, "wrong_origin")
    assert service.store.counts() == {"completed": 1}
    answer = client.get("/v1/videos", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_csrf_of_a_site_that_renamed_itself_to_this_machine(client):
    """DNS rebinding: for the browser it is one origin, so only the name gives it away."""
    renamed = {"Host": "evil.example:8188", "Origin": "http://evil.example:8188"}
    assert code(client.get("/v1/videos", headers=renamed)) == (421, "wrong_host")
    assert code(client.post("/v1/videos", json=CAT, headers=renamed)) == (421, "wrong_host")


# What a request must not be able to say of itself.


def test_nobody_says_who_he_is_or_how_far_his_job_is(context, service):
    from vitascope.server.tokens import Tokens

    secret = Tokens(context.uploads.folder.parent / "tokens.json").add("ann", "write")
    ann = visitor(context, Authorization=f"Bearer {secret}")
    told = {
        "owner": "root",
        "id": "video_1",
        "state": "completed",
        "status": "completed",
        "attempt": 9,
        "user": "root",
    }
    made = ann.post(
        "/v1/videos", json={**CAT, **told}, headers={"X-User": "root", "X-Forwarded-User": "root"}
    ).json()
    job = service.store.get(made["id"])
    assert (job.owner, job.state, job.attempt, job.outputs) == ("ann", "queued", 0, ())
    assert code(ann.post("/api/v1/jobs", json={"shot": SHOT, "owner": "root"})) == (400, "invalid_value")
    bare = visitor(context)
    for url in (
        f"/v1/videos?token={secret}",
        f"/v1/videos?api_key={secret}",
        f"/v1/videos?access_token={secret}",
    ):
        assert code(bare.get(url)) == (401, "invalid_api_key")
    bare.cookies.set("token", secret)
    assert code(bare.get("/v1/videos")) == (401, "invalid_api_key")


def test_headers_cannot_be_smuggled_into_an_answer(client, made):
    for value in ("a\r\nset-cookie: x=1", "a\nb", "x" * 500, "ü"):
        answer = client.get("/v1/videos", headers={"X-Request-Id": value.encode("utf-8")})
        assert "set-cookie" not in answer.headers
        assert answer.headers["x-request-id"].startswith("req_")
    answer = client.get(f"/v1/videos/{made.id}/content", params={"variant": "video\r\nset-cookie: x=1"})
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


def test_lines_cannot_be_smuggled_into_the_log(client, caplog):
    from vitascope.server.serve import _Lines

    caplog.set_level("INFO", "vitascope.server.access")
    client.get("/v1/videos/a%0a%7b%22level%22:%20%22error%22%7d%0d%0a%1b[2J")
    (record,) = caplog.records
    line = _Lines().format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert json.loads(line)["status"] == 404


# Endless work.


def test_cve_2025_62727_a_thousand_ranges_are_no_work(client, made):
    ranges = "bytes=" + ",".join(f"{i}-{i}" for i in range(0, 20_000, 2))
    began = time.process_time()
    answer = client.get(f"/v1/videos/{made.id}/content", headers={"Range": ranges[:60_000]})
    assert answer.status_code in (200, 206, 400, 416)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 50_000, b'{"prompt": "a", "seed": ' + b"9" * 5000 + b"}",
     b'{"prompt": "' + b"a" * 10**6 + b'"}',
     b'{"prompt": "a", "n": 1e400}', b'{"prompt": "a", "seconds": 1e308}', b'{"prompt": "a", "num_frames": -1}',
     b'{"prompt": "a", "width": 99999999999, "height": 99999999999}'],
)  # fmt: skip
def test_bodies_that_would_keep_us_busy_are_refused_at_once(client, service, body):
    began = time.process_time()
    answer = client.post("/v1/videos", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 413), answer.text
    assert time.process_time() - began < 2
    assert service.store.counts() == {}


def test_forms_of_many_parts_are_refused(client):
    many = {f"field{i}": "x" for i in range(300)}
    assert client.post("/v1/videos", data=many).status_code == 400
    parts = [("file", (f"{i}", b"x")) for i in range(50)]
    assert client.post("/api/v1/uploads", files=parts).status_code == 400
    deep = {"prompt": "a", "a" + "[b]" * 50: "x"}
    assert (
        client.post("/v1/videos", files={name: (None, value) for name, value in deep.items()}).status_code
        == 400
    )


def test_strangers_cannot_make_our_numbers_endless(context):
    client = TestClient(make_app(context), base_url="http://localhost")
    before = len(client.get("/metrics").text)
    for number in range(30):
        client.get(f"/nothing/{number}")
        client.request(f"VERB{number}", "/v1/videos")
        client.get(f"/v1/videos/video_{number}")
    assert len(client.get("/metrics").text) - before < 12_000
