"""A balance is the sum of its entries, whatever SQL runs: the database itself keeps it."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from takeback.core.errors import Refused
from takeback.loyalty.commands.accounts import NewAccount, open_account
from takeback.loyalty.commands.entries import add_entry, lock_account
from takeback.loyalty.errors import NOT_ENOUGH_POINTS
from takeback.loyalty.models import LoyaltyAccount, LoyaltyEntry
from takeback.loyalty.transaction_types import TransactionType
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.allow_repeated_queries("several entries")]


@pytest.fixture
def account_id() -> int:
    """An account with 10.00."""
    factories.create_channel()
    new = NewAccount("ada@example.com", "eur", 1_000)
    return open_account(factories.SHOP, new, now=factories.NOW)


def _execute(sql: str, *values: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def _sums() -> dict[int, tuple[int, int]]:
    """Balance and sum of entries by account."""
    sums: dict[int, int] = {}
    for entry in LoyaltyEntry.objects.all():
        sums[entry.account_id] = sums.get(entry.account_id, 0) + entry.amount_minor
    accounts = LoyaltyAccount.objects.values_list("pk", "balance_minor")
    return {pk: (balance, sums.get(pk, 0)) for pk, balance in accounts}


def test_an_entry_moves_the_balance(account_id: int) -> None:
    account = lock_account(account_id)
    add_entry(account, 250, TransactionType.REFUND, now=factories.NOW)
    entry = add_entry(account, -50, TransactionType.PURCHASE, now=factories.NOW)
    assert (account.balance_minor, entry.balance_minor) == (1_200, 1_200)
    assert _sums() == {account_id: (1_200, 1_200)}


def test_a_balance_cannot_become_negative(account_id: int) -> None:
    with pytest.raises(Refused) as raised:
        add_entry(lock_account(account_id), -1_001, TransactionType.PURCHASE, now=factories.NOW)
    assert raised.value.problem is NOT_ENOUGH_POINTS
    assert _sums() == {account_id: (1_000, 1_000)}


def test_a_balance_can_become_negative_where_it_is_allowed(account_id: int) -> None:
    LoyaltyAccount.objects.filter(pk=account_id).update(debit_allowed=True)
    add_entry(lock_account(account_id), -1_001, TransactionType.PURCHASE, now=factories.NOW)
    assert _sums() == {account_id: (-1, -1)}


INSERT = (
    "INSERT INTO loyalty_loyaltyentry (account_id, uuid, transaction_type, amount_minor,"
    " balance_minor, at) VALUES (%s, %s, %s, %s, %s, %s)"
)
BREAKS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "balance alone": ("UPDATE loyalty_loyaltyaccount SET balance_minor = balance_minor + 1", ()),
    "amount of an entry": ("UPDATE loyalty_loyaltyentry SET amount_minor = 7", ()),
    "any column of an entry": ("UPDATE loyalty_loyaltyentry SET key = 'x'", ()),
    "deleted entry": ("DELETE FROM loyalty_loyaltyentry", ()),
    "other currency": ("UPDATE loyalty_loyaltyaccount SET currency = 'usd'", ()),
    "other channel": ("UPDATE loyalty_loyaltyaccount SET channel_id = 2", ()),
    "permission withdrawn": (
        "UPDATE loyalty_loyaltyaccount SET balance_minor = -1, debit_allowed = false",
        (),
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_sql_cannot_break_a_balance(account_id: int, name: str) -> None:
    factories.create_channel(pk=2)
    before = list(LoyaltyEntry.objects.values()), list(LoyaltyAccount.objects.values())
    sql, values = BREAKS[name]
    with pytest.raises(IntegrityError):
        _execute(sql, *values)
    assert (list(LoyaltyEntry.objects.values()), list(LoyaltyAccount.objects.values())) == before


@pytest.mark.parametrize(
    ("kind", "amount", "balance"),
    [
        ("refund", 5, 1_004),
        ("refund", 5, 5),
        ("refund", 0, 1_000),
        ("purchase", -1_001, -1),
        ("gift", 5, 1_005),
    ],
)
def test_sql_cannot_add_a_wrong_entry(
    account_id: int, kind: str, amount: int, balance: int
) -> None:
    with pytest.raises(IntegrityError):
        _execute(INSERT, account_id, uuid4().hex, kind, amount, balance, factories.NOW)
    assert _sums() == {account_id: (1_000, 1_000)}


def test_sql_that_adds_a_right_entry_moves_the_balance(account_id: int) -> None:
    _execute(INSERT, account_id, uuid4().hex, "refund", 5, 1_005, factories.NOW)
    assert _sums() == {account_id: (1_005, 1_005)}


def test_a_new_account_starts_without_points() -> None:
    channel = factories.create_channel()
    with pytest.raises(IntegrityError), transaction.atomic():
        LoyaltyAccount.objects.create(
            channel=channel,
            user_email="a@example.com",
            email_key="a@example.com",
            currency="eur",
            balance_minor=5,
        )


def test_an_entry_is_not_replaced(account_id: int) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite replaces rows")
    entry = LoyaltyEntry.objects.get()
    sql = INSERT.replace("INSERT INTO", "INSERT OR REPLACE INTO")
    with pytest.raises(IntegrityError):
        _execute(sql, account_id, entry.uuid.hex, "refund", 5, 1_005, factories.NOW)
    assert _sums() == {account_id: (1_000, 1_000)}


def test_a_key_adds_one_entry_in_all_accounts(account_id: int) -> None:
    other = open_account(factories.SHOP, NewAccount("bob@example.com", "eur"), now=factories.NOW)
    add_entry(lock_account(account_id), 5, TransactionType.REFUND, now=factories.NOW, key="k")
    with pytest.raises(IntegrityError), transaction.atomic():
        add_entry(lock_account(other), 5, TransactionType.REFUND, now=factories.NOW, key="k")
    assert _sums() == {account_id: (1_005, 1_005), other: (0, 0)}
