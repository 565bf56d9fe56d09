"""Reading a channel's orders: three statements, however many they are.

The rows resemble those of `orders.queries` and stand apart: each asks for exactly the columns
that its documents show, and a NamedTuple cannot extend another.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet

from takeback.core.compiled import Compiled
from takeback.core.paging import Page
from takeback.orders.models import BenefitApplicant, Order, OrderItem
from takeback.orders.queries import SnapshotRow


class OrderRow(NamedTuple):
    """An order; amounts are minor units, JSON columns are text."""

    id: int
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


class ItemRow(NamedTuple):
    """A line; amounts are minor units for all its units together, JSON columns are text."""

    id: int
    order_id: int
    status: int
    cancel_status: str | None
    quantity: int
    goods_minor: int
    discount_minor: int
    tax_minor: int
    interest_minor: int
    retail_minor: int | None
    tax_rate: Decimal
    product: SnapshotRow
    price_list: SnapshotRow | None
    stock_list: SnapshotRow | None
    data_source: SnapshotRow | None
    shipping_option_group: SnapshotRow | None
    shipping_company: str | None
    tracking_number: str | None
    tracking_url: str | None
    invoice_number: str | None
    invoice_date: datetime | None
    e_archive_url: str | None
    delivered_date: datetime | None
    is_tradable: bool
    attributes: Any
    extra_field: Any
    details: Any
    created_date: datetime
    modified_date: datetime


class ShareRow(NamedTuple):
    """A discount touched a line."""

    id: int
    order_item_id: int
    discount_item_id: int
    amount_minor: int
    created_date: datetime
    modified_date: datetime


class Found(NamedTuple):
    """Orders with their lines by order, and the discounts' shares by line."""

    total: int
    orders: list[OrderRow]
    items: dict[int, list[ItemRow]]
    shares: dict[int, list[ShareRow]]


_ALL = Page(1, 1)


def _by_number(channel_id: int, number: str) -> "QuerySet[Order]":
    return Order.objects.filter(channel_id=channel_id, number=number)


def _of_channel(channel_id: int) -> "QuerySet[Order]":
    return Order.objects.filter(channel_id=channel_id).order_by("-id")


def _items(order_ids: list[int]) -> "QuerySet[OrderItem]":
    return OrderItem.objects.filter(order_id__anyof=order_ids).order_by("id")


def _shares(order_ids: list[int]) -> "QuerySet[BenefitApplicant]":
    return BenefitApplicant.objects.filter(order_item__order_id__anyof=order_ids).order_by("id")


order_by_number = Compiled(OrderRow, _by_number)
orders_of_channel = Compiled(OrderRow, _of_channel)
items_of = Compiled(ItemRow, _items)
shares_of = Compiled(ShareRow, _shares)


def by_number(channel_id: int, number: str, page: Page = _ALL) -> Found:
    """The order of this number, if the channel has it; all of it fits the first page."""
    orders = order_by_number(channel_id=channel_id, number=number)
    return _complete(len(orders), orders[page.offset : page.offset + page.limit])


def of_channel(channel_id: int, page: Page) -> Found:
    """A page of the channel's orders, the newest arrival first."""
    question = orders_of_channel.queryset(channel_id=channel_id)
    window = question[page.offset : page.offset + page.limit]
    return _complete(question.count(), orders_of_channel.once(window))


def _complete(total: int, orders: list[OrderRow]) -> Found:
    ids = [order.id for order in orders]
    items: dict[int, list[ItemRow]] = {order_id: [] for order_id in ids}
    shares: dict[int, list[ShareRow]] = {}
    if ids:
        for item in items_of(order_ids=ids):
            items[item.order_id].append(item)
            shares[item.id] = []
        for share in shares_of(order_ids=ids):
            shares[share.order_item_id].append(share)
    return Found(total, orders, items, shares)
