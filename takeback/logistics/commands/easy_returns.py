"""Creating and cancelling easy returns, the return shipments of cases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from takeback.logistics.models import EasyReturn
from takeback.logistics.statuses import GoodsStatus


class NewEasyReturn(NamedTuple):
    """The data of an easy return: one parcel for the goods of `cases` cases."""

    carrier: str
    carrier_label: str
    pickup_address_id: int | None
    pickup_date: dict[str, Any] | None
    cases: int


def create_easy_returns(new: Sequence[NewEasyReturn], *, now: datetime) -> list[int]:
    """Create easy returns that are not booked with their carriers yet; returns their ids."""
    rows = EasyReturn.objects.bulk_create(
        EasyReturn(
            carrier=data.carrier,
            carrier_label=data.carrier_label,
            pickup_address_id=data.pickup_address_id,
            pickup_date=data.pickup_date,
            max_count=data.cases,
            created_date=now,
            modified_date=now,
        )
        for data in new
    )
    return [row.pk for row in rows]


def restore_easy_return(return_id: int, *, now: datetime) -> None:
    """Take back the cancellation of an easy return: with a code it was booked."""
    cancelled = EasyReturn.objects.filter(pk=return_id, status=GoodsStatus.CANCELLED.value)
    booked = cancelled.filter(code__isnull=False)
    if not booked.update(status=GoodsStatus.BOOKED.value, modified_date=now):
        cancelled.update(status=GoodsStatus.WANTED.value, modified_date=now)


def cancel_easy_return(return_id: int, *, now: datetime) -> None:
    """Cancel an easy return unless its parcel is in transit already."""
    not_sent = (GoodsStatus.WANTED.value, GoodsStatus.BOOKED.value)
    EasyReturn.objects.filter(pk=return_id, status__in=not_sent).update(
        status=GoodsStatus.CANCELLED.value, modified_date=now
    )
