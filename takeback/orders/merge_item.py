"""The part of the merge rule that concerns a single row: an item, or a part of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final

from takeback.core.errors import Problem
from takeback.orders import errors
from takeback.orders.addition import ItemTotals
from takeback.orders.fulfilment_dates import DATES, date_problem, with_assumed_dates
from takeback.orders.order_input import ItemIn
from takeback.orders.statuses import (
    ENDED,
    SET_BY_CASES,
    Status,
    can_be_deferred,
    can_follow,
    cancel_status_can_follow,
)

Values = Mapping[str, Any]
"""Values by column."""


class Sender(Enum):
    """Who sends the values."""

    FEED = auto()
    """`create_orders` and files send all they have: what is old or already known is skipped."""
    UPDATE = auto()
    """A change of single items says what it wants: what cannot be applied is refused."""


REPLACED_IN_ITEM: Final = (
    "shipping_company", "tracking_number", "tracking_url", "invoice_number", "invoice_date",
    "e_archive_url", "estimated_delivery_date", "image", "is_tradable", "attributes",
)  # fmt: skip
MERGED: Final = ("extra_field", "details")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """An item's row; units that were split off or added have a row of their own."""

    id: int
    status: int
    deferred_status: int | None = None
    is_cancel_approved: bool = False
    """Whether the cancellation of all its units is approved: its status is fixed."""
    totals: ItemTotals
    values: Values
    """The columns that follow the other rules."""


@dataclass(slots=True)
class PartChanges:
    """The outcome of merging values into one row."""

    values: dict[str, Any] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    refused: dict[str, Problem] = field(default_factory=dict)


def merge_part(
    part: StoredPart, received: Values, sender: Sender, *, placed_at: datetime, now: datetime
) -> PartChanges:
    """Merge the received values of an item into its row, or into a part of it."""
    result = PartChanges()
    for name in received.keys() & set(REPLACED_IN_ITEM):
        result.values[name] = received[name]
    for name in received.keys() & set(MERGED):
        result.values[name] = (part.values[name] or {}) | received[name]
    if "cancel_status" in received:
        _merge_cancel_status(part, received["cancel_status"], sender, result)
    for name in received.keys() & set(DATES):
        _merge_date(part, name, received[name], sender, result, placed_at, now)
    if "status" in received:
        _merge_status(part, received["status"], sender, result, now)
    if "refunded_elsewhere_quantity" in received:
        _merge_units(part, received["refunded_elsewhere_quantity"], result)
    stored = {
        **part.values,
        "status": part.status,
        "deferred_status": part.deferred_status,
        "refunded_elsewhere_quantity": part.totals.elsewhere,
    }
    result.values = {name: value for name, value in result.values.items() if stored[name] != value}
    return result


def _merge_cancel_status(
    part: StoredPart, received: str | None, sender: Sender, result: PartChanges
) -> None:
    if cancel_status_can_follow(part.values["cancel_status"], received):
        result.values["cancel_status"] = received
    elif sender is Sender.FEED:
        result.skipped.append("cancel_status")
    else:
        result.refused["cancel_status"] = errors.CANCEL_STATUS_GOES_BACK


def _merge_date(
    part: StoredPart,
    name: str,
    received: datetime | None,
    sender: Sender,
    result: PartChanges,
    placed_at: datetime,
    now: datetime,
) -> None:
    """The first date counts; null is no date and changes nothing."""
    stored = part.values[name]
    if received is None or received == stored:
        return
    if stored is None:
        if problem := date_problem(received, placed_at=placed_at, now=now):
            result.refused[name] = replace(problem, field=name)
        result.values[name] = received
    elif sender is Sender.FEED:
        result.skipped.append(name)
    else:
        result.refused[name] = replace(errors.DATE_IS_SET, field=name)


def _merge_status(
    part: StoredPart, received: int, sender: Sender, result: PartChanges, now: datetime
) -> None:
    """Move the status forward; the row of an open case stores it until the case is closed."""
    if received == part.status:
        return
    has_case = part.status == Status.CANCELLATION_WAITING
    before = part.deferred_status if has_case else part.status
    is_cancelled = part.is_cancel_approved or part.status == Status.CANCELLED
    is_decided = received in SET_BY_CASES or part.status in ENDED
    can_change = not part.is_cancel_approved and (
        can_be_deferred(part.deferred_status, received)
        if has_case
        else can_follow(part.status, received)
    )
    if sender is Sender.UPDATE and is_cancelled and received not in SET_BY_CASES:
        result.refused["status"] = errors.ITEM_CANCELLED
    elif sender is Sender.UPDATE and is_decided:
        result.refused["status"] = errors.STATUS_IS_DECIDED
    elif not can_change:
        if sender is Sender.UPDATE:
            result.refused["status"] = errors.STATUS_GOES_BACK
        else:
            result.skipped.append("status")
    else:
        result.values["deferred_status" if has_case else "status"] = received
        if received != before:
            dates = [result.values.get(name, part.values[name]) for name in DATES]
            assumed = with_assumed_dates(received, dates[0], dates[1], now)
            result.values |= dict(zip(DATES, assumed, strict=True))


def _merge_units(part: StoredPart, received: int | None, result: PartChanges) -> None:
    """Units that other systems refunded never fall; null is no number and changes nothing."""
    if received is None:
        return
    if received < part.totals.elsewhere:
        problem = errors.UNITS_FALL.with_values(min=part.totals.elsewhere)
        result.refused["refunded_elsewhere_quantity"] = problem
    result.values["refunded_elsewhere_quantity"] = received


def sent_values(item: ItemIn, status: int | None) -> dict[str, Any]:
    """The values of an item that its sender sent, by column."""
    names = ("cancel_status", *REPLACED_IN_ITEM, *MERGED, *DATES)
    values = {name: getattr(item, name) for name in names}
    return {
        name: value
        for name, value in {**values, "status": status}.items()
        if value is not None and value not in ("", {})
    }
