"""Finds the row of a payment, for means that Takeback carries out itself."""

from takeback.orders.models import Payment
from takeback.refunds.providers import PaymentRef


def own_payment(ref: PaymentRef) -> Payment:
    """The row of a payment with its order; KeyError without one."""
    payments = Payment.objects.select_related("order")
    payment = None if ref.row is None else payments.filter(pk=ref.row).first()
    if payment is None:
        raise KeyError(ref.row)
    return payment
