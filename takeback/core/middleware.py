"""Middleware of every request: request id, log line, language and response headers."""

import re
import time
from collections.abc import Callable
from uuid import uuid4

import structlog
from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

log = structlog.get_logger("takeback.request")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_LANGUAGE_HEADER_MAX = 200
_LANGUAGES = frozenset(code for code, _ in settings.LANGUAGES)

# The policy of every response except pages, built once: it takes a tenth of a request.
_DEFAULT_POLICY = str(build_policy())
_PAGE_ATTRIBUTES = ("_csp_config", "_csp_update", "_csp_replace", "_csp_exempt")

Handler = Callable[[HttpRequest], HttpResponse]

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}


def request_id(get_response: Handler) -> Handler:
    """Take or create a request id, return it in the response, log one line per request."""

    def middleware(request: HttpRequest) -> HttpResponse:
        header = request.META.get("HTTP_X_REQUEST_ID", "")
        identifier = header if _REQUEST_ID.fullmatch(header) else uuid4().hex
        structlog.contextvars.bind_contextvars(request_id=identifier)
        started = time.perf_counter()
        try:
            response = get_response(request)
            response["X-Request-Id"] = identifier
            match = request.resolver_match
            log.info(
                "request",
                method=request.method,
                route=match.route if match else None,
                status=response.status_code,
                ms=int((time.perf_counter() - started) * 1000),
            )
            return response
        finally:
            structlog.contextvars.clear_contextvars()

    return middleware


def safe_headers(get_response: Handler) -> Handler:
    """Keep every response out of shared caches, other sites' pages and search engines."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for header, value in SAFE_HEADERS.items():
            response.headers.setdefault(header, value)
        patch_vary_headers(response, ("Cookie", "Accept-Language", "Authorization"))
        return response

    return middleware


def language(get_response: Handler) -> Handler:
    """Activate the language of the Accept-Language header.

    Django's LocaleMiddleware would also read a cookie, which storefronts forward.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        code = best_language(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
        with translation.override(code):
            response = get_response(request)
        response.headers.setdefault("Content-Language", code)
        return response

    return middleware


def best_language(header: str) -> str:
    """The first supported language: each exact tag, then its primary tag, then the site's."""
    for tag, _ in parse_accept_lang_header(header[:_LANGUAGE_HEADER_MAX].strip()):
        for candidate in (tag, tag.partition("-")[0]):
            if candidate in _LANGUAGES:
                return candidate
    return str(settings.LANGUAGE_CODE)


class ContentPolicy(CSPMiddleware):
    """Content-Security-Policy: pages declare theirs, every other response gets the default."""

    def process_request(self, request: HttpRequest) -> None:
        """Set no nonce: no page has inline scripts or styles, and a nonce is a reference cycle."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if any(hasattr(response, name) for name in _PAGE_ATTRIBUTES):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, _DEFAULT_POLICY)
        return response
