"""Database rows of an order: every column with its value, in one expression per table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b

import msgspec

from takeback.core.db.bulk import json_text
from takeback.core.ids import ItemId, OrderId
from takeback.core.normalize import email_key
from takeback.orders.allocation import Allocation, ItemAmounts
from takeback.orders.order_input import Document, ItemIn, OrderIn
from takeback.orders.statuses import rolled_up_status

Row = dict[str, object]
"""The values of a row by column; JSON columns hold text."""

ITEM_SNAPSHOTS = ("product", "price_list", "stock_list", "data_source", "shipping_option_group")

_json = msgspec.json.Encoder(decimal_format="number", order="sorted")


SnapshotId = Callable[[str, Document | None], int | None]
"""Returns the id of a snapshot by its kind and content."""


@dataclass(slots=True)
class OrderDraft:
    """An order to insert or update; the ids of its rows are set before an insert."""

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
    """The columns that a later import of the same order may change."""
    return {
        "cancel_status": order.cancel_status,
        "shipping_company": order.shipping_company,
        "tracking_number": order.tracking_number,
        "tracking_url": order.tracking_url,
        "invoice_number": order.invoice_number,
        "invoice_date": order.invoice_date,
        "e_archive_url": order.e_archive_url,
        "has_gift_box": order.has_gift_box,
        "gift_box_note": order.gift_box_note,
        "notes": order.notes,
        "language_code": order.language_code,
        "client_type": order.client_type,
        "order_type": order.order_type,
        "remote_addr": order.remote_addr,
        "is_send": order.is_send,
    }


def mutable_item_values(item: ItemIn) -> Row:
    """The columns of an item that a later import of its order may change."""
    return {
        "cancel_status": item.cancel_status,
        "shipping_company": item.shipping_company,
        "tracking_number": item.tracking_number,
        "tracking_url": item.tracking_url,
        "invoice_number": item.invoice_number,
        "invoice_date": item.invoice_date,
        "e_archive_url": item.e_archive_url,
        "estimated_delivery_date": item.estimated_delivery_date,
        "shipped_date": item.shipped_date,
        "delivered_date": item.delivered_date,
        "image": item.image,
        "is_tradable": item.is_tradable,
    }


def order_row(
    draft: OrderDraft, snapshot_id: SnapshotId, *, channel_id: int, source: str, now: datetime
) -> Row:
    """The row of a new order. It is finalized: insert it after the rows of its parts."""
    order, amounts = draft.order, draft.allocation
    return {
        "id": draft.order_id,
        "channel_id": channel_id,
        "number": order.number,
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
        "shipping_minor": order.shipping_minor,
        "fee_minor": order.fee_minor,
        "amount_minor": amounts.amount,
        "interest_minor": amounts.interest,
        "refund_minor": 0,
        "discount_refund_minor": 0,
        "shipping_refund_minor": 0,
        "shipping_tax_rate": order.shipping_tax_rate,
        "payment_option_id": snapshot_id("payment_option", order.payment_option),
        "bank_id": snapshot_id("bank", order.bank),
        "payment_type": order.payment_type,
        "bin_number": order.bin_number,
        "installment_count": order.installment_count,
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
    *,
    item_id: ItemId,
    order_id: OrderId,
    now: datetime,
) -> Row:
    return {
        "id": item_id,
        "order_id": order_id,
        "remote_id": item.remote_id,
        "status": item.status,
        "quantity": item.quantity,
        "units_closed": 0,
        "goods_minor": amounts.goods,
        "discount_minor": amounts.discount,
        "tax_minor": amounts.tax,
        "shipping_minor": amounts.shipping,
        "fee_minor": amounts.fee,
        "interest_minor": amounts.interest,
        "retail_minor": item.retail_minor,
        "tax_rate": item.tax_rate,
        "sku": item.sku,
        "product_id": snapshot_id("product", item.product),
        "price_list_id": snapshot_id("price_list", item.price_list),
        "stock_list_id": snapshot_id("stock_list", item.stock_list),
        "data_source_id": snapshot_id("data_source", item.data_source),
        "shipping_option_group_id": snapshot_id(
            "shipping_option_group", item.shipping_option_group
        ),
        **mutable_item_values(item),
        "attributes": json_text(item.attributes),
        "extra_field": json_text(item.extra_field),
        "details": json_text(item.details),
        "created_date": now,
        "modified_date": now,
    }


def status_of_order(order: OrderIn) -> int:
    """The status of the input, else the one that its items add up to."""
    return order.status or rolled_up_status([item.status for item in order.items])
