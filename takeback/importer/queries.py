"""Rows that the importer reads: customers, items with units left, imported cases, old orders."""

from collections.abc import Collection
from typing import NamedTuple

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.queries import customers_of
from takeback.archive.models import OldOrder
from takeback.cancellations.models import CancellationRequest
from takeback.core.normalize import email_key
from takeback.importer.matching import SoldItem
from takeback.orders.models import OrderItem

CustomerKey = tuple[str, str]


def user_ids(channel_id: int, customers: Collection[CustomerIn]) -> dict[CustomerKey, int]:
    """The ids of customers that the channel has, by `CustomerIn.key`."""
    users = customers_of(channel_id)
    codes = {customer.channel_code for customer in customers if customer.channel_code}
    keys = {
        email_key(customer.email)
        for customer in customers
        if customer.email and not customer.channel_code
    }
    by_key = users.filter(email_key__in=keys).order_by("id")
    ids: dict[CustomerKey, int] = {
        (kind, key): user_id
        for kind, key, user_id in by_key.values_list("user_type", "email_key", "id")
    }
    by_code = users.filter(channel_code__in=codes).values_list("channel_code", "id")
    return ids | {("code", str(code)): user_id for code, user_id in by_code}


def sold_items(user_ids: Collection[int], skus: Collection[str]) -> list[SoldItem]:
    """Every item of these customers with these SKUs, locked: call it in a transaction."""
    items = (
        OrderItem.objects.select_for_update(of=("self",))
        .filter(order__user__in=list(user_ids), sku__in=skus)
        .order_by("id")
    )
    return [
        SoldItem(
            item.pk,
            item.order.user_id,
            item.sku,
            item.order.currency,
            item.order.placed_at,
            item.quantity,
            item.units_left,
            item.goods_minor,
        )
        for item in items.select_related("order").only(
            "sku",
            "quantity",
            "units_closed",
            "refunded_elsewhere_quantity",
            "goods_minor",
            "order__user_id",
            "order__currency",
            "order__placed_at",
        )
    ]


def recorded_units(user_ids: Collection[int], remote_ids: Collection[str]) -> dict[str, list[int]]:
    """The quantities of the imported cases of these customers, by remote id."""
    # SQLite would look up every item of every customer once per remote id: they are filtered here.
    cases = CancellationRequest.objects.filter(
        order_item__order__user__in=list(user_ids), remote_id__isnull=False
    )
    units: dict[str, list[int]] = {}
    for remote_id, quantity in cases.values_list("remote_id", "quantity"):
        if remote_id in remote_ids:
            units.setdefault(str(remote_id), []).append(quantity)
    return units


class OldOrderKey(NamedTuple):
    """The id of an old order, and the currency of its amounts."""

    order_id: int
    currency: str


def old_order_keys(channel_id: int, numbers: Collection[str]) -> dict[str, list[OldOrderKey]]:
    """The channel's old orders with these numbers; several customers may have the same number."""
    orders = OldOrder.objects.filter(user__channel_id=channel_id, number__in=numbers)
    keys: dict[str, list[OldOrderKey]] = {}
    for number, order_id, currency in orders.values_list("number", "id", "currency"):
        keys.setdefault(number, []).append(OldOrderKey(order_id, currency))
    return keys
