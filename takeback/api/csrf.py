"""The check against forged requests: stateless double submit, so that it survives a login."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from takeback.core import errors
from takeback.core.errors import Refused

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class _CsrfCheck(CsrfViewMiddleware):
    """Django's own check, as a question."""

    def _reject(self, request: Any, reason: str) -> Any:
        return reason


def refuse_forged(request: HttpRequest) -> None:
    """403 unless cookie and header (or form) carry the same token and the origin is ours."""
    if request.method in _SAFE:
        return
    if request.content_type == "multipart/form-data":
        # No route reads it, and Django's look for a token in it would use the body up.
        raise Refused(errors.UNSUPPORTED_MEDIA_TYPE)
    check: Any = _CsrfCheck(_unreached)
    plain = _switched_on(request)
    check.process_request(plain)
    if check.process_view(plain, None, (), {}):
        raise Refused(errors.CSRF_FAILED)


def _switched_on(request: Any) -> Any:
    """Our views are exempt from the middleware; here it is asked in earnest."""
    request.csrf_processing_done = False
    request._dont_enforce_csrf_checks = False  # noqa: SLF001 - Django's switch for its own tests
    return request


def _unreached(request: HttpRequest) -> HttpResponse:
    raise AssertionError("the check answers before it passes a request on")
