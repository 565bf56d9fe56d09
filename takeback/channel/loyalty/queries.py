"""Reads loyalty accounts and their entries: one statement per table."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from takeback.accounts.models import User
from takeback.channel.customers.queries import CustomerRow, customer_rows
from takeback.core.db.compiled_query import RowQuery
from takeback.loyalty.models import LoyaltyAccount, LoyaltyEntry


class AccountRow(NamedTuple):
    """A loyalty account; the balance is minor units of its currency."""

    id: int
    number: UUID
    user_email: str
    balance_minor: int
    debit_allowed: bool
    user_id: int | None
    currency: str
    created_date: datetime
    modified_date: datetime


class EntryAccount(NamedTuple):
    """The account of an entry."""

    number: UUID
    user_email: str
    currency: str


class EntryRow(NamedTuple):
    """An entry; `customer_id` is the owner, or the customer of the order."""

    id: int
    uuid: UUID
    amount_minor: int
    order_id: int | None
    transaction_type: str
    key: str | None
    at: datetime
    customer_id: int | None
    account: EntryAccount


def accounts_in_channel(channel_id: int) -> "QuerySet[LoyaltyAccount]":
    return LoyaltyAccount.objects.filter(channel_id=channel_id)


def entries_in_channels(channel_ids: Collection[int]) -> "QuerySet[LoyaltyEntry]":
    entries = LoyaltyEntry.objects.filter(account__channel_id__in=channel_ids)
    return entries.annotate(customer_id=Coalesce("account__user_id", "order__user_id"))


account_rows = RowQuery(AccountRow)
entry_rows = RowQuery(EntryRow)


def account_by_id(channel_id: int, account_id: int) -> AccountRow | None:
    """The account, or None if it is in another channel."""
    return account_rows.first(accounts_in_channel(channel_id).filter(pk=account_id))


def account_id_of(channel_id: int, number: UUID) -> int | None:
    """The id of the account with this number, or None if it is in another channel."""
    accounts = accounts_in_channel(channel_id).filter(number=number)
    return accounts.values_list("pk", flat=True).first()


def customers_of_entries(entries: list[EntryRow]) -> dict[int, CustomerRow]:
    """The customers of these entries by id."""
    ids = sorted({entry.customer_id for entry in entries if entry.customer_id is not None})
    rows = customer_rows.fetch(User.objects.filter(pk__in=ids)) if ids else []
    return {row.id: row for row in rows}
