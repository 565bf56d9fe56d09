"""Bodies and headers that are not what they should be: refused as documented, nothing written."""

import json
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError

from takeback.api.json_parser import object_from
from takeback.api.order_payload.parts import ProductPayload
from takeback.api.order_payload.serializers import ItemPayload, OrderPayload, order_from
from tests.channel import shop
from tests.channel.shop import document, item
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
def test_a_body_that_is_no_json_object_is_refused(body: bytes, code: str) -> None:
    caller = shop.client()
    before = shop.rows()

    answer = shop.send(caller, body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert set(answer.json()) == {"detail", "code"}
    assert shop.rows() == before


def test_a_body_above_the_limit_is_too_large() -> None:
    answer = shop.send(shop.client(), b" " * (4 * 2**20 + 1))

    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


def test_a_body_below_the_limit_may_be_larger_than_that_of_other_routes() -> None:
    note = {"note": "x" * 100_000}

    assert shop.send(shop.client(), document({"extra_field": note})).status_code == 201


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
def test_only_json_in_utf_8_is_read(content_type: str) -> None:
    caller = shop.client()
    before = shop.rows()

    answer = shop.send(caller, document(), content_type=content_type)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert shop.rows() == before


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip"])
def test_nothing_is_inflated(encoding: str) -> None:
    answer = shop.send(shop.client(), document(), **{"content-encoding": encoding})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_encoding")


@pytest.mark.parametrize("accept", ["application/xml", "text/html", "x" * 8192, '"' * 50])
def test_the_answer_is_json_whatever_is_accepted(accept: str) -> None:
    answer = shop.find(HttpClient(headers={"authorization": shop.key(), "accept": accept}))

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_body_on_a_read_is_not_looked_at() -> None:
    answer = shop.client().generic(
        "GET", "/api/v1/channel/1/orders/", b"{", content_type="application/json"
    )

    assert answer.status_code == 200


SWAPS: list[Any] = [True, 1, -1, 1.5, "x", "", [], [1], {}, {"a": None}, "\u0661\u0662", 10**39]
ORDER_FIELDS = sorted(OrderPayload().fields)
ITEM_FIELDS = sorted(ItemPayload().fields)
PRODUCT_FIELDS = sorted(ProductPayload().fields)


def _told_with(part: str, field: str, value: Any) -> dict[str, Any]:
    if part == "order":
        return document({"amount": None, field: value})
    fields = {field: value} if part == "item" else {"product": {"sku": "S", field: value}}
    return document({"amount": None}, item(**fields))


@pytest.mark.parametrize(
    ("part", "field"),
    [("order", name) for name in ORDER_FIELDS]
    + [("item", name) for name in ITEM_FIELDS]
    + [("product", name) for name in PRODUCT_FIELDS],
)
def test_a_field_of_another_type_is_refused_by_its_name_or_understood(
    part: str, field: str
) -> None:
    path = {"order": "", "item": "order_item.0.", "product": "order_item.0.product."}[part] + field
    caller = shop.client()
    bodies = [_told_with(part, field, value) for value in SWAPS]
    misnamed = {name for body in bodies for name in _refused(body) if not name.startswith(path)}
    assert misnamed == set()

    # What can be read can be kept, unless its amounts contradict each other.
    for number, body in enumerate(body for body in bodies if not _refused(body)):
        if field != "number":
            body["order"]["number"] = str(number)
        answer = shop.send(caller, body)
        assert answer.status_code == 201 or set(answer.json()) == {"amount", "code"}, body


def _refused(body: dict[str, Any]) -> set[str]:
    """The fields at fault."""
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
def test_booleans_are_booleans(value: Any, status: int) -> None:
    assert shop.send(shop.client(), document({"is_send": value})).status_code == status


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
def test_what_is_no_amount_of_the_currency_is_a_field_error(value: Any) -> None:
    caller = shop.client()
    before = shop.rows()

    answer = shop.send(caller, document(None, item(price=value)))

    assert answer.status_code == 400
    assert set(answer.json()) == {"order_item.0.price", "code"}
    assert shop.rows() == before


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
def test_text_is_repeated_literally(text: str) -> None:
    answer = shop.send(shop.client(), document({"notes": text, "number": text}))

    assert (answer.json()["notes"], answer.json()["number"]) == (text, text)


@pytest.mark.parametrize("text", ["a\u202eb", "a\u200bb", "a\U000e0041b", "a\x1b[31mb", "a\x7fb"])
def test_invisible_characters_are_a_field_error(text: str) -> None:
    answer = shop.send(shop.client(), document({"notes": text, "number": text}))

    assert answer.status_code == 400
    assert set(answer.json()) == {"notes", "number", "code"}


TOO_LONG = {
    "number": 128,
    "notes": 320,
    "gift_box_note": 160,
    "tracking_number": 256,
    "shipping_option_slug": 128,
    "bin_number": 8,
}


@pytest.mark.parametrize(("field", "most"), TOO_LONG.items())
def test_texts_end_where_the_contract_says(field: str, most: int) -> None:
    caller = shop.client()

    assert shop.send(caller, document({field: "1" * most})).status_code == 201
    longer = shop.send(caller, document({"number": "2", field: "1" * (most + 1)}))
    assert longer.json() == {
        field: [f"Ensure this field has no more than {most} characters."],
        "code": "invalid",
    }


DATES = ["2026-02-30", "yesterday", 1, "2026-3-1", "20260301", "2026-W10-1", "10000-01-01", ""]


@pytest.mark.parametrize("value", DATES)
def test_what_is_no_date_is_a_field_error(value: Any) -> None:
    answer = shop.send(shop.client(), document({"date_placed": value}))

    assert (answer.status_code, set(answer.json())) == (400, {"date_placed", "code"})


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_first_and_the_last_moment_are_taken(value: str) -> None:
    answer = shop.send(shop.client(), document({"date_placed": value}))

    assert (answer.status_code, answer.json()["date_placed"]) == (201, value)


def test_a_list_of_no_lines_and_one_of_too_many_are_refused() -> None:
    caller = shop.client()

    none = shop.send(caller, document() | {"order_item": []})
    many = shop.send(caller, document() | {"order_item": [item()] * 5_001})

    assert (none.status_code, set(none.json())) == (400, {"order_item", "code"})
    assert (many.status_code, set(many.json())) == (400, {"order_item", "code"})


def test_the_same_order_with_its_keys_in_another_order_is_the_same_order() -> None:
    caller = shop.client()
    told = document({"extra_field": {"b": 1, "a": [1, 2]}})
    turned = {name: dict(reversed(part.items())) if isinstance(part, dict) else part
              for name, part in reversed(told.items())}  # fmt: skip

    first = shop.send(caller, told)
    second = shop.send(caller, json.dumps(turned, indent=4).encode())

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.content == second.content
