"""Stands in for commands that do not exist yet: booking parcels, and paying refunds."""

from datetime import datetime, timedelta

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from takeback.cancellations.history import update_case
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import refund_total
from takeback.cancellations.statuses import Kind, PlanStatus, Status, Transition
from takeback.core.actor import SYSTEM
from takeback.logistics.models import EasyReturn
from takeback.logistics.statuses import GoodsStatus
from takeback.orders.commands.update_items import roll_up_status
from takeback.orders.models import Order, OrderItem, Tender
from takeback.orders.statuses import Status as ItemStatus

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


def pay_refund(case_id: int, now: datetime) -> None:
    """Pay the plan of an approved case, which is alone in it, and complete both."""
    case = CancellationRequest.objects.select_related("plan__order").get(pk=case_id)
    plan = case.plan
    assert plan
    rest = int(refund_total(plan))
    Order.objects.filter(pk=plan.order_id).update(
        refund_minor=F("refund_minor") + rest,
        shipping_refund_minor=F("shipping_refund_minor") + plan.shipping_refund_minor,
    )
    for tender in Tender.objects.filter(order=plan.order_id).order_by("id"):
        share = min(rest, tender.captured_minor - tender.reserved_minor)
        Tender.objects.filter(pk=tender.pk).update(reserved_minor=F("reserved_minor") + share)
        rest -= share
    is_return = case.cancellation_type == Kind.RETURN
    status = ItemStatus.REFUNDED if is_return else ItemStatus.CANCELLED
    item = OrderItem.objects.filter(pk=case.order_item_id)
    item.update(status=status, units_closed=case.quantity, modified_date=now)
    CancellationPlan.objects.filter(pk=plan.pk).update(status=PlanStatus.COMPLETED.value)
    update_case(case, Transition.COMPLETE.value, SYSTEM, now, status=Status.COMPLETED.value)
    roll_up_status([plan.order_id], now)
