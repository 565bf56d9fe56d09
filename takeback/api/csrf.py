"""The CSRF check of session requests: stateless double submit, so a token survives login."""

from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import CSRFCheck

from takeback.core import errors
from takeback.core.errors import Refused

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def refuse_forged(request: HttpRequest, *, has_upload: bool = False) -> None:
    """Refuse with 403 unless cookie and header (or form) carry one token and the origin is ours.

    `has_upload`: the view reads a multipart body and has checked its size.
    """
    if request.method in _SAFE:
        return
    if request.content_type == "multipart/form-data" and not has_upload:
        # No view reads such bodies, and Django would consume one while it searches for a token.
        raise Refused(errors.UNSUPPORTED_MEDIA_TYPE)
    unchecked: Any = request
    # The middleware skips our views, which are exempt; this call must not skip them.
    unchecked.csrf_processing_done = False
    unchecked._dont_enforce_csrf_checks = False  # noqa: SLF001 - Django's switch for its own tests
    check: Any = CSRFCheck(_unreachable)
    check.process_request(unchecked)
    if check.process_view(unchecked, None, (), {}):
        raise Refused(errors.CSRF_FAILED)


def _unreachable(request: HttpRequest) -> Any:
    raise AssertionError("the check returns before it calls the next handler")
