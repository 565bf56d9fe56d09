"""The item rules as examples, and time limits in the shop's time zone (P29)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from takeback.accounts.policy import shop_policy
from takeback.cancellations import errors
from takeback.cancellations.policy import ITEM_RULES, RULES, ItemContext, item_refusal
from takeback.cancellations.statuses import Kind
from takeback.core.errors import Problem
from takeback.orders.statuses import Status

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SHOP = replace(
    shop_policy(1),
    cancel_minutes=0,
    invoice_blocks_cancel=True,
    return_days=14,
    time_zone=ZoneInfo("UTC"),
)


APPROVED = ItemContext(
    status=Status.APPROVED,
    units_left=1,
    has_live_case=False,
    is_invoiced=False,
    placed_at=NOW - timedelta(days=1),
    arrived_at=None,
    shop=SHOP,
    now=NOW,
)
SHIPPED = replace(APPROVED, status=Status.SHIPPED, arrived_at=NOW - timedelta(days=1))


def allows(kind: Kind, context: ItemContext) -> bool:
    """Whether lists show the item as cancellable or returnable."""
    return item_refusal(kind, context) is None


BY_STATUS = [
    (Status.CANCELLATION_WAITING, False, False, False),
    (Status.CANCELLED, False, False, False),
    (Status.WAITING, False, True, False),
    (Status.PAYMENT_WAITING, False, True, False),
    (Status.CONFIRMATION_WAITING, False, True, False),
    (Status.APPROVED, False, True, False),
    (Status.APPROVED, True, False, False),
    (Status.PREPARING, False, True, False),
    (Status.PREPARING, True, False, True),
    (Status.SHIPPED, True, False, True),
    (Status.SHIPPED, False, False, True),
    (Status.SHIPPED_AND_INFORMED, True, False, True),
    (Status.READY_FOR_PICKUP, True, False, True),
    (Status.ATTEMPTED_DELIVERY, True, False, True),
    (Status.REVIEW_STARTED, True, False, True),
    (Status.REVIEW_WAITING, True, False, True),
    (Status.DELIVERED, True, False, True),
    (Status.REFUNDED, True, False, False),
]


@pytest.mark.parametrize(("status", "is_invoiced", "cancellable", "refundable"), BY_STATUS)
def test_status_decides_between_cancellation_and_return(
    status: Status, is_invoiced: bool, cancellable: bool, refundable: bool
) -> None:
    context = replace(APPROVED, status=status, is_invoiced=is_invoiced)

    assert allows(Kind.CANCEL, context) is cancellable
    assert allows(Kind.RETURN, context) is refundable


def test_table_has_every_status() -> None:
    assert {status for status, *_ in BY_STATUS} == set(Status)


LONG_AGO = NOW - timedelta(days=3650)
HALF_AN_HOUR = replace(SHOP, cancel_minutes=30)
EXAMPLES = [
    ("an approved item can be cancelled", Kind.CANCEL, APPROVED, None),
    (
        "a live case comes before all other refusals",
        Kind.CANCEL,
        replace(SHIPPED, has_live_case=True),
        errors.ALREADY_REQUESTED,
    ),
    (
        "a live case prevents a return",
        Kind.RETURN,
        replace(SHIPPED, has_live_case=True),
        errors.ALREADY_REQUESTED,
    ),
    ("a shipped item cannot be cancelled", Kind.CANCEL, SHIPPED, errors.CANNOT_CANCEL_NOW),
    ("an approved item cannot be returned", Kind.RETURN, APPROVED, errors.CANNOT_RETURN_NOW),
    (
        "an item without units left cannot be cancelled",
        Kind.CANCEL,
        replace(APPROVED, units_left=0),
        errors.CANNOT_CANCEL_NOW,
    ),
    (
        "an item without units left cannot be returned",
        Kind.RETURN,
        replace(SHIPPED, units_left=0),
        errors.CANNOT_RETURN_NOW,
    ),
    (
        "an invoiced item cannot be cancelled",
        Kind.CANCEL,
        replace(APPROVED, is_invoiced=True),
        errors.ALREADY_INVOICED,
    ),
    (
        "a shop may let invoiced items be cancelled",
        Kind.CANCEL,
        replace(APPROVED, is_invoiced=True, shop=replace(SHOP, invoice_blocks_cancel=False)),
        None,
    ),
    (
        "the time for cancelling has ended",
        Kind.CANCEL,
        replace(
            APPROVED,
            placed_at=NOW - timedelta(minutes=30, microseconds=1),
            shop=HALF_AN_HOUR,
        ),
        errors.CANCEL_TIME_OVER,
    ),
    (
        "the time for cancelling includes its last moment",
        Kind.CANCEL,
        replace(APPROVED, placed_at=NOW - timedelta(minutes=30), shop=HALF_AN_HOUR),
        None,
    ),
    (
        "a time for cancelling beyond the calendar never ends",
        Kind.CANCEL,
        replace(APPROVED, placed_at=LONG_AGO, shop=replace(SHOP, cancel_minutes=10**18)),
        None,
    ),
    (
        "the return window has ended",
        Kind.RETURN,
        replace(SHIPPED, arrived_at=NOW - timedelta(days=15)),
        errors.RETURN_TIME_OVER,
    ),
    (
        "the return window includes its whole last day",
        Kind.RETURN,
        replace(SHIPPED, arrived_at=NOW - timedelta(days=14, hours=12)),
        None,
    ),
    (
        "a shop without a return window accepts all returns",
        Kind.RETURN,
        replace(SHIPPED, arrived_at=LONG_AGO, shop=replace(SHOP, return_days=0)),
        None,
    ),
    (
        "a return window without a start never ends",
        Kind.RETURN,
        replace(SHIPPED, arrived_at=None),
        None,
    ),
]


@pytest.mark.parametrize(
    ("kind", "context", "problem"),
    [example[1:] for example in EXAMPLES],
    ids=[example[0] for example in EXAMPLES],
)
def test_example(kind: Kind, context: ItemContext, problem: Problem | None) -> None:
    assert item_refusal(kind, context) is problem


def test_staff_may_override_invoices_time_limits_and_reasons() -> None:
    assert [rule.check.__name__ for rule in RULES if rule.overridable] == [
        "not_invoiced",
        "within_cancel_time",
        "within_return_window",
        "reason_fits",
        "description_where_needed",
    ]


def test_item_rules_refuse_in_the_order_of_their_precedence() -> None:
    context = replace(APPROVED, has_live_case=True, is_invoiced=True, units_left=0)
    checks = [rule.check for rule in ITEM_RULES if Kind.CANCEL in rule.kinds]

    assert [problem for check in checks if (problem := check(context))] == [
        errors.ALREADY_REQUESTED,
        errors.CANNOT_CANCEL_NOW,
        errors.ALREADY_INVOICED,
    ]


ZONES = ["Europe/Istanbul", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "UTC"]
moments = st.datetimes(datetime(1995, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(moments, st.integers(1, 400), st.integers(-3, 410), st.sampled_from(ZONES), moments)
def test_return_window_ends_with_its_last_day_in_the_shop_time_zone(
    arrived: datetime, days: int, later: int, name: str, clock: datetime
) -> None:
    zone = ZoneInfo(name)
    day: date = arrived.astimezone(zone).date() + timedelta(days=later)
    now = datetime.combine(day, clock.time(), zone).astimezone(UTC)
    # Independent of the rule: the difference of two days in the shop's calendar.
    today = now.astimezone(zone).date()
    expected = (today - arrived.astimezone(zone).date()).days <= days

    shop = replace(SHOP, return_days=days, time_zone=zone)

    assert allows(Kind.RETURN, replace(SHIPPED, arrived_at=arrived, shop=shop, now=now)) is expected


@pytest.mark.parametrize(
    ("zone", "arrived", "last", "over"),
    [
        ("UTC", "2026-03-01T00:00:00+00:00", "2026-03-15T23:59:59.999999+00:00", 1),
        # Istanbul is three hours ahead: 21:30 UTC is the next day there.
        ("Europe/Istanbul", "2026-03-01T21:30:00+00:00", "2026-03-16T20:59:59.999999+00:00", 1),
        # New York changes to summer time on 8 March 2026: its 15th ends at 04:00 UTC.
        ("America/New_York", "2026-03-01T17:00:00+00:00", "2026-03-16T03:59:59.999999+00:00", 1),
        # ... and to winter time on 1 November 2026: its 8th ends at 05:00 UTC.
        ("America/New_York", "2026-10-25T16:00:00+00:00", "2026-11-09T04:59:59.999999+00:00", 1),
        # Apia skipped 30 December 2011.
        ("Pacific/Apia", "2011-12-20T12:00:00+00:00", "2012-01-03T09:59:59.999999+00:00", 1),
        ("Asia/Kathmandu", "2024-02-15T18:14:59+00:00", "2024-02-29T18:14:59.999999+00:00", 1),
    ],
)
def test_return_window_ends_correctly_around_clock_changes(
    zone: str, arrived: str, last: str, over: int
) -> None:
    shop = replace(SHOP, time_zone=ZoneInfo(zone))
    context = replace(SHIPPED, arrived_at=datetime.fromisoformat(arrived), shop=shop)
    end = datetime.fromisoformat(last)

    assert allows(Kind.RETURN, replace(context, now=end))
    assert not allows(Kind.RETURN, replace(context, now=end + timedelta(microseconds=over)))


@pytest.mark.parametrize("days", [10**6, 10**10])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
def test_return_window_beyond_the_calendar_never_ends(days: int, zone: str) -> None:
    shop = replace(SHOP, return_days=days, time_zone=ZoneInfo(zone))

    assert allows(
        Kind.RETURN, replace(SHIPPED, arrived_at=datetime(2, 1, 1, tzinfo=UTC), shop=shop)
    )
