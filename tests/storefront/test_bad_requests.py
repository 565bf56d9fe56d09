"""Requests that are strange before anybody reads their body: hosts, methods, paths, headers."""

import time
from typing import Any

import pytest

from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import (
    LOGIN,
    LOOK_UP,
    documented,
    look_up,
    nothing_written,
    post,
    refused,
    token_of,
)

pytestmark = pytest.mark.django_db

BODY = {"number": factories.NUMBER, "email": factories.GUEST}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost:80:80", "a/b", "a b", "[::1", ""]
)
@pytest.mark.parametrize("path", [LOOK_UP, "/csrf_token/", "/nowhere"])
def test_a_host_that_is_not_ours_is_refused(host: str, path: str) -> None:
    # T13
    with nothing_written():
        answer = HttpClient().generic(
            "POST", path, b"{}", "application/json", headers={"Host": host}
        )

    refused(answer, 400, "malformed_request")
    assert b"evil" not in answer.content


OVERRIDES = [
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Proto": "https"},
    {"X-Original-URL": "/users/logout"},
    {"X-Rewrite-URL": "/users/logout"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"X-Method-Override": "DELETE"},
]


@pytest.mark.parametrize("headers", OVERRIDES, ids=lambda headers: next(iter(headers)))
def test_a_header_that_says_otherwise_is_ignored(headers: dict[str, str]) -> None:
    # T18
    user = factories.create_customer()
    pk = factories.create_address(user=user).pk
    client = factories.client_of(user)
    plain = client.get(f"/address/{pk}/")

    with nothing_written():
        answer = client.get(f"/address/{pk}/?_method=DELETE", headers=headers)

    assert (answer.status_code, answer.content) == (200, plain.content)


ALLOWED = {
    LOOK_UP: "POST, OPTIONS",
    LOGIN: "POST, OPTIONS",
    "/users/logout": "POST, OPTIONS",
    "/users/orders/": "GET, HEAD, OPTIONS",
    "/users/orders/cancellation_reasons/": "GET, HEAD, OPTIONS",
    "/csrf_token/": "GET, HEAD, OPTIONS",
    "/address/detailed/": "GET, HEAD, OPTIONS",
    "/address/": "GET, POST, HEAD, OPTIONS",
    "/address/1/": "GET, PATCH, DELETE, HEAD, OPTIONS",
}


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO", "PUT", "PROPFIND", "x-post"])
@pytest.mark.parametrize("path", ALLOWED)
def test_a_method_that_a_route_does_not_have_is_refused(path: str, method: str) -> None:
    # T19, T20
    client = factories.client_of(factories.create_customer())
    headers = token_of(client)

    with nothing_written():
        answer = client.generic(method, path, headers=headers)

    refused(answer, 405, "method_not_allowed")
    assert set(answer["Allow"].split(", ")) == set(ALLOWED[path].split(", "))


@pytest.mark.parametrize("path", [LOOK_UP, LOGIN, "/users/logout"])
def test_head_of_a_route_that_only_posts_has_no_body(path: str) -> None:
    # T20
    answer = HttpClient().head(path)

    assert (answer.status_code, answer.content) == (405, b"")


@pytest.mark.parametrize("path", ["*", "/users/orders/anonymous/", "/users/login/"])
def test_options_shows_no_data(path: str) -> None:
    # T20
    factories.create_order()
    with nothing_written():
        answer = HttpClient().options(path)

    assert answer.status_code in {200, 404}
    assert factories.GUEST.encode() not in answer.content


@pytest.mark.parametrize(
    "path",
    [
        "/%zz", "/%00", "/%ff", "/users/..%2f", "/users/%2e%2e/orders/",
        "//users/orders/anonymous/", "//evil.example/", "/users/orders/anonymous/;a=b",
        "/users/orders/anonymous//",
        "/users/%C3%B6rders/", "/users\\orders", "/users/orders/anonymous/%0d%0aX: y",
        "/users/orders/1/cancellation/x/", "/users/ORDERS/anonymous/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_is_none_of_ours_is_not_found_and_never_redirected(
    path: str, method: str
) -> None:
    # T22
    with nothing_written():
        target: dict[str, Any] = {"PATH_INFO": path} if path.startswith("//") else {}
        answer = HttpClient().generic(method, path, b"{}", "application/json", **target)

    refused(answer, 404, "not_found")
    assert "Location" not in answer


def test_a_post_without_its_last_slash_is_the_same_post() -> None:
    # T23
    factories.create_order()

    with_slash = post(HttpClient(), LOOK_UP, BODY)
    without = post(HttpClient(), LOOK_UP.rstrip("/"), BODY)

    assert (without.status_code, without.content) == (200, with_slash.content)


ACCEPTED = [
    "application/xml", "text/html", "image/png", "", "*", "application/json;q=0", "nonsense",
    'text/html;x="' + ",;" * 4_000 + '"', ",".join(["a/b;q=0.1"] * 1_000),
]  # fmt: skip


@pytest.mark.parametrize("accept", ACCEPTED, ids=lambda text: text[:30])
def test_whatever_a_caller_accepts_they_get_json_and_fast(accept: str) -> None:
    # T24, T25
    factories.create_order()
    look_up()

    started = time.process_time()
    answer = look_up(headers={"Accept": accept})

    assert answer.status_code == 200
    documented(answer)
    assert time.process_time() - started < 0.2


def _encoded(encoding: str) -> Any:
    return HttpClient().generic(
        "POST",
        LOOK_UP,
        b"\x1f\x8b" * 100,
        "application/json",
        headers={"Content-Encoding": encoding},
    )


@pytest.mark.parametrize(
    "encoding", ["gzip", "br", "gzip, gzip", "deflate", "zstd", "identity, br"]
)
def test_nothing_is_inflated(encoding: str) -> None:
    # T28
    with nothing_written():
        refused(_encoded(encoding), 415, "unsupported_encoding")


@pytest.mark.parametrize(
    "kind",
    [
        "", "text/plain", "application/xml", "application/json; charset=utf-16",
        "application/json; charset=nope", "application/json; charset=latin-1", "application",
        "application/jsonp", "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=" + "x" * 5_000, "application/octet-stream", "text/json",
    ],
    ids=lambda text: text[:45],
)  # fmt: skip
@pytest.mark.parametrize("path", [LOOK_UP, LOGIN])
def test_a_body_of_another_kind_is_refused(path: str, kind: str) -> None:
    # T29, T30
    factories.create_order()

    with nothing_written():
        answer = HttpClient().generic("POST", path, b'{"a": 1}', kind)

    refused(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/json; charset=utf-8", 'APPLICATION/JSON;charset="UTF-8"'],
)
def test_json_in_utf_8_is_read(kind: str) -> None:
    factories.create_order()
    body = b'{"number": "%s", "email": "%s"}' % (
        factories.NUMBER.encode(),
        factories.GUEST.encode(),
    )

    assert HttpClient().generic("POST", LOOK_UP, body, kind).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("POST", LOGIN), ("POST", "/address/")])
def test_forms_are_for_the_look_up_only(method: str, path: str) -> None:
    # T31
    client = factories.client_of(factories.create_customer())

    with nothing_written():
        answer = client.generic(
            method,
            path,
            b"email=a@example.com&password=x",
            "application/x-www-form-urlencoded",
            headers=token_of(client),
        )

    refused(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("path", [LOOK_UP, LOGIN])
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_no_body_at_all_is_no_json(path: str, kind: str) -> None:
    # T10
    refused(HttpClient().generic("POST", path, b"", kind), 400, "malformed_json")


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", "<script>", "\u00e9", '"', "x;y"])
def test_a_request_s_own_name_is_repeated_only_when_it_is_one(given: str) -> None:
    named = HttpClient().get("/csrf_token/", headers={"X-Request-Id": "abc.DEF-1_2"})
    answer = HttpClient().get("/csrf_token/", headers={"X-Request-Id": given})

    assert named["X-Request-Id"] == "abc.DEF-1_2"
    assert answer["X-Request-Id"] != given
    assert answer["X-Request-Id"].isalnum()
    assert len(answer["X-Request-Id"]) == 32


def test_every_answer_is_kept_from_caches_frames_and_search_engines() -> None:
    answer = HttpClient().get("/csrf_token/")

    documented(answer)
    assert answer["X-Robots-Tag"] == "noindex"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "Server" not in answer
