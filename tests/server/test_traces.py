"""One trace from the request to the finished clip."""

import json

from starlette.testclient import TestClient

from tests.server.conftest import png
from vitascope.jobs.job import Request
from vitascope.jobs.service import open_service
from vitascope.jobs.stores.rows import to_row
from vitascope.server.app import make_app
from vitascope.server.context import open_context
from vitascope.testing.chaos import take

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADERS = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
ASKED = {"prompt": "a purple cat", "num_frames": 5, "seed": 7}


def named(spans) -> dict:
    return {span.name: span for span in spans}


def hexed(number: int) -> str:
    return f"{number:016x}"


def test_one_trace_leads_from_the_request_to_the_finished_clip(client, work, service, seen):
    name = client.post("/v1/videos", json=ASKED, headers=HEADERS).json()["id"]
    work()
    assert service.store.get(name).state == "completed"
    spans = seen()
    assert {f"{span.context.trace_id:032x}" for span in spans} == {TRACE}
    order = ["plan", "POST /v1/videos", "plan", "load", "encode", "denoise", "decode", "write", "job"]
    assert [span.name for span in spans] == order
    request, job = named(spans)["POST /v1/videos"], named(spans)["job"]
    assert hexed(request.parent.span_id) == CALLER
    assert job.parent.span_id == request.context.span_id
    assert spans[0].parent.span_id == request.context.span_id
    assert {span.parent.span_id for span in spans[2:-1]} == {job.context.span_id}
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["http.route"] == "/v1/videos"
    assert job.attributes["vitascope.job.id"] == name
    assert job.attributes["vitascope.job.state"] == "completed"
    assert job.attributes["vitascope.model"] == "fake"
    assert named(spans)["denoise"].attributes["vitascope.steps"] == 4
    told = json.dumps([json.loads(span.to_json()) for span in spans])
    assert "purple" not in told, "words stay here"


def test_the_trace_is_in_the_row_so_that_any_process_can_go_on_with_it(tmp_path, seen):
    service = open_service(tmp_path)
    context = open_context(tmp_path, service, models=("fake",))
    with TestClient(make_app(context), base_url="http://localhost") as client:
        name = client.post("/v1/videos", json=ASKED, headers=HEADERS).json()["id"]
        again = client.post(
            f"/api/v1/jobs/{name}/clone", headers={"traceparent": f"00-{'a' * 32}-{CALLER}-01"}
        )
    other = open_service(tmp_path)
    assert other.store.get(name).request.trace.split("-")[1] == TRACE
    assert other.store.get(again.json()["id"]).request.trace.split("-")[1] == "a" * 32
    same = other.store.get(name).request
    assert same.fingerprint == Request(**{**vars(same), "trace": None}).fingerprint
    service.delete(name)
    assert other.store.tables.load(name).request.trace is None


def test_where_nobody_traces_rows_are_as_they_were(service):
    job = service.submit(take(1))
    assert "trace" not in json.loads(to_row(job)["request"])


def test_a_traceparent_that_is_none_begins_a_trace_of_its_own(client, seen):
    for told in ("nonsense", "00-" + "0" * 32 + "-" + CALLER + "-01", "x" * 5000):
        assert client.get("/v1/videos", headers={"traceparent": told}).status_code == 200
    assert len({span.context.trace_id for span in seen()}) == 3
    assert all(span.parent is None for span in seen())


def test_what_goes_wrong_is_told_by_kinds_and_probes_leave_no_trace(client, work, seen):
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.get(path).status_code == 200
    assert seen() == ()
    assert client.get("/v1/videos/video_none").status_code == 404
    assert client.post("/v1/videos", json={"prompt": ""}).status_code == 400
    first, *_, last = seen()
    assert (first.name, first.attributes["http.response.status_code"]) == ("GET /v1/videos/{video_id}", 404)
    assert last.attributes["http.response.status_code"] == 400
    assert last.status.is_ok, "it is the client's mistake"


def test_a_job_that_fails_says_so_in_its_span(client, work, service, context, seen):
    answer = client.post("/v1/videos", data={"prompt": "a cat"}, files={"input_reference": png()})
    for file in (service.storage.path / "inputs").iterdir():
        file.write_bytes(b"no picture any more")
    work()
    assert service.store.get(answer.json()["id"]).state == "failed"
    job = named(seen())["job"]
    assert job.attributes["vitascope.job.state"] == "failed"
    assert job.attributes["error.type"] == "invalid_request"
    assert not job.status.is_ok
    assert not named(seen())["plan"].status.is_ok


def test_the_log_names_the_trace(client, seen, caplog):
    with caplog.at_level("INFO", "vitascope.server.access"):
        client.get("/v1/videos", headers=HEADERS)
    assert caplog.records[-1].fields["trace_id"] == TRACE
