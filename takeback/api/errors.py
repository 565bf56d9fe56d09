"""Turns refusals and exceptions into HTTP responses."""

import sys
from collections.abc import Mapping
from typing import Any

import structlog
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import exceptions
from rest_framework.response import Response

from takeback.api.problem_pages import prefers_html, problem_page
from takeback.api.renderer import JSON, encode
from takeback.core import errors
from takeback.core.db.outages import is_outage, record_outage
from takeback.core.errors import Problem, Refused

log = structlog.get_logger(__name__)


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The response of a refusal outside the dialects: `detail` and `code`."""
    body = {"detail": problem.message, "code": problem.code}
    return Response(body, status=problem.status, headers=dict(headers or {}))


def plain_problem_response(request: HttpRequest, problem: Problem) -> HttpResponseBase:
    """As `problem_response`, outside of DRF views; a page for a browser."""
    if prefers_html(request):
        return problem_page(request, problem)
    body = encode({"detail": problem.message, "code": problem.code})
    return HttpResponse(body, status=problem.status, content_type=JSON)


class NotAuthenticated(exceptions.NotAuthenticated):
    """The 401 of a request whose credentials have a problem of their own."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


_PROBLEMS: dict[type[Exception], Problem] = {
    exceptions.ParseError: errors.MALFORMED_JSON,
    exceptions.AuthenticationFailed: errors.NOT_AUTHENTICATED,
    exceptions.NotAuthenticated: errors.NOT_AUTHENTICATED,
    exceptions.PermissionDenied: errors.PERMISSION_DENIED,
    exceptions.NotFound: errors.NOT_FOUND,
    exceptions.MethodNotAllowed: errors.METHOD_NOT_ALLOWED,
    exceptions.UnsupportedMediaType: errors.UNSUPPORTED_MEDIA_TYPE,
    Http404: errors.NOT_FOUND,
}


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Refusals that are the same in all dialects; None means an internal error: status 500."""
    if isinstance(error, Refused):
        log_refusal(error)
        return problem_response(error.problem, retry_after(error))
    if is_outage(error):
        record_outage(error)
        return problem_response(errors.UNAVAILABLE)
    if isinstance(error, IntegrityError):
        # All checks have passed, then a database constraint failed: another request was faster.
        log.warning("constraint", error=str(error).partition("\n")[0][:200])
        return problem_response(errors.CONFLICT, {"Retry-After": "1"})
    own = error.problem if isinstance(error, NotAuthenticated) else None
    problem = own or _PROBLEMS.get(type(error))
    if problem is None:
        return None
    headers = {}
    if isinstance(error, exceptions.APIException) and getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]  # set by DRF
    if isinstance(error, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return problem_response(problem, headers)


def log_refusal(refused: Refused) -> None:
    # Bound first: a key `event` in the context would be a second argument of this name.
    log.bind(**refused.context).info("refused", code=refused.problem.code)


def retry_after(refused: Refused) -> dict[str, str]:
    """The Retry-After header, if the refusal knows the number of seconds."""
    seconds = refused.context.get("retry_after_seconds")
    return {"Retry-After": str(seconds)} if seconds else {}


# Django's own names for these four handlers; `takeback.urls` refers to them.
def handler400(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django refused the request before it called a view."""
    return plain_problem_response(request, errors.MALFORMED_REQUEST)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """A Django view refused the request."""
    return plain_problem_response(request, errors.PERMISSION_DENIED)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """No route matches the path, or its object does not exist."""
    return plain_problem_response(request, errors.NOT_FOUND)


def handler500(request: HttpRequest) -> HttpResponseBase:
    """An error outside of the views that handle it, such as the session's; 503 for an outage.

    Django calls this function while it handles the error.
    """
    error = sys.exc_info()[1]
    if error is not None and is_outage(error):
        record_outage(error)
        return plain_problem_response(request, errors.UNAVAILABLE)
    return plain_problem_response(request, errors.INTERNAL_ERROR)
