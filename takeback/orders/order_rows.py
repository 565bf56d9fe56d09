"""From an order as told to the rows that keep it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import msgspec

from takeback.core.db.bulk import json_text
from takeback.core.normalize import email_key
from takeback.orders.allocation import Allocation
from takeback.orders.order_input import ItemIn, OrderIn
from takeback.orders.statuses import rolled_up_status

_json = msgspec.json.Encoder(decimal_format="number", order="sorted")

SnapshotId = Callable[[str, dict[str, Any] | None], int | None]


def fingerprint(order: OrderIn) -> str:
    """32 hex digits; equal when the order is told again without a change."""
    return blake2b(_json.encode(order), digest_size=16).hexdigest()


def digest(document: dict[str, Any]) -> str:
    """32 hex digits of a snapshot's content."""
    return blake2b(_json.encode(document), digest_size=16).hexdigest()


def snapshots(order: OrderIn) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every (kind, document) that the order repeats."""
    told: list[tuple[str, Any]] = [
        ("payment_option", order.payment_option),
        ("bank", order.bank),
    ]
    for item in order.items:
        told += zip(ITEM_SNAPSHOTS, _item_snapshots(item), strict=True)
    yield from ((kind, document) for kind, document in told if document is not None)


ITEM_SNAPSHOTS = ("product", "price_list", "stock_list", "data_source", "shipping_option_group")
_item_snapshots = attrgetter(*ITEM_SNAPSHOTS)

ORDER_TOLD = (
    "cancel_status",
    "shipping_company",
    "tracking_number",
    "tracking_url",
    "invoice_number",
    "invoice_date",
    "e_archive_url",
    "has_gift_box",
    "gift_box_note",
    "notes",
    "language_code",
    "client_type",
    "order_type",
    "remote_addr",
    "is_send",
)
"""Columns of an order that are taken as they come, and may change when it is told again."""

ITEM_TOLD = (
    "cancel_status",
    "shipping_company",
    "tracking_number",
    "tracking_url",
    "invoice_number",
    "invoice_date",
    "e_archive_url",
    "estimated_delivery_date",
    "shipped_date",
    "delivered_date",
    "image",
    "is_tradable",
)
"""The same for a line."""

_order_told, _item_told = attrgetter(*ORDER_TOLD), attrgetter(*ITEM_TOLD)


@dataclass(slots=True)
class OrderDraft:
    """An order on its way in: as told, shared out, and with the ids that its rows will have."""

    order: OrderIn
    worth: Allocation
    mark: str
    order_id: int = 0
    user_id: int = 0
    shipping_address_id: int = 0
    billing_address_id: int = 0


ORDER_COLUMNS = (
    "id",
    "number",
    "user_id",
    "user_type",
    "user_email",
    "email_key",
    "shipping_address_id",
    "billing_address_id",
    "fingerprint",
    "is_finalized",
    "status",
    "currency",
    "goods_minor",
    "discount_minor",
    "shipping_minor",
    "fee_minor",
    "amount_minor",
    "interest_minor",
    "refund_minor",
    "discount_refund_minor",
    "shipping_refund_minor",
    "shipping_tax_rate",
    "payment_option_id",
    "bank_id",
    "payment_type",
    "bin_number",
    "installment_count",
    *ORDER_TOLD,
    "extra_field",
    "details",
    "placed_at",
)


def order_row(draft: OrderDraft, snapshot_id: SnapshotId) -> tuple[Any, ...]:
    """The order's own row, sealed: it is written last and closes the whole."""
    order = draft.order
    return (
        *_who(draft),
        *_how_much(order, draft.worth),
        snapshot_id("payment_option", order.payment_option),
        snapshot_id("bank", order.bank),
        order.payment_type,
        order.bin_number,
        order.installment_count,
        *_order_told(order),
        json_text(order.extra_field),
        json_text(order.details),
        order.placed_at,
    )


def _who(draft: OrderDraft) -> tuple[Any, ...]:
    customer = draft.order.customer
    return (
        draft.order_id,
        draft.order.number,
        draft.user_id,
        customer.user_type,
        customer.email,
        email_key(customer.email),
        draft.shipping_address_id,
        draft.billing_address_id,
        draft.mark,
        True,
    )


def _how_much(order: OrderIn, worth: Allocation) -> tuple[Any, ...]:
    """Status and amounts; nothing has been refunded yet."""
    return (
        status_of_order(order),
        order.currency,
        worth.goods,
        worth.discount,
        order.shipping_minor,
        order.fee_minor,
        worth.amount,
        worth.interest,
        0,
        0,
        0,
        order.shipping_tax_rate,
    )


def status_of_order(order: OrderIn) -> int:
    """As told, else rolled up from the lines."""
    return order.status or rolled_up_status([item.status for item in order.items])


ITEM_COLUMNS = (
    "id",
    "order_id",
    "remote_id",
    "status",
    "quantity",
    "units_closed",
    "goods_minor",
    "discount_minor",
    "tax_minor",
    "shipping_minor",
    "fee_minor",
    "interest_minor",
    "retail_minor",
    "tax_rate",
    "sku",
    *(f"{kind}_id" for kind in ITEM_SNAPSHOTS),
    *ITEM_TOLD,
    "attributes",
    "extra_field",
    "details",
    "created_date",
    "modified_date",
)


def item_rows(
    order: OrderIn,
    worth: Allocation,
    snapshot_id: SnapshotId,
    *,
    order_id: int,
    item_ids: Iterator[int],
    now: datetime,
) -> Iterator[tuple[Any, ...]]:
    """The lines with what each component of them is worth."""
    for item, line in zip(order.items, worth.lines, strict=True):
        yield (
            next(item_ids),
            order_id,
            item.remote_id,
            item.status,
            item.quantity,
            0,
            *line,
            item.retail_minor,
            item.tax_rate,
            item.sku,
            *_snapshot_ids(item, snapshot_id),
            *_item_told(item),
            json_text(item.attributes),
            json_text(item.extra_field),
            json_text(item.details),
            now,
            now,
        )


def _snapshot_ids(item: ItemIn, snapshot_id: SnapshotId) -> list[int | None]:
    return list(map(snapshot_id, ITEM_SNAPSHOTS, _item_snapshots(item)))
