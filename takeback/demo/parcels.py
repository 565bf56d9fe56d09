"""The parcels of returns, as their carriers would have reported them: no command books one yet."""

from datetime import datetime, timedelta

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from takeback.cancellations.statuses import Status
from takeback.logistics.models import EasyReturn
from takeback.logistics.statuses import GoodsStatus

_CODE_VALID = timedelta(days=7)
# The status of the parcel of a case; parcels of other cases are not booked.
_GOODS = {
    Status.WAITING: GoodsStatus.BOOKED,
    Status.CONFIRMED: GoodsStatus.IN_TRANSIT,
    Status.APPROVED: GoodsStatus.RECEIVED,
    Status.COMPLETED: GoodsStatus.RECEIVED,
}


def book_parcels(reference: datetime) -> None:
    """Give parcels the codes and statuses that their carriers would have reported by now."""
    number = Cast("id", CharField())
    for status, goods in _GOODS.items():
        EasyReturn.objects.filter(cancellationrequest__status=status).update(
            status=goods.value,
            code=Concat(Value("ER"), number),
            tracking_number=Concat(Value("BACK"), number),
            tracking_url=Concat(Value("https://tracking.example.com/BACK"), number),
            start_date=F("created_date"),
            end_date=F("created_date") + _CODE_VALID,
            raw_request='{"parcels": 1}',
            raw_response='{"status": "ok"}',
        )
    expired = EasyReturn.objects.filter(status=GoodsStatus.BOOKED, end_date__lt=reference)
    expired.update(status=GoodsStatus.EXPIRED.value)
