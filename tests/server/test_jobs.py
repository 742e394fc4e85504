import json
import urllib.request

import pytest

from tests.server.conftest import png
from tests.server.test_middleware import code
from vitascope.jobs.job import Failure, Standing
from vitascope.server.routes.system import devices
from vitascope.types import Shot

SHOT = {"prompt": "a cat", "model": "fake", "num_frames": 5, "seed": 7}


def submit(client, **told) -> dict:
    answer = client.post("/api/v1/jobs", json={"shot": SHOT, **told})
    assert answer.status_code == 200, answer.text
    return answer.json()


def stream(client, url: str, after: int | None = None) -> list[dict]:
    """The events of a stream that ends."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    with client.stream("GET", url, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        blocks = answer.read().decode().split("\n\n")
    assert blocks[0] == "retry: 1000"
    return [dict(line.partition(": ")[::2] for line in block.splitlines()) for block in blocks[1:] if block]


def test_a_job_tells_its_real_state_and_phase(client, work):
    job = submit(client, number=2, priority=3)
    assert (job["state"], job["waits_for"], job["number"], job["priority"]) == ("queued", 0, 2, 3)
    work()
    done = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert (done["state"], done["progress"]["percent"], done["progress"]["phase"]) == (
        "completed",
        100,
        "write",
    )
    assert [output["seed"] for output in done["outputs"]] == [7, 8]
    clips = [client.get(output["url"]).content for output in done["outputs"]]
    assert clips[0] != clips[1]
    assert done["shot"]["size"] == [64, 48]


def test_what_happens_to_a_job_is_streamed_and_goes_on_where_it_broke_off(client, work):
    name = submit(client)["id"]
    work()
    url = f"/api/v1/jobs/{name}/events"
    told = stream(client, url)
    assert [one["event"] for one in told][:2] == ["queued", "running"]
    assert told[-1]["event"] == "completed"
    steps = [json.loads(one["data"]) for one in told if one["event"] == "progress"]
    assert [one["step"] for one in steps if one["phase"] == "denoise" and one["step"]] == [1, 2, 3, 4]
    percents = [one["percent"] for one in steps]
    assert percents == sorted(percents)
    assert max(percents) <= 99
    ids = [int(one["id"]) for one in told]
    assert ids == sorted(set(ids))
    assert stream(client, url, ids[3]) == told[4:]
    assert client.get(url, headers={"Last-Event-ID": str(ids[-1])}).status_code == 204
    assert code(client.get(url, headers={"Last-Event-ID": "x"})) == (400, "invalid_value")


def test_the_line_is_changed_and_the_queue_is_paused(client, work, service):
    a, b, c = (submit(client)["id"] for _ in range(3))
    client.post(f"/api/v1/jobs/{c}/move", json={"first": True})
    client.post(f"/api/v1/jobs/{a}/move", json={})
    assert client.post("/api/v1/queue/pause").json()["paused"] is True
    assert client.get("/api/v1/queue").json()["line"] == [c, b, a]
    client.post(f"/api/v1/jobs/{a}/move", json={"before": b})
    client.post(f"/api/v1/jobs/{b}/move", json={"priority": 5})
    assert client.get("/api/v1/queue").json()["line"] == [b, c, a]
    work()
    assert service.store.counts() == {"queued": 3}
    assert client.post("/api/v1/queue/resume").json()["paused"] is False
    work()
    assert code(client.post(f"/api/v1/jobs/{a}/move", json={"first": True})) == (409, "conflict")
    assert code(client.post(f"/api/v1/jobs/{a}/move", json={"up": 1})) == (400, "invalid_value")


def test_jobs_are_cancelled_retried_cloned_listed_and_removed(client, work):
    first = submit(client)["id"]
    assert client.post(f"/api/v1/jobs/{first}/cancel").json()["state"] == "cancelled"
    assert [job["id"] for job in client.get("/api/v1/jobs?state=cancelled").json()["data"]] == [first]
    assert client.post(f"/api/v1/jobs/{first}/retry").json()["state"] == "queued"
    second = client.post(f"/api/v1/jobs/{first}/clone").json()["id"]
    assert second != first
    work()
    page = client.get("/api/v1/jobs?limit=1&order=asc").json()
    assert ([job["id"] for job in page["data"]], page["has_more"]) == ([first], True)
    assert client.delete(f"/api/v1/jobs/{first}").json()["deleted"] is True
    assert code(client.get(f"/api/v1/jobs/{first}")) == (404, "not_found")
    assert code(client.get("/api/v1/jobs?state=asleep")) == (400, "invalid_value")


def test_a_shot_starts_from_uploads_and_videos_and_never_from_paths(client, made, service):
    upload = client.post("/api/v1/uploads", files={"file": ("a", png())}).json()["id"]
    for source, kind in ((upload, "image"), (made.id, "video")):
        job = submit(client, shot={**SHOT, "num_frames": 17, "givens": [{"kind": kind, "source": source}]})
        assert service.store.get(job["id"]).request.shot.givens[0].source.startswith("inputs/")
    for source in ("/etc/passwd", "../tokens.json", "http://localhost/", "inputs/x"):
        shot = {**SHOT, "givens": [{"kind": "image", "source": source}]}
        assert code(client.post("/api/v1/jobs", json={"shot": shot})) == (400, "invalid_value")
        shot = {**SHOT, "givens": [{"kind": "image", "source": upload, "mask": source}]}
        assert code(client.post("/api/v1/jobs", json={"shot": shot})) == (400, "invalid_value")


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"shot": {}},
        {"shot": {**SHOT, "what": 1}},
        {"shot": SHOT, "number": 65},
        {"shot": {**SHOT, "model": "/x"}},
    ],
)
def test_jobs_that_cannot_be_are_refused(client, service, told):
    assert client.post("/api/v1/jobs", json=told).status_code == 400
    half = b'{"shot": {"model": "fake", "prompt": "a cat", "style": "\\ud800"}}'
    headers = {"content-type": "application/json"}
    assert client.post("/api/v1/jobs", content=half, headers=headers).status_code == 400
    assert service.store.counts() == {}


def test_the_system_its_models_and_its_numbers_are_told(client, made):
    system = client.get("/api/v1/system").json()
    assert (system["jobs"], system["models"], system["paused"]) == ({"completed": 1}, ["fake"], False)
    (card,) = client.get("/api/v1/models").json()["data"]
    assert (card["id"], card["sizes"], card["fps"]) == ("fake", ["64x48", "48x64"], 8.0)
    text = client.get("/metrics").text
    assert 'vitascope_jobs{state="completed"} 1.0' in text
    assert 'vitascope_requests_total{method="POST",route="/v1/videos",status="200"} 1.0' in text
    report = client.get("/api/v1/check").json()
    assert (report["queue"], sorted(report)) == ("ok", ["confinement", "queue"])


def test_a_full_disk_is_told_to_those_who_watch(client, service):
    object.__setattr__(service.storage, "free", lambda path: 0)
    assert code(client.get("/readyz")) == (503, "disk_full")
    answer = client.post("/v1/videos", json={"prompt": "a cat"})
    assert code(answer) == (503, "disk_full")
    assert answer.headers["retry-after"] == "60"
    assert client.get("/healthz").status_code == 200


def test_a_clip_can_be_looked_at_while_it_is_made(client, work, service, monkeypatch):
    name = submit(client)["id"]
    url = f"/api/v1/jobs/{name}/preview"
    assert code(client.get(url)) == (404, "not_ready")
    running = service.store.claim("w")
    service.storage.folder(name).mkdir()
    service.storage.preview(name).write_bytes(b"a picture")
    service.store.beat(running.lease, Standing("denoise", 1, 4, 20, 3.0, 9.5, 1))
    told = client.get(f"/api/v1/jobs/{name}").json()["progress"]
    assert (told["preview"], told["job_seconds_left"]) == (f"{url}?number=1", 9.5)
    answer = client.get(told["preview"])
    assert (answer.content, answer.headers["content-type"]) == (b"a picture", "image/webp")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].startswith("attachment")
    service.store.give_back(running.lease)
    work()
    events = stream(client, f"/api/v1/jobs/{name}/events")
    shown = [json.loads(one["data"])["preview"] for one in events if one["event"] == "progress"]
    assert shown[0] == f"{url}?number=1"
    assert client.get(url).content[:4] == b"RIFF", "the finished clip"
    assert client.get(f"/api/v1/jobs/{name}").json()["progress"]["preview"] is None


def test_a_stream_that_breaks_is_taken_up_where_it_broke(live, service, context):
    """A listener on a real connection leaves in the middle, and the next one hears the rest, once."""
    name = service.submit(Shot.model_validate(SHOT)).id
    running = service.store.claim("w")
    heard = []

    def listen(after: str | None, until: int) -> None:
        headers = {} if after is None else {"Last-Event-ID": after}
        asked = urllib.request.Request(f"{live}/api/v1/jobs/{name}/events", headers=headers)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            for line in answer:
                if line.startswith(b"id: "):
                    heard.append(int(line[4:]))
                if len(heard) == until:
                    return

    for step in range(1, 4):
        service.store.beat(running.lease, Standing("denoise", step, 8, 10 * step))
    listen(None, 4)
    for step in range(4, 7):
        service.store.beat(running.lease, Standing("denoise", step, 8, 10 * step))
    listen(str(heard[-1]), 7)
    service.store.fail(running.lease, Failure("internal_error", "it broke"))
    listen(str(heard[-1]), 99)
    assert heard == [event.id for event in service.store.events(name)]
    with urllib.request.urlopen(
        urllib.request.Request(
            f"{live}/api/v1/jobs/{name}/events", headers={"Last-Event-ID": str(heard[-1])}
        ),
        timeout=60,
    ) as answer:
        assert answer.status == 204


def test_presets_and_the_machine_are_told(client, tmp_path):
    submit(client)
    presets = client.get("/api/v1/presets").json()["data"]
    assert [(one["id"], one["model"]) for one in presets] == [
        ("draft", "fake"),
        ("standard", "fake"),
        ("quality", "fake"),
    ]
    assert presets[1]["steps"] == 4
    system = client.get("/api/v1/system").json()
    assert (system["queue_depth"], system["queue_limit"]) == (1, 1000)
    assert system["memory_free_bytes"] > 0
    assert system["devices"][0]["kind"] == "cpu"
    card = tmp_path / "driver/nvidia/gpus/0000:01:00.0"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t\t NVIDIA H100\nIRQ: 1\n")
    assert devices(tmp_path)[1] == {"kind": "cuda", "name": "NVIDIA H100"}


def test_an_admin_takes_in_clips_that_the_queue_does_not_know(client, service, made):
    folder = service.storage.folder(made.id)
    folder.rename(service.storage.path / "video_0123")
    assert client.get("/api/v1/jobs/unknown").json()["data"] == ["video_0123"]
    (stranger := service.storage.path / "video_0456").mkdir()
    answer = client.post("/api/v1/jobs/adopt", json={"owner": "ann"}).json()
    assert [job["id"] for job in answer["data"]] == ["video_0123"]
    assert answer["problems"] == {"video_0456": "it has no finished clip"}
    assert stranger.exists()
    assert client.get("/v1/videos/video_0123/content").status_code == 200
    refused = client.post("/api/v1/jobs/adopt", json={"jobs": ["video_0123"]})
    assert refused.status_code == 400


def test_only_an_admin_sees_what_is_unknown(context, client):
    secret = context.tokens.add("ann", "write")
    head = {"authorization": f"Bearer {secret}"}
    assert client.get("/api/v1/jobs/unknown", headers=head).status_code == 403
    assert client.post("/api/v1/jobs/adopt", json={}, headers=head).status_code == 403


def test_a_clone_keeps_no_priority_that_only_an_admin_may_give(context, client):
    boss, bob = context.tokens.add("boss", "admin"), context.tokens.add("bob", "write")
    as_boss, as_bob = ({"authorization": f"Bearer {secret}"} for secret in (boss, bob))
    shot = {"prompt": "a cat", "num_frames": 5, "model": "fake"}
    job = client.post("/api/v1/jobs", json={"shot": shot}, headers=as_bob).json()["id"]
    client.post(f"/api/v1/jobs/{job}/move", json={"priority": 50}, headers=as_boss)
    assert client.post(f"/api/v1/jobs/{job}/clone", headers=as_bob).json()["priority"] == 0
    assert client.post(f"/api/v1/jobs/{job}/clone", headers=as_boss).json()["priority"] == 50
    client.post(f"/api/v1/jobs/{job}/move", json={"priority": -5}, headers=as_boss)
    assert client.post(f"/api/v1/jobs/{job}/clone", headers=as_bob).json()["priority"] == -5


def test_requests_that_come_at_once_do_not_pass_the_limit_of_the_line(context, client):
    from concurrent.futures import ThreadPoolExecutor

    object.__setattr__(context, "max_queued", 8)
    shot = {"prompt": "a cat", "num_frames": 5, "model": "fake"}
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda n: client.post("/api/v1/jobs", json={"shot": shot | {"seed": n}}), range(24))
        )
    assert sorted(answer.status_code for answer in answers) == [200] * 8 + [429] * 16
    first = answers[[answer.status_code for answer in answers].index(200)].json()["id"]
    client.post(f"/api/v1/jobs/{first}/cancel")
    assert client.post("/api/v1/jobs", json={"shot": shot}).status_code == 200
    refused = client.post(f"/api/v1/jobs/{first}/retry")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "queue_full")
    assert refused.headers["retry-after"] == "30"


def test_a_job_that_cannot_be_told_hides_no_other(client, service):
    from dataclasses import replace

    shot = {"prompt": "a cat", "num_frames": 5, "model": "fake"}
    jobs = [client.post("/api/v1/jobs", json={"shot": shot | {"seed": n}}).json()["id"] for n in range(3)]
    broken = service.store.get(jobs[1])
    request = replace(broken.request, shot_json="{", planned_json="[" * 100_000)
    service.store.tables.save(replace(broken, request=request))
    for route in ("/api/v1/jobs", "/v1/videos"):
        answer = client.get(route)
        assert answer.status_code == 200
        assert [one["id"] for one in answer.json()["data"]] == [jobs[2], jobs[0]]
