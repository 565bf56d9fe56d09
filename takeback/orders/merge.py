"""The one rule by which a received order, or a change of an item, is merged into the stored one.

Orders arrive late, twice and out of order. Every field follows one of these rules:

- It *replaces* the stored value. Null and absent keys change nothing; in an update null clears.
- It *merges* into the stored object, key by key.
- The *first counts*: dates of shipping and delivery. Only staff correct them.
- It moves *only forward*: statuses, along the life cycle.
- It *never falls*: what other systems refunded, what was captured.
- It is *filled in* once: the ids of payments (`merge_payments`).
- It *stays* as the customer saw it: product data, payment option.
- It is *fixed*: number, currency, customer, addresses, prices. Another value is refused.
- Items and units that the stored order does not have are an *addition* (`addition`).

The functions are pure. They name fields by their paths in the API: `order_item.0.status`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from takeback.addresses.address_input import AddressIn
from takeback.core.errors import Problem
from takeback.core.money import show
from takeback.core.normalize import email_key
from takeback.orders import errors
from takeback.orders.addition import (
    Addition,
    AdditionRefused,
    ItemTotals,
    OrderTotals,
    addition_of,
)
from takeback.orders.allocation import PAID_LATER
from takeback.orders.fulfilment_dates import date_problem
from takeback.orders.merge_item import MERGED, Sender, StoredPart, Values, merge_part, sent_values
from takeback.orders.merge_payments import capture
from takeback.orders.order_input import ItemIn, LoyaltyIn, OrderIn
from takeback.orders.payment_rows import PaymentChanges
from takeback.orders.refunded_elsewhere import (
    Units,
    elsewhere_total,
    fields_above_charge,
    spread_units,
)
from takeback.orders.statuses import SET_BY_CASES, Status, can_follow, rolled_up_status

REPLACED_IN_ORDER: Final = (
    "cancel_status", "shipping_company", "tracking_number", "tracking_url", "invoice_number",
    "invoice_date", "e_archive_url", "has_gift_box", "gift_box_note", "notes", "language_code",
    "client_type", "order_type", "remote_addr", "is_send",
)  # fmt: skip
ORDER_STAYS: Final = (
    "payment_option", "bank", "bin_number", "installment_count", "shipping_tax_rate",
)  # fmt: skip
ITEM_STAYS: Final = ("product", "price_list", "stock_list", "data_source", "shipping_option_group")
PATHS: Final = {"data_source": "datasource"}
"""The names in the API of columns that have another one there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """An item: its own row first, then its parts."""

    remote_id: str
    sku: str
    tax_rate: Decimal
    parts: Sequence[StoredPart]
    stays: Values = field(default_factory=dict)

    @property
    def totals(self) -> ItemTotals:
        """Quantity and amounts of all parts together."""
        return ItemTotals.of([part.totals for part in self.parts])


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder:
    """An order as it is stored, with all that the rules need to know."""

    id: int
    status: int
    currency: str
    placed_at: datetime
    email_keys: frozenset[str]
    """The address of the order, and the present one of its customer."""
    payment_type: str
    addresses: Mapping[str, AddressIn]
    totals: OrderTotals
    refund_minor: int
    """What our refunds have taken or reserved of the payments."""
    refunded_elsewhere_minor: int
    loyalty: Mapping[UUID, int]
    values: Values
    stays: Values
    items: Sequence[StoredItem]


@dataclass(slots=True)
class Changes:
    """The new values by column; empty when the stored order stays as it is."""

    order: dict[str, Any] = field(default_factory=dict)
    parts: dict[int, dict[str, Any]] = field(default_factory=dict)
    payments: PaymentChanges = field(default_factory=PaymentChanges)
    loyalty: list[LoyaltyIn] = field(default_factory=list)
    addresses: dict[str, AddressIn] = field(default_factory=dict)
    """Addresses that replace a placeholder."""
    addition: Addition | None = None
    skipped: list[str] = field(default_factory=list)
    """The paths of received fields that change nothing."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing is applied, by the path of each field."""

    fields: Mapping[str, Problem]


def merge(
    stored: StoredOrder, received: OrderIn, *, by_sku: bool, now: datetime
) -> Changes | Refusal:
    """Merge an order that `create_orders` or a file sends again; items match by `remote_id`.

    With `by_sku` they match by SKU, because the rows of a file have no ids.
    """
    matches = match_items(stored.items, received.items, by_sku=by_sku)
    changes = Changes()
    refused = dict(_refused_in_order(stored, received))
    for position, (item, match) in enumerate(zip(received.items, matches, strict=True)):
        path = f"order_item.{position}."
        if match is not None:
            problems = _refused_in_item(match, item)
            problems |= _merge_item(match, item, received, path, changes, now)
        else:
            problems = _refused_in_new_item(item, stored.placed_at, now)
        refused |= {path + name: problem for name, problem in problems.items()}
    try:
        added = addition_of(
            stored.totals,
            received,
            [match.totals if match else None for match in matches],
            is_partial=len(stored.items) > sum(match is not None for match in matches),
        )
    except AdditionRefused as refusal:
        refused |= refusal.fields
    else:
        refused |= _refunds_above_charge(stored, received, added.addition)
    if refused:
        return Refusal(refused)
    changes.addition, changes.payments = added.addition, added.payments
    changes.skipped += added.skipped
    _merge_order(stored, received, changes)
    if _has_been_paid(stored, received, changes):
        capture(stored.totals.payments, changes.payments)
    return changes


def match_items(
    stored: Sequence[StoredItem], received: Sequence[ItemIn], *, by_sku: bool
) -> list[StoredItem | None]:
    """The stored item of each received one; items of one SKU match in their order."""
    available: dict[str, list[StoredItem]] = {}
    for known in stored:
        available.setdefault(known.sku if by_sku else known.remote_id, []).append(known)
    matches: list[StoredItem | None] = []
    for item in received:
        candidates = available.get(item.sku if by_sku else item.remote_id)
        matches.append(candidates.pop(0) if candidates else None)
    return matches


def _merge_item(
    stored: StoredItem,
    item: ItemIn,
    order: OrderIn,
    path: str,
    changes: Changes,
    now: datetime,
) -> dict[str, Problem]:
    """Merge a received item into its row and parts; returns the refusals by field.

    A field is skipped when no row takes it.
    """
    values = sent_values(item, item.status or order.status)
    results = [
        merge_part(part, values, Sender.FEED, placed_at=order.placed_at, now=now)
        for part in stored.parts
    ]
    for part, result in zip(stored.parts, results, strict=True):
        if result.values:
            changes.parts.setdefault(part.id, {}).update(result.values)
    skipped = [
        name for name in results[0].skipped if all(name in result.skipped for result in results)
    ]
    # The order's own path stands for the items that took their status from it.
    if item.status is None and "status" in skipped:
        skipped.remove("status")
    skipped += _merge_units_refunded_elsewhere(stored, item, changes)
    skipped += [
        PATHS.get(name, name)
        for name in ITEM_STAYS
        if (value := getattr(item, name)) is not None and value != stored.stays.get(name)
    ]
    if item.retail_minor not in (None, stored.totals.retail):
        skipped.append("retail_price")
    changes.skipped += [path + name for name in skipped]
    return {name: problem for result in results for name, problem in result.refused.items()}


def _merge_units_refunded_elsewhere(
    stored: StoredItem, item: ItemIn, changes: Changes
) -> list[str]:
    """Spread a larger total of units over the parts; returns the name of a smaller one."""
    if item.refunded_elsewhere_quantity is None:
        return []
    totals = [part.totals for part in stored.parts]
    units = [Units(part.quantity, part.closed, part.elsewhere) for part in totals]
    spread = spread_units(units, item.refunded_elsewhere_quantity)
    for part, total in zip(stored.parts, spread, strict=True):
        if total != part.totals.elsewhere:
            values = {"refunded_elsewhere_quantity": total}
            changes.parts.setdefault(part.id, {}).update(values)
    is_taken = sum(spread) == item.refunded_elsewhere_quantity
    return [] if is_taken else ["refunded_elsewhere_quantity"]


def _merge_order(stored: StoredOrder, received: OrderIn, changes: Changes) -> None:
    """Merge the order's own fields; its status follows those of its items."""
    values: dict[str, Any] = {}
    for name in REPLACED_IN_ORDER:
        if (value := getattr(received, name)) not in (None, ""):
            values[name] = value
    for name in MERGED:
        if value := getattr(received, name):
            values[name] = (stored.values[name] or {}) | value
    values["status"] = _order_status(stored, received, changes)
    values["refunded_elsewhere_minor"] = _refunded_elsewhere(stored, received, changes)
    before = {
        **stored.values,
        "status": stored.status,
        "refunded_elsewhere_minor": stored.refunded_elsewhere_minor,
    }
    changes.order = {name: value for name, value in values.items() if before[name] != value}
    changes.loyalty = [row for row in received.loyalty if row.uuid not in stored.loyalty]
    changes.addresses = {
        name: address
        for name, address in _sent_addresses(received)
        if is_placeholder(stored.addresses[name])
    }
    changes.skipped += [
        name
        for name in ORDER_STAYS
        if (value := getattr(received, name)) not in (None, stored.stays[name])
    ]


def _order_status(stored: StoredOrder, received: OrderIn, changes: Changes) -> int:
    """The received status if it can follow, else the one that the items add up to."""
    parts = [part for item in stored.items for part in item.parts]
    statuses = [changes.parts.get(part.id, {}).get("status", part.status) for part in parts]
    if changes.addition:
        statuses += changes.addition.statuses
    rolled_up = rolled_up_status(statuses)
    # Cases that hold an item are unknown to the sender: then the items decide.
    is_decided = not SET_BY_CASES.isdisjoint(statuses)
    if received.status is not None and not can_follow(stored.status, received.status):
        changes.skipped.append("status")
    elif received.status is not None and not is_decided:
        return received.status
    if is_decided or changes.addition:
        return rolled_up
    is_later = statuses != [part.status for part in parts] and can_follow(stored.status, rolled_up)
    return rolled_up if is_later else stored.status


def _has_been_paid(stored: StoredOrder, received: OrderIn, changes: Changes) -> bool:
    """Whether an order that waited for its payment goes on, and nobody reports what was captured.

    Then it is captured, as a new order is.
    """
    status = changes.order.get("status", stored.status)
    goes_on = status > Status.PAYMENT_WAITING and status not in SET_BY_CASES
    payments, kind = stored.totals.payments, stored.totals.payment_kind
    return (
        (stored.status == Status.PAYMENT_WAITING and goes_on and kind not in PAID_LATER)
        and all(payment.captured_minor is None for payment in received.payments)
        and all(
            payment.reference is None and payment.kind == kind and not payment.captured
            for payment in payments
        )
    )


def _refunded_elsewhere(stored: StoredOrder, received: OrderIn, changes: Changes) -> int:
    total = elsewhere_total(
        stored.refunded_elsewhere_minor,
        stated=received.refunded_elsewhere_minor,
        shop_total=received.refunded_total_minor,
        ours=stored.refund_minor,
    )
    if (received.refunded_elsewhere_minor or total) < total:
        changes.skipped.append("refunded_elsewhere_amount")
    return total


def _refunds_above_charge(
    stored: StoredOrder, received: OrderIn, addition: Addition | None
) -> dict[str, Problem]:
    """Refusals of refunds that exceed the charge; those that change nothing are accepted."""
    stated, shop_total = received.refunded_elsewhere_minor, received.refunded_total_minor
    ours, before = stored.refund_minor, stored.refunded_elsewhere_minor
    if elsewhere_total(before, stated=stated, shop_total=shop_total, ours=ours) == before:
        return {}
    charged = stored.totals.amount + stored.totals.interest
    if addition is not None:
        charged += addition.allocation.amount + addition.allocation.interest
    limits = fields_above_charge(stated=stated, shop_total=shop_total, ours=ours, charged=charged)
    currency = stored.currency
    return {
        name: errors.REFUND_ABOVE_CHARGE.with_values(
            max=f"{show(most, currency)} {currency.upper()}"
        )
        for name, most in limits.items()
    }


def _sent_addresses(received: OrderIn) -> Iterator[tuple[str, AddressIn]]:
    """The addresses that the sender sent, by column."""
    shipping, billing = received.shipping_address, received.billing_address
    # An order without a shipping address repeats the billing address, or has a placeholder.
    if shipping is not billing and not is_placeholder(shipping):
        yield "shipping_address", shipping
    if billing is not None:
        yield "billing_address", billing


def is_placeholder(address: AddressIn) -> bool:
    """Whether an order without an address has this one instead."""
    return address.line == "-" and (address.extra_field or {}).get("synthetic") is True


def _refused_in_order(stored: StoredOrder, received: OrderIn) -> Iterator[tuple[str, Problem]]:
    fixed = {
        "currency": received.currency == stored.currency,
        "customer.email": email_key(received.customer.email) in stored.email_keys,
        "date_placed": received.placed_at == stored.placed_at,
        "payment_type": received.payment_type in ("", stored.payment_type),
        "loyaltytransaction_set": all(
            stored.loyalty.get(row.uuid, row.amount_minor) == row.amount_minor
            for row in received.loyalty
        ),
        **{
            name: is_placeholder(stored.addresses[name])
            or stored.addresses[name].agrees_with(address)
            for name, address in _sent_addresses(received)
        },
    }
    yield from ((name, errors.ORDER_IS_FIXED) for name, is_same in fixed.items() if not is_same)


def _refused_in_item(stored: StoredItem, item: ItemIn) -> dict[str, Problem]:
    fixed = {
        "sku": item.sku == stored.sku,
        "tax_rate": item.tax_rate in (None, stored.tax_rate),
    }
    return {name: errors.ORDER_IS_FIXED for name, is_same in fixed.items() if not is_same}


def refused_in_new_order(order: OrderIn, now: datetime) -> dict[str, Problem]:
    """Fields that a new order cannot have, by path."""
    refused = {}
    if order.status == Status.CANCELLATION_WAITING:
        refused["status"] = errors.STATUS_NEEDS_CASE
    for position, item in enumerate(order.items):
        problems = _refused_in_new_item(item, order.placed_at, now)
        refused |= {f"order_item.{position}.{name}": p for name, p in problems.items()}
    return refused


def _refused_in_new_item(item: ItemIn, placed_at: datetime, now: datetime) -> dict[str, Problem]:
    refused: dict[str, Problem] = {}
    if item.status == Status.CANCELLATION_WAITING:
        refused["status"] = errors.STATUS_NEEDS_CASE
    for name, date in (
        ("shipped_date", item.shipped_date),
        ("delivered_date", item.delivered_date),
    ):
        problem = date_problem(date, placed_at=placed_at, now=now) if date else None
        if problem:
            refused[name] = problem
    return refused
