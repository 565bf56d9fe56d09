"""Records cash that was collected on delivery, which nobody reports."""

from django.db.models import F

from takeback.cancellations.collected_cash import collected_amounts
from takeback.core.ids import OrderId
from takeback.orders.models import Payment


def record_collected(order_id: OrderId) -> None:
    """Raise the captured amounts of payments on delivery to what was collected at the door.

    The caller holds the order's lock.
    """
    for payment_id, more in collected_amounts(order_id).items():
        Payment.objects.filter(pk=payment_id).update(captured_minor=F("captured_minor") + more)
