"""Malformed bodies and invalid fields of requests that open cases."""

from itertools import product
from typing import Any

import pytest

from takeback.cancellations import errors
from takeback.cancellations.models import CancellationRequest
from tests import factories
from tests.storefront.api import assert_field_errors, assert_refused, nothing_written
from tests.storefront.routes import (
    BULK_ROUTES,
    DIALECTS,
    ITEMS,
    ROUTES,
    Route,
    Shop,
    assert_field_error_by_all_routes,
    assert_refused_by_all_routes,
    in_both_dialects,
    opened_by_all_routes,
    texts,
)
from tests.storefront.test_malformed_json import BODIES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

NULL, REQUIRED = "This field may not be null.", "This field is required."
INTEGER, RANGE = "A whole number is required.", "This number is out of range."
CHOOSE, TRUTH = "Choose cancel or refund.", "Must be true or false."
TEXT, HIDDEN = "Not a valid string.", "Control and invisible characters are not allowed."
WINDOW = "Send a date and an hour_range with start and end, as HH:MM."
DAY, ORDER = "Use the form YYYY-MM-DD.", "The hours must end after they start."


@pytest.fixture
def shop(settings: Any) -> Shop:
    """Both orders have an item of three units; no limits, and bodies without images."""
    settings.LIMITS_ENABLED = False
    settings.MAX_PICTURE_BODY_BYTES = settings.MAX_BODY_BYTES
    return Shop(items=[factories.item_input(quantity=3)])


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_malformed_body_is_refused_and_writes_nothing(route: Route, shop: Shop) -> None:
    with nothing_written():
        for body, (status, code) in BODIES.values():
            assert_refused(shop.send(route, body), status, code)


LARGE = {
    "open lists": b"[" * 27_000_000,
    "closing brackets": b"]" * 27_000_000,
    "empty lists": b"[]" * 13_500_000,
    "quotation marks": b'"' * 27_000_000,
    "items": b'{"cancel_order_items":[' + b"0," * 13_500_000 + b"0]}",
}
"""As large as a body with images can be. Parsed to its end, each takes half a minute;
`benchmarks.bodies` measures the time."""


@pytest.mark.parametrize("name", LARGE)
def test_large_body_is_refused_before_its_end(name: str) -> None:
    shop = Shop()
    with nothing_written():
        assert_refused(shop.send(ROUTES["guest, bulk"], LARGE[name]), 400, "malformed_json")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=x", "application/xml",
                     "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)  # fmt: skip
def test_bodies_of_other_media_types_are_refused(content_type: str, shop: Shop) -> None:
    with nothing_written():
        for route in ROUTES.values():
            client = shop.guest if route.is_guest else shop.customer
            path = route.path.format(number=shop.customer_order.number)
            headers = {} if route.is_guest else shop.token
            response = client.generic("POST", path, b"number=1", content_type, headers=headers)
            assert_refused(response, 415, "unsupported_media_type")


KINDS: dict[str, Any] = {
    "null": None, "a boolean": True, "a number": 7, "a fraction": 7.5, "text": "text",
    "a list": ["a"], "an object": {"$ne": None},
}  # fmt: skip
ERRORS: dict[str, dict[str, str | None]] = {
    "order_item": {"a number": None, "null": NULL, "": INTEGER},
    "reason": {"a number": None, "null": NULL, "": INTEGER},
    "cancellation_type": {"null": NULL, "": CHOOSE},
    "quantity": {"a number": None, "null": None, "": INTEGER},
    "description": {"text": None, "null": None, "": TEXT},
    "shipping_company": {"a number": None, "null": None, "": INTEGER},
    "pickup_address": {"a number": None, "null": None, "": INTEGER},
    "pickup_date": {"null": None, "": WINDOW},
    "fully_refund_as_loyalty_money": {"a boolean": None, "null": None, "": TRUTH},
}
"""The error of each field for each type of value; None: the field accepts it."""


@pytest.mark.parametrize("field", ERRORS)
def test_field_of_another_type_is_refused(field: str, shop: Shop) -> None:
    expected = {kind: ERRORS[field].get(kind, ERRORS[field][""]) for kind in KINDS}
    for text in {text for text in expected.values() if text}:
        values = (KINDS[kind] for kind in KINDS if expected[kind] == text)
        assert_field_error_by_all_routes(shop, field, text, *values)


@pytest.mark.parametrize("field", ["quantity", "description", "shipping_company", "pickup_address",
                                   "pickup_date", "fully_refund_as_loyalty_money"])  # fmt: skip
def test_optional_fields_accept_null(field: str, shop: Shop) -> None:
    for case in opened_by_all_routes(shop, **{field: None}):
        assert (case["quantity"], case["description"], case["easy_return"]) == (3, None, None)
        assert case["fully_refund_as_loyalty_money"] is False


@pytest.mark.parametrize("field", ["pickup_address", "fully_refund_as_loyalty_money"])
def test_shared_fields_are_validated_like_item_fields(field: str, shop: Shop) -> None:
    with nothing_written():
        for kind, (name, route, dialect) in product(KINDS, in_both_dialects(BULK_ROUTES)):
            text = ERRORS[field].get(kind, ERRORS[field][""])
            if text is None:
                continue
            body = shop.body(route, shop.item_body(route), **{field: KINDS[kind]})
            response = shop.send(route, body, dialect)
            assert response.status_code == 400, name
            assert response.json() == {field: texts(text, dialect)}, name


INVALID_NUMBERS = [
    "\uff11\uff12", "\u0967\u0968", "1_0", " 12 ", "+12", "12.0", 12.0, "0x10", "1e3", True,
    "", "-1", {"value": None}, {"value": {"value": 1}}, {"label": "1"},
]  # fmt: skip
NUMBERS = ["order_item", "reason", "quantity", "shipping_company", "pickup_address"]


@pytest.mark.parametrize("field", NUMBERS)
def test_text_that_resembles_a_number_is_refused(field: str, shop: Shop) -> None:
    assert_field_error_by_all_routes(shop, field, INTEGER, *INVALID_NUMBERS)


IDS = [0, -1, 2**31, 2**63 - 1, 2**63, 10**39, "0", str(2**63)]
UNKNOWN = {
    "order_item": errors.UNKNOWN_ITEM,
    "reason": errors.UNKNOWN_REASON,
    "pickup_address": errors.UNKNOWN_ADDRESS,
}


@pytest.mark.parametrize("field", UNKNOWN)
def test_id_out_of_range_is_unknown(field: str, shop: Shop) -> None:
    assert_refused_by_all_routes(shop, UNKNOWN[field], *({field: value} for value in IDS))


@pytest.mark.parametrize("field", ["quantity", "shipping_company"])
def test_number_out_of_range_is_refused(field: str, shop: Shop) -> None:
    assert_field_error_by_all_routes(shop, field, RANGE, 0, -1, 2**63, 10**39, "0")


def test_digits_and_value_objects_are_accepted(shop: Shop) -> None:
    fields = {"reason": {"value": str(shop.reason), "label": "x"}, "quantity": "2"}
    kind = {"cancellation_type": {"value": "cancel", "label": "Cancel"}}

    for case in opened_by_all_routes(shop, **fields, **kind):
        assert (case["reason"], case["quantity"]) == (shop.reason, 2)


def test_only_true_and_false_are_booleans(shop: Shop) -> None:
    values: list[Any] = ["yes", "on", 1, 0, 1.0, "TRUE", "True", "1", "", [], {}]
    assert_field_error_by_all_routes(shop, "fully_refund_as_loyalty_money", TRUTH, *values)


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False), (True, True)])
def test_booleans_may_be_strings(value: Any, expected: bool, shop: Shop) -> None:
    for case in opened_by_all_routes(shop, fully_refund_as_loyalty_money=value):
        assert case["fully_refund_as_loyalty_money"] is expected


def test_only_cancel_and_refund_are_kinds(shop: Shop) -> None:
    values: list[Any] = ["CANCEL", "cancel ", "0", 0, ["cancel"], "refund\u200b", ""]
    assert_field_error_by_all_routes(
        shop, "cancellation_type", CHOOSE, *values, {"value": "x"}, {"value": []}
    )


def test_invisible_characters_are_refused(shop: Shop) -> None:
    text_value = ("a\u202eb", "a\u200bb", "a\U000e0041b", "a\x1b[31mb", "a\u00adb", "a\ufeffb",
             "a\x85b", "a\u2029b")  # fmt: skip
    assert_field_error_by_all_routes(shop, "description", HIDDEN, *text_value)


@pytest.mark.parametrize(
    "text_value",
    ["<script>alert(1)</script>", "{{7*7}}", "${jndi:ldap://x}", "%n%s%x", "😀" * 2_000,
     "'; DROP TABLE orders_order; --", '=HYPERLINK("http://x")', "e" + "\u0301" * 1_000,
     'a\n{"event": "request"}', "x" * 2_000],
    ids=lambda text_value: ascii(text_value[:20]),
)  # fmt: skip
def test_description_is_stored_unchanged(text_value: str, shop: Shop) -> None:
    assert {case["description"] for case in opened_by_all_routes(shop, description=text_value)} == {
        text_value
    }


def test_description_over_the_limit_is_refused(shop: Shop) -> None:
    text = "Ensure this field has no more than 2000 characters."
    assert_field_error_by_all_routes(shop, "description", text, "x" * 2_001)


FORBIDDEN: dict[str, Any] = {
    "id": 1, "pk": 1, "return_policy": True, "remote_id": "x", "__proto__": {}, "constructor": 1,
    "status": "approved", "user": 1, "amount": "1.00", "refund_amount": "1.00", "uuid": "x",
    "created_date": "2001-01-01T00:00:00Z", "is_uploaded_by_user": False, "source": "staff",
    "easy_return": {"code": "14223"}, "version": 7, "is_bank_account_confirmed": True,
}  # fmt: skip


def test_unknown_and_internal_fields_are_ignored(shop: Shop) -> None:
    plain = opened_by_all_routes(shop)
    for case, other in zip(opened_by_all_routes(shop, **FORBIDDEN), plain, strict=True):
        generated = {"id", "pk", "uuid", "modified_date"}
        assert {k: v for k, v in case.items() if k not in generated} == {
            k: v for k, v in other.items() if k not in generated
        }
    shop.open_case(ROUTES["customer, one item"], **FORBIDDEN)
    row = CancellationRequest.objects.get()
    assert (row.status, row.remote_id, row.source, row.version) == ("waiting", None, "customer", 1)
    assert (row.easy_return_id, row.is_bank_account_confirmed) == (None, False)


def test_all_invalid_fields_are_reported_at_once(shop: Shop) -> None:
    invalid: dict[str, Any] = {"order_item": ..., "reason": ..., "cancellation_type": ...}
    invalid |= {"quantity": "x", "pickup_date": "x"}
    with nothing_written():
        for name, route, dialect in in_both_dialects():
            response = shop.open_case(route, dialect, **invalid)
            errors = response.json()[ITEMS]["0"] if route.is_bulk else response.json()
            assert response.status_code == 400, name
            assert errors == {
                "order_item": texts(REQUIRED, dialect),
                "reason": texts(REQUIRED, dialect),
                "cancellation_type": texts(REQUIRED, dialect),
                "quantity": texts(INTEGER, dialect),
                "pickup_date": texts(WINDOW, dialect),
            }, name


HOURS = {"start": "09:00", "end": "12:00"}
WINDOWS: list[tuple[Any, str]] = [
    ("2026-03-11", WINDOW),
    ([], WINDOW),
    ({}, WINDOW),
    ({"date": "2026-03-11"}, WINDOW),
    ({"date": "2026-03-11", "hour_range": None}, WINDOW),
    ({"date": "2026-03-11", "hour_range": "09:00"}, WINDOW),
    ({"date": "2026-03-11", "hour_range": []}, WINDOW),
    ({"date": "2026-03-11", "hour_range": {}}, WINDOW),
    ({"date": "2026-03-11", "hour_range": {"start": "09:00"}}, WINDOW),
    ({"date": "2026-03-11", "hour_range": {"end": "12:00"}}, WINDOW),
    *(
        ({"date": day, "hour_range": HOURS}, DAY)
        for day in (None, 20260311, "2026-02-30", "2026-1-1", "20260101", "2026-W01-1", "",
                    "10000-01-01", "\u0662\u0660\u0662\u0666-01-01", "2026-03-11T09", "0000-01-01")
    ),
    *(({"date": day, "hour_range": HOURS}, WINDOW) for day in ("9999-12-31", "1999-12-31")),
    *(
        ({"date": "2026-03-11", "hour_range": {"start": start, "end": "12:00"}}, WINDOW)
        for start in ("24:00", "9:00", "09:60", "09:00:00", "\uff19:00", "\uff10\uff19:00", 9, None)
    ),
    ({"date": "2026-03-11", "hour_range": {"start": "12:00", "end": "09:00"}}, ORDER),
    ({"date": "2026-03-11", "hour_range": {"start": "12:00", "end": "12:00"}}, ORDER),
]  # fmt: skip


@pytest.mark.parametrize("text", [WINDOW, DAY, ORDER])
def test_invalid_pickup_window_is_refused(text: str, shop: Shop) -> None:
    assert_field_error_by_all_routes(
        shop, "pickup_date", text, *(window for window, error in WINDOWS if error == text)
    )


def test_other_methods_are_refused(shop: Shop) -> None:
    with nothing_written():
        for name, route in ROUTES.items():
            path = route.path.format(number=shop.customer_order.number)
            for method in ("PUT", "PATCH", "DELETE"):
                response = shop.customer.generic(method, path, b"{}", headers=shop.token)
                assert_refused(response, 405, "method_not_allowed")
                allowed = (
                    "GET, POST, HEAD, OPTIONS" if name == "customer, one item" else "POST, OPTIONS"
                )
                assert response["Allow"] == allowed, name


def test_guest_fields_are_validated_like_the_look_up(shop: Shop) -> None:
    with nothing_written():
        for route in (ROUTES["guest, one item"], ROUTES["guest, bulk"]):
            for dialect in DIALECTS:
                body = shop.body(route, shop.item_body(route))
                assert_field_errors(shop.send(route, body | {"email": "x"}, dialect), "email")
                assert_field_errors(shop.send(route, body | {"number": 7}, dialect), "number")
                without = {key: value for key, value in body.items() if key != "email"}
                assert_field_errors(shop.send(route, without, dialect), "email")
