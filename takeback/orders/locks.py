"""The order is the one lock of everything below it."""

from collections.abc import Collection
from typing import Any, NamedTuple

from django.db.models import (
    QuerySet,
)

from takeback.core.db.compiled_query import CompiledQuery
from takeback.orders.models import (
    Order,
    OrderItem,
)


class LockedRow(NamedTuple):
    """An order that is ours until the transaction ends."""

    id: int


def _lock_orders_of(item_ids: list[int]) -> "QuerySet[Order]":
    items = OrderItem.objects.filter(pk__anyof=item_ids)
    found = Order.objects.filter(pk__in=items.values("order_id")).order_by("id")
    return found.select_for_update(no_key=True)


def _lock_in_channel(item_ids: list[int], channel_id: int) -> "QuerySet[Order]":
    return _lock_orders_of(item_ids).filter(channel_id=channel_id)


def _lock_of_customer(item_ids: list[int], channel_id: int, user_id: int) -> "QuerySet[Order]":
    return _lock_in_channel(item_ids, channel_id).filter(user_id=user_id)


def _lock_among(item_ids: list[int], channel_id: int, order_ids: list[int]) -> "QuerySet[Order]":
    return _lock_in_channel(item_ids, channel_id).filter(pk__anyof=order_ids)


_orders_of_items = CompiledQuery(LockedRow, _lock_orders_of)
_orders_in_channel = CompiledQuery(LockedRow, _lock_in_channel)
_orders_of_customer = CompiledQuery(LockedRow, _lock_of_customer)
_orders_among = CompiledQuery(LockedRow, _lock_among)


def lock_orders_of(item_ids: list[int]) -> list[int]:
    """Lock the orders of these items, in ascending order, and return their ids.

    The order is the one lock of everything below it: lines, cases, money. Whoever changes any
    of them takes it first, so that nothing is decided on what somebody else is changing, and
    nobody waits in a circle.
    """
    return [row.id for row in _orders_of_items(item_ids=item_ids)]


def lock_orders_within(
    item_ids: list[int],
    *,
    channel_id: int,
    user_id: int | None = None,
    order_ids: Collection[int] | None = None,
) -> list[int]:
    """As `lock_orders_of`, of a channel's orders, of a customer's, or of those among `order_ids`.

    So nobody waits for orders that they may not name, or holds them up (promise P20).
    """
    whose: dict[str, Any] = {"item_ids": item_ids, "channel_id": channel_id}
    if order_ids is not None:
        rows = _orders_among(**whose, order_ids=sorted(order_ids))
    elif user_id is not None:
        rows = _orders_of_customer(**whose, user_id=user_id)
    else:
        rows = _orders_in_channel(**whose)
    return [row.id for row in rows]
