"""What every answer has in common: how it is encoded and how a refusal becomes one."""

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from django.db import IntegrityError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import Promise
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.core import problems
from takeback.core.problems import Problem, Refused

log = structlog.get_logger(__name__)
JSON = "application/json; charset=utf-8"
RETRY_AFTER_SECONDS = 5


def _hook(value: Any) -> Any:
    if isinstance(value, Promise | str):
        return str(value)
    raise NotImplementedError(type(value))


_encoder = msgspec.json.Encoder(enc_hook=_hook, decimal_format="number")
encode = _encoder.encode


class Renderer(BaseRenderer):
    """Documents are plain dicts; they are encoded in one go."""

    media_type = "application/json"
    format = "json"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Any = None,
    ) -> bytes:
        return b"" if data is None else encode(data)


class AlwaysJson(BaseContentNegotiation):
    """Whatever a caller accepts, the answer is JSON; its `Accept` is not even parsed."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        given = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == given), None)

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


def plain_request(request: Request) -> HttpRequest:
    """Django's request inside the framework's."""
    found: HttpRequest = request._request  # noqa: SLF001 - that is its documented place
    return found


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The plain form of a refusal: a sentence and its code."""
    body = {"detail": problem.message, "code": problem.code}
    return Response(body, status=problem.status, headers=dict(headers or {}))


def plain(problem: Problem, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """As `answer`, where no view is at hand."""
    body = encode({"detail": problem.message, "code": problem.code})
    response = HttpResponse(body, status=problem.status, content_type=JSON)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


_PROBLEMS: dict[type[Exception], Problem] = {
    exceptions.ParseError: problems.MALFORMED_JSON,
    exceptions.AuthenticationFailed: problems.NOT_AUTHENTICATED,
    exceptions.NotAuthenticated: problems.NOT_AUTHENTICATED,
    exceptions.PermissionDenied: problems.PERMISSION_DENIED,
    exceptions.NotFound: problems.NOT_FOUND,
    exceptions.MethodNotAllowed: problems.METHOD_NOT_ALLOWED,
    exceptions.UnsupportedMediaType: problems.UNSUPPORTED_MEDIA_TYPE,
    Http404: problems.NOT_FOUND,
}


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Refusals that look the same in every dialect; None leaves a fault of ours to 500."""
    if isinstance(error, Refused):
        log.info("refused", code=error.problem.code, **error.context)
        return answer(error.problem, retry_after(error))
    if isinstance(error, OperationalError):
        log.error("database", error=type(error).__name__)
        return answer(problems.UNAVAILABLE, {"Retry-After": str(RETRY_AFTER_SECONDS)})
    if isinstance(error, IntegrityError):
        # A constraint had the last word after every check had passed: a race was lost.
        log.warning("constraint", error=str(error).partition("\n")[0][:200])
        return answer(problems.CONFLICT, {"Retry-After": "1"})
    problem = _PROBLEMS.get(type(error))
    if problem is None:
        return None
    headers = {}
    if isinstance(error, exceptions.APIException) and getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]  # set by DRF
    if isinstance(error, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return answer(problem, headers)


def retry_after(refused: Refused) -> dict[str, str]:
    """The header of a refusal that says when to come again."""
    seconds = refused.context.get("retry_after_seconds")
    return {"Retry-After": str(seconds)} if seconds else {}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django refused the request before a view saw it."""
    return plain(problems.MALFORMED_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A view of Django's said no."""
    return plain(problems.PERMISSION_DENIED)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No route, or nothing behind it."""
    return plain(problems.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours; the log has the rest."""
    return plain(problems.INTERNAL_ERROR)
