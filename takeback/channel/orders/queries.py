"""Reads orders of one or more channels with their items: one statement per table."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet

from takeback.channel.cancel_status import CaseStatuses, statuses_of_orders
from takeback.channel.items.queries import ItemRow, ShareRow, with_cancel_status
from takeback.core.db.compiled_query import CompiledQuery, RowQuery
from takeback.core.ids import ItemId, OrderId
from takeback.orders.models import BenefitApplicant, Order, OrderItem
from takeback.orders.queries import SnapshotRow
from takeback.orders.units import units_left
from takeback.refunds.refund_rows import refunds_where


class OrderRow(NamedTuple):
    """An order; amounts are minor units, JSON columns are text."""

    id: OrderId
    number: str
    channel_id: int
    user_id: int
    placed_at: datetime
    extra_field: Any
    payment_option: SnapshotRow | None
    bin_number: str | None
    installment_count: int
    interest_minor: int
    is_send: bool
    cancel_status: str | None
    client_type: str
    status: int
    currency: str
    amount_minor: int
    discount_minor: int
    shipping_minor: int
    shipping_tax_rate: Decimal | None
    refund_minor: int
    discount_refund_minor: int
    shipping_refund_minor: int
    refunded_elsewhere_minor: int
    invoice_number: str | None
    invoice_date: datetime | None
    e_archive_url: str | None
    tracking_number: str | None
    shipping_company: str | None
    remote_addr: str | None
    has_gift_box: bool
    gift_box_note: str | None
    language_code: str
    notes: str | None
    details: Any
    created_date: datetime
    modified_date: datetime
    # All refunds as JSON text (`refunds.refund_rows`).
    refunds: Any


class OrdersWithItems(NamedTuple):
    """Orders, their items by order, and the discounts' shares and the units left by item."""

    orders: list[OrderRow]
    items: dict[OrderId, list[ItemRow]]
    shares: dict[ItemId, list[ShareRow]]
    units_left: dict[ItemId, int]


def _by_number(channel_id: int, number: str) -> "QuerySet[Order]":
    return with_refunds(Order.objects.filter(channel_id=channel_id, number=number))


def orders_in_channels(channel_ids: Sequence[int]) -> "QuerySet[Order]":
    return with_refunds(Order.objects.filter(channel_id__in=channel_ids))


def with_refunds(orders: "QuerySet[Order]") -> "QuerySet[Order]":
    """The orders with the columns of an `OrderRow`."""
    return orders.annotate(refunds=refunds_where("order_id", "pk"))


def _items(order_ids: list[int]) -> "QuerySet[OrderItem]":
    return OrderItem.objects.filter(order_id__anyof=order_ids).order_by("id")


def _shares(order_ids: list[int]) -> "QuerySet[BenefitApplicant]":
    return BenefitApplicant.objects.filter(order_item__order_id__anyof=order_ids).order_by("id")


order_by_number = CompiledQuery(OrderRow, _by_number)
order_rows = RowQuery(OrderRow)
items_of_orders = CompiledQuery(ItemRow, _items)
shares_of_orders = CompiledQuery(ShareRow, _shares)


def order_by_id(channel_ids: Sequence[int], order_id: OrderId) -> OrderRow | None:
    """The order, or None if it is in none of the channels."""
    orders = orders_in_channels(channel_ids).filter(pk=order_id)
    return order_rows.first(orders)


def channel_and_currency(channel_ids: Sequence[int], order_id: OrderId) -> tuple[int, str] | None:
    """The channel and the currency of an order, or None if it is in none of the channels."""
    orders = Order.objects.filter(pk=order_id, channel_id__in=channel_ids)
    return orders.values_list("channel_id", "currency").first()


def with_items(orders: list[OrderRow]) -> OrdersWithItems:
    """These orders with the rows that their documents need."""
    ids = [order.id for order in orders]
    items: dict[OrderId, list[ItemRow]] = {order_id: [] for order_id in ids}
    shares: dict[ItemId, list[ShareRow]] = {}
    left: dict[ItemId, int] = {}
    if ids:
        statuses = statuses_of_orders(ids)
        for row in items_of_orders(order_ids=ids):
            item = with_cancel_status(row, statuses)
            items[item.order_id].append(item)
            shares[item.id] = []
            left[item.id] = units_left(row, statuses.live_units(row.id))
        for share in shares_of_orders(order_ids=ids):
            shares[share.order_item_id].append(share)
        orders = [with_order_cancel_status(order, statuses) for order in orders]
    return OrdersWithItems(orders, items, shares, left)


def with_order_cancel_status(row: OrderRow, statuses: CaseStatuses) -> OrderRow:
    """The order with the `cancel_status` that it shows."""
    return row._replace(cancel_status=statuses.of_order(row.id, row.cancel_status, row.status))
