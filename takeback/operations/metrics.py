"""Figures for Prometheus: requests from all our processes, and what the outbox holds."""

import os
import time
from collections.abc import Callable, Iterator

from django.db import Error
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
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
from takeback.outbox.queries import backlog

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter(
    "takeback_requests", "Requests answered; 429 is a limit.", ("method", "route", "status")
)
SECONDS = Histogram(
    "takeback_request_seconds",
    "Time from a request's arrival to its answer.",
    ("method", "route"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

Handler = Callable[[HttpRequest], HttpResponse]


def count_requests(get_response: Handler) -> Handler:
    """Count every answer under its route, never under what a caller made up."""

    def middleware(request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = get_response(request)
        method = request.method if request.method in _METHODS else "other"
        match = request.resolver_match
        route = match.route if match else "none"
        REQUESTS.labels(method, route, response.status_code).inc()
        SECONDS.labels(method, route).observe(time.perf_counter() - started)
        return response

    return middleware


class OutboxFigures(Collector):
    """Asked when somebody looks; left out while there is no database."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            found = backlog()
        except Error:
            return
        messages = GaugeMetricFamily(
            "takeback_outbox_messages", "Messages that are not done.", labels=["state"]
        )
        messages.add_metric(["waiting"], found.waiting)
        messages.add_metric(["parked"], found.parked)
        yield messages
        late = clock.now() - found.oldest_due_at if found.oldest_due_at else None
        yield GaugeMetricFamily(
            "takeback_outbox_late_seconds",
            "How long the longest due message has waited.",
            value=max(0.0, late.total_seconds()) if late else 0.0,
        )


def exposition() -> bytes:
    """The figures of this process, or of all workers when they share a folder for them."""
    outbox = CollectorRegistry()
    outbox.register(OutboxFigures())
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY) + generate_latest(outbox)
    MultiProcessCollector(outbox)
    return generate_latest(outbox)
