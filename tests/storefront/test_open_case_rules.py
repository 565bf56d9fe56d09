"""The rules of new cases on all routes: codes, texts and languages of refusals."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import JSONField, Value
from django.utils import translation

from takeback.cancellations import errors
from takeback.core.errors import Problem
from takeback.orders.models import OrderItem
from takeback.orders.order_input import PaymentIn
from takeback.orders.statuses import Status
from tests import factories
from tests.factories import NOW
from tests.storefront.api import nothing_written
from tests.storefront.routes import (
    ROUTES,
    Shop,
    assert_refused_by_all_routes,
    in_both_dialects,
    opened_by_all_routes,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

CODES: dict[Problem, str] = {
    errors.ALREADY_REQUESTED: "cancellation_request_100_1",
    errors.CANNOT_CANCEL_NOW: "cancellation_request_100_2",
    errors.ALREADY_INVOICED: "cancellation_request_100_2",
    errors.CANCEL_TIME_OVER: "cancellation_request_100_2",
    errors.CANNOT_RETURN_NOW: "cancellation_request_100_3",
    errors.RETURN_TIME_OVER: "cancellation_request_100_3",
    errors.REASON_DOES_NOT_FIT: "cancellation_request_100_4",
    errors.DESCRIPTION_REQUIRED: "cancellation_request_100_5",
    errors.CARRIER_NOT_OFFERED: "cancellation_request_100_6",
    errors.PICKUP_ADDRESS_REQUIRED: "cancellation_request_100_8",
    errors.SINGLE_UNIT: "cancellation_request_100_9",
    errors.LOYALTY_REFUND_NOT_OFFERED: "loyalty_100_1",
}
"""Clients compare these codes: they never change."""


@dataclass(frozen=True)
class RuleCase:
    """A shop and a request that is refused, or accepted if `problem` is None."""

    problem: Problem | None
    kind: str = "cancel"
    item: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    created_fields: dict[str, Callable[[], Any]] = field(default_factory=dict)
    """Fields with the ids of objects that the test creates."""


ARRIVED = {"status": Status.DELIVERED, "delivered_date": NOW - timedelta(days=1)}
WINDOW = {"date": "2026-03-12", "hour_range": {"start": "09:00", "end": "12:00"}}
RETURN: dict[str, Any] = {"kind": "refund", "item": ARRIVED}
SHOES = {"product": {"sku": "SKU-1", "name": "A shoe", "category": {"pk": 7, "name": "Shoes"}}}
DAY = timedelta(days=1)
CASH = {"payments": [PaymentIn(kind="pay_on_delivery", amount_minor=1000, captured_minor=1000)]}
CARD = {"payments": [PaymentIn(kind="card", amount_minor=1000, captured_minor=1000)]}


def _reason(**fields: Any) -> dict[str, Callable[[], Any]]:
    return {"reason": lambda: factories.create_reason(**fields).pk}


def _reason_of_another_channel() -> int:
    return factories.create_reason(channel=factories.create_channel(pk=2)).pk


def _carrier(**fields: Any) -> dict[str, Callable[[], Any]]:
    return {"shipping_company": lambda: factories.create_carrier(**fields).pk}


def _carrier_of_another_channel() -> int:
    return factories.create_carrier(channel=factories.create_channel(pk=2)).pk


RULE_CASES = {
    **{
        f"cancellation in status {status.name}": RuleCase(
            errors.CANNOT_CANCEL_NOW, item={"status": status}
        )
        for status in Status
        if status >= Status.SHIPPED or status <= Status.CANCELLED
    },
    **{
        f"return in status {status.name}": RuleCase(
            errors.CANNOT_RETURN_NOW, kind="refund", item={"status": status}
        )
        for status in Status
        if status < Status.SHIPPED or status == Status.REFUNDED
    },
    "invoiced item": RuleCase(errors.ALREADY_INVOICED, item={"invoice_number": "A1"}),
    "invoiced item, allowed by setting": RuleCase(
        None, item={"invoice_number": "A1"}, settings={"CANCEL_BLOCKED_BY_INVOICE": False}
    ),
    "cancellation after the time limit": RuleCase(
        errors.CANCEL_TIME_OVER,
        order={"placed_at": NOW - timedelta(minutes=31)},
        settings={"CANCEL_TIME_LIMIT_MINUTES": 30},
    ),
    "cancellation in the last minute": RuleCase(
        None,
        order={"placed_at": NOW - timedelta(minutes=30)},
        settings={"CANCEL_TIME_LIMIT_MINUTES": 30},
    ),
    "return after the day limit": RuleCase(
        errors.RETURN_TIME_OVER,
        kind="refund",
        item=ARRIVED | {"delivered_date": NOW - 3 * DAY},
        settings={"REFUND_DAY_LIMIT": 2},
    ),
    "return on the last day": RuleCase(
        None,
        kind="refund",
        item=ARRIVED | {"delivered_date": NOW - 2 * DAY},
        settings={"REFUND_DAY_LIMIT": 2},
    ),
    "reason of the other type": RuleCase(
        errors.REASON_DOES_NOT_FIT,
        settings={"STRICT_REASON_TYPE": True},
        created_fields=_reason(kind="refund"),
    ),
    "reason of the other type, allowed by setting": RuleCase(
        None, created_fields=_reason(kind="refund")
    ),
    "matching reason, strict setting": RuleCase(None, settings={"STRICT_REASON_TYPE": True}),
    "inactive reason": RuleCase(errors.UNKNOWN_REASON, created_fields=_reason(is_active=False)),
    "reason of another channel": RuleCase(
        errors.UNKNOWN_REASON, created_fields={"reason": _reason_of_another_channel}
    ),
    "unknown reason": RuleCase(errors.UNKNOWN_REASON, fields={"reason": 10**9}),
    **{
        f"missing description: {text!a}": RuleCase(
            errors.DESCRIPTION_REQUIRED,
            fields={"description": text},
            created_fields=_reason(extra_information_needed=True),
        )
        for text in (..., None, "", "   ", "\u200b", "\u200b \ufeff", "\n\t", "\u2800 \u3164")
    },
    "description": RuleCase(
        None, fields={"description": "no"}, created_fields=_reason(extra_information_needed=True)
    ),
    "more units than ordered": RuleCase(
        errors.with_units_left(errors.QUANTITY_TOO_LARGE, 3),
        item={"quantity": 3},
        fields={"quantity": 4},
    ),
    "far more units than ordered": RuleCase(
        errors.with_units_left(errors.QUANTITY_TOO_LARGE, 3),
        item={"quantity": 3},
        fields={"quantity": 10**9},
    ),
    "two units of a single piece": RuleCase(errors.SINGLE_UNIT, fields={"quantity": 2}),
    "one unit of a single piece": RuleCase(None, fields={"quantity": 1}),
    "merged item of one unit": RuleCase(
        errors.with_units_left(errors.QUANTITY_TOO_LARGE, 1),
        item={"attributes": {"quantity": 1}},
        fields={"quantity": 2},
    ),
    "inactive carrier": RuleCase(
        errors.CARRIER_NOT_OFFERED, **RETURN, created_fields=_carrier(is_active=False)
    ),
    "carrier that shoppers cannot choose": RuleCase(
        errors.CARRIER_NOT_OFFERED, **RETURN, created_fields=_carrier(is_user_selectable=False)
    ),
    "carrier of another channel": RuleCase(
        errors.CARRIER_NOT_OFFERED,
        **RETURN,
        created_fields={"shipping_company": _carrier_of_another_channel},
    ),
    "unknown carrier": RuleCase(
        errors.CARRIER_NOT_OFFERED, **RETURN, fields={"shipping_company": 10**9}
    ),
    "carrier of a cancellation": RuleCase(None, fields={"shipping_company": 10**9}),
    "pickup without an address": RuleCase(
        errors.PICKUP_ADDRESS_REQUIRED, **RETURN, created_fields=_carrier(needs_pickup=True)
    ),
    "carrier without pickup": RuleCase(None, **RETURN, created_fields=_carrier()),
    "carrier for another country": RuleCase(
        errors.CARRIER_NOT_OFFERED, **RETURN, created_fields=_carrier(countries=["DE", "AT"])
    ),
    "carrier for the country": RuleCase(
        None, **RETURN, created_fields=_carrier(countries=["DE", "TR"])
    ),
    "carrier for another category": RuleCase(
        errors.CARRIER_NOT_OFFERED,
        **RETURN | {"item": ARRIVED | SHOES},
        created_fields=_carrier(categories=["hats"]),
    ),
    "carrier for the category": RuleCase(
        None,
        **RETURN | {"item": ARRIVED | SHOES},
        created_fields=_carrier(categories=["hats", "shoes"]),
    ),
    "carrier with categories for a product without one": RuleCase(
        errors.CARRIER_NOT_OFFERED, **RETURN, created_fields=_carrier(categories=["shoes"])
    ),
    "return without a carrier": RuleCase(None, **RETURN),
    "pickup time without a carrier": RuleCase(
        errors.PICKUP_NEEDS_CARRIER, **RETURN, fields={"pickup_date": WINDOW}
    ),
    "pickup time of a cancellation": RuleCase(None, fields={"pickup_date": WINDOW}),
    "unknown address": RuleCase(errors.UNKNOWN_ADDRESS, **RETURN, fields={"pickup_address": 10**9}),
    "cash order without a bank account": RuleCase(
        errors.BANK_ACCOUNT_REQUIRED, order=CASH | {"payment_type": "pay_on_delivery"}
    ),
    "cash order, no bank account required by setting": RuleCase(
        None, order=CASH, settings={"BANK_ACCOUNT_REQUIRED": False}
    ),
    "cash order with a loyalty refund": RuleCase(
        None, order=CASH, fields={"fully_refund_as_loyalty_money": True}
    ),
    "card order": RuleCase(None, order=CARD),
    "loyalty refund, disabled by setting": RuleCase(
        errors.LOYALTY_REFUND_NOT_OFFERED,
        settings={"LOYALTY_MONEY_ENABLED": False},
        fields={"fully_refund_as_loyalty_money": True},
    ),
    "loyalty refund": RuleCase(None, fields={"fully_refund_as_loyalty_money": True}),
    "no loyalty refund, disabled by setting": RuleCase(
        None,
        settings={"LOYALTY_MONEY_ENABLED": False},
        fields={"fully_refund_as_loyalty_money": False},
    ),
    "item with price zero": RuleCase(None, item={"goods_minor": 0}),
}


@pytest.mark.parametrize("rule_case", RULE_CASES.values(), ids=RULE_CASES)
def test_all_routes_apply_the_rule(rule_case: RuleCase, settings: Any) -> None:
    for name, value in rule_case.settings.items():
        setattr(settings, name, value)
    is_waiting = rule_case.item.get("status") == Status.CANCELLATION_WAITING
    # No order arrives in this status.
    item = rule_case.item | ({"status": Status.APPROVED} if is_waiting else {})
    shop = Shop(kind=rule_case.kind, items=[factories.item_input(**item)], **rule_case.order)
    if is_waiting:
        OrderItem.objects.update(status=Status.CANCELLATION_WAITING)
    fields = rule_case.fields | {
        name: create() for name, create in rule_case.created_fields.items()
    }
    if rule_case.problem is None:
        assert len(opened_by_all_routes(shop, **fields)) == len(ROUTES)
    else:
        assert_refused_by_all_routes(shop, rule_case.problem, fields)


def test_rule_cases_cover_all_codes() -> None:
    texts = [str(case.problem.message) for case in RULE_CASES.values() if case.problem]
    # A limit may follow the sentence.
    covered = {
        problem for problem in CODES if any(text.startswith(str(problem.message)) for text in texts)
    }

    assert {problem: problem.code for problem in CODES} == CODES
    assert set(CODES) - covered == {errors.ALREADY_REQUESTED}
    assert len({str(problem.message) for problem in CODES}) == len(CODES)


def test_two_texts_are_those_of_the_contract() -> None:
    assert str(errors.PICKUP_ADDRESS_REQUIRED.message) == "Pickup address is required."
    assert str(errors.QUANTITY_TOO_LARGE.message) == (
        "Quantity can not be greater than order item quantity."
    )


def test_setting_refuses_loyalty_refunds_of_guests(settings: Any) -> None:
    settings.LOYALTY_FOR_GUESTS = False
    shop = Shop()
    with nothing_written():
        for name, route, dialect in in_both_dialects(
            {n: w for n, w in ROUTES.items() if w.is_guest}
        ):
            response = shop.open_case(route, dialect, fully_refund_as_loyalty_money=True)
            actual = response.status_code, response.json()
            assert actual == route.refusal(dialect, errors.LOYALTY_REFUND_NOT_OFFERED), name

    assert (
        shop.open_case(ROUTES["customer, one item"], fully_refund_as_loyalty_money=True).status_code
        == 200
    )


LANGUAGES = ("tr", "en", "de", "ar")


@pytest.mark.parametrize("problem", CODES, ids=lambda problem: str(problem.message)[:40])
def test_refusal_has_four_languages_and_one_code(problem: Problem, settings: Any) -> None:
    rule_case = next((s for s in RULE_CASES.values() if s.problem is problem), RuleCase(problem))
    for name, value in rule_case.settings.items():
        setattr(settings, name, value)
    is_waiting = rule_case.item.get("status") == Status.CANCELLATION_WAITING
    # No order arrives in this status.
    item = rule_case.item | ({"status": Status.APPROVED} if is_waiting else {})
    shop = Shop(kind=rule_case.kind, items=[factories.item_input(**item)], **rule_case.order)
    if is_waiting:
        OrderItem.objects.update(status=Status.CANCELLATION_WAITING)
    fields = rule_case.fields | {
        name: create() for name, create in rule_case.created_fields.items()
    }
    if problem is errors.ALREADY_REQUESTED:
        factories.create_case(item=shop.item(ROUTES["customer, one item"]))
    route = ROUTES["customer, one item"]
    body = shop.body(route, shop.item_body(route, **fields))
    for language in LANGUAGES:
        with nothing_written():
            response = shop.send(route, body, headers={"Accept-Language": language})
        with translation.override(language):
            text = str(problem.message)
        assert response.json() == {"non_field_errors": text, "error_code": CODES[problem]}
        assert response["Content-Language"] == language


@pytest.mark.parametrize("attributes", [["quantity"], "quantity", 5, None], ids=repr)
def test_attributes_that_are_no_object_mean_a_single_unit(attributes: Any) -> None:
    shop = Shop()
    OrderItem.objects.update(attributes=Value(attributes, JSONField()))
    assert_refused_by_all_routes(shop, errors.SINGLE_UNIT, {"quantity": 2})
