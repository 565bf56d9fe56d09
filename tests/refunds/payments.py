"""Payments that their provider can return."""

import zeal

from takeback.orders.models import Payment
from takeback.refunds.models import PaymentAccount
from tests.factories import SHOP


def make_returnable(currency: str = "try") -> None:
    """Give all payments so far an id at a provider, and cards and gift cards an account there."""
    with zeal.zeal_ignore():
        PaymentAccount.objects.get_or_create(
            channel_id=SHOP,
            code=currency,
            provider="sandbox",
            provider_account=currency,
            currency=currency,
            payment_kinds=["credit_card", "gift_card", "gpay"],
        )
        for pk in Payment.objects.values_list("pk", flat=True):
            Payment.objects.filter(pk=pk).update(reference=f"p-{pk}")
