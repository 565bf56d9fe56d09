"""Time limits: an order keeps those of its day, and a later, longer limit also counts."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from takeback.accounts.policy import ShopPolicy, shop_policy
from takeback.cancellations import errors
from takeback.cancellations.commands.open import Override, open_cases
from takeback.cancellations.commands.transition import approve
from takeback.cancellations.models import CaseHistory
from takeback.cancellations.statuses import Kind
from takeback.core.errors import Refused
from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import Status
from tests import factories
from tests.cancellations.factories import CUSTOMER, SCOPE, STAFF, new_case, order_items
from tests.storefront.api import look_up

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

NOW = factories.NOW
DAYS_AGO = {days: NOW - timedelta(days=days) for days in (8, 15, 400)}


def delivered(days: int | None = None) -> OrderItem:
    """An item that was delivered that many days ago; None: its order has no dates."""
    date = {} if days is None else {"delivered_date": DAYS_AGO[days]}
    placed_at = NOW if days is None else DAYS_AGO[days]
    return order_items({"status": Status.DELIVERED, **date}, placed_at=placed_at)[0]


def opening(item: OrderItem, kind: Kind, now: datetime = NOW) -> Any:
    """Open a case now; the code of its refusal, or None."""
    new = new_case(item, kind=kind)
    try:
        open_cases([new], SCOPE, actor=CUSTOMER, now=now)
    except Refused as refused:
        return refused.problem
    return None


@pytest.mark.usefixtures("frozen_now")
@pytest.mark.parametrize(
    ("of_the_day", "today", "days", "is_open"),
    [
        (14, 3, 8, True),  # a shorter window of today does not close it
        (14, 14, 8, True),
        (14, 14, 15, False),
        (3, 14, 8, True),  # a longer window of today helps
        (3, 3, 8, False),
        (14, 0, 400, True),
        (0, 14, 400, True),
    ],
)
def test_longer_return_window_counts(
    settings: Settings, of_the_day: int, today: int, days: int, is_open: bool
) -> None:
    settings.REFUND_DAY_LIMIT = of_the_day
    item = delivered(days)
    settings.REFUND_DAY_LIMIT = today

    assert look_up().json()[0]["is_refundable"] is is_open
    assert opening(item, Kind.RETURN) is (None if is_open else errors.RETURN_TIME_OVER)


@pytest.mark.usefixtures("frozen_now")
@pytest.mark.parametrize(
    ("of_the_day", "today", "is_open"),
    [(60, 10, True), (10, 60, True), (10, 10, False), (0, 10, True), (10, 0, True)],
)
def test_longer_time_for_cancelling_counts(
    settings: Settings, of_the_day: int, today: int, is_open: bool
) -> None:
    settings.CANCEL_TIME_LIMIT_MINUTES = of_the_day
    item = order_items(placed_at=NOW - timedelta(minutes=30))[0]
    settings.CANCEL_TIME_LIMIT_MINUTES = today

    assert look_up().json()[0]["is_cancellable"] is is_open
    assert opening(item, Kind.CANCEL) is (None if is_open else errors.CANCEL_TIME_OVER)


def test_order_without_terms_has_those_of_today(settings: Settings) -> None:
    item = delivered(8)
    Order.objects.update(return_days=None, cancel_minutes=None)
    settings.REFUND_DAY_LIMIT = 3

    assert opening(item, Kind.RETURN) is errors.RETURN_TIME_OVER


@pytest.mark.parametrize(("of_the_day", "overridden"), [(14, []), (3, ["100_3"])])
def test_override_names_the_window_only_when_the_order_is_late(
    settings: Settings, of_the_day: int, overridden: list[str]
) -> None:
    settings.REFUND_DAY_LIMIT = of_the_day
    new = new_case(delivered(8), kind=Kind.RETURN)
    settings.REFUND_DAY_LIMIT = 3

    open_cases([new], SCOPE, actor=STAFF, now=NOW, override=Override("goodwill"))

    codes = [f"cancellation_request_{code}" for code in overridden]
    assert CaseHistory.objects.get().overridden == codes


@pytest.mark.parametrize(("of_the_day", "is_refused"), [(14, False), (3, True)])
def test_decision_uses_the_terms_of_the_order(
    settings: Settings, of_the_day: int, is_refused: bool
) -> None:
    settings.REFUND_DAY_LIMIT = 14
    item = delivered(8)
    [case] = open_cases([new_case(item, kind=Kind.RETURN)], SCOPE, actor=CUSTOMER, now=NOW)
    Order.objects.update(return_days=of_the_day)
    settings.REFUND_DAY_LIMIT = 3

    code = None
    try:
        approve(case, SCOPE, actor=STAFF, now=NOW)
    except Refused as refused:
        code = refused.problem.code
    assert code == (errors.RULE_BROKEN.code if is_refused else None)


def test_terms_are_stored_with_the_order(settings: Settings) -> None:
    settings.REFUND_DAY_LIMIT, settings.CANCEL_TIME_LIMIT_MINUTES = 5, 7
    factories.create_order()

    assert Order.objects.values_list("return_days", "cancel_minutes").get() == (5, 7)


def policy(return_days: int, cancel_minutes: int) -> ShopPolicy:
    return replace(shop_policy(1), return_days=return_days, cancel_minutes=cancel_minutes)


@pytest.mark.parametrize(
    ("today", "of_order", "expected"),
    [
        ((14, 30), (None, None), (14, 30)),
        ((14, 30), (14, 30), (14, 30)),
        ((14, 30), (3, 60), (14, 60)),
        ((14, 30), (30, 10), (30, 30)),
        ((0, 30), (14, 0), (0, 0)),
        ((14, 0), (0, 30), (0, 0)),
    ],
)
def test_longer_limit_of_both_counts(
    today: tuple[int, int], of_order: tuple[int | None, int | None], expected: tuple[int, int]
) -> None:
    assert policy(*today).with_terms(*of_order) == policy(*expected)


@pytest.mark.usefixtures("frozen_now")
@pytest.mark.parametrize(("days", "is_open"), [(8, True), (15, False), (400, False)])
def test_delivery_without_a_date_counts_from_the_order(days: int, is_open: bool) -> None:
    item = order_items({"status": Status.DELIVERED}, placed_at=DAYS_AGO[days])[0]
    OrderItem.objects.update(shipped_date=None, delivered_date=None)  # an older version's order

    assert look_up().json()[0]["is_refundable"] is is_open
    assert opening(item, Kind.RETURN) is (None if is_open else errors.RETURN_TIME_OVER)
