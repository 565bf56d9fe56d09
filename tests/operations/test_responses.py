"""Headers of every response: pages, JSON, metrics and refusals."""

import re
from typing import Any

import pytest
from pytest_django import Settings

from tests.factories import HttpClient

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
RESPONSES = {
    "first page": ("GET", "/", {}, 200, HTML),
    "the API page": ("GET", "/api/docs/", {}, 200, HTML),
    "its script": ("GET", "/api/docs/?script=", {}, 200, "text/javascript; charset=utf-8"),
    "the API document": ("GET", "/api/schema/", {}, 200, JSON),
    "health": ("GET", "/health/live", {}, 200, JSON),
    "metrics": ("GET", "/metrics", {}, 200, "text/plain; version=0.0.4; charset=utf-8"),
    "no route": ("GET", "/nope", {}, 404, JSON),
    "hidden": ("GET", "/metrics", {"REMOTE_ADDR": "192.0.2.7"}, 404, JSON),
    "wrong method": ("POST", "/health/live", {}, 405, JSON),
    "wrong method on a page": ("DELETE", "/", {}, 405, JSON),
    "wrong method on the API page": ("PUT", "/api/docs/", {}, 405, JSON),
    "unknown host": ("GET", "/health/live", {"HTTP_HOST": "evil.example"}, 400, JSON),
    "invalid host": ("GET", "/", {"HTTP_HOST": "a b"}, 400, JSON),
}
SCRIPTED = {"the API page", "its script"}


READS_THE_DATABASE = {"first page", "metrics"}


@pytest.fixture(
    params=[
        pytest.param(kind, marks=[pytest.mark.django_db] * (kind in READS_THE_DATABASE), id=kind)
        for kind in RESPONSES
    ]
)
def response(request: pytest.FixtureRequest, client: HttpClient) -> Any:
    """The name of a kind of response, and its headers."""
    method, path, more, status, kind = RESPONSES[request.param]
    extra: dict[str, Any] = {**more}
    result = client.generic(method, path, **extra)
    assert (result.status_code, result.headers["Content-Type"]) == (status, kind)
    return request.param, result.headers


def test_response_has_security_headers(response: Any) -> None:
    kind, headers = response
    expected = {
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "X-Robots-Tag": "noindex",
    }
    assert {name: headers.get(name) for name in expected} == expected
    varies = {name.strip() for name in headers["Vary"].split(",")}
    assert varies == {"Cookie", "Accept-Language", "Accept-Encoding", "Authorization"}
    assert "Server" not in headers
    assert "X-Powered-By" not in headers
    policy = set(headers["Content-Security-Policy"].split("; "))
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= policy
    assert ("script-src 'self'" in policy) is (kind in SCRIPTED)
    assert not re.search(r"unsafe|\*", headers["Content-Security-Policy"])


def test_response_has_a_request_id(response: Any) -> None:
    _, headers = response
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-Id"])


@pytest.mark.django_db
def test_json_and_pages_have_the_narrowest_policies(client: HttpClient) -> None:
    json_policy = client.get("/health/live").headers["Content-Security-Policy"]
    assert set(json_policy.split("; ")) == {"default-src 'none'", "frame-ancestors 'none'"}
    page_policy = client.get("/").headers["Content-Security-Policy"]
    assert set(page_policy.split("; ")) == {
        "default-src 'none'",
        "frame-ancestors 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    }


@pytest.mark.parametrize("request_id", ["a", "7f3c-21.B_x", "x" * 64])
def test_request_id_of_the_caller_is_returned(client: HttpClient, request_id: str) -> None:
    response = client.get("/health/live", headers={"X-Request-Id": request_id})
    assert response.headers["X-Request-Id"] == request_id


@pytest.mark.parametrize("request_id", ["", "x" * 65, "a b", "a\nb", "a;b", "é", "<b>", "\u0661"])
def test_unsafe_request_id_is_replaced(client: HttpClient, request_id: str) -> None:
    response = client.get("/health/live", headers={"X-Request-Id": request_id})
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-Id"])


@pytest.mark.parametrize(("tls", "header"), [(0, None), (31_536_000, "max-age=31536000")])
def test_hsts_header_is_sent_when_tls_is_on(
    client: HttpClient, settings: Settings, tls: int, header: str | None
) -> None:
    settings.SECURE_HSTS_SECONDS = tls
    response = client.get("/health/live", secure=True)
    assert response.headers.get("Strict-Transport-Security") == header
