"""Middleware of every request: request id, log line, language and response headers."""

import gzip
import re
import time
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from uuid import uuid4

import structlog
from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

log = structlog.get_logger("takeback.request")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_LANGUAGE_HEADER_MAX = 200
_HEADER_MAX = 200
_ZERO = re.compile(r"0(\.0*)?")
_COMPRESSED_FROM = 1024
_COMPRESSIBLE = frozenset(
    {
        "application/javascript",
        "application/json",
        "image/svg+xml",
        "text/css",
        "text/html",
        "text/javascript",
        "text/plain",
    }
)
_STATIC = f"/{settings.STATIC_URL.strip('/')}/"
_LANGUAGES = frozenset(code for code, _ in settings.LANGUAGES)

# The policy of every response except pages, built once: it takes a tenth of a request.
_DEFAULT_POLICY = str(build_policy())
_PAGE_ATTRIBUTES = ("_csp_config", "_csp_update", "_csp_replace", "_csp_exempt")

Handler = Callable[[HttpRequest], HttpResponse]

_VARY = ("Cookie", "Accept-Language", "Authorization", "Accept-Encoding")
SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
RETRY_AFTER_SECONDS = "5"
_ENDED_BY_TIME = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


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
    """Keep every response out of shared caches, other sites' pages and search engines.

    A refusal that time ends has a Retry-After, also if its own view does not know the seconds.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for header, value in SAFE_HEADERS.items():
            response.headers.setdefault(header, value)
        if response.status_code in _ENDED_BY_TIME:
            response.headers.setdefault("Retry-After", RETRY_AFTER_SECONDS)
        patch_vary_headers(response, _VARY)
        return response

    return middleware


def compress(get_response: Handler) -> Handler:
    """Compress text of more than a kilobyte for clients that accept gzip.

    Django's middleware adds a random number of bytes, so that the length of a response to a
    forged request does not reveal a secret in it (BREACH); CSRF tokens are masked besides.
    """
    compressor = GZipMiddleware(get_response)

    def middleware(request: HttpRequest) -> HttpResponse:
        header = request.META.get("HTTP_ACCEPT_ENCODING")
        if header is None or not _accepts_gzip(header):
            return get_response(request)
        is_file = request.path_info.startswith(_STATIC)
        if is_file and (tag := request.META.get("HTTP_IF_NONE_MATCH")):
            # Weak comparison, as the standard demands: the tag of a compressed file is weak.
            request.META["HTTP_IF_NONE_MATCH"] = tag.removeprefix("W/")
        response = get_response(request)
        if not _is_compressible(response):
            return response
        if is_file:
            return _compressed_file(request.path_info, response)
        return compressor.process_response(request, response)  # type: ignore[return-value]

    return middleware


def _is_compressible(response: HttpResponseBase) -> bool:
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    return (
        media_type in _COMPRESSIBLE
        and int(response.headers.get("Content-Length", 0)) > _COMPRESSED_FROM
        and "Content-Encoding" not in response.headers
        and response.status_code not in (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED)
    )


@lru_cache(maxsize=128)
def _accepts_gzip(header: str) -> bool:
    """Whether the header names gzip, or any encoding, with a weight above 0."""
    weights: dict[str, str] = {}
    for part in header[:_HEADER_MAX].lower().split(","):
        name, _, parameters = part.partition(";")
        weights[name.strip()] = parameters.replace(" ", "").removeprefix("q=")
    weight = weights.get("gzip", weights.get("*", "0"))
    return not _ZERO.fullmatch(weight)


_files: dict[tuple[str, str], bytes] = {}
"""Compressed static files by path and tag: each worker compresses a file once."""


def _compressed_file(path: str, response: HttpResponseBase) -> HttpResponse:
    """A static file of whitenoise; it contains no secrets, so that its length may be constant.

    The response to HEAD has no file: its length is known after the first GET.
    """
    tag = response.headers.get("ETag", "")
    body = _files.get((path, tag))
    file = response.file_to_stream if isinstance(response, FileResponse) else None
    if file is not None:
        if body is None:
            body = _files[path, tag] = gzip.compress(file.read(), mtime=0)
        file.close()
    headers = {**response.headers, "Content-Encoding": "gzip"}
    del headers["Content-Length"]
    if tag.startswith('"'):
        headers["ETag"] = f"W/{tag}"
    if body is not None:
        headers["Content-Length"] = str(len(body))
    return HttpResponse(body or b"", status=response.status_code, headers=headers)


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
