"""Traces by OpenTelemetry, for those who run a fleet: one trace from a request to its finished clip.

The standard variables of the environment switch it on: OTEL_TRACES_EXPORTER, or an address in
OTEL_EXPORTER_OTLP_ENDPOINT. Without them nothing is imported, and each function here costs a look at one name. A span
tells names, numbers and kinds of errors, never words, paths or secrets.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from vitascope.errors import Cancelled, MissingExtraError, RequestError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span as RealSpan
    from opentelemetry.trace import Tracer

Kind = Literal["server", "consumer", "internal"]
Told = Mapping[str, str | int | float | bool]

ADDRESSES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
EXPORTERS = ("otlp", "console", "none")

_tracer: "Tracer | None" = None


class Span:
    """A stretch of work that is timed; where nobody traces it takes no notice of what it is told."""

    def __init__(self, real: "RealSpan | None" = None):
        """Stand for a real span, or for none."""
        self._real = real

    @property
    def trace(self) -> str | None:
        """The id of the trace that it belongs to, as 32 hexadecimal digits."""
        return None if self._real is None else f"{self._real.get_span_context().trace_id:032x}"

    def tell(self, told: Told, name: str | None = None) -> None:
        """Note what is known by now, and a better name if there is one."""
        if self._real is not None:
            self._real.set_attributes(dict(told))
            if name is not None:
                self._real.update_name(name)

    def fail(self, kind: str) -> None:
        """Say that it went wrong, by a word for programs."""
        if self._real is not None:
            from opentelemetry.trace import StatusCode

            self._real.set_attribute("error.type", kind)
            self._real.set_status(StatusCode.ERROR, kind)


_UNSEEN = Span()


@contextmanager
def tracing(role: str, environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Trace what happens in a block, as the environment says; what is left to send is sent when it ends.

    Raises `MissingExtraError` where that cannot be done, and `RequestError` for a variable that says what is unknown.
    """
    exporters = _asked(environ)
    if not exporters:
        yield
        return
    provider = _provider(role, environ, exporters)
    try:
        with traced_by(provider):
            yield
    finally:
        provider.shutdown()


@contextmanager
def traced_by(provider: "TracerProvider") -> Iterator[None]:
    """Let a block's spans go to a provider: for programs that have one of their own, and for tests."""
    global _tracer
    before, _tracer = _tracer, provider.get_tracer("vitascope")
    try:
        yield
    finally:
        _tracer = before


@contextmanager
def span(
    name: str, parent: str | None = None, kind: Kind = "internal", told: Told | None = None
) -> Iterator[Span]:
    """Time a block as a part of `parent` (as `carried` returned it; None: of the span around it)."""
    if _tracer is None:
        yield _UNSEEN
        return
    from opentelemetry import context, trace

    real = _begun(_tracer, name, parent, kind, told)
    token = context.attach(trace.set_span_in_context(real))
    try:
        with _ending(real) as begun:
            yield begun
    finally:
        context.detach(token)


@contextmanager
def phase(name: str, steps: int) -> Iterator[None]:
    """Time a phase of the span around it. It has no parts, so that generators may be left while it lasts."""
    if _tracer is None:
        yield
        return
    with _ending(_begun(_tracer, name, None, "internal", {"vitascope.steps": steps})):
        yield


def carried() -> str | None:
    """Return the span around this as a `traceparent` (W3C Trace Context), by which others go on; None without one."""
    if _tracer is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


def _begun(tracer: "Tracer", name: str, parent: str | None, kind: Kind, told: Told | None) -> "RealSpan":
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    around = None if parent is None else TraceContextTextMapPropagator().extract({"traceparent": parent})
    return tracer.start_span(name, around, SpanKind[kind.upper()], dict(told or {}))


@contextmanager
def _ending(real: "RealSpan") -> Iterator[Span]:
    """End a span with its block, and say so where that failed; to be cancelled is no failure."""
    begun = Span(real)
    try:
        yield begun
    except (Cancelled, GeneratorExit):
        raise
    except BaseException as error:
        begun.fail(type(error).__name__)
        raise
    finally:
        real.end()


def _asked(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the exporters that the environment asks for; raises `RequestError` for those that nobody knows."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    usual = "otlp" if any(environ.get(name) for name in ADDRESSES) else "none"
    said = environ.get("OTEL_TRACES_EXPORTER") or usual
    names = [part.strip() for part in said.split(",") if part.strip()]
    for name in names:
        if name not in EXPORTERS:
            hint = f"known: {', '.join(EXPORTERS)}"
            raise RequestError("$OTEL_TRACES_EXPORTER", f"{name[:40]!r} is not known here", hint)
    protocol = next((environ[name] for name in PROTOCOLS if environ.get(name)), "http/protobuf")
    if "otlp" in names and protocol != "http/protobuf":
        problem = f"{protocol[:40]!r} is not spoken here"
        raise RequestError("$OTEL_EXPORTER_OTLP_PROTOCOL", problem, "nearest: http/protobuf")
    return tuple(name for name in names if name != "none")


def _provider(role: str, environ: Mapping[str, str], exporters: tuple[str, ...]) -> "TracerProvider":
    """Return what sends spans by these exporters; the SDK reads all other variables by itself."""
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise _missing() from None
    told = {"service.instance.id": f"{socket.gethostname()}-{os.getpid()}", "vitascope.role": role}
    named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create(told if named else {**told, "service.name": "vitascope"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for name in exporters:
        provider.add_span_processor(BatchSpanProcessor(_exporter(name)))
    return provider


def _exporter(name: str) -> "SpanExporter":
    if name == "console":
        import sys

        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise _missing() from None
    return OTLPSpanExporter()


def _missing() -> MissingExtraError:
    return MissingExtraError('traces need opentelemetry: pip install ".[telemetry]"')
