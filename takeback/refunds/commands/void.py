"""Releases authorizations of payments that were never charged, when their order is cancelled."""

from datetime import datetime

from takeback.core.ids import OrderId
from takeback.orders.models import Payment
from takeback.refunds.access import account_for
from takeback.refunds.topics import publish_void


def void_uncaptured(order_id: OrderId) -> int:
    """Let the worker release the authorizations of an order's payments; returns their number.

    For an order that is cancelled as a whole. The caller holds its lock, in its transaction. A
    payment without an id at its provider has none that we know of.
    """
    payments = Payment.objects.filter(
        order_id=order_id, captured_minor=0, amount_minor__gt=0, voided_at=None
    ).exclude(reference=None)
    count = 0
    for payment in payments.select_related("order"):
        if account := account_for(payment):
            publish_void(payment.pk, account.pk)
            count += 1
    return count


def record_void(payment_id: int, *, now: datetime) -> None:
    """The provider has released the authorization of a payment."""
    Payment.objects.filter(pk=payment_id, captured_minor=0).update(voided_at=now)
