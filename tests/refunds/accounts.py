"""Payment accounts, payments and refunds for tests, without the commands that plan them."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import zeal

from takeback.core.encryption import encrypt
from takeback.orders.models import Payment
from takeback.orders.order_input import PaymentIn
from takeback.refunds.commands.accounts import NewAccount, add_account
from takeback.refunds.models import PaymentAccount, Refund
from takeback.refunds.statuses import Means, Status
from tests import factories
from tests.factories import NOW, SHOP

CREDENTIALS = {"api_key": "sk-very-secret"}


def new_account(**fields: Any) -> NewAccount:
    """The values of an account for cards in Turkish lira."""
    defaults: dict[str, Any] = {
        "code": "cards",
        "provider": "sandbox",
        "provider_account": "acct_1",
        "currency": "TRY",
        "payment_kinds": ["credit_card"],
        "credentials": CREDENTIALS,
    }
    return NewAccount(**defaults | fields)


def create_account(*, channel_id: int = SHOP, **fields: Any) -> PaymentAccount:
    """An account that the command has added; columns that it does not set follow afterwards."""
    factories.create_channel(pk=channel_id)
    later = {
        name: fields.pop(name)
        for name in ("paused_because", "reconcile_since", "is_active")
        if name in fields
    }
    with zeal.zeal_ignore():
        pk = add_account(channel_id, new_account(**fields), now=NOW)
        PaymentAccount.objects.filter(pk=pk).update(**later)
        return PaymentAccount.objects.get(pk=pk)


def create_payment(
    *, captured: int = 1000, update: Mapping[str, Any] | None = None, **fields: Any
) -> Payment:
    """The only payment of a new order: a card that was charged at the provider."""
    payments = [
        PaymentIn(kind="credit_card", amount_minor=1000, captured_minor=captured, reference="pay_1")
    ]
    order = factories.create_order(**{"payments": payments} | fields)
    with zeal.zeal_ignore():
        if update:
            Payment.objects.filter(order=order).update(**update)
        return Payment.objects.select_related("order").get(order=order)


def create_refund(payment: Payment, account: PaymentAccount | None, **fields: Any) -> Refund:
    """A refund of 1.00 through an account; the balances of the payment do not change."""
    defaults: dict[str, Any] = {
        "uuid": uuid4(),
        "plan_id": 1,
        "means": Means.ORIGINAL.value,
        "amount_minor": 100,
        "currency": payment.order.currency,
        "status": Status.PLANNED.value,
        "created_date": NOW,
        "modified_date": NOW,
    }
    return Refund.objects.create(
        order_id=payment.order_id, payment=payment, account=account, **defaults | fields
    )


def replace_credentials(account: PaymentAccount, text: str) -> None:
    """Store any text as the account's encrypted credentials."""
    encrypted = encrypt(text, str(account.uuid))
    PaymentAccount.objects.filter(pk=account.pk).update(credentials_encrypted=encrypted)
