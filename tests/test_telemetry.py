"""Traces: who asks for them, and that nobody pays who does not."""

import subprocess
import sys

import pytest

from vitascope import telemetry
from vitascope.errors import Cancelled, MissingExtraError, RequestError
from vitascope.progress import Progress
from vitascope.telemetry import _asked, carried, phase, span, tracing

HERE = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("told", "exporters"),
    [
        ({}, ()),
        ({"OTEL_SERVICE_NAME": "clips"}, ()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": HERE}, ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_TRACES_EXPORTER": "none"}, ()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_SDK_DISABLED": "true"}, ()),
        ({"OTEL_TRACES_EXPORTER": "otlp, console"}, ("otlp", "console")),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, ("console",)),
    ],
)
def test_the_standard_variables_say_where_traces_go(told, exporters):
    assert _asked(told) == exporters


def test_what_is_not_known_is_one_line_that_names_the_variable():
    with pytest.raises(RequestError, match=r"OTEL_TRACES_EXPORTER: 'jaeger' is not known here; known: otlp"):
        _asked({"OTEL_TRACES_EXPORTER": "jaeger"})
    with pytest.raises(RequestError, match=r"OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc'.*nearest: http/protobuf"):
        _asked({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_without_the_extra_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with (
        pytest.raises(MissingExtraError, match=r"\.\[telemetry\]"),
        tracing("server", {"OTEL_TRACES_EXPORTER": "otlp"}),
    ):
        pass


def test_nothing_is_imported_where_nobody_traces():
    program = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from vitascope.telemetry import tracing, span, phase, carried\n"
        "import vitascope.jobs.worker\n"
        "with tracing('server', {}), span('a', kind='server') as one, phase('b', 3):\n"
        "    one.tell({'x': 1}, 'c'); one.fail('never')\n"
        "    print(carried(), one.trace)\n"
        "del sys.modules['opentelemetry']\n"
        "import vitascope.server.serve  # FastAPI may load the API for itself, which is small\n"
        "print('opentelemetry.sdk' in sys.modules)\n"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout == "None None\nFalse\n"


def test_spans_end_as_their_blocks_do(seen):
    with pytest.raises(ValueError, match="secret words"), span("job"), phase("denoise", 4):
        raise ValueError("secret words")
    with pytest.raises(Cancelled), span("job"):
        raise Cancelled
    denoise, failed, cancelled = seen()
    assert (denoise.name, denoise.parent.span_id) == ("denoise", failed.context.span_id)
    assert dict(failed.attributes) == {"error.type": "ValueError"}
    assert not denoise.status.is_ok
    assert cancelled.status.is_ok
    assert not failed.events, "what was said may be somebody's words"
    assert carried() is None


def test_a_phase_that_a_generator_is_left_in_ends_with_it(seen):
    def frames():
        progress = Progress()
        with progress.phase("decode"):
            yield 1
            yield 2

    with span("job"):
        first = frames()
        next(first)
        with span("beside"):
            first.close()
    assert [(one.name, one.status.is_ok) for one in seen()] == [
        ("decode", True),
        ("beside", True),
        ("job", True),
    ]
    assert seen()[1].parent.span_id == seen()[2].context.span_id
    assert telemetry._tracer is not None
