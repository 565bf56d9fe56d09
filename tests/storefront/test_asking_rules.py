"""What the rules refuse: every code over every route, exactly, with nothing written (6.4)."""

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
from takeback.orders.order_input import TenderIn
from takeback.orders.statuses import Status
from tests import factories
from tests.factories import NOW
from tests.storefront.api import nothing_written
from tests.storefront.routes import WAYS, Shop, everywhere, let_in_everywhere, refused_everywhere

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
    errors.LOYALTY_CLOSED: "loyalty_100_1",
}
"""What clients compare with, for ever."""


@dataclass(frozen=True)
class Story:
    """A shop in which an ask is refused, or let in when `problem` is None."""

    problem: Problem | None
    kind: str = "cancel"
    item: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    named: dict[str, Callable[[], Any]] = field(default_factory=dict)
    """Fields whose value is only known when it has been made."""


ARRIVED = {"status": Status.DELIVERED, "delivered_date": NOW - timedelta(days=1)}
BACK: dict[str, Any] = {"kind": "refund", "item": ARRIVED}
DAY = timedelta(days=1)
CASH = {"tenders": [TenderIn(kind="pay_on_delivery", amount_minor=1000, captured_minor=1000)]}
CARD = {"tenders": [TenderIn(kind="card", amount_minor=1000, captured_minor=1000)]}


def _reason(**fields: Any) -> dict[str, Callable[[], Any]]:
    return {"reason": lambda: factories.create_reason(**fields).pk}


def _reason_of_another_channel() -> int:
    return factories.create_reason(channel=factories.create_channel(pk=2)).pk


def _carrier(**fields: Any) -> dict[str, Callable[[], Any]]:
    return {"shipping_company": lambda: factories.create_carrier(**fields).pk}


def _carrier_of_another_channel() -> int:
    return factories.create_carrier(channel=factories.create_channel(pk=2)).pk


STORIES = {
    **{
        f"C8 nothing is cancelled in {status.name}": Story(
            errors.CANNOT_CANCEL_NOW, item={"status": status}
        )
        for status in Status
        if status >= Status.SHIPPED or status <= Status.CANCELLED
    },
    **{
        f"C8 nothing is sent back in {status.name}": Story(
            errors.CANNOT_RETURN_NOW, kind="refund", item={"status": status}
        )
        for status in Status
        if status < Status.SHIPPED or status == Status.REFUNDED
    },
    "C8 an invoice ends cancelling": Story(errors.ALREADY_INVOICED, item={"invoice_number": "A1"}),
    "C8 unless the shop lets it": Story(
        None, item={"invoice_number": "A1"}, settings={"CANCEL_BLOCKED_BY_INVOICE": False}
    ),
    "C8 the time for cancelling is over": Story(
        errors.CANCEL_TIME_OVER,
        order={"placed_at": NOW - timedelta(minutes=31)},
        settings={"CANCEL_TIME_LIMIT_MINUTES": 30},
    ),
    "C8 the last minute for cancelling runs": Story(
        None,
        order={"placed_at": NOW - timedelta(minutes=30)},
        settings={"CANCEL_TIME_LIMIT_MINUTES": 30},
    ),
    "C8 the time for returning is over": Story(
        errors.RETURN_TIME_OVER,
        kind="refund",
        item=ARRIVED | {"delivered_date": NOW - 3 * DAY},
        settings={"REFUND_DAY_LIMIT": 2},
    ),
    "C8 the last day for returning runs": Story(
        None,
        kind="refund",
        item=ARRIVED | {"delivered_date": NOW - 2 * DAY},
        settings={"REFUND_DAY_LIMIT": 2},
    ),
    "C10 a reason of the other type": Story(
        errors.REASON_DOES_NOT_FIT,
        settings={"STRICT_REASON_TYPE": True},
        named=_reason(kind="refund"),
    ),
    "C10 a shop that does not mind": Story(None, named=_reason(kind="refund")),
    "C10 a strict shop, a reason that fits": Story(None, settings={"STRICT_REASON_TYPE": True}),
    "C10 an inactive reason": Story(errors.UNKNOWN_REASON, named=_reason(is_active=False)),
    "C10 another channel's reason": Story(
        errors.UNKNOWN_REASON, named={"reason": _reason_of_another_channel}
    ),
    "C10 no such reason": Story(errors.UNKNOWN_REASON, fields={"reason": 10**9}),
    **{
        f"C11 words are missing: {words!a}": Story(
            errors.DESCRIPTION_REQUIRED,
            fields={"description": words},
            named=_reason(extra_information_needed=True),
        )
        for words in (..., None, "", "   ", "\u200b", "\u200b \ufeff", "\n\t", "\u2800 \u3164")
    },
    "C11 a few words": Story(
        None, fields={"description": "no"}, named=_reason(extra_information_needed=True)
    ),
    "C13 more than was bought": Story(
        errors.QUANTITY_TOO_LARGE, item={"quantity": 3}, fields={"quantity": 4}
    ),
    "C13 far more than was bought": Story(
        errors.QUANTITY_TOO_LARGE, item={"quantity": 3}, fields={"quantity": 10**9}
    ),
    "C14 two of a single piece": Story(errors.SINGLE_UNIT, fields={"quantity": 2}),
    "C14 one of a single piece": Story(None, fields={"quantity": 1}),
    "C14 a merged line of one": Story(
        errors.QUANTITY_TOO_LARGE, item={"attributes": {"quantity": 1}}, fields={"quantity": 2}
    ),
    "C17 an inactive carrier": Story(
        errors.CARRIER_NOT_OFFERED, **BACK, named=_carrier(is_active=False)
    ),
    "C17 a carrier that shoppers may not choose": Story(
        errors.CARRIER_NOT_OFFERED, **BACK, named=_carrier(is_user_selectable=False)
    ),
    "C17 another channel's carrier": Story(
        errors.CARRIER_NOT_OFFERED,
        **BACK,
        named={"shipping_company": _carrier_of_another_channel},
    ),
    "C17 no such carrier": Story(
        errors.CARRIER_NOT_OFFERED, **BACK, fields={"shipping_company": 10**9}
    ),
    "C17 a carrier for what never left": Story(None, fields={"shipping_company": 10**9}),
    "C18 a carrier that comes needs an address": Story(
        errors.PICKUP_ADDRESS_REQUIRED, **BACK, named=_carrier(needs_pickup=True)
    ),
    "C18 one that does not come needs none": Story(None, **BACK, named=_carrier()),
    "C18 no carrier at all": Story(None, **BACK),
    "C19 an address that is not there": Story(
        errors.UNKNOWN_ADDRESS, **BACK, fields={"pickup_address": 10**9}
    ),
    "C27 a cash order without an account": Story(
        errors.BANK_ACCOUNT_REQUIRED, order=CASH | {"payment_type": "pay_on_delivery"}
    ),
    "C27 unless the shop does not ask": Story(
        None, order=CASH, settings={"BANK_ACCOUNT_REQUIRED": False}
    ),
    "C27 unless points are wanted": Story(
        None, order=CASH, fields={"fully_refund_as_loyalty_money": True}
    ),
    "C27 a card order": Story(None, order=CARD),
    "C31 points where there are none": Story(
        errors.LOYALTY_CLOSED,
        settings={"LOYALTY_MONEY_ENABLED": False},
        fields={"fully_refund_as_loyalty_money": True},
    ),
    "C31 points for whoever asks": Story(None, fields={"fully_refund_as_loyalty_money": True}),
    "C31 no points wanted where there are none": Story(
        None,
        settings={"LOYALTY_MONEY_ENABLED": False},
        fields={"fully_refund_as_loyalty_money": False},
    ),
    "C37 an item that costs nothing": Story(None, item={"goods_minor": 0}),
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_a_rule_is_told_or_kept_by_every_route(story: Story, settings: Any) -> None:
    for name, value in story.settings.items():
        setattr(settings, name, value)
    shop = Shop(kind=story.kind, items=[factories.item_input(**story.item)], **story.order)
    fields = story.fields | {name: made() for name, made in story.named.items()}
    if story.problem is None:
        assert len(let_in_everywhere(shop, **fields)) == len(WAYS)
    else:
        refused_everywhere(shop, story.problem, fields)


def test_the_stories_tell_every_code_but_those_of_other_files() -> None:
    told = {story.problem for story in STORIES.values() if story.problem}

    assert {problem: problem.code for problem in CODES} == CODES
    assert set(CODES) - told == {errors.ALREADY_REQUESTED}
    assert len({str(problem.message) for problem in CODES}) == len(CODES)


def test_the_two_sentences_of_the_contract() -> None:
    assert str(errors.PICKUP_ADDRESS_REQUIRED.message) == "Pickup address is required."
    assert str(errors.QUANTITY_TOO_LARGE.message) == (
        "Quantity can not be greater than order item quantity."
    )


def test_points_for_guests_are_a_setting(settings: Any) -> None:
    # C31
    settings.LOYALTY_FOR_GUESTS = False
    shop = Shop()
    with nothing_written():
        for name, way, dialect in everywhere({n: w for n, w in WAYS.items() if w.is_guest}):
            answer = shop.ask(way, dialect, fully_refund_as_loyalty_money=True)
            told = answer.status_code, answer.json()
            assert told == way.refusal(dialect, errors.LOYALTY_CLOSED), name

    assert shop.ask(WAYS["customer one"], fully_refund_as_loyalty_money=True).status_code == 200


LANGUAGES = ("tr", "en", "de", "ar")


@pytest.mark.parametrize("problem", CODES, ids=lambda problem: str(problem.message)[:40])
def test_a_refusal_has_four_languages_and_one_code(problem: Problem, settings: Any) -> None:
    # C43
    story = next((s for s in STORIES.values() if s.problem is problem), Story(problem))
    for name, value in story.settings.items():
        setattr(settings, name, value)
    shop = Shop(kind=story.kind, items=[factories.item_input(**story.item)], **story.order)
    fields = story.fields | {name: made() for name, made in story.named.items()}
    if problem is errors.ALREADY_REQUESTED:
        factories.create_case(item=shop.item(WAYS["customer one"]))
    way = WAYS["customer one"]
    body = shop.body(way, shop.told(way, **fields))
    for language in LANGUAGES:
        with nothing_written():
            answer = shop.send(way, body, headers={"Accept-Language": language})
        with translation.override(language):
            text = str(problem.message)
        assert answer.json() == {"non_field_errors": text, "error_code": CODES[problem]}
        assert answer["Content-Language"] == language


@pytest.mark.parametrize("attributes", [["quantity"], "quantity", 5, None], ids=repr)
def test_attributes_that_are_no_object_say_nothing_of_units(attributes: Any) -> None:
    shop = Shop()
    OrderItem.objects.update(attributes=Value(attributes, JSONField()))
    refused_everywhere(shop, errors.SINGLE_UNIT, {"quantity": 2})
