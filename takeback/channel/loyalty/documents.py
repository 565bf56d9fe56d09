"""Documents of loyalty accounts and transactions, key by key in the contract's order."""

from datetime import datetime
from decimal import Decimal
from typing import TypedDict
from uuid import UUID

from takeback.channel.customers.documents import ChannelCustomer, customer
from takeback.channel.customers.queries import CustomerRow
from takeback.channel.documents import amount
from takeback.channel.loyalty.queries import AccountRow, EntryRow
from takeback.core.money import show


class ChannelLoyaltyAccount(TypedDict):
    """A loyalty account. `balance` is a string, as the contract has it."""

    pk: int
    id: int
    number: UUID
    user_email: str
    balance: str
    debit_allowed: bool
    user: int | None
    currency: str
    created_date: datetime
    modified_date: datetime


def account(row: AccountRow) -> ChannelLoyaltyAccount:
    return {
        "pk": row.id,
        "id": row.id,
        "number": row.number,
        "user_email": row.user_email,
        "balance": show(row.balance_minor, row.currency),
        "debit_allowed": row.debit_allowed,
        "user": row.user_id,
        "currency": row.currency,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


class ChannelLoyaltyTransaction(TypedDict):
    """A change of a balance: positive when points are credited.

    `reference` is the key of the refund that caused it. Nothing is sent to another system, so
    that there is no raw traffic and no IP address.
    """

    pk: int
    id: int
    uuid: UUID
    amount: Decimal
    currency: str
    account: UUID
    order: int | None
    user_email: str
    transaction_type: str
    customer: ChannelCustomer | None
    customer_email: str
    raw_request: None
    raw_response: None
    reference: str | None
    remote_addr: None
    created_date: datetime
    modified_date: datetime


def transaction(
    row: EntryRow, owner: CustomerRow | None, *, show_secrets: bool
) -> ChannelLoyaltyTransaction:
    return {
        "pk": row.id,
        "id": row.id,
        "uuid": row.uuid,
        "amount": amount(row.amount_minor, row.account.currency),
        "currency": row.account.currency,
        "account": row.account.number,
        "order": row.order_id,
        "user_email": row.account.user_email,
        "transaction_type": row.transaction_type,
        "customer": customer(owner, show_secrets=show_secrets) if owner else None,
        "customer_email": owner.email if owner else row.account.user_email,
        "raw_request": None,
        "raw_response": None,
        "reference": row.key,
        "remote_addr": None,
        "created_date": row.at,
        "modified_date": row.at,
    }
