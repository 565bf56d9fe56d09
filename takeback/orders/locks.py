"""Row locks on orders: an order's row is the one lock of its items, cases and money."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.db.models import QuerySet

from takeback.core.db.compiled_query import CompiledQuery
from takeback.core.ids import OrderId
from takeback.orders.models import Order, OrderItem


class LockedOrder(NamedTuple):
    """An order that is locked until the transaction ends."""

    id: int


def _lock_by_items(item_ids: list[int]) -> "QuerySet[Order]":
    items = OrderItem.objects.filter(pk__anyof=item_ids)
    orders = Order.objects.filter(pk__in=items.values("order_id")).order_by("id")
    return orders.select_for_update(no_key=True)


def _lock_in_channel(item_ids: list[int], channel_id: int) -> "QuerySet[Order]":
    return _lock_by_items(item_ids).filter(channel_id=channel_id)


def _lock_of_customer(item_ids: list[int], channel_id: int, user_id: int) -> "QuerySet[Order]":
    return _lock_in_channel(item_ids, channel_id).filter(user_id=user_id)


def _lock_among(item_ids: list[int], channel_id: int, order_ids: list[int]) -> "QuerySet[Order]":
    return _lock_in_channel(item_ids, channel_id).filter(pk__anyof=order_ids)


_orders_by_items = CompiledQuery(LockedOrder, _lock_by_items)
_orders_in_channel = CompiledQuery(LockedOrder, _lock_in_channel)
_orders_of_customer = CompiledQuery(LockedOrder, _lock_of_customer)
_orders_among = CompiledQuery(LockedOrder, _lock_among)


def lock_orders_of(item_ids: list[int]) -> list[int]:
    """Lock the orders of these items, in ascending order, and return their ids.

    Every command that changes an order's items, cases or money takes this lock first. It then
    decides on data that no other transaction is changing, and the fixed order of locking
    prevents deadlocks.
    """
    return [row.id for row in _orders_by_items(item_ids=item_ids)]


def lock_orders_within(
    item_ids: list[int],
    *,
    channel_id: int,
    user_id: int | None = None,
    order_ids: Collection[int] | None = None,
) -> list[int]:
    """As `lock_orders_of`, limited to a channel, to a customer, or to `order_ids`.

    A requester neither locks nor waits for orders outside their scope (promise P20).
    """
    if order_ids is not None:
        among = sorted(order_ids)
        rows = _orders_among(item_ids=item_ids, channel_id=channel_id, order_ids=among)
    elif user_id is not None:
        rows = _orders_of_customer(item_ids=item_ids, channel_id=channel_id, user_id=user_id)
    else:
        rows = _orders_in_channel(item_ids=item_ids, channel_id=channel_id)
    return [row.id for row in rows]


def lock_orders(order_ids: Iterable[OrderId]) -> None:
    """Lock these orders, in ascending order."""
    orders = Order.objects.filter(pk__in=list(order_ids)).order_by("pk")
    list(orders.select_for_update(no_key=True).values_list("pk"))
