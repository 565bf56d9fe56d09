"""Updates orders to the status of their items."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import rolled_up_status


def roll_up_status(order_ids: Iterable[int], now: datetime) -> None:
    statuses: dict[int, list[int]] = defaultdict(list)
    items = OrderItem.objects.filter(order_id__in=set(order_ids))
    for order_id, status in items.values_list("order_id", "status"):
        statuses[order_id].append(status)
    orders_by_status: dict[int, list[int]] = defaultdict(list)
    for order_id, codes in statuses.items():
        orders_by_status[rolled_up_status(codes)].append(order_id)
    for status, ids in orders_by_status.items():
        changed = Order.objects.filter(pk__in=ids).exclude(status=status)
        changed.update(status=status, modified_date=now)
