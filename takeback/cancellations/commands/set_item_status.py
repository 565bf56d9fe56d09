"""The statuses that cases give to their items."""

from collections.abc import Sequence
from datetime import datetime

from takeback.core.db.change_time import ChangeTime
from takeback.orders.commands.update_items import roll_up_status
from takeback.orders.models import OrderItem


def set_item_status(
    items: Sequence[OrderItem], status: int, now: datetime, deferred_status: int | None = None
) -> None:
    """Set the status of items, and the one that follows it if their case is closed."""
    rows = OrderItem.objects.filter(pk__in=[item.pk for item in items])
    rows.update(status=status, deferred_status=deferred_status, modified_date=ChangeTime())
    roll_up_status([item.order_id for item in items], now)


def fix_status(item_id: int, *, is_fixed: bool = True) -> None:
    """Fix the status of an item whose cancellation is approved, or release it."""
    OrderItem.objects.filter(pk=item_id).update(
        is_cancel_approved=is_fixed, modified_date=ChangeTime()
    )
