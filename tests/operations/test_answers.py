"""What every answer of every kind carries."""

import re
from typing import Any

import pytest
from pytest_django import Settings

from tests.factories import HttpClient

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
ANSWERS = {
    "a page": ("GET", "/", {}, 200, HTML),
    "the API page": ("GET", "/api/docs/", {}, 200, HTML),
    "its script": ("GET", "/api/docs/?script=", {}, 200, "text/javascript; charset=utf-8"),
    "the API document": ("GET", "/api/schema/", {}, 200, JSON),
    "health": ("GET", "/health/live", {}, 200, JSON),
    "figures": ("GET", "/metrics", {}, 200, "text/plain; version=0.0.4; charset=utf-8"),
    "no route": ("GET", "/nope", {}, 404, JSON),
    "hidden": ("GET", "/metrics", {"REMOTE_ADDR": "192.0.2.7"}, 404, JSON),
    "wrong method": ("POST", "/health/live", {}, 405, JSON),
    "wrong method on a page": ("DELETE", "/", {}, 405, JSON),
    "wrong method on the API page": ("PUT", "/api/docs/", {}, 405, JSON),
    "not a host of ours": ("GET", "/health/live", {"HTTP_HOST": "evil.example"}, 400, JSON),
    "not a host at all": ("GET", "/", {"HTTP_HOST": "a b"}, 400, JSON),
}
SCRIPTED = {"the API page", "its script"}


LOOKS_AT_THE_DATABASE = {"figures"}


@pytest.fixture(
    params=[
        pytest.param(kind, marks=[pytest.mark.django_db] * (kind in LOOKS_AT_THE_DATABASE), id=kind)
        for kind in ANSWERS
    ]
)
def answer(request: pytest.FixtureRequest, client: HttpClient) -> Any:
    """Each kind of answer, with the name of its kind."""
    method, path, more, status, kind = ANSWERS[request.param]
    extra: dict[str, Any] = {**more}
    given = client.generic(method, path, **extra)
    assert (given.status_code, given.headers["Content-Type"]) == (status, kind)
    return request.param, given.headers


def test_an_answer_is_safe_to_have(answer: Any) -> None:
    kind, headers = answer
    told = {
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "X-Robots-Tag": "noindex",
    }
    assert {name: headers.get(name) for name in told} == told
    varies = {name.strip() for name in headers["Vary"].split(",")}
    assert varies == {"Cookie", "Accept-Language", "Authorization"}
    assert "Server" not in headers
    assert "X-Powered-By" not in headers
    policy = set(headers["Content-Security-Policy"].split("; "))
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= policy
    assert ("script-src 'self'" in policy) is (kind in SCRIPTED)
    assert not re.search(r"unsafe|\*", headers["Content-Security-Policy"])


def test_an_answer_has_a_name(answer: Any) -> None:
    _, headers = answer
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-Id"])


def test_a_json_answer_and_a_page_have_the_narrowest_policies(client: HttpClient) -> None:
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


@pytest.mark.parametrize("given", ["a", "7f3c-21.B_x", "x" * 64])
def test_a_callers_request_id_is_repeated(client: HttpClient, given: str) -> None:
    answer = client.get("/health/live", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\nb", "a;b", "é", "<b>", "\u0661"])
def test_a_request_id_that_could_do_harm_is_replaced(client: HttpClient, given: str) -> None:
    answer = client.get("/health/live", headers={"X-Request-Id": given})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])


@pytest.mark.parametrize(("tls", "header"), [(0, None), (31_536_000, "max-age=31536000")])
def test_tls_is_remembered_for_a_year_once_it_is_on(
    client: HttpClient, settings: Settings, tls: int, header: str | None
) -> None:
    settings.SECURE_HSTS_SECONDS = tls
    answer = client.get("/health/live", secure=True)
    assert answer.headers.get("Strict-Transport-Security") == header
