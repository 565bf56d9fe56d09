"""Reading orders of one or more channels: three statements, however many they are.

The rows resemble those of `orders.queries` and stand apart: each asks for exactly the columns
that its documents show, and a NamedTuple cannot extend another.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from takeback.channel.filters import AS_THEY_CHANGED
from takeback.channel.sync.queries import unreported
from takeback.channel_sync.content_types import ContentType
from takeback.core.db.compiled_query import CompiledQuery, RowQuery
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


class CurrencyRow(NamedTuple):
    """What the amounts of an order are in."""

    id: int
    currency: str


class FoundItems(NamedTuple):
    """Lines, the discounts' shares by line, and the currencies by order."""

    total: int
    items: list[ItemRow]
    shares: dict[int, list[ShareRow]]
    currencies: dict[int, str]


class Found(NamedTuple):
    """Orders with their lines by order, and the discounts' shares by line."""

    total: int
    orders: list[OrderRow]
    items: dict[int, list[ItemRow]]
    shares: dict[int, list[ShareRow]]


_ALL = Page(1, 1)
Told = Mapping[str, Any]
"""Filters that `schemas` has read."""


def _by_number(channel_id: int, number: str) -> "QuerySet[Order]":
    return Order.objects.filter(channel_id=channel_id, number=number)


def _of_channels(channel_ids: list[int]) -> "QuerySet[Order]":
    return Order.objects.filter(channel_id__anyof=channel_ids).order_by("-id")


def _items_of_channels(channel_ids: list[int]) -> "QuerySet[OrderItem]":
    return OrderItem.objects.filter(order__channel_id__anyof=channel_ids).order_by("-id")


def _items(order_ids: list[int]) -> "QuerySet[OrderItem]":
    return OrderItem.objects.filter(order_id__anyof=order_ids).order_by("id")


def _currencies(order_ids: list[int]) -> "QuerySet[Order]":
    return Order.objects.filter(pk__anyof=order_ids)


def _shares_of_items(item_ids: list[int]) -> "QuerySet[BenefitApplicant]":
    return BenefitApplicant.objects.filter(order_item_id__anyof=item_ids).order_by("id")


def _shares(order_ids: list[int]) -> "QuerySet[BenefitApplicant]":
    return BenefitApplicant.objects.filter(order_item__order_id__anyof=order_ids).order_by("id")


order_by_number = CompiledQuery(OrderRow, _by_number)
orders_of_channels = RowQuery(OrderRow)
items_of_channels = RowQuery(ItemRow)
items_of = CompiledQuery(ItemRow, _items)
shares_of = CompiledQuery(ShareRow, _shares)
shares_of_items = CompiledQuery(ShareRow, _shares_of_items)
currencies_of = CompiledQuery(CurrencyRow, _currencies)


def by_number(channel_id: int, number: str, page: Page = _ALL) -> Found:
    """The order of this number, if the channel has it; all of it fits the first page."""
    orders = order_by_number(channel_id=channel_id, number=number)
    return _complete(len(orders), orders[page.offset : page.offset + page.limit])


def of_channels(channel_ids: Sequence[int], told: Told, page: Page) -> Found:
    """A page of these channels' orders that are like this, the newest arrival first."""
    return _page(_orders(channel_ids, told), page)


def changed(channel_ids: Sequence[int], told: Told, page: Page) -> Found:
    """Those that their channel's system does not have as they are, the longest ago changed first.

    With a moment all since then: whoever goes on from the last one's misses none.
    """
    found = _orders(channel_ids, told).filter(unreported(ContentType.ORDER, told))
    return _page(found.order_by(*AS_THEY_CHANGED), page)


def one(channel_ids: Sequence[int], order_id: int) -> Found:
    """This order, if one of the channels has it."""
    return _page(_orders(channel_ids, {"pk__in": [order_id]}), _ALL)


def channel_and_currency(channel_ids: Sequence[int], order_id: int) -> tuple[int, str] | None:
    """Of this order, if it is one of the channels'."""
    found = Order.objects.filter(pk=order_id, channel_id__in=channel_ids)
    return found.values_list("channel_id", "currency").first()


def items(channel_ids: Sequence[int], told: Told, page: Page) -> FoundItems:
    """A page of these channels' lines that are like this; `sort` is `id` or `-id`."""
    order_by = told.get("sort", "-id")
    wanted = _like({name: value for name, value in told.items() if name != "sort"})
    found = _items_of_channels(list(channel_ids)).filter(wanted)
    window = found.order_by(order_by)[page.offset : page.offset + page.limit]
    return _with_shares(found.count(), items_of_channels.fetch(window))


def items_by_id(channel_ids: Sequence[int], item_ids: Sequence[int]) -> FoundItems:
    """These lines, as far as the channels have them, in ascending order."""
    found = _items_of_channels(list(channel_ids))
    rows = items_of_channels.fetch(found.filter(pk__in=item_ids).order_by("id"))
    return _with_shares(len(rows), rows)


_LISTED = {"order": "order_id"}


def _orders(channel_ids: Sequence[int], told: Told) -> "QuerySet[Any, Any]":
    return _of_channels(list(channel_ids)).filter(_like(told))


def _like(told: Told) -> Q:
    """What is told, on our own columns; the fields of a schema name nothing else."""
    wanted = Q()
    for name, value in told.items():
        wanted &= Q((_LISTED.get(name, name), value))
    return wanted


def _page(question: "QuerySet[Any, Any]", page: Page) -> Found:
    window = question[page.offset : page.offset + page.limit]
    return _complete(question.count(), orders_of_channels.fetch(window))


def _with_shares(total: int, rows: list[ItemRow]) -> FoundItems:
    shares: dict[int, list[ShareRow]] = {row.id: [] for row in rows}
    currencies: list[CurrencyRow] = []
    if rows:
        for share in shares_of_items(item_ids=list(shares)):
            shares[share.order_item_id].append(share)
        currencies = currencies_of(order_ids=sorted({row.order_id for row in rows}))
    return FoundItems(total, rows, shares, dict(currencies))


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
