"""Prometheus metrics: requests, added up over all worker processes, and the outbox."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from django.db import Error
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from takeback.core import clock
from takeback.core.log_output import take_lost_lines
from takeback.limits.commands import take_alarms
from takeback.operations.metrics_files import allocate_blocks
from takeback.outbox.queries import backlog

allocate_blocks()

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter(
    "takeback_requests", "Requests; status 429 is a rate limit.", ("method", "route", "status")
)
LOST_LINES = Counter(
    "takeback_log_lines_lost", "Log lines that could not be written: disk full or closed.", ("log",)
)
ALARMS = Counter(
    "takeback_limit_alarms", "Rate limits of which half was used up, once per window.", ("limit",)
)
SECONDS = Histogram(
    "takeback_request_seconds",
    "Time from the arrival of a request to its response.",
    ("method", "route"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

Handler = Callable[[HttpRequest], HttpResponse]


def count_requests(get_response: Handler) -> Handler:
    """Middleware that counts each response under its route; paths and methods are not labels."""

    def middleware(request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = get_response(request)
        method = request.method if request.method in _METHODS else "other"
        match = request.resolver_match
        route = match.route if match else "none"
        _count(method, route, response.status_code, time.perf_counter() - started)
        return response

    return middleware


def _count(method: str, route: str, status: int, seconds: float) -> None:
    """Count a response. Where the files of the metrics have no room, nothing is counted."""
    with suppress(OSError):
        REQUESTS.labels(method, route, status).inc()
        SECONDS.labels(method, route).observe(seconds)
        if lost := take_lost_lines():
            LOST_LINES.labels("log").inc(lost)
        for limit, alarms in take_alarms().items():
            ALARMS.labels(limit).inc(alarms)


class OutboxCollector(Collector):
    """Reads the outbox on each scrape; without a database these metrics are missing."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            outbox = backlog()
        except Error:
            return
        messages = GaugeMetricFamily(
            "takeback_outbox_messages", "Messages that are not done.", labels=["state"]
        )
        messages.add_metric(["waiting"], outbox.waiting)
        messages.add_metric(["parked"], outbox.parked)
        yield messages
        late = clock.now() - outbox.oldest_due_at if outbox.oldest_due_at else None
        yield GaugeMetricFamily(
            "takeback_outbox_late_seconds",
            "How long the oldest due message has waited.",
            value=max(0.0, late.total_seconds()) if late else 0.0,
        )


def exposition() -> bytes:
    """The metrics of all workers if they share a folder for them, else of this process."""
    registry = CollectorRegistry()
    registry.register(OutboxCollector())
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY) + generate_latest(registry)
    MultiProcessCollector(registry)
    return generate_latest(registry)
