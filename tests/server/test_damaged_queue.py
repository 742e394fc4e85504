"""A queue that is damaged: told by readyz, check and each request, in one line."""

import random

import pytest
from starlette.testclient import TestClient

from tests.jobs.test_backup import damage, filled
from vitascope.jobs.service import open_service, queue_file
from vitascope.server.app import make_app
from vitascope.server.context import open_context

NEW = {"prompt": "a cat", "num_frames": 5}


@pytest.fixture(params=["scrambled", "zeros"])
def client(request, tmp_path):
    """A client of a server whose queue is damaged behind its first page, which is all that is read to open it."""
    queue = queue_file(tmp_path)
    queue.parent.mkdir()
    filled(queue)
    damage(queue, request.param, random.Random(3))
    context = open_context(tmp_path, open_service(tmp_path), models=("fake",))
    with TestClient(make_app(context), base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


def test_the_check_says_what_is_wrong_and_nothing_more_is_taken_in(client, tmp_path):
    check = client.get("/api/v1/check")
    assert check.status_code == 200
    assert check.json()["queue"] != "ok"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["error"]["code"]) == (503, "queue_damaged")
    refused = client.post("/v1/videos", json=NEW)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "queue_damaged")
    assert refused.headers["x-should-retry"] == "false"
    for answer in (ready, refused):
        assert str(tmp_path) not in answer.text
    assert client.get("/healthz").status_code == 200


def test_a_request_that_meets_the_damage_makes_the_server_unready(client):
    list_to_json = client.get("/v1/videos")
    assert (list_to_json.status_code, list_to_json.json()["error"]["code"]) == (503, "queue_damaged")
    assert client.get("/readyz").status_code == 503
