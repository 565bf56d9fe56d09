"""Database rows of an order: every column with its value, in one expression per table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from takeback.accounts.policy import ShopPolicy
from takeback.core.db.bulk import json_text
from takeback.core.ids import ItemId, OrderId
from takeback.core.normalize import email_key, number_key
from takeback.orders.allocation import Allocation, ItemAmounts
from takeback.orders.fulfilment_dates import with_assumed_dates
from takeback.orders.order_input import Document, ItemIn, OrderIn
from takeback.orders.refunded_elsewhere import elsewhere_total
from takeback.orders.statuses import Status, rolled_up_status

Row = dict[str, object]
"""The values of a row by column; JSON columns hold text."""

ITEM_SNAPSHOTS = ("product", "price_list", "stock_list", "data_source", "shipping_option_group")

IMPORT = "import"
"""The source of orders that come from a file."""

_json = msgspec.json.Encoder(decimal_format="number", order="sorted")


SnapshotId = Callable[[str, Document | None], int | None]
"""Returns the id of a snapshot by its kind and content."""


class Fulfilment(NamedTuple):
    """The status of an item, and when it was shipped and delivered."""

    status: int
    shipped: datetime | None
    delivered: datetime | None


@dataclass(slots=True)
class OrderDraft:
    """An order to insert, or an addition to one; the ids of its rows are set before."""

    order: OrderIn
    allocation: Allocation
    fingerprint: str
    order_id: OrderId = field(init=False)
    item_ids: list[ItemId] = field(init=False)
    user_id: int = field(init=False)
    shipping_address_id: int = field(init=False)
    billing_address_id: int = field(init=False)


def fingerprint(order: OrderIn) -> str:
    """32 hex digits that are equal for equal input; the customer's password is no part of it."""
    if order.customer.password_hash:
        order = replace(order, customer=replace(order.customer, password_hash=None))
    return blake2b(_json.encode(order), digest_size=16).hexdigest()


def digest(document: Document) -> str:
    return blake2b(_json.encode(document), digest_size=16).hexdigest()


def snapshot_documents(order: OrderIn) -> Iterator[tuple[str, Document]]:
    """The kind and the content of every snapshot of the order and its items."""
    documents = [
        ("payment_option", order.payment_option),
        ("bank", order.bank),
        *((kind, getattr(item, kind)) for item in order.items for kind in ITEM_SNAPSHOTS),
    ]
    yield from ((kind, document) for kind, document in documents if document is not None)


def mutable_order_values(order: OrderIn) -> Row:
    """The columns whose values a later import of the same order replaces."""
    return {
        "cancel_status": order.cancel_status,
        "shipping_company": order.shipping_company,
        "tracking_number": order.tracking_number,
        "tracking_url": order.tracking_url,
        "invoice_number": order.invoice_number,
        "invoice_date": order.invoice_date,
        "e_archive_url": order.e_archive_url,
        "has_gift_box": order.has_gift_box or False,
        "gift_box_note": order.gift_box_note,
        "notes": order.notes,
        "language_code": order.language_code,
        "client_type": order.client_type or "default",
        "order_type": order.order_type,
        "remote_addr": order.remote_addr,
        "is_send": order.is_send or False,
    }


def mutable_item_values(item: ItemIn) -> Row:
    """The columns of an item whose values a later import of its order replaces."""
    return {
        "cancel_status": item.cancel_status,
        "shipping_company": item.shipping_company,
        "tracking_number": item.tracking_number,
        "tracking_url": item.tracking_url,
        "invoice_number": item.invoice_number,
        "invoice_date": item.invoice_date,
        "e_archive_url": item.e_archive_url,
        "estimated_delivery_date": item.estimated_delivery_date,
        "image": item.image,
        "is_tradable": item.is_tradable or False,
    }


def order_row(
    draft: OrderDraft,
    snapshot_id: SnapshotId,
    policy: ShopPolicy,
    *,
    channel_id: int,
    source: str,
    now: datetime,
) -> Row:
    """The row of a new order. It is finalized: insert it after the rows of its parts.

    The order keeps the time limits of `policy`.
    """
    order, amounts = draft.order, draft.allocation
    return {
        "id": draft.order_id,
        "channel_id": channel_id,
        "number": order.number,
        "number_key": number_key(order.number),
        "user_id": draft.user_id,
        "user_type": order.customer.user_type,
        "user_email": order.customer.email,
        "email_key": email_key(order.customer.email),
        "shipping_address_id": draft.shipping_address_id,
        "billing_address_id": draft.billing_address_id,
        "fingerprint": draft.fingerprint,
        "source": source,
        "is_finalized": True,
        "status": status_of_order(order),
        "currency": order.currency,
        "goods_minor": amounts.goods,
        "discount_minor": amounts.discount,
        "shipping_minor": order.shipping_minor or 0,
        "fee_minor": order.fee_minor or 0,
        "amount_minor": amounts.amount,
        "rounding_minor": amounts.rounding,
        "interest_minor": amounts.interest,
        "refund_minor": 0,
        "discount_refund_minor": 0,
        "shipping_refund_minor": 0,
        "refunded_elsewhere_minor": elsewhere_total(
            0,
            stated=order.refunded_elsewhere_minor,
            shop_total=order.refunded_total_minor,
            ours=0,
        ),
        "return_days": policy.return_days,
        "cancel_minutes": policy.cancel_minutes,
        "shipping_tax_rate": order.shipping_tax_rate,
        "payment_option_id": snapshot_id("payment_option", order.payment_option),
        "bank_id": snapshot_id("bank", order.bank),
        "payment_type": order.payment_type,
        "bin_number": order.bin_number,
        "installment_count": 1 if order.installment_count is None else order.installment_count,
        **mutable_order_values(order),
        "extra_field": json_text(order.extra_field),
        "details": json_text(order.details),
        "placed_at": order.placed_at,
        "created_date": now,
        "modified_date": now,
    }


def item_row(
    item: ItemIn,
    amounts: ItemAmounts,
    snapshot_id: SnapshotId,
    fulfilment: Fulfilment,
    *,
    item_id: ItemId,
    order_id: OrderId,
    now: datetime,
) -> Row:
    return {
        "id": item_id,
        "order_id": order_id,
        "remote_id": item.remote_id,
        "status": fulfilment.status,
        "quantity": item.quantity,
        "units_closed": 0,
        "refunded_elsewhere_quantity": item.refunded_elsewhere_quantity or 0,
        "goods_minor": amounts.goods,
        "discount_minor": amounts.discount,
        "tax_minor": amounts.tax,
        "shipping_minor": amounts.shipping,
        "fee_minor": amounts.fee,
        "interest_minor": amounts.interest,
        "retail_minor": item.retail_minor,
        "tax_rate": item.tax_rate or 0,
        "sku": item.sku,
        "product_id": snapshot_id("product", item.product),
        "price_list_id": snapshot_id("price_list", item.price_list),
        "stock_list_id": snapshot_id("stock_list", item.stock_list),
        "data_source_id": snapshot_id("data_source", item.data_source),
        "shipping_option_group_id": snapshot_id(
            "shipping_option_group", item.shipping_option_group
        ),
        **mutable_item_values(item),
        "shipped_date": fulfilment.shipped,
        "delivered_date": fulfilment.delivered,
        "attributes": json_text(item.attributes),
        "extra_field": json_text(item.extra_field),
        "details": json_text(item.details),
        "created_date": now,
        "modified_date": now,
    }


def fulfilment(order: OrderIn, item: ItemIn, *, source: str, now: datetime) -> Fulfilment:
    """Where a new item starts.

    A status without a date gets the time of its arrival. Imported goods were delivered before:
    the time of their order is the only one that is known.
    """
    status = order.status_of_item(item)
    is_old = source == IMPORT and status == Status.DELIVERED
    assumed = order.placed_at if is_old else now
    dates = with_assumed_dates(status, item.shipped_date, item.delivered_date, assumed)
    return Fulfilment(status, *dates)


def status_of_order(order: OrderIn) -> int:
    """The status of the input, else the one that its items add up to."""
    return order.status or rolled_up_status([order.status_of_item(item) for item in order.items])
