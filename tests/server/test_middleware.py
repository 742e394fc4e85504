"""Who may come in; the patterns of attacks that neighbours suffered are tried here, one test each."""

import json
import socket
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from vitascope.errors import RequestError
from vitascope.server.app import make_app
from vitascope.server.context import open_context
from vitascope.server.middleware import AccessRules
from vitascope.server.serve import ServeOptions, _listen, check_access
from vitascope.server.tokens import Tokens

CAT = {"prompt": "a cat", "num_frames": 5}


def visitor(context, **headers: str) -> TestClient:
    return TestClient(
        make_app(context), base_url="http://localhost", headers=headers, raise_server_exceptions=False
    )


def code(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def secrets(tmp_path) -> dict[str, str]:
    """The secrets of three tokens."""
    tokens = Tokens(tmp_path / "tokens.json")
    return {
        name: tokens.add(name, scope) for name, scope in (("ann", "write"), ("ben", "write"), ("eve", "read"))
    } | {"root": tokens.add("root", "admin")}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[::2]", "10.0.0.1", "a b", "[::1"]
)
def test_a_name_that_is_not_ours_is_refused(client, host):
    assert code(client.get("/v1/videos", headers={"Host": host})) == (421, "wrong_host")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8188", "[::1]:8188", "LOCALHOST:1"])
def test_our_own_names_are_fine(client, host):
    assert client.get("/v1/videos", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:9999", "file://localhost"]
)
def test_pages_of_other_sites_change_nothing(client, service, origin):
    form = {"headers": {"Origin": origin}, "data": {"prompt": "a cat"}}
    assert code(client.post("/v1/videos", **form)) == (403, "wrong_origin")
    assert code(client.post("/api/v1/queue/pause", headers={"Origin": origin})) == (403, "wrong_origin")
    assert code(client.post("/v1/videos", headers={"Sec-Fetch-Site": "cross-site"}, json=CAT))[0] == 403
    assert (service.store.counts(), service.store.paused) == ({}, False)
    assert "access-control-allow-origin" not in client.get("/v1/videos", headers={"Origin": origin}).headers


def test_our_own_pages_and_chosen_sites_may(tmp_path, service):
    rules = AccessRules(origins=frozenset({"https://studio.example"}))
    visiting = visitor(open_context(tmp_path, service, models=("fake",), rules=rules))
    for origin in ("http://localhost", "https://studio.example"):
        assert visiting.post("/v1/videos", json=CAT, headers={"Origin": origin}).status_code == 200
    asking = {"Origin": "https://studio.example", "Access-Control-Request-Method": "POST"}
    preflight = visiting.options("/v1/videos", headers=asking)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (
        204,
        asking["Origin"],
    )
    seen = visiting.get("/v1/videos", headers={"Origin": asking["Origin"]}).headers
    assert (seen["access-control-allow-origin"], seen["vary"]) == (asking["Origin"], "origin")
    other = visiting.options("/v1/videos", headers={**asking, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_where_there_are_tokens_nothing_goes_without_one(context, secrets):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {secrets['root']}"}):
        visiting = visitor(context, **headers)
        for path in ("/v1/videos", "/api/v1/system", "/metrics", "/openapi.json", "/nothing"):
            answer = visiting.get(path)
            assert code(answer) == (401, "invalid_api_key")
            assert answer.headers["www-authenticate"] == "Bearer"
        assert visiting.get("/healthz").json() == {"status": "ok"}
        assert visiting.get("/readyz").status_code == 200


def test_a_token_sees_its_own_and_an_admin_everything(context, secrets, service):
    ann, ben, root = (
        visitor(context, Authorization=f"Bearer {secrets[name]}") for name in ("ann", "ben", "root")
    )
    name = ann.post("/v1/videos", json=CAT, headers={"Idempotency-Key": "k"}).json()["id"]
    assert service.store.get(name).owner == "ann"
    for url in (
        f"/v1/videos/{name}",
        f"/v1/videos/{name}/content",
        f"/api/v1/jobs/{name}",
        f"/api/v1/jobs/{name}/events",
    ):
        assert code(ben.get(url)) == (404, "not_found")
    for url in (f"/v1/videos/{name}/cancel", f"/api/v1/jobs/{name}/clone", f"/api/v1/jobs/{name}/retry"):
        assert code(ben.post(url)) == (404, "not_found")
    assert code(ben.delete(f"/v1/videos/{name}")) == (404, "not_found")
    assert code(ben.post("/v1/videos/edits", json={"prompt": "a", "video": {"id": name}})) == (
        404,
        "not_found",
    )
    assert ben.get("/v1/videos").json()["data"] == ben.get("/api/v1/queue").json()["line"] == []
    assert code(ben.get(f"/v1/videos?after={name}")) == (404, "not_found")
    mine = ben.post("/v1/videos", json=CAT, headers={"Idempotency-Key": "k"}).json()["id"]
    assert mine != name, "keys of one are nothing to another"
    assert len(root.get("/v1/videos").json()["data"]) == 2
    assert ann.get(f"/v1/videos/{name}").status_code == root.get(f"/v1/videos/{name}").status_code == 200


def test_scopes_are_kept_to(context, secrets):
    eve, ann, root = (
        visitor(context, Authorization=f"Bearer {secrets[name]}") for name in ("eve", "ann", "root")
    )
    assert eve.get("/v1/videos").status_code == 200
    assert code(eve.post("/v1/videos", json=CAT)) == (403, "forbidden")
    assert code(ann.post("/v1/videos", json={**CAT, "priority": 1})) == (403, "forbidden")
    assert root.post("/v1/videos", json={**CAT, "priority": 1}).status_code == 200
    for url in ("/api/v1/queue/pause", "/api/v1/queue/resume"):
        assert code(ann.post(url)) == (403, "forbidden")
        assert root.post(url).status_code == 200


def test_only_checksums_of_tokens_are_kept(context, secrets, tmp_path):
    file = tmp_path / "tokens.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(secret in file.read_text() for secret in secrets.values())
    Tokens(file).remove("ann")
    assert code(visitor(context, Authorization=f"Bearer {secrets['ann']}").get("/v1/videos"))[0] == 401
    for name in ("../x", "", "root"):
        with pytest.raises(RequestError, match="name"):
            Tokens(file).add(name, "read")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "studio.example"])
def test_others_are_not_let_in_without_a_token(host, context, tmp_path, service):
    options = ServeOptions(host=host, models=("fake",))
    with pytest.raises(RequestError, match="there is no token"):
        check_access(options, context)
    check_access(options, open_context(tmp_path, service, token="a-secret-of-length", models=("fake",)))
    for inside in ("127.0.0.1", "localhost", "::1", "127.9.9.9"):
        check_access(ServeOptions(host=inside, models=("fake",)), context)
    with pytest.raises(RequestError, match="too short"):
        open_context(tmp_path, service, token="short")


def test_small_answers_are_not_held_back():
    """Asyncio tells only those sockets to send at once that know that they are TCP."""
    with _listen(ServeOptions(port=0)) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        assert accepted.proto == socket.IPPROTO_TCP
        accepted.close()


def test_requests_that_are_too_large_are_refused(tmp_path, service):
    context = open_context(tmp_path, service, models=("fake",), rules=AccessRules(max_bytes=100_000))
    visiting = visitor(context)
    large = {"file": ("a", b"x" * 200_000)}
    assert code(visiting.post("/api/v1/uploads", files=large)) == (413, "too_large")

    def stream():
        for _ in range(20):
            yield b" " * 10_000

    answer = visiting.post("/v1/videos", content=stream(), headers={"content-type": "application/json"})
    assert code(answer) == (413, "too_large")
    assert list((tmp_path / "uploads").glob("*")) == []


def test_who_asks_too_fast_waits_and_others_do_not(tmp_path, service, secrets):
    context = open_context(tmp_path, service, models=("fake",), rules=AccessRules(per_minute=2))
    app = make_app(context)
    ann, ben = (
        TestClient(app, base_url="http://localhost", headers={"Authorization": f"Bearer {secrets[name]}"})
        for name in ("ann", "ben")
    )
    assert [ann.post("/v1/videos", json=CAT).status_code for _ in "ab"] == [200, 200]
    answer = ann.post("/v1/videos", json=CAT)
    assert code(answer) == (429, "rate_limit_exceeded")
    assert 0 < int(answer.headers["retry-after"]) <= 30
    assert ann.get("/v1/videos").status_code == ben.post("/v1/videos", json=CAT).status_code == 200


def test_every_answer_has_an_id_and_no_secrets(client, caplog):
    caplog.set_level("INFO", "vitascope.server.access")
    answer = client.get("/v1/videos", headers={"X-Request-Id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    other = client.get(
        "/v1/videos?prompt=secret", headers={"X-Request-Id": "a\tb" * 40, "Authorization": "Bearer s"}
    )
    assert other.headers["x-request-id"].startswith("req_")
    told = [record.fields for record in caplog.records]
    assert [one["request_id"] for one in told] == ["mine-1", other.headers["x-request-id"]]
    assert (told[0]["status"], told[0]["path"]) == (200, "/v1/videos")
    assert "secret" not in json.dumps(told)


def test_what_nobody_thought_of_is_answered_without_telling_how_we_look_inside(
    client, service, monkeypatch, caplog
):
    monkeypatch.setattr(service.store, "is_full", lambda *_: 1 / 0)
    answer = client.post("/v1/videos", json=CAT)
    assert code(answer) == (500, "internal_error")
    assert "division" not in answer.text
    assert answer.headers["x-request-id"]
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    "path",
    ["/v1/videos/..%2f..%2ftokens.json/content", "/api/v1/uploads/..%2ftokens", "/api/v1/jobs/%2e%2e/files/0",
     "/v1/videos/characters/..%2f..", "/v1/videos/video_%00/content", "/..%2f..%2fetc%2fpasswd"],
)  # fmt: skip
def test_names_lead_nowhere_but_to_what_they_name(client, path, tmp_path: Path):
    (tmp_path / "tokens").mkdir()
    assert client.get(path).status_code == 404
    assert client.delete(path).status_code in (404, 405)


def test_files_of_the_server_are_named_by_admins_alone(context, secrets):
    shot = {"prompt": "a cat", "model": "fake", "loras": [["/etc/passwd", 1.0]]}
    for name, words in (
        ("ann", "lora: names a file of the server's machine"),
        ("root", "lora: fake takes no LoRA"),
    ):
        asking = visitor(context, Authorization=f"Bearer {secrets[name]}")
        answer = asking.post("/api/v1/jobs", json={"shot": shot})
        assert (answer.status_code, answer.json()["error"]["message"][: len(words)]) == (400, words)
