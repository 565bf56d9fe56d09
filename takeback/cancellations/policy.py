"""The rules that decide which item may be cancelled or returned; they are pure.

Lists show the item rules as `is_cancellable` and `is_refundable`, and opening a case applies the
same rules, so the two always agree.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from takeback.accounts.policy import ShopPolicy
from takeback.cancellations import errors
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from takeback.core import clock
from takeback.core.errors import Problem
from takeback.orders.statuses import CANCELLABLE, REFUNDABLE, Status


class Reason(NamedTuple):
    """A reason that the shop offers."""

    id: int
    cancellation_type: str
    extra_information_needed: bool


# Not frozen: a list creates one context per item, and a frozen dataclass is slower to create.
@dataclass(slots=True)
class ItemContext:
    """The input of item rules."""

    status: int
    units_left: int
    has_live_case: bool
    is_invoiced: bool
    placed_at: datetime
    # The date of delivery; if it is unknown, that of shipping or of the invoice, if there is one.
    arrived_at: datetime | None
    # With the time limits of the order.
    shop: ShopPolicy
    now: datetime


@dataclass(slots=True)
class RequestContext(ItemContext):
    """The input of all rules: a new case, its item, and the records that the case names."""

    new: NewCase
    # None if the shop does not offer the reason.
    reason: Reason | None
    is_carrier_offered: bool
    needs_pickup: bool
    # Chosen, or by the rule of the shop.
    has_carrier: bool
    # The shopper's addresses and those of the order.
    address_ids: Collection[int]
    has_multiple_units: bool
    is_paid_in_cash: bool
    is_guest: bool


def no_live_case(ctx: ItemContext) -> Problem | None:
    """An item has at most one live case."""
    return errors.ALREADY_REQUESTED if ctx.has_live_case else None


def not_shipped(ctx: ItemContext) -> Problem | None:
    """Only units that are not shipped yet can be cancelled."""
    is_cancellable = ctx.status in CANCELLABLE and ctx.units_left > 0
    return None if is_cancellable else errors.CANNOT_CANCEL_NOW


def not_invoiced(ctx: ItemContext) -> Problem | None:
    """A shop may refuse to cancel invoiced items."""
    is_blocked = ctx.is_invoiced and ctx.shop.invoice_blocks_cancel
    return errors.ALREADY_INVOICED if is_blocked else None


def within_cancel_time(ctx: ItemContext) -> Problem | None:
    """A shop may limit the time for cancelling, in minutes after the order."""
    if not ctx.shop.cancel_minutes:
        return None
    # Adding the minutes to a date could exceed the calendar.
    elapsed = divmod(ctx.now - ctx.placed_at, timedelta(minutes=1))
    return errors.CANCEL_TIME_OVER if elapsed > (ctx.shop.cancel_minutes, timedelta()) else None


def kind_of(status: int, *, is_invoiced: bool) -> Kind:
    """Shipped items, and invoiced items in preparation, are returned; all others are cancelled."""
    is_returned = status in REFUNDABLE and (is_invoiced or status != Status.PREPARING)
    return Kind.RETURN if is_returned else Kind.CANCEL


def shipped_or_invoiced(ctx: ItemContext) -> Problem | None:
    """Only shipped units, and invoiced units in preparation, can be returned."""
    is_returned = kind_of(ctx.status, is_invoiced=ctx.is_invoiced) is Kind.RETURN
    return None if is_returned and ctx.units_left > 0 else errors.CANNOT_RETURN_NOW


@lru_cache(maxsize=8)
def _window_start(now: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The start of the return window. All items of a response share it."""
    try:
        first_day = now.astimezone(zone).date() - timedelta(days=days)
    except OverflowError:  # the window is longer than the calendar
        first_day = date.min
    return clock.day_start(first_day, zone)


def within_return_window(ctx: ItemContext) -> Problem | None:
    """A shop may limit the time for returning, in whole days of its time zone."""
    days, zone, arrived_at = ctx.shop.return_days, ctx.shop.time_zone, ctx.arrived_at
    # Old files have deliveries without any date, which would stay open for ever.
    if arrived_at is None and ctx.status == Status.DELIVERED:
        arrived_at = ctx.placed_at
    if not days or arrived_at is None:
        return None
    return errors.RETURN_TIME_OVER if arrived_at < _window_start(ctx.now, days, zone) else None


def reason_is_offered(ctx: RequestContext) -> Problem | None:
    """The shop must offer the reason."""
    return errors.UNKNOWN_REASON if ctx.reason is None else None


def reason_fits(ctx: RequestContext) -> Problem | None:
    """A strict shop refuses a reason for returns on a cancellation, and the reverse."""
    fits = ctx.reason is not None and ctx.reason.cancellation_type == ctx.new.kind
    return errors.REASON_DOES_NOT_FIT if ctx.shop.is_strict_about_reasons and not fits else None


def description_where_needed(ctx: RequestContext) -> Problem | None:
    """Some reasons need a description."""
    is_needed = ctx.reason is not None and ctx.reason.extra_information_needed
    return errors.DESCRIPTION_REQUIRED if is_needed and not ctx.new.description else None


def single_unit_is_not_split(ctx: RequestContext) -> Problem | None:
    """Only an item of several units has a quantity above one."""
    is_split = (ctx.new.quantity or 1) > 1 and not ctx.has_multiple_units
    return errors.SINGLE_UNIT if is_split else None


def units_are_left(ctx: RequestContext) -> Problem | None:
    """The quantity is at most the number of units that are not cancelled or returned yet."""
    if (ctx.new.quantity or 0) <= ctx.units_left:
        return None
    return errors.with_units_left(errors.QUANTITY_TOO_LARGE, ctx.units_left)


def carrier_is_offered(ctx: RequestContext) -> Problem | None:
    """The shop must offer the carrier of a return."""
    return None if ctx.is_carrier_offered else errors.CARRIER_NOT_OFFERED


def pickup_has_an_address(ctx: RequestContext) -> Problem | None:
    """A carrier that collects the goods needs an address."""
    is_missing = ctx.needs_pickup and ctx.new.pickup_address is None
    return errors.PICKUP_ADDRESS_REQUIRED if is_missing else None


def address_is_own(ctx: RequestContext) -> Problem | None:
    """The pickup address is in the shopper's address book, or is an address of the order."""
    address_id = ctx.new.pickup_address
    return None if address_id is None or address_id in ctx.address_ids else errors.UNKNOWN_ADDRESS


def pickup_has_a_carrier(ctx: RequestContext) -> Problem | None:
    """The address and the time of a pickup need a carrier, else they would be lost."""
    is_pickup = ctx.new.pickup_address is not None or ctx.new.pickup_window is not None
    return errors.PICKUP_NEEDS_CARRIER if is_pickup and not ctx.has_carrier else None


def bank_account_where_needed(ctx: RequestContext) -> Problem | None:
    """An order paid in cash or by transfer needs a bank account for its refund."""
    is_needed = ctx.shop.requires_bank_account and ctx.is_paid_in_cash
    is_missing = is_needed and not (ctx.new.bank_account or ctx.new.refund_to_loyalty)
    return errors.BANK_ACCOUNT_REQUIRED if is_missing else None


def loyalty_refund_is_offered(ctx: RequestContext) -> Problem | None:
    """The shop must offer refunds to loyalty points, and may exclude guests."""
    is_open = ctx.shop.has_loyalty and (ctx.shop.has_loyalty_for_guests or not ctx.is_guest)
    return errors.LOYALTY_REFUND_NOT_OFFERED if ctx.new.refund_to_loyalty and not is_open else None


C_contra = TypeVar("C_contra", bound=ItemContext, contravariant=True)


@dataclass(frozen=True, slots=True)
class Rule(Generic[C_contra]):
    """A check, the kinds of cases that it applies to, and whether staff may override it."""

    check: Callable[[C_contra], Problem | None]
    kinds: Collection[Kind] = tuple(Kind)
    overridable: bool = False


# The rules that lists show, too.
ITEM_RULES: Final[tuple[Rule[ItemContext], ...]] = (
    Rule(no_live_case),
    Rule(not_shipped, kinds={Kind.CANCEL}),
    Rule(not_invoiced, kinds={Kind.CANCEL}, overridable=True),
    Rule(within_cancel_time, kinds={Kind.CANCEL}, overridable=True),
    Rule(shipped_or_invoiced, kinds={Kind.RETURN}),
    Rule(within_return_window, kinds={Kind.RETURN}, overridable=True),
)

# All rules in the order of their precedence: the first refusal is the response.
RULES: Final[tuple[Rule[RequestContext], ...]] = (
    *ITEM_RULES,
    Rule(reason_is_offered),
    Rule(reason_fits, overridable=True),
    Rule(description_where_needed, overridable=True),
    Rule(single_unit_is_not_split),
    Rule(units_are_left),
    Rule(carrier_is_offered, kinds={Kind.RETURN}),
    Rule(pickup_has_an_address, kinds={Kind.RETURN}),
    Rule(address_is_own),
    Rule(pickup_has_a_carrier, kinds={Kind.RETURN}),
    Rule(bank_account_where_needed),
    Rule(loyalty_refund_is_offered),
)

RULES_OF: Final = {kind: tuple(rule for rule in RULES if kind in rule.kinds) for kind in Kind}
_ITEM_CHECKS: Final = {
    kind: tuple(rule.check for rule in ITEM_RULES if kind in rule.kinds) for kind in Kind
}


def item_refusal(kind: Kind, ctx: ItemContext) -> Problem | None:
    """The first problem that an item has with a kind of case; None if it may be opened."""
    for check in _ITEM_CHECKS[kind]:
        if problem := check(ctx):
            return problem
    return None


def first_blocking_reason(
    cancel_refusal: Problem | None, return_refusal: Problem | None
) -> Problem | None:
    """The problem of an item that can neither be cancelled nor returned; None if either can.

    It is about returning if the item is shipped, and about cancelling otherwise.
    """
    if cancel_refusal is None or return_refusal is None:
        return None
    return cancel_refusal if return_refusal is errors.CANNOT_RETURN_NOW else return_refusal


def check_eligibility(
    ctx: RequestContext, *, may_override: bool = False
) -> tuple[Problem | None, list[Problem]]:
    """The refusal of a new case, if any, and the problems that were overridden before it."""
    overridden: list[Problem] = []
    for rule in RULES_OF[ctx.new.kind]:
        if problem := rule.check(ctx):
            if not (may_override and rule.overridable):
                return problem, overridden
            overridden.append(problem)
    return None, overridden
