"""Refunds to points: who gets them, once per key, also under a race."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from takeback.accounts.models import User
from takeback.loyalty.commands.accounts import NewAccount, forget_owner, open_account
from takeback.loyalty.commands.credit import KeyReused, credit_refund
from takeback.loyalty.models import LoyaltyAccount, LoyaltyEntry
from takeback.loyalty.queries import accounts_of, balance_of
from takeback.orders.models import Payment
from takeback.refund_providers.registry import NO_ACCESS, adapter
from takeback.refunds.providers import PaymentRef, RefundOrder, Unknown
from tests import factories
from tests.loyalty.points import balances, create_payment
from tests.rigs.races import Clients

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several refunds"),
]

KEY = "0" * 31 + "1"


def _credit(payment: Payment, amount: int = 500, key: str = KEY) -> LoyaltyEntry:
    return credit_refund(payment, amount, "try", key=key, now=factories.NOW)


def test_a_guest_gets_an_account_under_the_address_of_the_order() -> None:
    entry = _credit(create_payment(guest="Guest@Example.com"))
    account = LoyaltyAccount.objects.get()
    assert (account.user_id, account.user_email) == (None, "Guest@Example.com")
    assert (account.email_key, account.currency) == ("guest@example.com", "try")
    assert (account.balance_minor, account.debit_allowed) == (500, False)
    assert (entry.transaction_type, entry.amount_minor, entry.key) == ("refund", 500, KEY)


def test_a_customer_gets_the_points_under_their_own_account() -> None:
    customer = factories.create_customer()
    _credit(create_payment(customer=customer))
    assert LoyaltyAccount.objects.get().user_id == customer.pk


def test_a_registered_customer_gets_the_points_of_their_guest_orders() -> None:
    customer = factories.create_customer(email="ada@example.com")
    _credit(create_payment(guest="ADA@example.com"))
    assert LoyaltyAccount.objects.get().user_id == customer.pk


def test_a_pending_registration_gets_no_points() -> None:
    factories.create_customer(email="ada@example.com", user_type=User.PENDING)
    _credit(create_payment(guest="ada@example.com"))
    assert LoyaltyAccount.objects.get().user_id is None


def test_all_refunds_of_an_owner_and_a_currency_are_in_one_account() -> None:
    _credit(create_payment(number="A-1"), 100, "1" * 32)
    _credit(create_payment(number="A-2"), 200, "2" * 32)
    _credit(create_payment(number="A-3", guest="b@example.com"), 400, "3" * 32)
    assert balances() == {factories.GUEST: 300, "b@example.com": 400}


def test_currencies_have_accounts_of_their_own() -> None:
    payment = create_payment()
    _credit(payment, 100, "1" * 32)
    credit_refund(payment, 70, "eur", key="2" * 32, now=factories.NOW)
    assert sorted(LoyaltyAccount.objects.values_list("currency", "balance_minor")) == [
        ("eur", 70),
        ("try", 100),
    ]


def test_channels_have_accounts_of_their_own() -> None:
    _credit(create_payment(), 100, "1" * 32)
    _credit(create_payment(channel_id=2), 70, "2" * 32)
    assert sorted(LoyaltyAccount.objects.values_list("channel_id", "balance_minor")) == [
        (1, 100),
        (2, 70),
    ]


def test_a_key_credits_one_time() -> None:
    payment = create_payment()
    entries = [_credit(payment) for _ in range(3)]
    assert len({entry.pk for entry in entries}) == 1
    assert balances() == {factories.GUEST: 500}


def test_a_key_credits_one_time_though_the_owner_changes() -> None:
    payment = create_payment()
    _credit(payment)
    customer = factories.create_customer(email="new@example.com")
    Payment.objects.get(pk=payment.pk)
    payment.order.user_id = customer.pk
    payment.order.save(update_fields=["user_id"])
    _credit(Payment.objects.select_related("order").get(pk=payment.pk))
    assert balances() == {factories.GUEST: 500}


@pytest.mark.parametrize("other", ["amount", "payment"])
def test_a_key_for_something_else_is_an_error(other: str) -> None:
    payment = create_payment()
    _credit(payment)
    amount = 501 if other == "amount" else 500
    paid = payment if other == "amount" else create_payment(number="A-2")
    with pytest.raises(KeyReused):
        _credit(paid, amount)
    provider, order = adapter("loyalty"), RefundOrder(KEY, PaymentRef("", row=payment.pk), 9, "try")
    assert provider.refund(NO_ACCESS, order) == Unknown("key_reused")
    assert balances() == {factories.GUEST: 500}


def test_points_of_a_guest_are_those_of_the_customer_who_registers() -> None:
    _credit(create_payment(guest="ada@example.com"))
    customer = factories.create_customer(email="ada@example.com")
    accounts = accounts_of(factories.SHOP, customer.pk, customer.email_key)
    assert balance_of(accounts, "try") == 500
    _credit(create_payment(number="A-2", guest="ada@example.com"), 100, "2" * 32)
    assert list(accounts.values_list("user_id", "balance_minor")) == [(customer.pk, 600)]


def test_a_second_account_of_an_owner_counts_and_stays_secondary() -> None:
    customer = factories.create_customer(email="ada@example.com")
    for balance in (100, 20):
        new = NewAccount("ada@example.com", "try", balance, user_id=customer.pk)
        open_account(factories.SHOP, new, now=factories.NOW)
    _credit(create_payment(customer=customer), 3)
    accounts = accounts_of(factories.SHOP, customer.pk, customer.email_key)
    assert list(accounts.order_by("pk").values_list("balance_minor", flat=True)) == [103, 20]
    assert balance_of(accounts, "try") == 123


def test_a_forgotten_owner_keeps_the_sum_and_loses_the_address() -> None:
    _credit(create_payment(guest="ada@example.com"))
    forget_owner(now=factories.NOW, email_key="ada@example.com")
    account = LoyaltyAccount.objects.get()
    assert account.user_email == account.email_key == f"{account.number.hex}@anonymized.invalid"
    assert account.balance_minor == 500
    customer = factories.create_customer(email="ada@example.com")
    assert not accounts_of(factories.SHOP, customer.pk, customer.email_key).exists()


def test_a_forgotten_customer_leaves_no_points_to_the_next_owner_of_the_address() -> None:
    _credit(create_payment(guest="ada@example.com"), 5, "1" * 32)
    customer = factories.create_customer(email="ada@example.com")
    new = NewAccount("ada@example.com", "eur", 100, user_id=customer.pk)
    open_account(factories.SHOP, new, now=factories.NOW)
    forget_owner(now=factories.NOW, user_id=customer.pk)
    assert not LoyaltyAccount.objects.filter(email_key="ada@example.com").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_account", [False, True])
def test_equal_keys_at_the_same_instant_credit_one_time(*, has_account: bool) -> None:
    payment = create_payment()
    if has_account:
        _credit(payment, 1, "9" * 32)
    provider, ref = adapter("loyalty"), PaymentRef("", row=payment.pk)

    def refund(key: str) -> Callable[[], object]:
        return lambda: provider.refund(NO_ACCESS, RefundOrder(key, ref, 100, "try"))

    with Clients(4) as clients:
        for number in range(5):
            outcomes = clients.race([refund(f"{number:032x}")] * 4)
            assert sum(outcomes.values()) == 4
    state = provider.payment_state(NO_ACCESS, ref)
    expected = 501 if has_account else 500
    assert state.refunded_minor == expected
    assert balances() == {factories.GUEST: expected}
    assert LoyaltyAccount.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_credit_that_is_rolled_back_is_not_in_the_state() -> None:
    payment = create_payment()
    provider, ref = adapter("loyalty"), PaymentRef("", row=payment.pk)
    with transaction.atomic():
        provider.refund(NO_ACCESS, RefundOrder(KEY, ref, 100, "try"))
        assert len(provider.payment_state(NO_ACCESS, ref).refunds) == 1
        transaction.set_rollback(True)
    assert provider.payment_state(NO_ACCESS, ref).refunds == ()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_refuses_leaves_the_refund_undecided() -> None:
    payment = create_payment()
    order = RefundOrder(KEY, PaymentRef("", row=payment.pk), 100, "try")
    outcome: list[object] = []

    def refund() -> None:
        try:
            with connection.cursor() as cursor:
                if connection.vendor == "sqlite":
                    cursor.execute("PRAGMA query_only=ON")
                else:
                    cursor.execute("SET default_transaction_read_only = on")
            outcome.append(adapter("loyalty").refund(NO_ACCESS, order))
        finally:
            connection.close()

    thread = threading.Thread(target=refund)
    thread.start()
    thread.join()
    assert outcome == [Unknown("database")]
    assert not LoyaltyEntry.objects.exists()
