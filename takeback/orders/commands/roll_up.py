"""Orders take over the status of their items."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import rolled_up_status


def roll_up_status(order_ids: Iterable[int], now: datetime) -> None:
    """Orders take over what their lines have come to."""
    statuses: dict[int, list[int]] = defaultdict(list)
    lines = OrderItem.objects.filter(order_id__in=set(order_ids))
    for order_id, status in lines.values_list("order_id", "status"):
        statuses[order_id].append(status)
    by_status: dict[int, list[int]] = defaultdict(list)
    for order_id, codes in statuses.items():
        by_status[rolled_up_status(codes)].append(order_id)
    for status, ids in by_status.items():
        moved = Order.objects.filter(pk__in=ids).exclude(status=status)
        moved.update(status=status, modified_date=now)
