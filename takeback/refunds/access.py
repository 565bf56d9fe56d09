"""Payment accounts: which one serves a payment, and its address and decrypted credentials."""

from typing import Final
from urllib.parse import urlsplit

import msgspec
from django.db.models import QuerySet

from takeback.core.encryption import decrypt
from takeback.core.setting_kinds import WEB_URL
from takeback.orders.models import Payment
from takeback.refunds.models import PaymentAccount
from takeback.refunds.providers import AccountAccess

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def access_of(account: PaymentAccount) -> AccountAccess:
    """The account's address and decrypted credentials; never log them.

    Raises Refused (`unavailable`) when the data key is missing, ValueError for a damaged text.
    """
    encrypted = account.credentials_encrypted
    text = decrypt(encrypted, str(account.uuid)) if encrypted else "{}"
    return AccountAccess(
        base_url=account.base_url,
        provider_account=account.provider_account,
        credentials=msgspec.json.decode(text, type=dict[str, str]),
        is_test=account.is_test,
    )


def is_safe_url(text: str) -> bool:
    """Whether credentials may be sent to this address: by TLS, or within this machine."""
    try:
        url = urlsplit(WEB_URL.parse(text))
    except ValueError:
        return False
    return url.scheme == "https" or url.hostname in _LOOPBACK


def account_for(payment: Payment) -> PaymentAccount | None:
    """The account that took a payment; None: a person decides.

    A payment that names an account belongs to that one only, also if it is not active. Any other
    payment belongs to the channel's active account that serves its type in its currency.
    """
    order = payment.order
    if payment.account:
        named = PaymentAccount.objects.filter(channel_id=order.channel_id, code=payment.account)
        return named.first()
    currency = payment.currency or order.currency
    return accounts_of_kind(order.channel_id, payment.kind, currency).first()


def accounts_of_kind(channel_id: int, kind: str, currency: str) -> "QuerySet[PaymentAccount]":
    """The active accounts of a channel that serve a payment type in a currency; at most one."""
    accounts = PaymentAccount.objects.filter(
        channel_id=channel_id, currency=currency.lower(), is_active=True
    )
    # The types are a JSON list: SQLite cannot look into it.
    kinds = accounts.order_by("pk").values_list("pk", "payment_kinds")
    return accounts.filter(pk__in=[pk for pk, served in kinds if kind in served])
