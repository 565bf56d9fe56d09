"""Bodies that no asking route can read, and fields of another kind than they ask for (6.2)."""

from itertools import product
from typing import Any

import pytest

from takeback.cancellations import errors
from takeback.cancellations.models import CancellationRequest
from tests import factories
from tests.storefront.api import field_refused, nothing_written, refused
from tests.storefront.routes import (
    BULKS,
    DIALECTS,
    ITEMS,
    WAYS,
    Shop,
    Way,
    everywhere,
    let_in_everywhere,
    refused_everywhere,
    texts,
    wrong_everywhere,
)
from tests.storefront.test_bad_json import BODIES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

NULL, REQUIRED = "This field may not be null.", "This field is required."
WHOLE, RANGE = "A whole number is required.", "This number is out of range."
CHOOSE, TRUTH = "Choose cancel or refund.", "Must be true or false."
TEXT, HIDDEN = "Not a valid string.", "Control and invisible characters are not allowed."
WINDOW = "Send a date and an hour_range with start and end, as HH:MM."
DAY, ORDER = "Use the form YYYY-MM-DD.", "The hours must end after they start."


@pytest.fixture
def shop(settings: Any) -> Shop:
    """Both visitors have a line of three units; calls are not counted, and hold no pictures."""
    settings.LIMITS_ENABLED = False
    settings.MAX_PICTURE_BODY_BYTES = settings.MAX_BODY_BYTES
    return Shop(items=[factories.item_input(quantity=3)])


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_body_that_cannot_be_read_is_refused_and_leaves_nothing(way: Way, shop: Shop) -> None:
    with nothing_written():
        for body, (status, code) in BODIES.values():
            refused(shop.send(way, body), status, code)


LARGE = {
    "J9": b"[" * 27_000_000,
    "J13 brackets": b"]" * 27_000_000,
    "J13 lists": b"[]" * 13_500_000,
    "J13 strings": b'"' * 27_000_000,
    "B-3": b'{"cancel_order_items":[' + b"0," * 13_500_000 + b"0]}",
}
"""As large as pictures may be. Looked through to the end, each held a worker for half a minute;
`benchmarks.bodies` takes the time."""


@pytest.mark.parametrize("name", LARGE)
def test_a_large_body_is_refused_where_it_becomes_too_much(name: str) -> None:
    shop = Shop()
    with nothing_written():
        refused(shop.send(WAYS["guest many"], LARGE[name]), 400, "malformed_json")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=x", "application/xml",
                     "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)  # fmt: skip
def test_only_json_asks(content_type: str, shop: Shop) -> None:
    # T29 to T31
    with nothing_written():
        for way in WAYS.values():
            client = shop.guest if way.is_guest else shop.customer
            path = way.path.format(number=shop.of_customer.number)
            headers = {} if way.is_guest else shop.token
            answer = client.generic("POST", path, b"number=1", content_type, headers=headers)
            refused(answer, 415, "unsupported_media_type")


KINDS: dict[str, Any] = {
    "null": None, "a boolean": True, "a number": 7, "a fraction": 7.5, "text": "text",
    "a list": ["a"], "an object": {"$ne": None},
}  # fmt: skip
TAKEN: dict[str, dict[str, str | None]] = {
    "order_item": {"a number": None, "null": NULL, "": WHOLE},
    "reason": {"a number": None, "null": NULL, "": WHOLE},
    "cancellation_type": {"null": NULL, "": CHOOSE},
    "quantity": {"a number": None, "null": None, "": WHOLE},
    "description": {"text": None, "null": None, "": TEXT},
    "shipping_company": {"a number": None, "null": None, "": WHOLE},
    "pickup_address": {"a number": None, "null": None, "": WHOLE},
    "pickup_date": {"null": None, "": WINDOW},
    "fully_refund_as_loyalty_money": {"a boolean": None, "null": None, "": TRUTH},
}
"""What each field says to a kind; None: it takes it."""


@pytest.mark.parametrize("field", TAKEN)
def test_a_field_of_another_kind_is_refused(field: str, shop: Shop) -> None:
    # J19
    told = {kind: TAKEN[field].get(kind, TAKEN[field][""]) for kind in KINDS}
    for text in {text for text in told.values() if text}:
        wrong_everywhere(shop, field, text, *(KINDS[kind] for kind in KINDS if told[kind] == text))


@pytest.mark.parametrize("field", ["quantity", "description", "shipping_company", "pickup_address",
                                   "pickup_date", "fully_refund_as_loyalty_money"])  # fmt: skip
def test_what_may_be_left_out_may_be_null(field: str, shop: Shop) -> None:
    # J19, C15
    for case in let_in_everywhere(shop, **{field: None}):
        assert (case["quantity"], case["description"], case["easy_return"]) == (3, None, None)
        assert case["fully_refund_as_loyalty_money"] is False


@pytest.mark.parametrize("field", ["pickup_address", "fully_refund_as_loyalty_money"])
def test_what_is_told_once_for_all_is_as_strict(field: str, shop: Shop) -> None:
    with nothing_written():
        for kind, (name, way, dialect) in product(KINDS, everywhere(BULKS)):
            text = TAKEN[field].get(kind, TAKEN[field][""])
            if text is None:
                continue
            body = shop.body(way, shop.told(way), **{field: KINDS[kind]})
            answer = shop.send(way, body, dialect)
            assert answer.status_code == 400, name
            assert answer.json() == {field: texts(text, dialect)}, name


NO_NUMBERS = ["\uff11\uff12", "\u0967\u0968", "1_0", " 12 ", "+12", "12.0", 12.0, "0x10", "1e3",
              True, "", "-1", {"value": None}, {"value": {"value": 1}}, {"label": "1"}]  # fmt: skip
NUMBERS = ["order_item", "reason", "quantity", "shipping_company", "pickup_address"]


@pytest.mark.parametrize("field", NUMBERS)
def test_what_only_looks_like_a_number_is_none(field: str, shop: Shop) -> None:
    # J21
    wrong_everywhere(shop, field, WHOLE, *NO_NUMBERS)


IDS = [0, -1, 2**31, 2**63 - 1, 2**63, 10**39, "0", str(2**63)]
UNKNOWN = {
    "order_item": errors.UNKNOWN_ITEM,
    "reason": errors.UNKNOWN_REASON,
    "pickup_address": errors.UNKNOWN_ADDRESS,
}


@pytest.mark.parametrize("field", UNKNOWN)
def test_an_id_beyond_all_is_as_unknown_as_any_other(field: str, shop: Shop) -> None:
    # J22
    refused_everywhere(shop, UNKNOWN[field], *({field: value} for value in IDS))


@pytest.mark.parametrize("field", ["quantity", "shipping_company"])
def test_a_number_out_of_range_is_refused(field: str, shop: Shop) -> None:
    # J22, C13, C17
    wrong_everywhere(shop, field, RANGE, 0, -1, 2**63, 10**39, "0")


def test_digits_and_objects_with_a_value_are_numbers_and_kinds(shop: Shop) -> None:
    # J20
    fields = {"reason": {"value": str(shop.reason), "label": "x"}, "quantity": "2"}
    kind = {"cancellation_type": {"value": "cancel", "label": "Cancel"}}

    for case in let_in_everywhere(shop, **fields, **kind):
        assert (case["reason"], case["quantity"]) == (shop.reason, 2)


def test_only_true_and_false_are_truths(shop: Shop) -> None:
    # J23
    values: list[Any] = ["yes", "on", 1, 0, 1.0, "TRUE", "True", "1", "", [], {}]
    wrong_everywhere(shop, "fully_refund_as_loyalty_money", TRUTH, *values)


@pytest.mark.parametrize(("value", "meant"), [("true", True), ("false", False), (True, True)])
def test_true_and_false_may_be_words(value: Any, meant: bool, shop: Shop) -> None:
    # J23
    for case in let_in_everywhere(shop, fully_refund_as_loyalty_money=value):
        assert case["fully_refund_as_loyalty_money"] is meant


def test_only_cancel_and_refund_are_kinds(shop: Shop) -> None:
    # C9
    values: list[Any] = ["CANCEL", "cancel ", "0", 0, ["cancel"], "refund\u200b", ""]
    wrong_everywhere(shop, "cancellation_type", CHOOSE, *values, {"value": "x"}, {"value": []})


def test_words_that_hide_something_are_refused(shop: Shop) -> None:
    # J24, J26
    words = ("a\u202eb", "a\u200bb", "a\U000e0041b", "a\x1b[31mb", "a\u00adb", "a\ufeffb",
             "a\x85b", "a\u2029b")  # fmt: skip
    wrong_everywhere(shop, "description", HIDDEN, *words)


@pytest.mark.parametrize(
    "words",
    ["<script>alert(1)</script>", "{{7*7}}", "${jndi:ldap://x}", "%n%s%x", "😀" * 2_000,
     "'; DROP TABLE orders_order; --", '=HYPERLINK("http://x")', "e" + "\u0301" * 1_000,
     'a\n{"event": "request"}', "x" * 2_000],
    ids=lambda words: ascii(words[:20]),
)  # fmt: skip
def test_words_are_kept_and_shown_letter_by_letter(words: str, shop: Shop) -> None:
    # J24 to J26, C12
    assert {case["description"] for case in let_in_everywhere(shop, description=words)} == {words}


def test_words_over_the_limit_are_refused(shop: Shop) -> None:
    # C12
    text = "Ensure this field has no more than 2000 characters."
    wrong_everywhere(shop, "description", text, "x" * 2_001)


FORBIDDEN: dict[str, Any] = {
    "id": 1, "pk": 1, "return_policy": True, "remote_id": "x", "__proto__": {}, "constructor": 1,
    "status": "approved", "user": 1, "amount": "1.00", "refund_amount": "1.00", "uuid": "x",
    "created_date": "2001-01-01T00:00:00Z", "is_uploaded_by_user": False, "source": "staff",
    "easy_return": {"code": "14223"}, "version": 7, "is_bank_account_confirmed": True,
}  # fmt: skip


def test_what_is_not_for_shoppers_to_say_is_ignored(shop: Shop) -> None:
    # J17, J18, C32
    plain = let_in_everywhere(shop)
    for case, other in zip(let_in_everywhere(shop, **FORBIDDEN), plain, strict=True):
        ours = {"id", "pk", "uuid"}
        assert {k: v for k, v in case.items() if k not in ours} == {
            k: v for k, v in other.items() if k not in ours
        }
    shop.ask(WAYS["customer one"], **FORBIDDEN)
    row = CancellationRequest.objects.get()
    assert (row.status, row.remote_id, row.source, row.version) == ("waiting", None, "customer", 1)
    assert (row.easy_return_id, row.is_bank_account_confirmed) == (None, False)


def test_all_fields_at_fault_are_named_at_once(shop: Shop) -> None:
    # C1
    wrong: dict[str, Any] = {"order_item": ..., "reason": ..., "cancellation_type": ...}
    wrong |= {"quantity": "x", "pickup_date": "x"}
    with nothing_written():
        for name, way, dialect in everywhere():
            answer = shop.ask(way, dialect, **wrong)
            told = answer.json()[ITEMS]["0"] if way.is_bulk else answer.json()
            assert answer.status_code == 400, name
            assert told == {
                "order_item": texts(REQUIRED, dialect),
                "reason": texts(REQUIRED, dialect),
                "cancellation_type": texts(REQUIRED, dialect),
                "quantity": texts(WHOLE, dialect),
                "pickup_date": texts(WINDOW, dialect),
            }, name


HOURS = {"start": "09:00", "end": "12:00"}
SLOTS: list[tuple[Any, str]] = [
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
def test_a_pickup_that_is_no_day_or_no_hours_is_refused(text: str, shop: Shop) -> None:
    # C20, C21, C23
    wrong_everywhere(shop, "pickup_date", text, *(slot for slot, told in SLOTS if told == text))


def test_asking_takes_only_post(shop: Shop) -> None:
    # T19
    with nothing_written():
        for name, way in WAYS.items():
            path = way.path.format(number=shop.of_customer.number)
            for method in ("PUT", "PATCH", "DELETE"):
                answer = shop.customer.generic(method, path, b"{}", headers=shop.token)
                refused(answer, 405, "method_not_allowed")
                allowed = "GET, POST, HEAD, OPTIONS" if name == "customer one" else "POST, OPTIONS"
                assert answer["Allow"] == allowed, name


def test_a_guest_s_own_fields_are_as_strict_as_in_the_look_up(shop: Shop) -> None:
    # L9, L10, L19
    with nothing_written():
        for way in (WAYS["guest one"], WAYS["guest many"]):
            for dialect in DIALECTS:
                body = shop.body(way, shop.told(way))
                field_refused(shop.send(way, body | {"email": "x"}, dialect), "email")
                field_refused(shop.send(way, body | {"number": 7}, dialect), "number")
                without = {key: value for key, value in body.items() if key != "email"}
                field_refused(shop.send(way, without, dialect), "email")
