"""Who may cancel or return what: the rules as stories, and time in the shop's own zone (P29)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from takeback.cancellations import errors
from takeback.cancellations.policy import ItemFacts, Limits, allows, refusals
from takeback.cancellations.statuses import Kind
from takeback.core.errors import Problem
from takeback.orders.statuses import Status

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LIMITS = Limits(cancel_minutes=0, invoice_blocks_cancel=True, refund_days=14, zone=ZoneInfo("UTC"))
ITEM = ItemFacts(
    status=Status.APPROVED,
    units_left=1,
    has_live_request=False,
    is_invoiced=False,
    placed_at=NOW - timedelta(days=1),
    arrived_at=None,
)


def first_refusal(kind: Kind, item: ItemFacts, limits: Limits = LIMITS) -> Problem | None:
    """What a shopper would be told."""
    return next(refusals(kind, item, limits, NOW), None)


# Status, whether invoiced, and whether it may be cancelled or returned.
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
def test_what_a_status_allows(
    status: Status, is_invoiced: bool, cancellable: bool, refundable: bool
) -> None:
    item = ITEM._replace(status=status, is_invoiced=is_invoiced)

    assert allows(Kind.CANCEL, item, LIMITS, NOW) is cancellable
    assert allows(Kind.REFUND, item, LIMITS, NOW) is refundable


def test_the_table_has_every_status() -> None:
    assert {status for status, *_ in BY_STATUS} == set(Status)


SHIPPED = ITEM._replace(status=Status.SHIPPED, arrived_at=NOW - timedelta(days=1))
STORIES = [
    ("an approved item may be cancelled", Kind.CANCEL, ITEM, LIMITS, None),
    (
        "a live request comes before every other reason",
        Kind.CANCEL,
        ITEM._replace(has_live_request=True, status=Status.SHIPPED),
        LIMITS,
        errors.ALREADY_REQUESTED,
    ),
    (
        "a live request ends returning too",
        Kind.REFUND,
        SHIPPED._replace(has_live_request=True),
        LIMITS,
        errors.ALREADY_REQUESTED,
    ),
    ("what has left cannot be cancelled", Kind.CANCEL, SHIPPED, LIMITS, errors.CANNOT_CANCEL_NOW),
    ("what is here cannot be returned", Kind.REFUND, ITEM, LIMITS, errors.CANNOT_RETURN_NOW),
    (
        "without units left nothing can be cancelled",
        Kind.CANCEL,
        ITEM._replace(units_left=0),
        LIMITS,
        errors.CANNOT_CANCEL_NOW,
    ),
    (
        "without units left nothing can be returned",
        Kind.REFUND,
        SHIPPED._replace(units_left=0),
        LIMITS,
        errors.CANNOT_RETURN_NOW,
    ),
    (
        "an invoice ends cancelling",
        Kind.CANCEL,
        ITEM._replace(is_invoiced=True),
        LIMITS,
        errors.ALREADY_INVOICED,
    ),
    (
        "unless the shop lets it",
        Kind.CANCEL,
        ITEM._replace(is_invoiced=True),
        replace(LIMITS, invoice_blocks_cancel=False),
        None,
    ),
    (
        "the last minute for cancelling is over",
        Kind.CANCEL,
        ITEM._replace(placed_at=NOW - timedelta(minutes=30, microseconds=1)),
        replace(LIMITS, cancel_minutes=30),
        errors.CANCEL_TIME_OVER,
    ),
    (
        "the last minute for cancelling still runs",
        Kind.CANCEL,
        ITEM._replace(placed_at=NOW - timedelta(minutes=30)),
        replace(LIMITS, cancel_minutes=30),
        None,
    ),
    (
        "a time for cancelling that outlasts the calendar runs for ever",
        Kind.CANCEL,
        ITEM._replace(placed_at=NOW - timedelta(days=3650)),
        replace(LIMITS, cancel_minutes=10**18),
        None,
    ),
    (
        "the return window is over",
        Kind.REFUND,
        SHIPPED._replace(arrived_at=NOW - timedelta(days=15)),
        LIMITS,
        errors.RETURN_TIME_OVER,
    ),
    (
        "the last day of the return window counts whole",
        Kind.REFUND,
        SHIPPED._replace(arrived_at=NOW - timedelta(days=14, hours=12)),
        LIMITS,
        None,
    ),
    (
        "a shop without a window takes everything back",
        Kind.REFUND,
        SHIPPED._replace(arrived_at=NOW - timedelta(days=9_999)),
        replace(LIMITS, refund_days=0),
        None,
    ),
    (
        "a window cannot end before it is known when it began",
        Kind.REFUND,
        SHIPPED._replace(arrived_at=None),
        LIMITS,
        None,
    ),
]


@pytest.mark.parametrize(
    ("kind", "item", "limits", "told"),
    [story[1:] for story in STORIES],
    ids=[story[0] for story in STORIES],
)
def test_a_story(kind: Kind, item: ItemFacts, limits: Limits, told: Problem | None) -> None:
    assert first_refusal(kind, item, limits) is told
    assert allows(kind, item, limits, NOW) is (told is None)


def test_staff_may_waive_an_invoice_and_a_time_limit_but_no_fact() -> None:
    is_overridable = {
        errors.ALREADY_INVOICED: True,
        errors.CANCEL_TIME_OVER: True,
        errors.RETURN_TIME_OVER: True,
        errors.ALREADY_REQUESTED: False,
        errors.CANNOT_CANCEL_NOW: False,
        errors.CANNOT_RETURN_NOW: False,
    }

    assert {problem: problem.is_overridable for problem in is_overridable} == is_overridable


def test_every_refusal_is_found_not_only_the_first() -> None:
    item = ITEM._replace(has_live_request=True, is_invoiced=True, units_left=0)

    assert list(refusals(Kind.CANCEL, item, LIMITS, NOW)) == [
        errors.ALREADY_REQUESTED,
        errors.CANNOT_CANCEL_NOW,
        errors.ALREADY_INVOICED,
    ]


ZONES = ["Europe/Istanbul", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "UTC"]
moments = st.datetimes(datetime(1995, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(moments, st.integers(1, 400), st.integers(-3, 410), st.sampled_from(ZONES), moments)
def test_the_window_ends_with_the_last_moment_of_its_last_day_in_the_shop_s_zone(
    arrived: datetime, days: int, later: int, name: str, clock: datetime
) -> None:
    zone = ZoneInfo(name)
    day: date = arrived.astimezone(zone).date() + timedelta(days=later)
    now = datetime.combine(day, clock.time(), zone).astimezone(UTC)
    # The oracle knows nothing of the rule: it asks which day the shop's calendar shows.
    shown = now.astimezone(zone).date()
    expected = (shown - arrived.astimezone(zone).date()).days <= days

    item = SHIPPED._replace(arrived_at=arrived)
    limits = replace(LIMITS, refund_days=days, zone=zone)

    assert allows(Kind.REFUND, item, limits, now) is expected


@pytest.mark.parametrize(
    ("zone", "arrived", "last", "over"),
    [
        ("UTC", "2026-03-01T00:00:00+00:00", "2026-03-15T23:59:59.999999+00:00", 1),
        # Istanbul is three hours ahead: half past nine in the evening is the next day there.
        ("Europe/Istanbul", "2026-03-01T21:30:00+00:00", "2026-03-16T20:59:59.999999+00:00", 1),
        # The clocks of New York go forward on 8 March 2026: its 15th ends at 04:00 UTC.
        ("America/New_York", "2026-03-01T17:00:00+00:00", "2026-03-16T03:59:59.999999+00:00", 1),
        # ... and back on 1 November 2026: its 8th ends at 05:00 UTC.
        ("America/New_York", "2026-10-25T16:00:00+00:00", "2026-11-09T04:59:59.999999+00:00", 1),
        # Apia left out 30 December 2011: fourteen days of the calendar, thirteen of the sun.
        ("Pacific/Apia", "2011-12-20T12:00:00+00:00", "2012-01-03T09:59:59.999999+00:00", 1),
        ("Asia/Kathmandu", "2024-02-15T18:14:59+00:00", "2024-02-29T18:14:59.999999+00:00", 1),
    ],
)
def test_the_last_moment_of_a_window_around_a_change_of_the_clocks(
    zone: str, arrived: str, last: str, over: int
) -> None:
    item = SHIPPED._replace(arrived_at=datetime.fromisoformat(arrived))
    limits = replace(LIMITS, zone=ZoneInfo(zone))
    end = datetime.fromisoformat(last)

    assert allows(Kind.REFUND, item, limits, end)
    assert not allows(Kind.REFUND, item, limits, end + timedelta(microseconds=over))


@pytest.mark.parametrize("days", [10**6, 10**10])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
def test_a_window_longer_than_the_calendar_never_closes(days: int, zone: str) -> None:
    item = SHIPPED._replace(arrived_at=datetime(2, 1, 1, tzinfo=UTC))
    limits = replace(LIMITS, refund_days=days, zone=ZoneInfo(zone))

    assert allows(Kind.REFUND, item, limits, NOW)
