"""Overrides: staff may override the rules that allow it, and the history names them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import zeal
from django.conf import LazySettings

from takeback.cancellations import errors
from takeback.cancellations.commands.open import Override, open_cases
from takeback.cancellations.inputs import NewCase, PickupWindow
from takeback.cancellations.models import CaseHistory
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Problem
from takeback.core.ids import ItemId
from takeback.orders.order_input import PaymentIn
from tests import factories
from tests.cancellations.factories import (
    LATER,
    SCOPE,
    STAFF,
    delivered_item,
    new_case,
    open_case,
    order_items,
)
from tests.refusals import refused

pytestmark = pytest.mark.django_db

UNKNOWN_ID = 0x7FFF
OVERRIDE = Override("agreed by phone")
MakeCase = Callable[[LazySettings], NewCase]


def after_cancel_time(settings: LazySettings) -> NewCase:
    """A cancellation after the time limit of the shop."""
    settings.CANCEL_TIME_LIMIT_MINUTES = 30
    return new_case(*order_items())


def invoiced(settings: LazySettings) -> NewCase:
    """A cancellation of an invoiced item."""
    return new_case(*order_items({"invoice_number": "I"}))


def after_return_window(settings: LazySettings) -> NewCase:
    """A return after the return window."""
    long_ago = factories.NOW - timedelta(days=16)
    return new_case(delivered_item(delivered_date=long_ago), kind=Kind.RETURN)


def with_reason_for_cancellations(settings: LazySettings) -> NewCase:
    """A return with a reason for cancellations in a strict shop."""
    settings.STRICT_REASON_TYPE = True
    reason = factories.create_reason(kind="cancel").pk
    return new_case(delivered_item(), kind=Kind.RETURN, reason=reason)


def without_description(settings: LazySettings) -> NewCase:
    """A cancellation without the description that its reason needs."""
    return new_case(
        *order_items(), reason=factories.create_reason(extra_information_needed=True).pk
    )


OVERRIDABLE = {
    after_cancel_time: errors.CANCEL_TIME_OVER,
    invoiced: errors.ALREADY_INVOICED,
    after_return_window: errors.RETURN_TIME_OVER,
    with_reason_for_cancellations: errors.REASON_DOES_NOT_FIT,
    without_description: errors.DESCRIPTION_REQUIRED,
}
OTHER_KINDS = [kind for kind in ActorKind if kind not in {ActorKind.STAFF, ActorKind.SYSTEM}]


@pytest.mark.parametrize(("make_case", "problem"), OVERRIDABLE.items())
def test_only_staff_may_override_and_the_history_names_the_rule(
    make_case: MakeCase, problem: Problem, settings: LazySettings
) -> None:
    new = make_case(settings)
    for override in (None, Override("not now", is_active=False)):
        with zeal.zeal_ignore(), refused(problem):
            open_cases([new], SCOPE, actor=STAFF, now=LATER, override=override)
    for kind in OTHER_KINDS:
        with zeal.zeal_ignore(), refused(problem):
            open_cases([new], SCOPE, actor=Actor(kind, 3), now=LATER, override=OVERRIDE)

    open_cases([new], SCOPE, actor=STAFF, now=LATER, override=OVERRIDE)

    row = CaseHistory.objects.get()
    assert (row.overridden, row.internal_note) == ([problem.code], "agreed by phone")


@pytest.mark.parametrize("is_active", [True, False])
def test_history_names_no_rule_if_none_was_overridden(*, is_active: bool) -> None:
    new = new_case(*order_items())

    open_cases([new], SCOPE, actor=STAFF, now=LATER, override=Override("a note", is_active))

    row = CaseHistory.objects.get()
    assert (row.overridden, row.internal_note) == ([], "a note")


def test_history_names_every_overridden_rule(settings: LazySettings) -> None:
    settings.CANCEL_TIME_LIMIT_MINUTES, settings.STRICT_REASON_TYPE = 30, True
    reason = factories.create_reason(kind="refund", extra_information_needed=True).pk
    new = replace(invoiced(settings), reason=reason)

    open_cases([new], SCOPE, actor=STAFF, now=LATER, override=OVERRIDE)

    assert CaseHistory.objects.get().overridden == [
        "cancellation_request_100_2",
        "cancellation_request_100_2",
        "cancellation_request_100_4",
        "cancellation_request_100_5",
    ]


def with_live_case(settings: LazySettings) -> NewCase:
    """A second case for an item."""
    [item] = order_items()
    open_case(item)
    return new_case(item)


def approved_item(**fields: Any) -> MakeCase:
    """A case for an approved item of one unit."""
    return lambda settings: new_case(*order_items(), **fields)


def returned_item(**fields: Any) -> MakeCase:
    """A return of a delivered item of one unit."""
    return lambda settings: new_case(delivered_item(), kind=Kind.RETURN, **fields)


def pickup_without_address(settings: LazySettings) -> NewCase:
    """A return with a carrier that needs a pickup address."""
    return returned_item(carrier=factories.create_carrier(needs_pickup=True).pk)(settings)


def closed_loyalty(settings: LazySettings) -> NewCase:
    """A refund to loyalty points in a shop without them."""
    settings.LOYALTY_MONEY_ENABLED = False
    return approved_item(refund_to_loyalty=True)(settings)


def cash_without_account(settings: LazySettings) -> NewCase:
    """A case without bank account in an order paid by transfer."""
    cash = PaymentIn(kind="funds_transfer", amount_minor=1000, captured_minor=1000)
    return new_case(*order_items(payments=[cash]))


def three_of_two_units(settings: LazySettings) -> NewCase:
    """A quantity above the item's."""
    return new_case(*order_items({"quantity": 2}), quantity=3)


FACTS = {
    with_live_case: errors.ALREADY_REQUESTED,
    approved_item(kind=Kind.RETURN): errors.CANNOT_RETURN_NOW,
    returned_item(carrier=UNKNOWN_ID): errors.CARRIER_NOT_OFFERED,
    pickup_without_address: errors.PICKUP_ADDRESS_REQUIRED,
    returned_item(
        pickup_window=PickupWindow("2026-03-12", "09:00", "12:00")
    ): errors.PICKUP_NEEDS_CARRIER,
    approved_item(quantity=2): errors.SINGLE_UNIT,
    closed_loyalty: errors.LOYALTY_REFUND_NOT_OFFERED,
    approved_item(reason=UNKNOWN_ID): errors.UNKNOWN_REASON,
    three_of_two_units: errors.QUANTITY_TOO_LARGE,
    approved_item(pickup_address=UNKNOWN_ID): errors.UNKNOWN_ADDRESS,
    cash_without_account: errors.BANK_ACCOUNT_REQUIRED,
    lambda settings: new_case(delivered_item()): errors.CANNOT_CANCEL_NOW,
    lambda settings: NewCase(
        ItemId(UNKNOWN_ID), Kind.CANCEL, factories.create_reason().pk
    ): errors.UNKNOWN_ITEM,
}


@pytest.mark.parametrize(
    ("make_case", "problem"), FACTS.items(), ids=[problem.code for problem in FACTS.values()]
)
def test_facts_cannot_be_overridden(
    make_case: MakeCase, problem: Problem, settings: LazySettings
) -> None:
    new = make_case(settings)

    with refused(problem):
        open_cases([new], SCOPE, actor=STAFF, now=LATER, override=OVERRIDE)


def test_second_case_for_an_item_in_one_request_cannot_be_overridden() -> None:
    new = new_case(*order_items())

    with refused(errors.ITEM_TWICE):
        open_cases([new, new], SCOPE, actor=STAFF, now=LATER, override=OVERRIDE)
