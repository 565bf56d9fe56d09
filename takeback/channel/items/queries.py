"""Reads order items of one or more channels, with the discounts' shares."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet

from takeback.channel.cancel_status import CaseStatuses, statuses_of_items
from takeback.core.db.compiled_query import CompiledQuery, RowQuery
from takeback.core.ids import ItemId, OrderId
from takeback.orders.models import BenefitApplicant, Order, OrderItem
from takeback.orders.queries import SnapshotRow
from takeback.orders.units import units_left


class ItemRow(NamedTuple):
    """An item; amounts are minor units for all its units together, JSON columns are text.

    It resembles the row of `orders.queries`, but has exactly the columns of the channel's
    documents, and a NamedTuple cannot extend another.
    """

    id: ItemId
    order_id: OrderId
    status: int
    cancel_status: str | None
    quantity: int
    units_closed: int
    refunded_elsewhere_quantity: int
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
    """An item's share of a discount."""

    id: int
    order_item_id: ItemId
    discount_item_id: int
    amount_minor: int
    created_date: datetime
    modified_date: datetime


class CurrencyRow(NamedTuple):
    """The currency of an order."""

    id: OrderId
    currency: str


class ItemsWithShares(NamedTuple):
    """Items, the discounts' shares and the units left by item, and the currencies by order."""

    items: list[ItemRow]
    shares: dict[ItemId, list[ShareRow]]
    units_left: dict[ItemId, int]
    currencies: dict[OrderId, str]


def items_in_channels(channel_ids: Sequence[int]) -> "QuerySet[OrderItem]":
    return OrderItem.objects.filter(order__channel_id__in=channel_ids)


def _shares(item_ids: list[int]) -> "QuerySet[BenefitApplicant]":
    return BenefitApplicant.objects.filter(order_item_id__anyof=item_ids).order_by("id")


def _currencies(order_ids: list[int]) -> "QuerySet[Order]":
    return Order.objects.filter(pk__anyof=order_ids)


item_rows = RowQuery(ItemRow)
shares_of_items = CompiledQuery(ShareRow, _shares)
currencies_of_orders = CompiledQuery(CurrencyRow, _currencies)


def with_cancel_status(row: ItemRow, statuses: CaseStatuses) -> ItemRow:
    """The item with the `cancel_status` that it shows."""
    return row._replace(cancel_status=statuses.of_item(row.id, row.cancel_status))


def items_by_id(channel_ids: Sequence[int], item_ids: Sequence[ItemId]) -> ItemsWithShares:
    """The channels' items with these ids, in ascending order."""
    items = items_in_channels(channel_ids)
    return with_shares(item_rows.fetch(items.filter(pk__in=item_ids).order_by("id")))


def with_shares(rows: list[ItemRow]) -> ItemsWithShares:
    """These items with the rows that their documents need."""
    shares: dict[ItemId, list[ShareRow]] = {row.id: [] for row in rows}
    left: dict[ItemId, int] = {}
    currencies: list[CurrencyRow] = []
    if rows:
        statuses = statuses_of_items(list(shares))
        left = {row.id: units_left(row, statuses.live_units(row.id)) for row in rows}
        rows = [with_cancel_status(row, statuses) for row in rows]
        for share in shares_of_items(item_ids=list(shares)):
            shares[share.order_item_id].append(share)
        currencies = currencies_of_orders(order_ids=sorted({row.order_id for row in rows}))
    return ItemsWithShares(rows, shares, left, dict(currencies))
