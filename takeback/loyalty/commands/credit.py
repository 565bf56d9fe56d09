"""Credits the points of a refund to the owner of the order, once per key."""

from datetime import datetime

from django.db import transaction

from takeback.loyalty.commands.accounts import primary_account
from takeback.loyalty.commands.entries import add_entry, entry_of_key
from takeback.loyalty.models import LoyaltyEntry
from takeback.loyalty.transaction_types import TransactionType
from takeback.orders.models import Payment


class KeyReused(ValueError):
    """The key has credited another amount or another payment."""


@transaction.atomic
def credit_refund(
    payment: Payment, amount_minor: int, currency: str, *, key: str, now: datetime
) -> LoyaltyEntry:
    """The entry of this refund; a repeated key adds none. Raises KeyReused.

    The points go to the customer of the payment's order. A guest gets an account under the
    order's e-mail address.
    """
    entry = entry_of_key(key)
    if entry is None:
        account = primary_account(payment.order, currency, now=now)
        # Another transaction with the key may have held the lock.
        entry = entry_of_key(key) or add_entry(
            account,
            amount_minor,
            TransactionType.REFUND,
            now=now,
            key=key,
            order_id=payment.order_id,
            payment_id=payment.pk,
        )
    if (entry.amount_minor, entry.payment_id) != (amount_minor, payment.pk):
        raise KeyReused(key)
    return entry
