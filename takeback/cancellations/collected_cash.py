"""The cash that was collected on delivery, which nobody reports."""

from django.db.models import F

from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Status
from takeback.core.ids import OrderId
from takeback.orders.allocation import PAID_LATER
from takeback.orders.models import OrderItem, Payment
from takeback.orders.statuses import Status as ItemStatus

_HANDED_OVER = (ItemStatus.DELIVERED, ItemStatus.REFUNDED)


def collected_amounts(order_id: OrderId) -> dict[int, int]:
    """What was collected at the door beyond the captured amount, by payment on delivery.

    That is the payment less what the order's other items are worth, which were not handed over.
    """
    payments = Payment.objects.filter(
        order=order_id, kind__in=PAID_LATER, captured_minor__lt=F("amount_minor")
    )
    rows = list(payments.values_list("pk", "amount_minor", "captured_minor"))
    others = _worth_of_others(order_id) if rows else 0
    return {
        pk: amount - others - captured
        for pk, amount, captured in rows
        if amount - others > captured
    }


def _worth_of_others(order_id: OrderId) -> int:
    """What the items are worth that were not delivered, as far as their status tells."""
    cases = CancellationRequest.objects.filter(
        order_item__order=order_id, status__in=[Status.CONFIRMED.value, Status.APPROVED.value]
    )
    # The status of an item that waits for its case is stored in the case.
    before = dict(cases.values_list("order_item_id", "item_status_before"))
    items = OrderItem.objects.filter(order=order_id)
    return sum(
        item.goods_minor
        - item.discount_minor
        + item.shipping_minor
        + item.fee_minor
        + item.interest_minor
        for item in items
        if item.delivered_date is None and before.get(item.pk, item.status) not in _HANDED_OVER
    )
