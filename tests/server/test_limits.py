"""What a request may hold at most: a stranger's request is refused at once, whatever is in it."""

import time

import pytest

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
        ("camera", f"pan-left{' ' * LONG}x"), ("camera", f"pan-left{', ' * LONG}x"),
        ("camera", f"pan-left @{' ' * LONG}x"),
        ("path", f"0s:0.1{' ' * LONG}x"), ("size", "1" * LONG), ("aspect_ratio", ":" * LONG), ("style", "x" * LONG),
        ("model", "x" * LONG), ("negative_prompt", "x" * LONG), ("user", "x" * LONG), ("prompt", "x" * LONG),
        ("at", {f"1{' ' * LONG}x": "it jumps"}), ("at", {"1": "x" * LONG}), ("at", [f"1={' ' * LONG}"]),
        ("keyframes", {f"1{' ' * LONG}x": {"file_id": "file_x"}}), ("seed", list(range(LONG))),
        ("path", [[number / LONG, 0, 0] for number in range(LONG)]),
        ("script", [[number / LONG, "x"] for number in range(LONG)]),
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
        ("/v1/webhook_endpoints", {"url": "https://example.com", "event_types": ["video.completed"] * LONG}),
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
