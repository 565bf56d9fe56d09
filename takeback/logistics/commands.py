"""Writing the ways back of goods."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from takeback.logistics.models import EasyReturn
from takeback.logistics.statuses import GoodsStatus


class NewEasyReturn(NamedTuple):
    """A way back that somebody asked for, for so many cases of one parcel."""

    carrier: str
    carrier_label: str
    pickup_address_id: int | None
    pickup_date: dict[str, Any] | None
    cases: int


def create_easy_returns(wanted: Sequence[NewEasyReturn], *, now: datetime) -> list[int]:
    """Note down ways back that are still to be booked with their carriers; their ids."""
    rows = EasyReturn.objects.bulk_create(
        EasyReturn(
            carrier=one.carrier,
            carrier_label=one.carrier_label,
            pickup_address_id=one.pickup_address_id,
            pickup_date=one.pickup_date,
            max_count=one.cases,
            created_date=now,
            modified_date=now,
        )
        for one in wanted
    )
    return [row.pk for row in rows]


def cancel_easy_return(return_id: int, *, now: datetime) -> None:
    """Nobody waits for these goods any more; a parcel that is on its way comes all the same."""
    not_sent = (GoodsStatus.WANTED.value, GoodsStatus.BOOKED.value)
    found = EasyReturn.objects.filter(pk=return_id, status__in=not_sent)
    found.update(status=GoodsStatus.CANCELLED.value, modified_date=now)
