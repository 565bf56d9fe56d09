"""Who may cancel or return what: pure rules in the order of their precedence (domain D.1).

The same tuples answer `is_cancellable` in a list and refuse a request, so the two cannot
disagree. The first refusal is the one that is told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from takeback.cancellations import errors
from takeback.cancellations.states import Kind
from takeback.core.problems import Problem
from takeback.orders.states import CANCELLABLE, REFUNDABLE, Status


@dataclass(frozen=True, slots=True)
class Limits:
    """The shop's own settings; zero minutes or days mean no end."""

    cancel_minutes: int
    invoice_blocks_cancel: bool
    refund_days: int
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """All that a rule may look at."""

    status: int
    units_left: int
    has_live_request: bool
    is_invoiced: bool
    placed_at: datetime
    arrived_at: datetime | None
    """When the goods were delivered; unknown, when they were sent; unknown, when invoiced."""


Rule = Callable[[ItemFacts, Limits, datetime], Problem | None]


def no_live_request(item: ItemFacts, limits: Limits, now: datetime) -> Problem | None:
    """One case at a time."""
    return errors.ALREADY_REQUESTED if item.has_live_request else None


def not_on_its_way(item: ItemFacts, limits: Limits, now: datetime) -> Problem | None:
    """Cancelling is for what has not left yet."""
    cancellable = item.status in CANCELLABLE and item.units_left > 0
    return None if cancellable else errors.CANNOT_CANCEL_NOW


def not_invoiced(item: ItemFacts, limits: Limits, now: datetime) -> Problem | None:
    """An invoice ends cancelling, where the shop wants it so."""
    blocked = limits.invoice_blocks_cancel and item.is_invoiced
    return errors.ALREADY_INVOICED if blocked else None


def within_cancel_time(item: ItemFacts, limits: Limits, now: datetime) -> Problem | None:
    """Some shops let customers change their mind for a while only."""
    if not limits.cancel_minutes:
        return None
    over = now > item.placed_at + timedelta(minutes=limits.cancel_minutes)
    return errors.CANCEL_TIME_OVER if over else None


def has_left(item: ItemFacts, limits: Limits, now: datetime) -> Problem | None:
    """Returning is for what has left, or is invoiced and about to."""
    preparing = item.status == Status.PREPARING and not item.is_invoiced
    returnable = item.status in REFUNDABLE and not preparing and item.units_left > 0
    return None if returnable else errors.CANNOT_RETURN_NOW


def within_return_window(item: ItemFacts, limits: Limits, now: datetime) -> Problem | None:
    """Days are counted in the shop's zone; the last one counts to its end."""
    if not limits.refund_days or item.arrived_at is None:
        return None
    last_day = item.arrived_at.astimezone(limits.zone).date() + timedelta(days=limits.refund_days)
    over = now.astimezone(limits.zone).date() > last_day
    return errors.RETURN_TIME_OVER if over else None


ITEM_RULES: dict[Kind, tuple[Rule, ...]] = {
    Kind.CANCEL: (no_live_request, not_on_its_way, not_invoiced, within_cancel_time),
    Kind.REFUND: (no_live_request, has_left, within_return_window),
}


def refusals(kind: Kind, item: ItemFacts, limits: Limits, now: datetime) -> Iterator[Problem]:
    """Why this item cannot be cancelled or returned, most telling first; none: it can."""
    return (problem for rule in ITEM_RULES[kind] if (problem := rule(item, limits, now)))


def allows(kind: Kind, item: ItemFacts, limits: Limits, now: datetime) -> bool:
    """The flag that lists show."""
    return next(refusals(kind, item, limits, now), None) is None
