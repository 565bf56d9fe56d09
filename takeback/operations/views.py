"""What load balancers and monitoring ask."""

import secrets

from django.conf import settings
from django.db import Error
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.errors import RETRY_AFTER_SECONDS
from takeback.core import errors
from takeback.core.client_ip import is_within
from takeback.core.errors import Refused
from takeback.operations import metrics, readiness

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_HEALTH = {
    "type": "object",
    "properties": {"status": {"type": "string", "const": "ok"}},
    "required": ["status"],
}


@extend_schema(operation_id="health_live", tags=["operations"], responses={200: _HEALTH})
@api_view(["GET", "HEAD"])
def live(request: Request) -> Response:
    """This process answers. Touches no database."""
    return Response({"status": "ok"})


@extend_schema(operation_id="health_ready", tags=["operations"], responses={200: _HEALTH})
@api_view(["GET", "HEAD"])
def ready(request: Request) -> Response:
    """The database is there, migrated, and its clock agrees; otherwise 503, try again later."""
    try:
        hindrance = readiness.not_ready_reason()
    except Error as error:
        hindrance = type(error).__name__
    if hindrance:
        raise Refused(
            errors.UNAVAILABLE, retry_after_seconds=RETRY_AFTER_SECONDS, hindrance=hindrance
        )
    return Response({"status": "ok"})


@extend_schema(exclude=True)
@api_view(["GET", "HEAD"])
def figures(request: Request) -> HttpResponse:
    """Figures for Prometheus; whoever may not see them is told that there are none."""
    if not _may_read_figures(request):
        raise Refused(errors.NOT_FOUND)
    return HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)


def _may_read_figures(request: Request) -> bool:
    """With the token; without one set, from this machine and not through a proxy on it."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").encode()
        return secrets.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode())
    through_proxy = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not through_proxy and is_within(request.META.get("REMOTE_ADDR", ""), _LOOPBACK)
