"""What a monitor is told: requests by route, and the queue as it is when it asks."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from vitascope.jobs.job import STATES
from vitascope.jobs.outbox import Outbox
from vitascope.jobs.service import JobService

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The numbers of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "vitascope_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "vitascope_request_seconds",
            "Time to answer, streams to their end",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        label = method if method in METHODS else "other"
        self._requests.labels(label, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def watch(self, service: JobService) -> None:
        """Tell of a queue, too."""
        self.registry.register(QueueMetrics(service))

    def text(self) -> bytes:
        """Return all numbers as Prometheus reads them."""
        return generate_latest(self.registry)


class QueueMetrics(Collector):
    """The numbers of a queue, counted when they are asked for."""

    def __init__(self, service: JobService):
        """Count the jobs of a service."""
        self._service = service

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering does not count."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield the numbers."""
        counts, store, storage = self._service.store.counts(), self._service.store, self._service.storage
        jobs = GaugeMetricFamily("vitascope_jobs", "Jobs by state", labels=["state"])
        for state in STATES:
            jobs.add_metric([state], counts.get(state, 0))
        yield jobs
        yield GaugeMetricFamily("vitascope_queue_paused", "1 while nothing is begun", value=store.paused)
        workers = len(list(storage.workers.glob("*.lock")))
        yield GaugeMetricFamily("vitascope_workers", "Workers that are there", value=workers)
        letters = GaugeMetricFamily(
            "vitascope_webhook_deliveries", "News for webhooks of the last 30 days", labels=["state"]
        )
        for state, number in Outbox(store).totals().items():
            letters.add_metric([state], number)
        yield letters
        free = storage.free(storage.path)
        yield GaugeMetricFamily("vitascope_disk_free_bytes", "Bytes free for clips", value=free)
