"""Health and metrics, for load balancers and monitoring."""

import secrets

from django.conf import settings
from django.db import Error
from django.http import HttpResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.base_view import ApiView
from takeback.api.openapi import Operation
from takeback.core import errors
from takeback.core.client_ip import is_within
from takeback.core.errors import Refused
from takeback.operations import metrics, readiness

_HEALTH = {
    "type": "object",
    "properties": {"status": {"type": "string", "const": "ok"}},
    "required": ["status"],
}


class LiveView(ApiView):
    """The process responds. Reads no database."""

    operations = {
        "get": Operation(
            "health_live",
            "Operations",
            _HEALTH,
            summary="Check that the process responds.",
        )
    }

    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class ReadyView(ApiView):
    """The database is reachable, migrated, and its clock agrees; otherwise 503 with Retry-After."""

    operations = {
        "get": Operation(
            "health_ready",
            "Operations",
            _HEALTH,
            summary="Check that requests can be served.",
        )
    }

    def get(self, request: Request) -> Response:
        try:
            reason = readiness.not_ready_reason()
        except Error as error:
            reason = type(error).__name__
        if reason:
            raise Refused(errors.UNAVAILABLE, reason=reason)
        return Response({"status": "ok"})


class MetricsView(ApiView):
    """Metrics for Prometheus; not found for callers who may not read them."""

    operations: dict[str, Operation] = {}

    def get(self, request: Request) -> HttpResponse:
        if not _may_read_metrics(request):
            raise Refused(errors.NOT_FOUND)
        return HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may_read_metrics(request: Request) -> bool:
    """With METRICS_TOKEN by that token; without one from this machine, but not through a proxy."""
    if settings.METRICS_TOKEN:
        authorization = request.headers.get("Authorization", "").encode()
        return secrets.compare_digest(authorization, f"Bearer {settings.METRICS_TOKEN}".encode())
    through_proxy = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not through_proxy and is_within(
        request.META.get("REMOTE_ADDR", ""), ("127.0.0.0/8", "::1/128")
    )
