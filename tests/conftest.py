import pytest

from vitascope.telemetry import traced_by


@pytest.fixture
def seen():
    """What was traced, in memory."""
    export = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    memory, provider = export.InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with traced_by(provider):
        yield memory.get_finished_spans
    provider.shutdown()
