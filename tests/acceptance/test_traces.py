"""A trace across real processes: a server and its worker, and a collector that both send to."""

import signal
import urllib.request

import pytest

from tests.acceptance.test_serve import SHOT, TOKEN, serve, until
from tests.server.receiver import receiving
from vitascope.client import Client

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def spans_of(receiver) -> list[tuple[str, str, str]]:
    """Return (trace, role, name) of each span that came."""
    import gzip

    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found = []
    for _, headers, body in receiver.came:
        plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        for part in ExportTraceServiceRequest.FromString(plain).resource_spans:
            told = {one.key: one.value.string_value for one in part.resource.attributes}
            assert told["service.name"] == "clips"
            for scope in part.scope_spans:
                found += [(span.trace_id.hex(), told["vitascope.role"], span.name) for span in scope.spans]
    return found


def test_server_and_worker_tell_a_collector_one_story(tmp_path, monkeypatch):
    with receiving() as receiver:
        receiver.answers = [200]
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url.partition("/hook")[0])
        monkeypatch.setenv("OTEL_SERVICE_NAME", "clips")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        process, url = serve(tmp_path / "home", 0.0)
        try:
            body = b'{"prompt": "a cat", "num_frames": 5, "seed": 7}'
            headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
            headers["traceparent"] = f"00-{TRACE}-00f067aa0ba902b7-01"
            asked = urllib.request.Request(f"{url}/v1/videos", body, headers)
            urllib.request.urlopen(asked).read()
            client = Client(url, TOKEN)
            (job,) = client.jobs()["data"]
            assert client.wait(job["id"])["state"] == "completed"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 143
        until(lambda: (TRACE, "worker", "job") in spans_of(receiver))
        story = [(role, name) for trace, role, name in spans_of(receiver) if trace == TRACE]
        assert {("server", "plan"), ("server", "POST /v1/videos")} <= set(story)
        phases = [name for role, name in story if role == "worker"]
        assert phases == ["plan", "load", "encode", "denoise", "decode", "write", "job"]
        assert {path for path, _, _ in receiver.came} == {"/v1/traces"}


def test_a_collector_that_is_not_there_disturbs_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    process, url = serve(tmp_path / "home", 0.0)
    try:
        client = Client(url, TOKEN)
        assert client.wait(client.submit(SHOT)["id"])["state"] == "completed"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
