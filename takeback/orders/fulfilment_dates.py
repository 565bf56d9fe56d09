"""When an item was shipped and delivered: which dates are accepted, and which are assumed."""

from datetime import datetime, timedelta
from typing import NamedTuple

from takeback.core.errors import Problem
from takeback.orders import errors
from takeback.orders.statuses import Status

CLOCK_TOLERANCE = timedelta(minutes=15)
"""The clocks of other systems differ from ours."""
ORDER_TOLERANCE = timedelta(days=31)
"""Some shops enter an order after its goods were handed over."""

DATES = ("shipped_date", "delivered_date")
"""The columns: the first date counts, and only staff correct it."""


class FulfilmentDates(NamedTuple):
    """When an item was shipped and delivered."""

    shipped: datetime | None
    delivered: datetime | None


def with_assumed_dates(
    status: int, shipped: datetime | None, delivered: datetime | None, assumed: datetime
) -> FulfilmentDates:
    """The dates of an item that reaches this status; missing ones are the `assumed` time.

    >>> noon = datetime(2026, 3, 1, 12)
    >>> with_assumed_dates(450, None, None, noon)
    FulfilmentDates(shipped=None, delivered=None)
    >>> with_assumed_dates(550, None, datetime(2026, 2, 1), noon).shipped
    datetime.datetime(2026, 2, 1, 0, 0)
    """
    if not Status.SHIPPED <= status <= Status.DELIVERED:
        return FulfilmentDates(shipped, delivered)
    if status == Status.DELIVERED and delivered is None:
        delivered = max(assumed, shipped or assumed)
    if shipped is None:
        shipped = min(assumed, delivered or assumed)
    return FulfilmentDates(shipped, delivered)


def date_problem(date: datetime, *, placed_at: datetime, now: datetime) -> Problem | None:
    """Why an item of an order of `placed_at` cannot have this date; None if it can."""
    if date > now + CLOCK_TOLERANCE:
        return errors.DATE_IN_FUTURE
    if date < placed_at - ORDER_TOLERANCE:
        return errors.DATE_BEFORE_ORDER
    return None
