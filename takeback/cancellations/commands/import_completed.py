"""Imports cases that another system has completed."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F

from takeback.cancellations.models import CancellationReason, CancellationRequest
from takeback.cancellations.statuses import Kind, Status
from takeback.core.db.change_time import ChangeTime
from takeback.core.ids import ItemId
from takeback.orders.commands.update_items import roll_up_status
from takeback.orders.locks import lock_orders_of
from takeback.orders.models import OrderItem
from takeback.orders.statuses import ENDED
from takeback.orders.statuses import Status as ItemStatus

# The reason of imported cases without a known one; shoppers cannot choose it.
IMPORTED_REASON = UUID("5f0c2c1e-7a34-4f6e-9a53-6d1f0b6d7e10")


class CompletedCase(NamedTuple):
    """A completed case of another system."""

    order_item_id: ItemId
    quantity: int
    remote_id: str
    at: datetime
    kind: Kind = Kind.CANCEL


def get_or_create_imported_reason() -> int:
    """The id of the reason for imported cases; it is created when it is first needed."""
    reason, _ = CancellationReason.objects.get_or_create(
        uuid=IMPORTED_REASON,
        defaults={
            "cancellation_type": Kind.CANCEL.value,
            "subject": "Imported",
            "is_active": False,
        },
    )
    return reason.pk


@transaction.atomic
def record_completed(
    channel_id: int, completed: Sequence[CompletedCase], *, reason_id: int, now: datetime
) -> None:
    """Insert a completed case for each entry and close its units, without plan or message.

    An item without units left is cancelled, or refunded after a return; the order's status
    follows its items. The database refuses more units than an item has left.
    """
    lock_orders_of(sorted({case.order_item_id for case in completed}))
    CancellationRequest.objects.bulk_create(
        CancellationRequest(
            channel_id=channel_id,
            order_item_id=case.order_item_id,
            reason_id=reason_id,
            cancellation_type=case.kind.value,
            status=Status.COMPLETED.value,
            quantity=case.quantity,
            source="import",
            remote_id=case.remote_id,
            created_date=case.at,
            modified_date=ChangeTime(),
        )
        for case in completed
    )
    units = Counter[int]()
    for case in completed:
        units[case.order_item_id] += case.quantity
    for count in set(units.values()):
        item_ids = [item_id for item_id, closed in units.items() if closed == count]
        OrderItem.objects.filter(pk__in=item_ids).update(
            units_closed=F("units_closed") + count, modified_date=now
        )
    used = F("units_closed") + F("refunded_elsewhere_quantity")
    closed_items = OrderItem.objects.alias(used=used).filter(pk__in=units, used__gte=F("quantity"))
    live = closed_items.exclude(status__in=ENDED)
    returned = [case.order_item_id for case in completed if case.kind == Kind.RETURN]
    live.filter(pk__in=returned).update(status=ItemStatus.REFUNDED)
    live.update(status=ItemStatus.CANCELLED)
    roll_up_status(closed_items.values_list("order_id", flat=True), now)
