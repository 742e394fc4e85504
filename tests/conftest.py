import os

import pytest

from vitascope.telemetry import traced_by

# Marks are tested in tests/deliver/provenance; elsewhere clips are compared byte by byte, which a signature forbids.
os.environ.setdefault("VITASCOPE_MARKS", "off")

RAY = ("test_cluster.py", "test_machines.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `pytest -n 2` files run side by side, and what a file's tests share is made once; all Rays are in one."""
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "ray" if file.endswith(RAY) else file

    return Files(config, log)


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
