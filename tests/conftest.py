import pytest

from vitascope.telemetry import traced_by

RAY = ("test_cluster.py", "test_machines.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """With `pytest -n 2 --dist loadgroup`, files are run side by side; those that start a Ray, one after the other."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        file = item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group("ray" if file.endswith(RAY) else file))


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
