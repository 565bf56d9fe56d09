"""Requests with invalid hosts, methods, paths and headers."""

from typing import Any

import pytest

from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import (
    LOGIN,
    LOOK_UP,
    assert_common_headers,
    assert_refused,
    look_up,
    nothing_written,
    post,
    token_of,
)

pytestmark = pytest.mark.django_db

BODY = {"number": factories.NUMBER, "email": factories.GUEST}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost:80:80", "a/b", "a b", "[::1", ""]
)
@pytest.mark.parametrize("path", [LOOK_UP, "/csrf_token/", "/nowhere"])
def test_unknown_host_is_refused(host: str, path: str) -> None:
    with nothing_written():
        response = HttpClient().generic(
            "POST", path, b"{}", "application/json", headers={"Host": host}
        )

    assert_refused(response, 400, "malformed_request")
    assert b"evil" not in response.content


OVERRIDES = [
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Proto": "https"},
    {"X-Original-URL": "/users/logout"},
    {"X-Rewrite-URL": "/users/logout"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"X-Method-Override": "DELETE"},
]


@pytest.mark.parametrize("headers", OVERRIDES, ids=lambda headers: next(iter(headers)))
def test_headers_that_override_host_path_or_method_are_ignored(headers: dict[str, str]) -> None:
    user = factories.create_customer()
    pk = factories.create_address(user=user).pk
    client = factories.client_of(user)
    plain = client.get(f"/address/{pk}/")

    with nothing_written():
        response = client.get(f"/address/{pk}/?_method=DELETE", headers=headers)

    assert (response.status_code, response.content) == (200, plain.content)


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
def test_unsupported_method_is_refused(path: str, method: str) -> None:
    client = factories.client_of(factories.create_customer())
    headers = token_of(client)

    with nothing_written():
        response = client.generic(method, path, headers=headers)

    assert_refused(response, 405, "method_not_allowed")
    assert set(response["Allow"].split(", ")) == set(ALLOWED[path].split(", "))


@pytest.mark.parametrize("path", [LOOK_UP, LOGIN, "/users/logout"])
def test_head_of_a_post_route_has_no_body(path: str) -> None:
    response = HttpClient().head(path)

    assert (response.status_code, response.content) == (405, b"")


@pytest.mark.parametrize("path", ["*", "/users/orders/anonymous/", "/users/login/"])
def test_options_returns_no_data(path: str) -> None:
    factories.create_order()
    with nothing_written():
        response = HttpClient().options(path)

    assert response.status_code in {200, 404}
    assert factories.GUEST.encode() not in response.content


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
def test_unknown_path_is_never_redirected(path: str, method: str) -> None:
    with nothing_written():
        target: dict[str, Any] = {"PATH_INFO": path} if path.startswith("//") else {}
        response = HttpClient().generic(method, path, b"{}", "application/json", **target)

    assert_refused(response, 404, "not_found")
    assert "Location" not in response


def test_final_slash_is_optional() -> None:
    factories.create_order()

    with_slash = post(HttpClient(), LOOK_UP, BODY)
    without = post(HttpClient(), LOOK_UP.rstrip("/"), BODY)

    assert (without.status_code, without.content) == (200, with_slash.content)


ACCEPTED = [
    "application/xml", "text/html", "image/png", "", "*", "application/json;q=0", "nonsense",
    'text/html;x="' + ",;" * 4_000 + '"', ",".join(["a/b;q=0.1"] * 1_000),
]  # fmt: skip


@pytest.mark.parametrize("accept", ACCEPTED, ids=lambda text: text[:30])
def test_response_is_json_for_all_accept_headers(accept: str) -> None:
    factories.create_order()
    response = look_up(headers={"Accept": accept})

    assert response.status_code == 200
    assert_common_headers(response)


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
def test_content_encoding_is_refused(encoding: str) -> None:
    with nothing_written():
        assert_refused(_encoded(encoding), 415, "unsupported_encoding")


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
def test_body_of_another_media_type_is_refused(path: str, kind: str) -> None:
    factories.create_order()

    with nothing_written():
        response = HttpClient().generic("POST", path, b'{"a": 1}', kind)

    assert_refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/json; charset=utf-8", 'APPLICATION/JSON;charset="UTF-8"'],
)
def test_json_in_utf_8_is_parsed(kind: str) -> None:
    factories.create_order()
    body = b'{"number": "%s", "email": "%s"}' % (
        factories.NUMBER.encode(),
        factories.GUEST.encode(),
    )

    assert HttpClient().generic("POST", LOOK_UP, body, kind).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("POST", LOGIN), ("POST", "/address/")])
def test_forms_are_accepted_by_the_look_up_only(method: str, path: str) -> None:
    client = factories.client_of(factories.create_customer())

    with nothing_written():
        response = client.generic(
            method,
            path,
            b"email=a@example.com&password=x",
            "application/x-www-form-urlencoded",
            headers=token_of(client),
        )

    assert_refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("path", [LOOK_UP, LOGIN])
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_empty_body_is_malformed_json(path: str, kind: str) -> None:
    assert_refused(HttpClient().generic("POST", path, b"", kind), 400, "malformed_json")


@pytest.mark.parametrize(
    "request_id", ["", "x" * 65, "a b", "a\tb", "<script>", "\u00e9", '"', "x;y"]
)
def test_only_a_valid_request_id_is_repeated(request_id: str) -> None:
    valid = HttpClient().get("/csrf_token/", headers={"X-Request-Id": "abc.DEF-1_2"})
    response = HttpClient().get("/csrf_token/", headers={"X-Request-Id": request_id})

    assert valid["X-Request-Id"] == "abc.DEF-1_2"
    assert response["X-Request-Id"] != request_id
    assert response["X-Request-Id"].isalnum()
    assert len(response["X-Request-Id"]) == 32


def test_headers_forbid_caches_frames_and_search_engines() -> None:
    response = HttpClient().get("/csrf_token/")

    assert_common_headers(response)
    assert response["X-Robots-Tag"] == "noindex"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "Server" not in response
