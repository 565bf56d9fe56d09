"""What happens around every request: its id, its language, its log line, its headers."""

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

# What every answer but a page may load. Made once: building it takes a tenth of a request.
_CLOSED_POLICY = str(build_policy())
_PAGE_MARKS = ("_csp_config", "_csp_update", "_csp_replace", "_csp_exempt")

Handler = Callable[[HttpRequest], HttpResponse]

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}


def request_id(get_response: Handler) -> Handler:
    """Give every request a name, repeat it in the answer, write one line without personal data."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        name = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        structlog.contextvars.bind_contextvars(request_id=name)
        started = time.perf_counter()
        try:
            response = get_response(request)
            response["X-Request-Id"] = name
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
    """Nothing we answer is for a shared cache, another site's page or a search engine."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for header, value in SAFE_HEADERS.items():
            response.headers.setdefault(header, value)
        patch_vary_headers(response, ("Cookie", "Accept-Language", "Authorization"))
        return response

    return middleware


def language(get_response: Handler) -> Handler:
    """Speak the caller's language: the exact tag, then its first part, then the site's."""

    def middleware(request: HttpRequest) -> HttpResponse:
        spoken = best_language(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
        with translation.override(spoken):
            response = get_response(request)
        response.headers.setdefault("Content-Language", spoken)
        return response

    return middleware


def best_language(header: str) -> str:
    """The first of the caller's languages that we speak."""
    for tag, _ in parse_accept_lang_header(header[:_LANGUAGE_HEADER_MAX].strip()):
        for candidate in (tag, tag.partition("-")[0]):
            if candidate in _LANGUAGES:
                return candidate
    return str(settings.LANGUAGE_CODE)


class ContentPolicy(CSPMiddleware):
    """Pages say what they load; every other answer gets the closed policy, ready-made."""

    def process_request(self, request: HttpRequest) -> None:
        """No page of ours holds a script or style inline: no nonce, which would hold the request
        in a circle."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if any(hasattr(response, mark) for mark in _PAGE_MARKS):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, _CLOSED_POLICY)
        return response
