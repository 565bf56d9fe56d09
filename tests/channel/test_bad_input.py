"""Invalid bodies and headers of orders are refused as documented, and nothing is written."""

import json
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError

from takeback.api.json_parser import object_from
from takeback.api.order_payload.parts import ProductPayload
from takeback.api.order_payload.serializers import ItemPayload, OrderPayload, order_from
from tests.channel import shop
from tests.channel.shop import item_body, order_body
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

NESTED = b'{"order": {"extra_field": %s}, "order_item": []}'
BODIES: list[tuple[bytes, str]] = [
    (b"", "malformed_json"),
    (b"  ", "malformed_json"),
    (b'{"order":', "malformed_json"),
    (b"{} {}", "malformed_json"),
    (b'{"order": 1,}', "malformed_json"),
    (b"{'order': 1}", "malformed_json"),
    (b'{"order": 1} // x', "malformed_json"),
    (b"null", "object_expected"),
    (b"[]", "object_expected"),
    (b'"x"', "object_expected"),
    (b"1", "object_expected"),
    (b"true", "object_expected"),
    (b"\xef\xbb\xbf{}", "malformed_json"),
    (b'{"order": "\xff\xfe"}', "malformed_json"),
    (b'{"order": "\xc0\x80"}', "malformed_json"),
    (b'{"order": "\xed\xa0\x80"}', "malformed_json"),
    ('{"order": 1}'.encode("utf-16"), "malformed_json"),
    (NESTED % b"NaN", "malformed_json"),
    (NESTED % b'{"a": Infinity}', "malformed_json"),
    (NESTED % b'{"a": -Infinity}', "malformed_json"),
    (NESTED % b'{"a": 1e400}', "malformed_json"),
    (NESTED % b'{"a": -0}', "malformed_json"),
    (NESTED % b'{"a": 1E+999999}', "malformed_json"),
    (NESTED % (b'{"a": ' + b"9" * 5000 + b"}"), "malformed_json"),
    (NESTED % (b'{"a": 0.' + b"0" * 10_000 + b"1}"), "malformed_json"),
    (b'{"order": 1, "order": 2}', "duplicate_key"),
    (b'{"order": 1, "orde\\u0072": 2}', "duplicate_key"),
    (b"[" * 100_000, "malformed_json"),
    (NESTED % (b"[" * 20_000 + b"]" * 20_000), "malformed_json"),
    (NESTED % (b'{"a":' * 3_000 + b"1" + b"}" * 3_000), "malformed_json"),
    (NESTED % b'{"a": "\\u0000"}', "malformed_json"),
    (NESTED % b'{"\\u0000": 1}', "malformed_json"),
    (NESTED % b'{"a": "\\ud800"}', "malformed_json"),
    (NESTED % (b"[" + b"1," * 1_000_000 + b"1]"), "malformed_json"),
]


@pytest.mark.parametrize(("body", "code"), BODIES)
def test_body_that_is_no_json_object_is_refused(body: bytes, code: str) -> None:
    caller = shop.client()
    before = shop.row_counts()

    response = shop.create_order(caller, body)

    assert (response.status_code, response.json()["code"]) == (400, code)
    assert set(response.json()) == {"detail", "code"}
    assert shop.row_counts() == before


def test_body_above_the_limit_is_too_large() -> None:
    response = shop.create_order(shop.client(), b" " * (4 * 2**20 + 1))

    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


def test_orders_allow_larger_bodies_than_other_routes() -> None:
    note = {"note": "x" * 100_000}

    assert shop.create_order(shop.client(), order_body({"extra_field": note})).status_code == 201


CONTENT_TYPES = [
    "",
    "text/plain",
    "application/xml",
    "application/json; charset=utf-16",
    "application/json; charset=nope",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_only_utf8_json_is_accepted(content_type: str) -> None:
    caller = shop.client()
    before = shop.row_counts()

    response = shop.create_order(caller, order_body(), content_type=content_type)

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    assert shop.row_counts() == before


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip"])
def test_compressed_bodies_are_refused(encoding: str) -> None:
    response = shop.create_order(shop.client(), order_body(), **{"content-encoding": encoding})

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_encoding")


@pytest.mark.parametrize("accept", ["application/xml", "text/html", "x" * 8192, '"' * 50])
def test_response_is_json_for_any_accept_header(accept: str) -> None:
    response = shop.find_orders(HttpClient(headers={"authorization": shop.key(), "accept": accept}))

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"


def test_body_of_get_request_is_ignored() -> None:
    response = shop.client().generic(
        "GET", "/api/v1/channel/1/orders/", b"{", content_type="application/json"
    )

    assert response.status_code == 200


SWAPS: list[Any] = [True, 1, -1, 1.5, "x", "", [], [1], {}, {"a": None}, "\u0661\u0662", 10**39]
ORDER_FIELDS = sorted(OrderPayload().fields)
ITEM_FIELDS = sorted(ItemPayload().fields)
PRODUCT_FIELDS = sorted(ProductPayload().fields)


def _body_with(part: str, field: str, value: Any) -> dict[str, Any]:
    if part == "order":
        return order_body({"amount": None, field: value})
    fields = {field: value} if part == "item" else {"product": {"sku": "S", field: value}}
    return order_body({"amount": None}, item_body(**fields))


@pytest.mark.parametrize(
    ("part", "field"),
    [("order", name) for name in ORDER_FIELDS]
    + [("item", name) for name in ITEM_FIELDS]
    + [("product", name) for name in PRODUCT_FIELDS],
)
def test_field_of_wrong_type_is_named_or_converted(part: str, field: str) -> None:
    path = {"order": "", "item": "order_item.0.", "product": "order_item.0.product."}[part] + field
    caller = shop.client()
    bodies = [_body_with(part, field, value) for value in SWAPS]
    misnamed = {name for body in bodies for name in _refused(body) if not name.startswith(path)}
    assert misnamed == set()

    # Every valid order can be stored, unless its amounts contradict each other.
    for number, body in enumerate(body for body in bodies if not _refused(body)):
        if field != "number":
            body["order"]["number"] = str(number)
        response = shop.create_order(caller, body)
        assert response.status_code == 201 or set(response.json()) == {"amount", "code"}, body


def _refused(body: dict[str, Any]) -> set[str]:
    """The invalid fields."""
    try:
        order_from(object_from(json.dumps(body).encode()), channel_id=shop.SHOP)
    except ValidationError as refused:
        assert isinstance(refused.detail, dict)  # noqa: PT017 - for the type checker
        return set(refused.detail)
    return set()


BOOLEANS: list[tuple[Any, int]] = [
    (True, 201),
    ("false", 201),
    ("yes", 400),
    ("on", 400),
    (1, 400),
    (1.0, 400),
    ("TRUE", 400),
]


@pytest.mark.parametrize(("value", "status"), BOOLEANS)
def test_booleans_are_strict(value: Any, status: int) -> None:
    assert shop.create_order(shop.client(), order_body({"is_send": value})).status_code == status


AMOUNTS: list[Any] = [
    "\uff11\uff12",
    "1_0",
    "+12",
    "1e3",
    "0x10",
    "NaN",
    "Infinity",
    "1,50",
    "",
    "-1",
    -1,
    0.001,
    "1.234",
    10**20,
    True,
    [],
    {},
]


@pytest.mark.parametrize("value", AMOUNTS)
def test_invalid_amount_is_a_field_error(value: Any) -> None:
    caller = shop.client()
    before = shop.row_counts()

    response = shop.create_order(caller, order_body(None, item_body(price=value)))

    assert response.status_code == 400
    assert set(response.json()) == {"order_item.0.price", "code"}
    assert shop.row_counts() == before


TEXTS = [
    "<script>alert(1)</script>",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "%n%s",
    "'; DROP TABLE orders_order; --",
    "=HYPERLINK(1)",
    "e\u0301" * 50,
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_repeated_unchanged(text: str) -> None:
    response = shop.create_order(shop.client(), order_body({"notes": text, "number": text}))

    assert (response.json()["notes"], response.json()["number"]) == (text, text)


@pytest.mark.parametrize("text", ["a\u202eb", "a\u200bb", "a\U000e0041b", "a\x1b[31mb", "a\x7fb"])
def test_invisible_characters_are_a_field_error(text: str) -> None:
    response = shop.create_order(shop.client(), order_body({"notes": text, "number": text}))

    assert response.status_code == 400
    assert set(response.json()) == {"notes", "number", "code"}


TOO_LONG = {
    "number": 128,
    "notes": 320,
    "gift_box_note": 160,
    "tracking_number": 256,
    "shipping_option_slug": 128,
    "bin_number": 8,
}


@pytest.mark.parametrize(("field", "most"), TOO_LONG.items())
def test_texts_have_the_limits_of_the_contract(field: str, most: int) -> None:
    caller = shop.client()

    assert shop.create_order(caller, order_body({field: "1" * most})).status_code == 201
    longer = shop.create_order(caller, order_body({"number": "2", field: "1" * (most + 1)}))
    assert longer.json() == {
        field: [f"Ensure this field has no more than {most} characters."],
        "code": "invalid",
    }


DATES = ["2026-02-30", "yesterday", 1, "2026-3-1", "20260301", "2026-W10-1", "10000-01-01", ""]


@pytest.mark.parametrize("value", DATES)
def test_invalid_date_is_a_field_error(value: Any) -> None:
    response = shop.create_order(shop.client(), order_body({"date_placed": value}))

    assert (response.status_code, set(response.json())) == (400, {"date_placed", "code"})


def test_empty_and_too_long_item_lists_are_refused() -> None:
    caller = shop.client()

    none = shop.create_order(caller, order_body() | {"order_item": []})
    many = shop.create_order(caller, order_body() | {"order_item": [item_body()] * 5_001})

    assert (none.status_code, set(none.json())) == (400, {"order_item", "code"})
    assert (many.status_code, set(many.json())) == (400, {"order_item", "code"})


def test_order_of_keys_in_a_body_does_not_matter() -> None:
    caller = shop.client()
    body = order_body({"extra_field": {"b": 1, "a": [1, 2]}})
    turned = {name: dict(reversed(part.items())) if isinstance(part, dict) else part
              for name, part in reversed(body.items())}  # fmt: skip

    first = shop.create_order(caller, body)
    second = shop.create_order(caller, json.dumps(turned, indent=4).encode())

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.content == second.content
