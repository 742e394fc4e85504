import pytest
from starlette.testclient import TestClient

from tests.server.receiver import is_signed, receiving
from tests.server.test_middleware import code
from vitascope.server.app import make_app
from vitascope.server.webhooks.delivery import WebhookSender

URL = "https://8.8.8.8/hook"


def add(client, url: str = URL, **told) -> dict:
    answer = client.post("/v1/webhook_endpoints", json={"url": url, "name": "studio", **told})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_endpoint_is_made_listed_changed_and_removed(client):
    made = add(client, event_types=["video.completed"])
    assert made["object"] == "webhook_endpoint"
    assert made["signing_secret"].startswith("whsec_")
    name = made["id"]
    seen = client.get(f"/v1/webhook_endpoints/{name}").json()
    assert "signing_secret" not in seen
    assert seen["signing_secret_hint"].endswith(made["signing_secret"][-4:])
    assert seen["event_types"] == ["video.completed"]
    assert seen["deliveries"] == {"waiting": 0, "delivered": 0, "given_up": 0}
    changed = client.post(f"/v1/webhook_endpoints/{name}", json={"name": "other"}).json()
    assert (changed["name"], changed["url"]) == ("other", URL)
    second = add(client)["id"]
    page = client.get("/v1/webhook_endpoints?limit=1").json()
    assert (page["data"][0]["id"], page["last_id"], page["has_more"]) == (name, name, True)
    page = client.get(f"/v1/webhook_endpoints?after={name}").json()
    assert ([one["id"] for one in page["data"]], page["has_more"]) == ([second], False)
    rotated = client.post(f"/v1/webhook_endpoints/{name}/rotate_secret", json={}).json()
    assert rotated["signing_secret"] != made["signing_secret"]
    assert client.delete(f"/v1/webhook_endpoints/{name}").json()["deleted"] is True
    assert code(client.get(f"/v1/webhook_endpoints/{name}")) == (404, "not_found")
    assert client.get("/v1/webhook_event_types").json()["data"][0] == "video.completed"


@pytest.mark.parametrize(
    "told",
    [
        {"url": "https://127.0.0.1/"},
        {"url": "https://[::1]/"},
        {"url": "https://169.254.169.254/latest/meta-data"},
        {"url": "http://8.8.8.8/"},
        {"url": "file:///etc/passwd"},
        {"url": URL, "private": True, "event_types": []},
        {"url": URL, "event_types": ["response.completed"]},
        {"url": URL, "name": "\u0000"},
        {"name": "studio"},
    ],
)
def test_endpoints_that_cannot_be_are_refused(client, context, told):
    assert client.post("/v1/webhook_endpoints", json=told).status_code == 400
    assert context.endpoints.all() == ()


def test_nobody_allows_addresses_inside_over_the_wire(client, context):
    add(client, private=True)
    assert [one.private for one in context.endpoints.all()] == [False]
    name = context.endpoints.all()[0].id
    answer = client.post(f"/v1/webhook_endpoints/{name}", json={"url": "https://10.0.0.1/"})
    assert code(answer) == (400, "invalid_value")


def test_each_token_has_its_own_endpoints_and_hears_of_its_own_videos(context, service, work):
    secrets = {name: context.tokens.add(name, "write") for name in ("ann", "bob")}
    secrets["eve"] = context.tokens.add("eve", "read")
    with TestClient(make_app(context), base_url="http://localhost") as client:
        said = {name: {"authorization": f"Bearer {secret}"} for name, secret in secrets.items()}
        answer = client.post("/v1/webhook_endpoints", json={"url": URL}, headers=said["ann"])
        name = answer.json()["id"]
        path = f"/v1/webhook_endpoints/{name}"
        for verb, way in (
            ("GET", path),
            ("DELETE", path),
            ("POST", f"{path}/test"),
            ("GET", f"{path}/deliveries"),
        ):
            assert client.request(verb, way, headers=said["bob"]).status_code == 404
        assert client.get("/v1/webhook_endpoints", headers=said["bob"]).json()["data"] == []
        refused = client.post("/v1/webhook_endpoints", json={"url": URL}, headers=said["eve"])
        assert refused.status_code == 403
        (endpoint,) = context.endpoints.all()
        assert endpoint.owner == "ann"


def test_a_video_that_is_over_is_told_and_the_log_says_how_that_went(client, context, made):
    with receiving() as receiver:
        endpoint = context.endpoints.add(receiver.url, private=True)
        tried = client.post(f"/v1/webhook_endpoints/{endpoint.id}/test", json={"event_type": "video.failed"})
        assert tried.json()["status_code"] == 204
        name = client.post("/v1/videos", json={"prompt": "a cat"}).json()["id"]
        client.post(f"/v1/videos/{name}/cancel")
        sender = WebhookSender(context.outbox, context.endpoints)
        while sender.tick():
            pass
        sender.close()
        (_, _, test), (_, headers, body) = receiver.came
    assert b'"type":"video.failed"' in test
    assert is_signed(headers, body, endpoint.secret)
    assert name.encode() in body
    (told,) = client.get(f"/v1/webhook_endpoints/{endpoint.id}/deliveries").json()["data"]
    assert (told["state"], told["status"], told["job"], told["type"]) == (
        "delivered",
        204,
        name,
        "video.failed",
    )
    assert client.post(f"/v1/webhook_endpoints/{endpoint.id}/resend").json()["deliveries"] == 0
    assert 'vitascope_webhook_deliveries{state="delivered"} 1.0' in client.get("/metrics").text
    dead = client.post(f"/v1/webhook_endpoints/{endpoint.id}/test")
    assert code(dead) == (400, "invalid_value")
