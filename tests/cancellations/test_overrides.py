"""What staff may set aside: rules that are marked so, never facts; and it is remembered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import zeal
from django.conf import LazySettings

from takeback.cancellations import errors
from takeback.cancellations.commands.open import open_case, open_cases
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CaseHistory
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Problem
from takeback.orders.models import OrderItem
from takeback.orders.order_input import TenderIn
from tests import factories
from tests.cancellations.cases import LATER, SCOPE, STAFF, asked, delivered, opened, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def line() -> OrderItem:
    """A line of one unit that can be cancelled."""
    return factories.items_of(factories.create_order())[0]


def late(settings: LazySettings) -> NewCase:
    """Half an hour was given, an hour has passed."""
    settings.CANCEL_TIME_LIMIT_MINUTES = 30
    return asked(factories.items_of(factories.create_order())[0])


def invoiced(settings: LazySettings) -> NewCase:
    """The invoice is written."""
    return asked(
        factories.items_of(
            factories.create_order(items=[factories.item_input(invoice_number="I")])
        )[0]
    )


def long_delivered(settings: LazySettings) -> NewCase:
    """The window is closed."""
    long_ago = factories.NOW - timedelta(days=16)
    return asked(delivered(delivered_date=long_ago), kind=Kind.REFUND)


def with_the_other_reason(settings: LazySettings) -> NewCase:
    """The shop is strict about reasons."""
    settings.STRICT_REASON_TYPE = True
    return asked(delivered(), kind=Kind.REFUND, reason=factories.create_reason(kind="cancel").pk)


def without_words(settings: LazySettings) -> NewCase:
    """The reason needs some."""
    reason = factories.create_reason(extra_information_needed=True).pk
    return asked(factories.items_of(factories.create_order())[0], reason=reason)


WAIVABLE = {
    late: errors.CANCEL_TIME_OVER,
    invoiced: errors.ALREADY_INVOICED,
    long_delivered: errors.RETURN_TIME_OVER,
    with_the_other_reason: errors.REASON_DOES_NOT_FIT,
    without_words: errors.DESCRIPTION_REQUIRED,
}
EVERYBODY_ELSE = [kind for kind in ActorKind if kind not in {ActorKind.STAFF, ActorKind.SYSTEM}]


@pytest.mark.parametrize(("make_ask", "problem"), WAIVABLE.items())
def test_staff_may_waive_what_is_marked_so_and_it_is_remembered(
    make_ask: Callable[[LazySettings], NewCase], problem: Problem, settings: LazySettings
) -> None:
    ask = make_ask(settings)
    with zeal.zeal_ignore(), refused(problem):
        open_case(ask, SCOPE, actor=STAFF, now=LATER)
    for kind in EVERYBODY_ELSE:
        with zeal.zeal_ignore(), refused(problem):
            open_case(ask, SCOPE, actor=Actor(kind, 3), now=LATER, override=True)

    open_case(ask, SCOPE, actor=STAFF, now=LATER, override=True)

    assert CaseHistory.objects.get().overridden == [problem.code]


def test_nothing_is_waived_where_nothing_stands_in_the_way(line: OrderItem) -> None:
    case = open_case(asked(line), SCOPE, actor=STAFF, now=LATER, override=True)

    assert CaseHistory.objects.get(cancellation_request=case).overridden == []


def test_every_rule_that_was_waived_is_named(settings: LazySettings) -> None:
    settings.CANCEL_TIME_LIMIT_MINUTES, settings.STRICT_REASON_TYPE = 30, True
    reason = factories.create_reason(kind="refund", extra_information_needed=True).pk

    open_case(
        replace(invoiced(settings), reason=reason), SCOPE, actor=STAFF, now=LATER, override=True
    )

    assert CaseHistory.objects.get().overridden == [
        "cancellation_request_100_2",
        "cancellation_request_100_2",
        "cancellation_request_100_4",
        "cancellation_request_100_5",
    ]


def requested(settings: LazySettings) -> NewCase:
    """Somebody has asked for it before."""
    [line] = factories.items_of(factories.create_order())
    opened(line)
    return asked(line)


def one(**fields: Any) -> Callable[[LazySettings], NewCase]:
    """A single piece, approved, asked for in this way."""
    return lambda settings: asked(factories.items_of(factories.create_order())[0], **fields)


def returned(**fields: Any) -> Callable[[LazySettings], NewCase]:
    """A single piece, delivered, to be sent back in this way."""
    return lambda settings: asked(delivered(), kind=Kind.REFUND, **fields)


def picked_up(settings: LazySettings) -> NewCase:
    """By a carrier that is not told where."""
    return returned(carrier=factories.create_carrier(needs_pickup=True).pk)(settings)


def refund_to_loyalty(settings: LazySettings) -> NewCase:
    """Where there are none."""
    settings.LOYALTY_MONEY_ENABLED = False
    return one(refund_to_loyalty=True)(settings)


def paid_in_cash(settings: LazySettings) -> NewCase:
    """And no account to send it to."""
    cash = TenderIn(kind="funds_transfer", amount_minor=1000, captured_minor=1000)
    return asked(factories.items_of(factories.create_order(tenders=[cash]))[0])


def three_of_two(settings: LazySettings) -> NewCase:
    """More than was bought."""
    order = factories.create_order(items=[factories.item_input(quantity=2)])
    return asked(factories.items_of(order)[0], quantity=3)


NEVER = {
    requested: errors.ALREADY_REQUESTED,
    one(kind=Kind.REFUND): errors.CANNOT_RETURN_NOW,
    returned(carrier=0x7FFF): errors.CARRIER_NOT_OFFERED,
    picked_up: errors.PICKUP_ADDRESS_REQUIRED,
    one(quantity=2): errors.SINGLE_UNIT,
    refund_to_loyalty: errors.LOYALTY_CLOSED,
    one(reason=0x7FFF): errors.UNKNOWN_REASON,
    three_of_two: errors.QUANTITY_TOO_LARGE,
    one(pickup_address=0x7FFF): errors.UNKNOWN_ADDRESS,
    paid_in_cash: errors.BANK_ACCOUNT_REQUIRED,
    lambda settings: asked(delivered()): errors.CANNOT_CANCEL_NOW,
    lambda settings: NewCase(
        0x7FFF, Kind.CANCEL, factories.create_reason().pk
    ): errors.UNKNOWN_ITEM,
}


@pytest.mark.parametrize(
    ("make_ask", "problem"), NEVER.items(), ids=[problem.code for problem in NEVER.values()]
)
def test_nobody_may_waive_a_fact(
    make_ask: Callable[[LazySettings], NewCase], problem: Problem, settings: LazySettings
) -> None:
    ask = make_ask(settings)

    with refused(problem):
        open_case(ask, SCOPE, actor=STAFF, now=LATER, override=True)


def test_an_item_named_twice_is_not_waived(line: OrderItem) -> None:
    ask = asked(line)
    with refused(errors.ITEM_TWICE):
        open_cases([ask, ask], SCOPE, actor=STAFF, now=LATER, override=True)
