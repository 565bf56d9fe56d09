"""Writing cases that another system has completed already."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F

from takeback.cancellations.models import CancellationReason, CancellationRequest
from takeback.cancellations.statuses import Kind, Status
from takeback.orders.commands.roll_up import roll_up_status
from takeback.orders.locks import lock_orders_of
from takeback.orders.models import OrderItem
from takeback.orders.statuses import ENDED
from takeback.orders.statuses import Status as ItemStatus

IMPORTED_REASON = UUID("5f0c2c1e-7a34-4f6e-9a53-6d1f0b6d7e10")
"""The reason of cases whose own reason nobody told us; no shopper is offered it."""


class Completed(NamedTuple):
    """A case that was over before we heard of it."""

    order_item_id: int
    quantity: int
    remote_id: str
    at: datetime
    kind: Kind = Kind.CANCEL


def imported_reason() -> int:
    """The id of the reason for imported cases; added when it is first needed."""
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
    channel_id: int, told: Sequence[Completed], *, reason_id: int, now: datetime
) -> None:
    """Write history of a channel: a completed request per entry, and the units that are gone.

    No plan, money or event comes of it. A line without units left is cancelled, or refunded if it
    was returned, and an order follows its lines. More units than a line has left are refused by
    the database.
    """
    lock_orders_of(sorted({case.order_item_id for case in told}))
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
            modified_date=case.at,
        )
        for case in told
    )
    units = Counter[int]()
    for case in told:
        units[case.order_item_id] += case.quantity
    by_units: dict[int, list[int]] = defaultdict(list)
    for item_id, count in units.items():
        by_units[count].append(item_id)
    for count, ids in by_units.items():
        OrderItem.objects.filter(pk__in=ids).update(
            units_closed=F("units_closed") + count, modified_date=now
        )
    gone = OrderItem.objects.filter(pk__in=units, units_closed=F("quantity"))
    live = gone.exclude(status__in=ENDED)
    returned = [case.order_item_id for case in told if case.kind == Kind.REFUND]
    live.filter(pk__in=returned).update(status=ItemStatus.REFUNDED)
    live.update(status=ItemStatus.CANCELLED)
    roll_up_status(gone.values_list("order_id", flat=True), now)
