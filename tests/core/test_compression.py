"""The product compresses its own responses, for clients that accept gzip."""

import gzip
from typing import Any

import pytest

from tests import factories
from tests.channel import shop
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

STYLE = "/static/ui/style.css"
GZIP = {"Accept-Encoding": "gzip, deflate, br, zstd"}
FIRST_VISIT_MAX = 14_000


def get(path: str, headers: dict[str, str] | None = None, client: HttpClient | None = None) -> Any:
    """The response, with all of its body in `body`."""
    response: Any = (client or HttpClient()).get(path, headers=headers)
    response.body = response.getvalue()
    return response


@pytest.mark.parametrize("path", [STYLE, "/static/desk/desk.js", "/api/schema/"])
def test_compressed_body_is_the_plain_body(path: str) -> None:
    plain, packed = get(path), get(path, GZIP)

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body
    assert int(packed.headers["Content-Length"]) == len(packed.body) < len(plain.body)
    for response in (plain, packed):
        assert "Accept-Encoding" in response.headers["Vary"].split(", ")
    same = plain.headers.keys() - {"Content-Length", "X-Request-Id", "ETag"}
    assert {name: plain.headers[name] for name in same} == {
        name: packed.headers[name] for name in same
    }


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*;q=0", False),
        ("identity", False),
        ("br", False),
        ("xgzip", False),
        ("", False),
        (",;=q;;,", False),
        ("x" * 9_000, False),
    ],
)
def test_accept_encoding_decides(accepted: str, is_packed: bool) -> None:
    response = get(STYLE, {"Accept-Encoding": accepted})

    assert (response.headers.get("Content-Encoding") == "gzip") is is_packed


def test_short_bodies_images_and_empty_responses_stay_as_they_are() -> None:
    for path in ("/csrf_token", "/health/live", "/nowhere", "/static/ui/mark.svg"):
        assert "Content-Encoding" not in get(path, GZIP).headers


def test_static_file_has_a_weak_tag_that_is_recognised() -> None:
    strong = get(STYLE).headers["ETag"]
    weak = get(STYLE, GZIP).headers["ETag"]

    assert weak == f"W/{strong}"
    for tag in (strong, weak):
        again = get(STYLE, GZIP | {"If-None-Match": tag})
        assert (again.status_code, again.body) == (304, b"")
    assert get(STYLE, GZIP | {"If-None-Match": '"other"'}).status_code == 200
    assert get(STYLE, {"If-None-Match": strong}).status_code == 304


@pytest.mark.parametrize("path", [STYLE, "/static/desk/desk.js", "/desk/login", "/api/schema/"])
def test_head_has_the_headers_of_get(path: str) -> None:
    with_body = get(path, GZIP)
    head: Any = HttpClient().head(path, headers=GZIP)

    names = with_body.headers.keys() - {"X-Request-Id", "Content-Length"}
    assert {name: head.headers.get(name) for name in names} == {
        name: with_body.headers[name] for name in names
    }
    assert head.content == b""


def test_range_of_a_file_is_not_compressed() -> None:
    response = get(STYLE, GZIP | {"Range": "bytes=0-1999"})

    assert (response.status_code, len(response.body)) == (206, 2000)
    assert "Content-Encoding" not in response.headers


def test_version_of_a_document_stays_usable() -> None:
    client = shop.client()
    orders = [shop.create_order(client, shop.order_body({"number": str(n)})) for n in range(2)]
    assert {order.status_code for order in orders} == {201}

    plain = get("/api/v1/channel/1/orders/", client=client)
    packed = get("/api/v1/channel/1/orders/", GZIP, client)

    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content


def test_length_of_a_page_with_secrets_varies() -> None:
    lengths = {len(get("/desk/login", GZIP).content) for _ in range(30)}

    assert len(lengths) > 5


def test_first_visit_of_a_page_is_small() -> None:
    factories.create_channel()
    sizes = [
        len(get(path, GZIP).body) for path in ("/", "/static/ui/tokens.css", "/static/ui/style.css")
    ]

    assert sum(sizes) <= FIRST_VISIT_MAX
