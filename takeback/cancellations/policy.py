"""Who may cancel or return what: pure rules in the order of their precedence (domain D.1, D.2).

The same tuples answer `is_cancellable` in a list and refuse a request, so the two cannot
disagree. The first refusal is the one that is told; staff may override what is marked so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from takeback.cancellations import errors
from takeback.cancellations.statuses import Kind
from takeback.core import clock
from takeback.core.errors import Problem
from takeback.orders.statuses import CANCELLABLE, REFUNDABLE, Status


@dataclass(frozen=True, slots=True)
class Limits:
    """The shop's own settings; zero minutes or days mean no end."""

    cancel_minutes: int
    invoice_blocks_cancel: bool
    refund_days: int
    zone: ZoneInfo


class ItemFacts(NamedTuple):
    """All that a rule may look at."""

    status: int
    units_left: int
    has_live_request: bool
    is_invoiced: bool
    placed_at: datetime
    arrived_at: datetime | None
    """When the goods were delivered; unknown, when they were sent; unknown, when invoiced."""


class ItemLike(Protocol):
    """An order's line, whichever query it was read by."""

    @property
    def status(self) -> int: ...
    @property
    def quantity(self) -> int: ...
    @property
    def units_closed(self) -> int: ...
    @property
    def invoice_number(self) -> str | None: ...
    @property
    def invoice_date(self) -> datetime | None: ...
    @property
    def shipped_date(self) -> datetime | None: ...
    @property
    def delivered_date(self) -> datetime | None: ...


def facts_of(line: ItemLike, placed_at: datetime, *, has_live_request: bool) -> ItemFacts:
    """What the rules may know of a line."""
    return ItemFacts(
        status=line.status,
        units_left=line.quantity - line.units_closed,
        has_live_request=has_live_request,
        is_invoiced=bool(line.invoice_number),
        placed_at=placed_at,
        arrived_at=line.delivered_date or line.shipped_date or line.invoice_date,
    )


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
    # Counted, not added: a limit beyond the calendar's end never ends.
    elapsed = divmod(now - item.placed_at, timedelta(minutes=1))
    return errors.CANCEL_TIME_OVER if elapsed > (limits.cancel_minutes, timedelta()) else None


def _comes_back(status: int, *, is_invoiced: bool) -> bool:
    return status in REFUNDABLE and (is_invoiced or status != Status.PREPARING)


def kind_of(status: int, *, is_invoiced: bool) -> Kind:
    """What has left, or is invoiced and about to, is sent back; all else is cancelled."""
    return Kind.REFUND if _comes_back(status, is_invoiced=is_invoiced) else Kind.CANCEL


def has_left(item: ItemFacts, limits: Limits, now: datetime) -> Problem | None:
    """Returning is for what has left, or is invoiced and about to."""
    comes_back = _comes_back(item.status, is_invoiced=item.is_invoiced)
    return None if comes_back and item.units_left > 0 else errors.CANNOT_RETURN_NOW


@lru_cache(maxsize=8)
def _window_opened(now: datetime, days: int, zone: ZoneInfo) -> datetime:
    """What arrived before can no longer be returned; one answer asks this for all its lines."""
    try:
        first_day = now.astimezone(zone).date() - timedelta(days=days)
    except OverflowError:  # a window longer than the calendar never closes
        first_day = date.min
    return clock.day_start(first_day, zone)


def within_return_window(item: ItemFacts, limits: Limits, now: datetime) -> Problem | None:
    """Days are counted in the shop's zone; the last one counts to its end."""
    if not limits.refund_days or item.arrived_at is None:
        return None
    over = item.arrived_at < _window_opened(now, limits.refund_days, limits.zone)
    return errors.RETURN_TIME_OVER if over else None


ITEM_RULES: dict[Kind, tuple[Rule, ...]] = {
    Kind.CANCEL: (no_live_request, not_on_its_way, not_invoiced, within_cancel_time),
    Kind.REFUND: (no_live_request, has_left, within_return_window),
}


def refusals(kind: Kind, item: ItemFacts, limits: Limits, now: datetime) -> Iterator[Problem]:
    """Why this item cannot be cancelled or returned, most telling first; none: it can."""
    return (problem for rule in ITEM_RULES[kind] if (problem := rule(item, limits, now)))


def refusal(kind: Kind, item: ItemFacts, limits: Limits, now: datetime) -> Problem | None:
    """The most telling of them; a list asks twice for every line."""
    for rule in ITEM_RULES[kind]:
        if problem := rule(item, limits, now):
            return problem
    return None


def allows(kind: Kind, item: ItemFacts, limits: Limits, now: datetime) -> bool:
    """The flag that lists show."""
    return refusal(kind, item, limits, now) is None


def first_blocking_reason(
    against_cancel: Problem | None, against_refund: Problem | None
) -> Problem | None:
    """Why nothing can be asked for an item, of its two refusals; None while anything can."""
    if against_cancel is None or against_refund is None:
        return None
    # What has not left is told about cancelling, what has left about returning.
    return against_cancel if against_refund is errors.CANNOT_RETURN_NOW else against_refund


@dataclass(frozen=True, slots=True)
class CaseTerms:
    """What is asked for an item, as far as a rule looks at it; no quantity means all units."""

    kind: Kind
    quantity: int | None = None
    has_description: bool = False
    has_bank_account: bool = False
    refund_to_loyalty: bool = False
    names_address: bool = False


@dataclass(frozen=True, slots=True)
class TermsContext:
    """What the wish meets: what its names stand for, and what the shop asks of it.

    `reason` is None when there is no such reason on offer, `needs_pickup` when there is no
    such carrier.
    """

    reason: Kind | None
    reason_needs_description: bool
    has_multiple_units: bool
    needs_pickup: bool | None
    is_address_known: bool
    needs_bank_account: bool
    is_strict_about_reasons: bool
    is_loyalty_open: bool


TermsRule = Callable[[CaseTerms, ItemFacts, TermsContext], Problem | None]


def reason_is_offered(wish: CaseTerms, item: ItemFacts, met: TermsContext) -> Problem | None:
    """Only what the shop's own list holds."""
    return errors.UNKNOWN_REASON if met.reason is None else None


def reason_fits(wish: CaseTerms, item: ItemFacts, met: TermsContext) -> Problem | None:
    """Storefronts send one reason for everything; a strict shop minds."""
    other = met.is_strict_about_reasons and met.reason != wish.kind
    return errors.REASON_DOES_NOT_FIT if other else None


def description_where_needed(wish: CaseTerms, item: ItemFacts, met: TermsContext) -> Problem | None:
    """Some reasons mean nothing without a description."""
    missing = met.reason_needs_description and not wish.has_description
    return errors.DESCRIPTION_REQUIRED if missing else None


def divides_only_what_has_parts(
    wish: CaseTerms, item: ItemFacts, met: TermsContext
) -> Problem | None:
    """A single piece has no quantity to speak of."""
    several = wish.quantity is not None and wish.quantity > 1
    return errors.SINGLE_UNIT if several and not met.has_multiple_units else None


def units_are_left(wish: CaseTerms, item: ItemFacts, met: TermsContext) -> Problem | None:
    """Never more than was bought and not given back yet."""
    too_many = wish.quantity is not None and wish.quantity > item.units_left
    return errors.QUANTITY_TOO_LARGE if too_many else None


def carrier_is_offered(wish: CaseTerms, item: ItemFacts, met: TermsContext) -> Problem | None:
    """Only a carrier that the shop works with; what is cancelled needs none."""
    unknown = met.needs_pickup is None
    return errors.CARRIER_NOT_OFFERED if wish.kind == Kind.REFUND and unknown else None


def pickup_has_an_address(wish: CaseTerms, item: ItemFacts, met: TermsContext) -> Problem | None:
    """A carrier that comes must know where to."""
    needed = wish.kind == Kind.REFUND and met.needs_pickup
    return errors.PICKUP_ADDRESS_REQUIRED if needed and not wish.names_address else None


def address_is_own(wish: CaseTerms, item: ItemFacts, met: TermsContext) -> Problem | None:
    """From one's own address book, or the order's own copy."""
    unknown = wish.names_address and not met.is_address_known
    return errors.UNKNOWN_ADDRESS if unknown else None


def bank_account_where_needed(
    wish: CaseTerms, item: ItemFacts, met: TermsContext
) -> Problem | None:
    """Cash cannot go back the way it came."""
    missing = met.needs_bank_account and not (wish.has_bank_account or wish.refund_to_loyalty)
    return errors.BANK_ACCOUNT_REQUIRED if missing else None


def loyalty_is_open(wish: CaseTerms, item: ItemFacts, met: TermsContext) -> Problem | None:
    """Points only where the shop has them, and for guests only if it wants to."""
    return errors.LOYALTY_CLOSED if wish.refund_to_loyalty and not met.is_loyalty_open else None


TERMS_RULES: tuple[TermsRule, ...] = (
    reason_is_offered,
    reason_fits,
    description_where_needed,
    divides_only_what_has_parts,
    units_are_left,
    carrier_is_offered,
    pickup_has_an_address,
    address_is_own,
    bank_account_where_needed,
    loyalty_is_open,
)


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The first rule that says no, and the rules that staff overridden on the way."""

    refusal: Problem | None = None
    overridden: tuple[Problem, ...] = ()


def check_eligibility(
    wish: CaseTerms,
    item: ItemFacts,
    met: TermsContext,
    limits: Limits,
    now: datetime,
    *,
    may_override: bool = False,
) -> Eligibility:
    """Let this very wish in or not: first what holds for the item, then what holds for the wish."""
    of_the_wish = (problem for rule in TERMS_RULES if (problem := rule(wish, item, met)))
    overridden: list[Problem] = []
    for problem in chain(refusals(wish.kind, item, limits, now), of_the_wish):
        if not (may_override and problem.is_overridable):
            return Eligibility(problem, tuple(overridden))
        overridden.append(problem)
    return Eligibility(overridden=tuple(overridden))
