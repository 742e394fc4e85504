"""What a request may hold at most: a stranger's request is refused at once, whatever is in it."""

import errno
import logging
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.server.conftest import png
from vitascope.server import schemas

BODIES = (
    *(schemas.CreateVideo, schemas.EditVideo, schemas.ExtendVideo, schemas.RemixVideo, schemas.NewJob),
    *(
        schemas.NewFilm,
        schemas.Move,
        schemas.NewEndpoint,
        schemas.EndpointChange,
        schemas.Rotation,
        schemas.Trial,
    ),
)
LONG = 100_000
"""Characters that froze a server for two minutes."""
MANY = 20_000
SHOT = {"prompt": "a cat", "model": "fake", "num_frames": 5}


def nodes(schema):
    """Yield every part of a JSON schema."""
    yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(inner, dict | list):
            yield from nodes(inner)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_every_text_and_every_list_of_a_request_has_an_end(body):
    for node in nodes(body.model_json_schema()):
        if isinstance(node, dict) and node.get("type") == "string" and not {"enum", "const"} & set(node):
            assert "maxLength" in node, node
        if isinstance(node, dict) and node.get("type") == "array" and node.get("items") is not None:
            assert "maxItems" in node or node.get("title") == "Script", node


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("camera", f"pan-left{' ' * LONG}x"), ("camera", f"pan-left{', ' * MANY}x"),
        ("camera", f"pan-left @{' ' * LONG}x"),
        ("path", f"0s:0.1{' ' * LONG}x"), ("size", "1" * LONG), ("aspect_ratio", ":" * LONG), ("style", "x" * LONG),
        ("model", "x" * LONG), ("negative_prompt", "x" * LONG), ("user", "x" * LONG), ("prompt", "x" * LONG),
        ("at", {f"1{' ' * LONG}x": "it jumps"}), ("at", {"1": "x" * LONG}), ("at", [f"1={' ' * LONG}"]),
        ("keyframes", {f"1{' ' * LONG}x": {"file_id": "file_x"}}), ("seed", list(range(MANY))),
        ("path", [[number, 0, 0] for number in range(MANY // 2)]),
        ("script", [[number / LONG, "x"] for number in range(MANY // 2)]),
    ],
)  # fmt: skip
def test_a_text_without_end_is_refused_at_once_and_named(client, name, value):
    began = time.thread_time()
    answer = client.post("/v1/videos", json={"prompt": "a cat", name: value})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert name in (error["param"], "script"), error
    assert len(error["message"]) < 500
    assert time.thread_time() - began < 1


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/api/v1/jobs", {"shot": SHOT | {"prompt": "x" * LONG}}),
        ("/api/v1/jobs", {"shot": SHOT | {"style": "x" * LONG}}),
        ("/api/v1/jobs", {"shot": SHOT, "key": "x" * LONG}),
        ("/api/v1/jobs", {"shot": SHOT | {"script": [[number / LONG, "x"] for number in range(5000)]}}),
        ("/api/v1/films", {"shots": [{"prompt": "a cat", "camera": f"pan-left{' ' * LONG}x"}]}),
        ("/api/v1/films", {"shots": [{"prompt": "a cat", "path": f"0s:0.1{' ' * LONG}x"}]}),
        ("/api/v1/films", {"shots": [{"prompt": "a cat", "at": {f"1{' ' * LONG}x": "x"}}]}),
        ("/v1/webhook_endpoints", {"url": "https://example.com", "name": "x" * LONG}),
        ("/v1/webhook_endpoints", {"url": f"https://{'x' * LONG}.com"}),
        ("/v1/webhook_endpoints", {"url": "https://example.com", "event_types": ["video.completed"] * MANY}),
    ],
)  # fmt: skip
def test_the_other_routes_have_the_same_limits(client, route, body):
    answer = client.post(route, json=body)
    assert answer.status_code == 400, answer.text
    assert len(answer.json()["error"]["message"]) < 500


@pytest.mark.parametrize("name", ["span", "box", "outpaint", "video_id"])
def test_an_edit_has_the_same_limits(client, name):
    answer = client.post(
        "/v1/videos/edits",
        json={"prompt": "night", "video": {"id": "video_x"}, name: "1s-" + " " * LONG + "x"},
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == name


@pytest.mark.parametrize(
    "body",
    [
        b'{"prompt": "a cat", "a": [' + b"1," * 100_000 + b"1]}", b'{"a":' * 50_000, b"[" * 100_000,
        b'{"prompt": "a cat", ' + b",".join(b'"k%d": 1' % number for number in range(60_000)) + b"}",
        b'{"prompt": "a cat", "a": ' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"prompt": "a cat", "at": "' + b"[" * 40 + b"]" * 40 + b'"}',
        b'{"prompt": "a cat", "at": "' + b"[1," * 60_000 + b'"}',
        b'{"prompt": "a cat", "seconds": 1e999}', b'{"prompt": "a cat", "seconds": NaN}', b'{"prompt": "\xed\xa0\x80"}',
        b'{"prompt": "\\ud800"}', b'\xff\xfe{\x00}\x00', b"{" + b" " * 200_000 + b"x", b"1" * 10_000,
    ],
    ids=range(14),
)  # fmt: skip
@pytest.mark.parametrize("route", ["/v1/videos", "/api/v1/jobs", "/v1/videos/edits"])
def test_json_that_is_large_deep_or_none_is_refused_at_once(client, route, body):
    began = time.process_time()
    answer = client.post(route, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 413), answer.text
    message = answer.json()["error"]["message"]
    assert len(message) < 300
    assert not message[:1].isdigit(), "no place in the text is taken for a field"
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("route", "kind", "size", "status"),
    [
        ("/api/v1/jobs", "application/json", 2 * 2**20, 413), ("/api/v1/films", "application/json", 2 * 2**20, 413),
        ("/v1/webhook_endpoints", "multipart/form-data", 2 * 2**20, 413), ("/v1/videos", "multipart/x", 2 * 2**20, 413),
        ("/v1/videos", "application/json", 33 * 2**20, 413),
        ("/v1/videos", "application/x-www-form-urlencoded", 2 * 2**20, 413),
        ("/v1/videos", "text/plain", 2 * 2**20, 413), ("/v1/videos", "multipart/x", 1000, 415),
    ],
)  # fmt: skip
def test_only_forms_with_files_may_be_large(client, route, kind, size, status):
    answer = client.post(route, content=b"x" * size, headers={"content-type": kind})
    assert answer.status_code == status, answer.text


def test_the_texts_of_a_form_are_limited_together(client):
    files = {f"text{number}": (None, "x" * (5 * 2**20)) for number in range(6)}
    answer = client.post("/v1/videos", files={"prompt": (None, "a cat"), **files})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert "24 MiB together" in answer.json()["error"]["message"]


@pytest.mark.parametrize("number", [1, 20, 21, 5000])
def test_unknown_fields_are_named_up_to_a_number(client, number):
    fields = {f"unknown{index:06}\x1b[2J": 1 for index in range(number)}
    video = client.post("/v1/videos", json={"prompt": "a cat", **fields}).json()
    remarks = [note for note in video["notes"] if "not known here" in note]
    assert len(remarks) == min(number, 21)
    assert ("… and" in remarks[-1]) == (number > 20)
    if number > 20:
        assert remarks[-1].startswith(f"… and {number - 20:,} more fields")
    assert all(note.isprintable() for note in remarks)
    assert len(client.get(f"/v1/videos/{video['id']}").content) < 10_000


@pytest.mark.parametrize(
    "path",
    [
        [[0, 9, 9]],
        [[0, 0.5, -0.1]],
        [[-1, 0, 0]],
        [[1, 0, 0], [1, 1, 1]],
        [[0, 1e308, 0]],
        [[0, 0.5]],
        [[0, 0.5, "x"]],
    ],
)
def test_a_path_is_the_same_through_all_doors(client, path):
    assert client.post("/v1/videos", json={"prompt": "a cat", "path": path}).status_code == 400
    assert client.post("/api/v1/jobs", json={"shot": SHOT | {"path": path}}).status_code == 400
    film = {"shots": [{"prompt": "a cat", "path": path}]}
    assert client.post("/api/v1/films", json=film).status_code == 400


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"])
@pytest.mark.parametrize(
    "field",
    [
        b'"script": [[%b, "x"]]',
        b'"path": [[%b, 0.5, 0.5]]',
        b'"seconds": %b',
        b'"camera": [{"kind": "pan", "amount": %b}]',
    ],
)
def test_numbers_are_finite_through_all_doors(client, field, value):
    said = field % value
    headers = {"content-type": "application/json"}
    for route, body in (
        ("/v1/videos", b'{"prompt": "a cat", %b}'),
        ("/api/v1/jobs", b'{"shot": {"prompt": "a cat", "model": "fake", %b}}'),
        ("/api/v1/films", b'{"shots": [{"prompt": "a cat", %b}]}'),
    ):
        answer = client.post(route, content=body % said, headers=headers)
        assert answer.status_code == 400, (route, answer.text)
    assert client.get("/api/v1/jobs").json()["data"] == []


@pytest.mark.parametrize("path", ["/v1/videos", "/api/v1/jobs"])
def test_a_client_that_breaks_off_while_it_sends_is_no_fault_of_ours(live, path, caplog):
    address = urlsplit(live)
    assert address.hostname
    assert address.port
    found = []
    deadline = time.monotonic() + 10
    with caplog.at_level(logging.INFO, "vitascope.server.access"):
        with socket.create_connection((address.hostname, address.port)) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            connection.sendall(head.encode() + b"Content-Length: 900\r\n\r\n" + b'{"prompt": ')
            time.sleep(0.2)
        while not found and time.monotonic() < deadline:
            found = [record for record in caplog.records if getattr(record, "fields", {}).get("path") == path]
            time.sleep(0.02)
    assert [record.fields["status"] for record in found] == [499]
    assert "unforeseen" not in caplog.text


def test_a_full_disk_is_told_without_the_names_of_files(client, context, monkeypatch):
    def full(*told, **more):
        raise OSError(errno.ENOSPC, "No space left on device", str(context.uploads.folder / "x"))

    monkeypatch.setattr(Path, "write_text", full)
    answers = [
        client.post("/v1/webhook_endpoints", json={"url": "https://1.1.1.1/hook"}),
        client.post("/api/v1/uploads", files={"file": ("a.png", png(), "image/png")}),
        client.post(
            "/v1/videos/characters", data={"name": "ann"}, files={"video": ("a.png", png(), "image/png")}
        ),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "disk_full"), answer.text
        assert str(context.uploads.folder.parent) not in answer.text
        assert answer.headers["retry-after"]


@pytest.mark.parametrize("when", ["1", "1s", "1.0", "0"])
def test_whole_seconds_come_from_forms_as_well(client, when):
    """OpenAI's clients write the keys of an object into brackets: `at[1]` is a second and no place in a list."""
    form = {"prompt": (None, "a cat"), "num_frames": (None, "17"), f"at[{when}]": (None, "it jumps")}
    answer = client.post("/v1/videos", files=form)
    assert answer.status_code == 200, answer.text
    shot = client.get(f"/api/v1/jobs/{answer.json()['id']}").json()["shot"]
    assert len(shot["script"]) == 1
