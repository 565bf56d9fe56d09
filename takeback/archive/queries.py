"""Queries for old orders."""

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import QuerySet

from takeback.archive.models import OldOrder, OldOrderItem


def old_orders(user_id: int) -> "QuerySet[OldOrder]":
    return OldOrder.objects.filter(user_id=user_id).order_by("-created_date", "-id")


def items_of(orders: Sequence[OldOrder]) -> dict[int, list[OldOrderItem]]:
    """The items of these orders by the order's id, in one query."""
    items: dict[int, list[OldOrderItem]] = defaultdict(list)
    rows = OldOrderItem.objects.filter(old_order_id__in=[order.pk for order in orders])
    for item in rows.order_by("id"):
        items[item.old_order_id].append(item)
    return items
