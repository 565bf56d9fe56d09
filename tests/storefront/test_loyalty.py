"""A customer's own loyalty points: balance and transfers."""

from typing import Any

import pytest

from takeback.accounts.models import User
from takeback.loyalty.commands.accounts import NewAccount, open_account
from takeback.loyalty.commands.credit import credit_refund
from tests import factories
from tests.factories import HttpClient
from tests.loyalty.points import create_payment
from tests.storefront.api import verify_order

pytestmark = [pytest.mark.django_db, pytest.mark.allow_repeated_queries("several requests")]

BALANCE, TRANSFERS = "/account/loyalty-account-balance/", "/account/loyalty/"
NOTHING: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}


@pytest.fixture
def customer() -> User:
    return factories.create_customer(email="ada@example.com")


@pytest.fixture
def shopper(customer: User) -> HttpClient:
    return factories.client_of(customer)


def _open(email: str, currency: str, balance: int, **fields: Any) -> None:
    new = NewAccount(email, currency, balance, **fields)
    open_account(factories.SHOP, new, now=factories.NOW)


def test_the_balance_is_a_number_with_the_decimals_of_its_currency(
    shopper: HttpClient, customer: User
) -> None:
    _open("ada@example.com", "try", 149_982_668, user_id=customer.pk)
    response = shopper.get(BALANCE)
    assert (response.status_code, response.content) == (200, b'{"balance":1499826.68}')


def test_all_accounts_of_a_currency_count(shopper: HttpClient, customer: User) -> None:
    _open("ada@example.com", "eur", 1_000, user_id=customer.pk)
    _open("ada@example.com", "eur", 50, user_id=customer.pk)
    _open("ADA@example.com", "eur", 7)
    _open("ada@example.com", "jpy", 300, user_id=customer.pk)
    assert shopper.get(BALANCE).content == b'{"balance":10.57}'
    assert shopper.get(BALANCE, headers={"X-Currency": "EUR"}).content == b'{"balance":10.57}'
    assert shopper.get(BALANCE, headers={"x-currency": "jpy"}).content == b'{"balance":300}'
    assert shopper.get(BALANCE, headers={"X-Currency": "usd"}).content == b'{"balance":0.00}'
    assert shopper.get(BALANCE, headers={"X-Currency": "nonsense"}).content == b'{"balance":10.57}'


def test_without_an_account_there_are_no_points(shopper: HttpClient) -> None:
    assert shopper.get(BALANCE).content == b'{"balance":0.00}'
    assert shopper.get(TRANSFERS).json() == NOTHING


def test_transfers_are_shown_newest_first(shopper: HttpClient, customer: User) -> None:
    _open("ada@example.com", "try", 1_000, user_id=customer.pk)
    payment = create_payment(number="1001", customer=customer)
    credit_refund(payment, 250, "try", key="k", now=factories.NOW.replace(hour=13))
    assert shopper.get(TRANSFERS).json() == {
        **NOTHING,
        "count": 2,
        "results": [
            {
                "amount": "2.50",
                "created_date": "2026-03-10T13:00:00Z",
                "transaction": {"created_date": "2026-03-10T13:00:00Z", "order": "1001"},
            },
            {
                "amount": "10.00",
                "created_date": "2026-03-10T12:00:00Z",
                "transaction": {"created_date": "2026-03-10T12:00:00Z", "order": None},
            },
        ],
    }
    page = shopper.get(TRANSFERS, {"page": "2", "limit": "1"}).json()
    assert (page["count"], [row["amount"] for row in page["results"]]) == (2, ["10.00"])


def test_a_guest_uses_the_points_after_the_registration(customer: User) -> None:
    payment = create_payment(guest="eve@example.com")
    credit_refund(payment, 250, "try", key="k", now=factories.NOW)
    guest = HttpClient()
    verify_order(guest, number="A-1", email="eve@example.com")
    assert guest.get(BALANCE).status_code == 401
    pending = factories.create_customer(email="eve@example.com", user_type=User.PENDING)
    client = factories.client_of(pending)
    assert client.get(BALANCE).content == b'{"balance":0.00}'
    pending.user_type = User.REGISTERED
    pending.save()
    assert client.get(BALANCE).content == b'{"balance":2.50}'
    assert factories.client_of(customer).get(BALANCE).content == b'{"balance":0.00}'


@pytest.mark.parametrize("path", [BALANCE, TRANSFERS])
def test_points_need_a_session(path: str) -> None:
    assert HttpClient().get(path).status_code == 401


def test_points_of_another_channel_are_not_shown(shopper: HttpClient, customer: User) -> None:
    factories.create_channel(pk=2)
    new = NewAccount("ada@example.com", "try", 500)
    open_account(2, new, now=factories.NOW)
    assert shopper.get(BALANCE).content == b'{"balance":0.00}'
