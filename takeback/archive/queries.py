"""Reading old orders."""

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import QuerySet

from takeback.archive.models import OldOrder, OldOrderItem


def old_orders(user_id: int) -> "QuerySet[OldOrder]":
    """A customer's old orders, newest first."""
    return OldOrder.objects.filter(user_id=user_id).order_by("-created_date", "-id")


def lines_of(orders: Sequence[OldOrder]) -> dict[int, list[OldOrderItem]]:
    """Their lines by order, in one query."""
    found: dict[int, list[OldOrderItem]] = defaultdict(list)
    lines = OldOrderItem.objects.filter(old_order_id__in=[order.pk for order in orders])
    for line in lines.order_by("id"):
        found[line.old_order_id].append(line)
    return found
