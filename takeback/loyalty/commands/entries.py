"""Adds an entry to an account; a trigger moves the balance in the same statement."""

from datetime import datetime

from takeback.core.errors import Refused
from takeback.loyalty.errors import NOT_ENOUGH_POINTS
from takeback.loyalty.models import LoyaltyAccount, LoyaltyEntry
from takeback.loyalty.transaction_types import TransactionType


def add_entry(
    account: LoyaltyAccount,
    amount_minor: int,
    kind: TransactionType,
    *,
    now: datetime,
    key: str | None = None,
    order_id: int | None = None,
    payment_id: int | None = None,
) -> LoyaltyEntry:
    """Add an entry to a locked account, which has the new balance afterwards.

    Refused (NOT_ENOUGH_POINTS) if the balance would be negative and must not be.
    """
    balance = account.balance_minor + amount_minor
    if balance < 0 and amount_minor < 0 and not account.debit_allowed:
        raise Refused(NOT_ENOUGH_POINTS, account=account.pk)
    entry = LoyaltyEntry.objects.create(
        account=account,
        transaction_type=kind.value,
        amount_minor=amount_minor,
        balance_minor=balance,
        order_id=order_id,
        payment_id=payment_id,
        key=key,
        at=now,
    )
    account.balance_minor, account.modified_date = balance, now
    return entry


def entry_of_key(key: str) -> LoyaltyEntry | None:
    """The entry that a key has caused."""
    return LoyaltyEntry.objects.filter(key=key).first()


def lock_account(account_id: int) -> LoyaltyAccount:
    """The account, which no other transaction changes until this one ends."""
    return LoyaltyAccount.objects.select_for_update().get(pk=account_id)
