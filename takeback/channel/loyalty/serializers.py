"""Bodies and filters of loyalty accounts and transactions."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from takeback.api.fields import StrictBoolean, StrictEmail, StrictInteger
from takeback.api.order_payload.fields import AMOUNT_MAX, Amount, Currency, Uuid
from takeback.channel.filters import (
    Filter,
    Filters,
    by_choice,
    by_id,
    by_moment,
    by_range,
    equal,
    text,
)
from takeback.core.normalize import email_key
from takeback.loyalty.transaction_types import TransactionType

_UNKNOWN: Any = {"invalid_choice": _("Unknown value.")}


def _by_uuid(column: str) -> Filter:
    return Filter(Uuid(required=False), equal(column))


def _by_email(column: str) -> Filter:
    """An address in any spelling of its letters."""
    return Filter(text(), equal(column, email_key))


def _by_currency() -> Filter:
    return Filter(Currency(required=False), equal("currency"))


ACCOUNT_FILTERS: Filters = {
    "number": _by_uuid("number"),
    "user_email": _by_email("email_key"),
    "user": by_id("user_id"),
    "currency": _by_currency(),
    **by_range("created_date", "created_date"),
    **by_range("modified_date", "modified_date"),
}


def _of_customer(email: str) -> Q:
    """Transactions of the customer with this address, whether it is the account's or theirs."""
    key = email_key(email)
    return Q(account__email_key=key) | Q(account__user__email_key=key)


TRANSACTION_FILTERS: Filters = {
    "uuid": _by_uuid("uuid"),
    "transaction_type": by_choice(
        [kind.value for kind in TransactionType],
        equal("transaction_type"),
        error_messages=_UNKNOWN,
    ),
    "order": by_id("order_id"),
    "customer_email": Filter(text(), _of_customer),
    "user_email": _by_email("account__email_key"),
    "created_date": by_moment("at"),
    **by_range("created_date", "at"),
    **by_range("created_date__date", "at__date"),
    "modified_date": by_moment("at"),
    **by_range("modified_date", "at"),
    **by_range("modified_date__date", "at__date"),
}


class AccountEntry(serializers.Serializer[Any]):
    """A loyalty account; an owner is a registered customer or an e-mail address."""

    example = {
        "user_email": "ada@example.com",
        "balance": "100.00",
        "currency": "eur",
        "debit_allowed": False,
    }

    number = Uuid(required=False)
    user_email = StrictEmail(required=False)
    balance = Amount(required=False, min_value=-AMOUNT_MAX)
    debit_allowed = StrictBoolean(required=False)
    user = StrictInteger(required=False, allow_null=True)
    currency = Currency()


class AccountChange(AccountEntry):
    """A change of a balance; other values may be sent back, but not changed."""

    example = {"balance": "80.00"}

    currency = Currency(required=False)


class AccountChangeByNumber(AccountChange):
    """A change of the account with this number."""

    example = {"number": "0b0e8a5c-7d8e-4c0a-9f43-1f4d2d1c9a77", "balance": "80.00"}

    number = Uuid()
