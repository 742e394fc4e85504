import base64
import io
import json
import threading
import time
import urllib.request
from typing import Any

import av
import pytest
from PIL import Image

from tests.server.conftest import png
from vitascope.backends.remote.dialects import DIALECTS, encoded, fields, plan
from vitascope.types import CameraMove, Shot

FIELDS = {
    "id", "object", "created_at", "completed_at", "expires_at", "status", "progress", "model", "prompt", "seconds",
    "size", "remixed_from_video_id", "error",
}  # fmt: skip


def refused(answer, status: int, param: str | None = None) -> str:
    """The message of an answer that is a refusal in OpenAI's shape."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param
    assert answer.headers["x-request-id"]
    return error["message"]


def test_a_video_is_asked_for_made_and_fetched(client, work):
    asked = client.post(
        "/v1/videos", json={"prompt": "a cat", "seconds": "2.125", "size": "64x48", "seed": 7}
    )
    assert asked.status_code == 200, asked.text
    video = asked.json()
    assert set(video) >= FIELDS
    assert (video["object"], video["status"], video["progress"]) == ("video", "queued", 0)
    assert (video["seconds"], video["size"], video["model"]) == ("2.125", "64x48", "fake")
    assert "it has no clip yet" in refused(client.get(f"/v1/videos/{video['id']}/content"), 404, "video_id")
    work()
    answer = client.get(f"/v1/videos/{video['id']}")
    assert answer.headers["openai-poll-after-ms"] == "500"
    done = answer.json()
    assert (done["status"], done["progress"], done["error"]) == ("completed", 100, None)
    assert isinstance(done["completed_at"], int)
    content = client.get(f"/v1/videos/{video['id']}/content")
    assert content.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(content.content)) as container:
        assert container.streams.video[0].frames == 17


def test_pictures_of_a_clip_are_made_when_asked_for(client, made):
    for variant, format, size in (("thumbnail", "WEBP", (64, 48)), ("spritesheet", "JPEG", (320, 48))):
        answer = client.get(f"/v1/videos/{made.id}/content", params={"variant": variant})
        picture = Image.open(io.BytesIO(answer.content))
        assert (picture.format, picture.size) == (format, size)
        assert answer.headers["content-type"] == f"image/{format.lower()}"
    assert "known: video" in refused(client.get(f"/v1/videos/{made.id}/content?variant=gif"), 400, "variant")


@pytest.mark.parametrize("data", [{}, {"seed": ""}, {"seconds": "1", "negative_prompt": ""}])
def test_a_file_that_nobody_chose_is_left_out_as_empty_text_is(client, data):
    lines = [
        f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in data.items()
    ]
    lines.append('--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\na cat\r\n')
    for name in ("input_reference", "last_frame"):
        lines.append(
            f'--x\r\ncontent-disposition: form-data; name="{name}"; filename=""\r\n'
            "content-type: application/octet-stream\r\n\r\n\r\n"
        )
    body = "".join([*lines, "--x--\r\n"]).encode()
    answer = client.post(
        "/v1/videos", content=body, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 200, answer.text
    named = body.replace(b'filename=""', b'filename="a.png"', 1)
    answer = client.post(
        "/v1/videos", content=named, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 400, "an empty file is one that was chosen"


def test_parts_of_a_clip_and_clips_that_are_there_already(client, made):
    url = f"/v1/videos/{made.id}/content"
    whole = client.get(url)
    assert whole.headers["etag"] == f'"{made.outputs[0].sha256}"'
    part = client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    beyond = client.get(url, headers={"Range": "bytes=99999999-"})
    assert refused(beyond, 416, "Range").endswith(f"it has {len(whole.content)} bytes")
    assert beyond.headers["content-range"] == f"bytes */{len(whole.content)}"
    for text in ("bytes", "lines=1-2", "bytes=5-2", "bytes=", "bytes=a-b"):
        answer = client.get(url, headers={"Range": text})
        assert "is not understood" in refused(answer, 400, "Range"), text
        assert answer.headers["content-type"] == "application/json"
    head = client.head(url)
    assert (head.headers["content-length"], head.content) == (str(len(whole.content)), b"")
    again = client.get(url, headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{url}?variant=0").content == whole.content, "SGLang's variant is an index"
    assert "has 1 clips" in refused(client.get(f"{url}?index=1"), 404, "index")


def test_downloads_are_files_and_never_pages(client, made):
    headers = client.get(f"/v1/videos/{made.id}/content").headers
    assert headers["content-disposition"] == f'attachment; filename="{made.id}.mp4"'
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]


def test_the_list_is_walked_page_by_page(client):
    names = [client.post("/v1/videos", json={"prompt": f"a cat {i}"}).json()["id"] for i in range(5)]
    first = client.get("/v1/videos", params={"limit": 2}).json()
    assert [one["id"] for one in first["data"]] == names[:2:-1]
    assert (first["object"], first["first_id"], first["last_id"]) == ("list", names[4], names[3])
    assert first["has_more"]
    second = client.get("/v1/videos", params={"limit": 3, "after": first["last_id"]}).json()
    assert [one["id"] for one in second["data"]] == names[2::-1]
    assert not second["has_more"]
    oldest = client.get("/v1/videos", params={"order": "asc", "limit": 1}).json()
    assert oldest["data"][0]["id"] == names[0]
    assert client.get("/v1/videos", params={"limit": 0}).json()["last_id"] is None
    refused(client.get("/v1/videos?limit=101"), 400, "limit")
    refused(client.get("/v1/videos?order=up"), 400, "order")
    refused(client.get("/v1/videos?after=video_nobody"), 404, "job")


def test_a_deleted_video_is_gone(client, made, service):
    assert client.delete(f"/v1/videos/{made.id}").json() == {
        "id": made.id,
        "object": "video.deleted",
        "deleted": True,
    }
    refused(client.get(f"/v1/videos/{made.id}"), 404, "job")
    refused(client.delete(f"/v1/videos/{made.id}"), 404, "job")
    assert not service.storage.folder(made.id).exists()


def test_a_cancelled_video_counts_as_failed_for_clients_that_know_no_other_word(client):
    name = client.post("/v1/videos", json={"prompt": "a cat"}).json()["id"]
    video = client.post(f"/v1/videos/{name}/cancel").json()
    assert (video["status"], video["error"]["code"]) == ("failed", "cancelled")
    answer = client.post(f"/v1/videos/{name}/cancel")
    refused(answer, 409, "job")
    assert answer.headers["x-should-retry"] == "false"


def test_forms_with_text_brackets_and_json_are_understood(client, service):
    picture = ("cat.png", png(), "image/png")
    form = {"prompt": "a cat", "num_frames": "5", "seed": "42", "num_inference_steps": "3", "loop": "false"}
    form |= {"extra_body": json.dumps({"guidance_scale": 1.5, "n": 2}), "loras[][path]": "x"}
    video = client.post("/v1/videos", data=form, files={"input_reference": picture}).json()
    job = service.store.get(video["id"])
    shot = job.request.shot
    assert (shot.seed, shot.steps, shot.guidance_scale, job.request.number) == (42, 3, 1.5, 2)
    assert [given.role for given in shot.givens] == ["frame"]
    assert video["notes"][0] == "loras: is not known here and was left out"
    data = "data:image/png;base64," + base64.b64encode(png()).decode()
    for name, value in {
        "input_reference[image_url]": data,
        "input_reference": json.dumps({"image_url": data}),
    }.items():
        sent = client.post("/v1/videos", files={"prompt": (None, "a cat"), name: (None, value)})
        assert sent.status_code == 200, sent.text
        (given,) = service.store.get(sent.json()["id"]).request.shot.givens
        assert given.source == shot.givens[0].source, "the same bytes are kept once"


def test_all_that_python_can_be_told_can_be_sent(client, service):
    """As JSON, and as the text of a form: what happens when, and pictures at times."""
    data = "data:image/png;base64," + base64.b64encode(png()).decode()
    at, script = {"1": "it jumps", "0.5s": "it runs"}, [[0.75, "it sleeps"]]
    told = {"prompt": "a cat walks", "num_frames": 17, "preset": "draft", "quality": "standard", "fit": "pad"}
    whole = {**told, "at": at, "script": script, "image": data, "keyframes": {"1.5": data}, "reference": data}
    form = {**told, "num_frames": "17", "at": json.dumps(at), "script": json.dumps(script)}
    form |= {"image": data, "keyframes[1.5s]": data, "input_references[]": data}
    shots = []
    for sent in ({"json": whole}, {"data": form}):
        answer = client.post("/v1/videos", **sent)
        assert answer.status_code == 200, answer.text
        assert not [note for note in answer.json()["notes"] if "not known" in note]
        shots.append(service.store.get(answer.json()["id"]).request.shot.model_copy(update={"seed": 0}))
    assert shots[0] == shots[1]
    assert shots[0].script == ((0.25, "it runs"), (0.5, "it jumps"), (0.75, "it sleeps"))
    assert [(given.role, given.start, given.fit) for given in shots[0].givens] == [
        ("frame", None, "pad"),
        ("frame", 1.5, "pad"),
        ("reference", None, "pad"),
    ]
    assert (shots[0].preset, shots[0].quality) == ("draft", None)


def test_a_shot_of_another_vitascope_arrives_whole(client, service):
    """`model="remote:NAME"` there and `/v1/videos` here: whatever travels is known where it comes in."""
    said: dict[str, Any] = {"camera": (CameraMove(kind="zoom", amount=0.3),), "path": ((0.0, 0.1, 0.8),)}
    said |= {"script": ((0.5, "it jumps"),), "style": "noir", "aspect_ratio": "4:3", "loop": True, "fps": 8.0}
    said |= {"seed": 7, "num_frames": 13, "steps": 3, "guidance_scale": 1.5, "negative_prompt": "rain"}
    said |= {"preset": "draft", "quality": "lossless"}
    shot, dialect = Shot(prompt="a cat walks", **said), DIALECTS["vitascope"]
    assert set(dialect.takes) <= set(said), "each field that travels is looked at"
    told = fields(plan(shot, dialect, "there").shot, dialect, None)
    for picture in (None, png()):
        kind, body = encoded(told, picture, dialect)
        answer = client.post("/v1/videos", content=body, headers={"content-type": kind})
        assert answer.status_code == 200, answer.text
        arrived = service.store.get(answer.json()["id"]).request.shot
        assert arrived.model_copy(update={"model": "toybox", "givens": ()}) == shot


def test_what_was_done_to_a_file_is_told_under_the_name_of_its_field(client, work):
    form = {"prompt": "a cat", "num_frames": "5"}
    name = client.post("/v1/videos", data=form, files={"input_reference": ("a", png(10, 10))}).json()["id"]
    work()
    notes = client.get(f"/v1/videos/{name}").json()["notes"]
    assert any(note.startswith("input_reference: 10x10 becomes") for note in notes), notes


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({}, "prompt", "is missing"),
        ({"prompt": ""}, "prompt", "is missing"),
        ({"prompt": "a cat", "seconds": "long"}, "seconds", "number"),
        ({"prompt": "a cat", "seconds": 9999}, "seconds", "nearest"),
        ({"prompt": "a cat", "size": "big"}, "size", "WIDTHxHEIGHT"),
        ({"prompt": "a cat", "size": "99x99"}, "size", "nearest: 64x48"),
        ({"prompt": "a cat", "model": "../../etc"}, "model", "known: fake"),
        ({"prompt": "a cat", "n": 1000}, "n", "nearest: 64"),
        ({"prompt": "a cat", "seed": -1}, "seed", "nearest: 0"),
        ({"prompt": "a cat", "seed": [1, 5]}, "seed", "follow one another"),
        ({"prompt": "x" * 40_000}, "prompt", "32,000"),
        ({"prompt": "a cat", "at": {"later": "it jumps"}}, "at", "is not a time"),
        ({"prompt": "a cat", "at": {"99": "it jumps"}}, "at", "nearest"),
        ({"prompt": "a cat", "at": 4}, "at", "has no ="),
        ({"prompt": "a cat", "at": {str(i / 20): "it jumps" for i in range(17)}}, "at", "nearest: 16"),
        ({"prompt": "a cat", "script": [[2, "it jumps"]]}, "script", "is above 1; nearest: 1"),
        ({"prompt": "a cat", "keyframes": ["file_" + "0" * 24]}, "keyframes", "seconds and pictures"),
        ({"prompt": "a cat", "keyframes": {"9" * 400: "data:"}}, "keyframes", "is not a time"),
        ({"prompt": "a cat", "keyframes": {"1": "/etc/passwd"}}, "keyframes[1]", "is not a file"),
        ({"prompt": "a cat", "pose_video": "/etc/passwd"}, "pose_video", "is not a file"),
        ({"prompt": "a cat", "camera": [{"kind": "warp"}]}, "camera", "is not known; it may be: "),
        ({"prompt": "a cat", "camera": [4]}, "camera", "is not "),
        ({"prompt": "a cat", "path": [[0, 1]]}, "path", "is not "),
        ({"prompt": "a cat", "quality": "hd"}, "quality", "it may be: standard"),
        ({"prompt": "a cat", "preset": "hasty"}, "preset", "draft"),
        ({"prompt": "a cat", "video_path": "/etc/passwd"}, "video_path", "is not taken"),
        ({"prompt": "a cat", "diffusers_kwargs": {"a": 1}}, "diffusers_kwargs", "is not taken"),
        ({"prompt": "a cat", "input_reference": {"image_url": "http://10.0.0.1"}}, "input_reference", "fetched"),
        ({"prompt": "a cat", "input_reference": "file_" + "0" * 24}, "file", "there is no file"),
        ({"prompt": "a cat", "input_reference": "file_../../tokens"}, "file", "there is no file"),
        ({"prompt": "a cat", "input_reference": {"file_id": "/etc/passwd"}}, "input_reference", "is not a file"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_before_anything_is_written_down(client, service, body, param, words):
    answer = client.post("/v1/videos", json=body)
    message = refused(answer, 404 if param == "file" else 400, param)
    assert words in message
    assert str(service.storage.path.parent) not in message
    assert service.store.counts() == {}


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"a"', b'{"prompt": NaN}', b'{"prompt": "\\ud800"}', b"[" * 40_000, b"\xff\xfe"]
)
def test_bodies_that_are_no_json_are_refused(client, body):
    refused(client.post("/v1/videos", content=body, headers={"content-type": "application/json"}), 400)


def test_other_kinds_of_bodies_and_routes_are_refused(client):
    answer = client.post("/v1/videos", content="prompt=a", headers={"content-type": "text/plain"})
    assert "text/plain" in refused(answer, 415)
    refused(client.get("/v1/nothing"), 404)
    refused(client.put("/v1/videos"), 405)


def test_the_same_key_makes_one_video(client, service):
    headers = {"Idempotency-Key": "k"}
    first, second = (
        client.post("/v1/videos", json={"prompt": "a cat"}, headers=headers).json() for _ in "ab"
    )
    assert first["id"] == second["id"]
    other = client.post("/v1/videos", json={"prompt": "a dog"}, headers=headers)
    assert "another request" in refused(other, 409, "key")
    assert service.store.counts() == {"queued": 1}


def test_names_of_the_first_videos_api_mean_the_model_that_is_here(client):
    video = client.post("/v1/videos", json={"prompt": "a cat", "model": "sora-2", "size": "720x1280"}).json()
    assert (video["model"], video["size"]) == ("fake", "48x64")
    assert [note.partition(":")[0] for note in video["notes"]][:2] == ["size", "model"]


def test_an_edit_an_extension_and_a_remix_start_from_a_video_made_here(client, made, work, service):
    asked = {
        "edit": ("/v1/videos/edits", {"prompt": "make it night", "video": {"id": made.id}}),
        "extend": ("/v1/videos/extensions", {"prompt": "a cat", "seconds": "1", "video_id": made.id}),
        "remix": (f"/v1/videos/{made.id}/remix", {"prompt": "make it night"}),
    }
    for kind, (url, body) in asked.items():
        answer = client.post(url, json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["remixed_from_video_id"] == made.id
        assert service.store.get(answer.json()["id"]).request.kind == kind
    work()
    assert service.store.counts() == {"completed": 4}, [one.failure for one in service.store.page().jobs]


def test_an_edit_starts_from_a_video_that_is_sent(client, clip, service):
    form = {"prompt": "make it night", "box": "0.25,0.25,0.5,0.5"}
    answer = client.post("/v1/videos/edits", data=form, files={"video": ("../../a.html", clip, "text/html")})
    assert answer.status_code == 200, answer.text
    (given,) = service.store.get(answer.json()["id"]).request.shot.givens
    assert given.source.startswith("inputs/")
    assert given.box == (0.25, 0.25, 0.5, 0.5)
    assert "is missing" in refused(client.post("/v1/videos/edits", json={"prompt": "a"}), 400, "video")


def test_only_finished_videos_can_be_started_from(client):
    name = client.post("/v1/videos", json={"prompt": "a cat"}).json()["id"]
    assert "is queued" in refused(
        client.post(f"/v1/videos/{name}/remix", json={"prompt": "night"}), 400, "video"
    )


def test_a_character_is_shown_once_and_named_afterwards(client, clip, service):
    for file in (clip, png()):
        made = client.post("/v1/videos/characters", data={"name": "Mia"}, files={"video": ("m", file)}).json()
        assert made["name"] == "Mia"
        assert client.get(f"/v1/videos/characters/{made['id']}").json() == made
        video = client.post("/v1/videos", json={"prompt": "a cat", "characters": [{"id": made["id"]}]}).json()
        (given,) = service.store.get(video["id"]).request.shot.givens
        assert given.role == "reference"
    assert len(client.get("/v1/videos/characters").json()["data"]) == 2
    client.delete(f"/v1/videos/characters/{made['id']}")
    refused(client.get(f"/v1/videos/characters/{made['id']}"), 404, "character_id")


def test_a_video_can_be_waited_for(client, service, work):
    answers = []
    body = {"prompt": "a cat", "num_frames": 5}
    waiting = threading.Thread(target=lambda: answers.append(client.post("/v1/videos/sync", json=body)))
    waiting.start()
    while not service.store.counts():
        pass
    work()
    waiting.join(60)
    (answer,) = answers
    assert (answer.headers["content-type"], answer.headers["x-model"]) == ("video/mp4", "fake")
    with av.open(io.BytesIO(answer.content)) as container:
        assert container.streams.video[0].frames == 5


def test_a_full_queue_says_when_to_come_again(client, context):
    for _ in range(2):
        client.post("/v1/videos", json={"prompt": "a cat"})
    object.__setattr__(context, "max_queued", 2)
    answer = client.post("/v1/videos", json={"prompt": "a cat"})
    refused(answer, 429)
    assert answer.headers["retry-after"] == "30"


def test_to_take_a_video_in_nobody_goes_through_those_that_are_over(client, service, made, monkeypatch):
    def look(*_):
        raise AssertionError("all jobs were looked at")

    for method in ("counts", "select", "_alive"):
        monkeypatch.setattr(service.store.tables, method, look)
    answer = client.post("/v1/videos", json={"prompt": "a cat"})
    assert answer.json()["status"] == "queued"


def test_models_are_listed(client):
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["fake"]
    assert client.get("/v1/models/fake").json()["object"] == "model"
    refused(client.get("/v1/models/other"), 404, "model")


def leave(address: str, body: dict, key: str | None) -> None:
    """Ask for a clip and close the connection before it is there."""
    import http.client

    host = address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    head = {"content-type": "application/json"} | ({} if key is None else {"idempotency-key": key})
    connection.request("POST", "/v1/videos/sync", json.dumps(body), head)
    time.sleep(0.5)
    connection.close()


@pytest.mark.parametrize("leaving", [1, 3])
def test_a_dropped_sync_with_a_key_is_taken_up_by_its_repetition(live, service, work, leaving):
    body = {"prompt": "a cat", "num_frames": 5, "seed": 3}
    for _ in range(leaving):
        leave(live, body, "again")
    deadline = time.monotonic() + 30
    while not service.store.page().jobs:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    (job,) = service.store.page().jobs
    assert job.state == "queued", "it goes on"
    work()
    request = urllib.request.Request(
        f"{live}/v1/videos/sync",
        json.dumps(body).encode(),
        {"content-type": "application/json", "idempotency-key": "again"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["x-video-id"] == job.id
        assert answer.read() == service.file(job.id).read_bytes()


def test_a_dropped_sync_without_a_key_is_cancelled(live, service):
    leave(live, {"prompt": "a cat", "num_frames": 5}, None)
    deadline = time.monotonic() + 30
    while not (jobs := service.store.page().jobs) or jobs[0].state != "cancelled":
        assert time.monotonic() < deadline
        time.sleep(0.02)
