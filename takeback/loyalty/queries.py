"""Reads loyalty accounts and their entries."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Q, QuerySet, Sum

from takeback.core.db.compiled_query import RowQuery
from takeback.loyalty.models import LoyaltyAccount, LoyaltyEntry
from takeback.loyalty.transaction_types import TransactionType


class OrderNumber(NamedTuple):
    """The order of an entry."""

    id: int
    number: str


class TransferRow(NamedTuple):
    """An entry as its owner reads it."""

    id: int
    amount_minor: int
    at: datetime
    order: OrderNumber | None


def accounts_of(channel_id: int, user_id: int, email_key: str) -> "QuerySet[LoyaltyAccount]":
    """The accounts of a registered customer, also those from the time as a guest."""
    is_theirs = Q(user_id=user_id) | Q(user=None, email_key=email_key)
    return LoyaltyAccount.objects.filter(is_theirs, channel_id=channel_id)


def currencies_of(accounts: "QuerySet[LoyaltyAccount]") -> list[str]:
    """The currencies of these accounts, that of the oldest first."""
    return list(dict.fromkeys(accounts.order_by("pk").values_list("currency", flat=True)))


def balance_of(accounts: "QuerySet[LoyaltyAccount]", currency: str) -> int:
    """The points of all these accounts in a currency."""
    total = accounts.filter(currency=currency).aggregate(total=Sum("balance_minor"))["total"]
    return total or 0


def transfers_of(accounts: "QuerySet[LoyaltyAccount]", currency: str) -> "QuerySet[LoyaltyEntry]":
    """The entries of these accounts in a currency, newest first."""
    own = accounts.filter(currency=currency)
    return LoyaltyEntry.objects.filter(account__in=own).order_by("-id")


transfer_rows = RowQuery(TransferRow)


def refunds_of_payment(payment_id: int) -> list[LoyaltyEntry]:
    """The refunds that gave back the money of a payment as points."""
    refunds = LoyaltyEntry.objects.filter(
        payment_id=payment_id, transaction_type=TransactionType.REFUND.value
    )
    return list(refunds.order_by("pk"))
