"""The account of a payment, its access, and the addresses that are safe for credentials."""

import pytest
from pytest_django import Settings

from takeback.core.errors import Refused
from takeback.orders.models import Payment
from takeback.refunds.access import access_of, account_for, is_safe_url
from takeback.refunds.models import PaymentAccount
from takeback.refunds.providers import AccountAccess
from tests import factories
from tests.refunds.accounts import (
    CREDENTIALS,
    create_account,
    create_payment,
    replace_credentials,
)

pytestmark = [
    pytest.mark.allow_repeated_queries("several commands per test"),
    pytest.mark.django_db,
]


def code_for(payment: Payment) -> str | None:
    account = account_for(payment)
    return account.code if account else None


def test_access_has_the_decrypted_credentials() -> None:
    account = create_account(base_url="https://a.example", is_test=True)
    assert access_of(account) == AccountAccess("https://a.example", "acct_1", CREDENTIALS, True)


def test_account_without_credentials_has_none() -> None:
    factories.create_channel()
    account = PaymentAccount.objects.create(channel_id=1, code="a", currency="try")
    assert access_of(account).credentials == {}


def test_credentials_of_another_account_do_not_decrypt() -> None:
    account = create_account()
    other = create_account(code="b", provider_account="acct_2", payment_kinds=[])
    other.credentials_encrypted = account.credentials_encrypted
    with pytest.raises(Refused):
        access_of(other)


def test_missing_data_key_is_refused(settings: Settings) -> None:
    account = create_account()
    settings.DATA_KEYS = {"2": "REVG" * 10 + "REU="}
    with pytest.raises(Refused) as caught:
        access_of(account)
    assert caught.value.problem.code == "unavailable"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}'])
def test_damaged_credentials_raise_value_error(text: str) -> None:
    account = create_account()
    replace_credentials(account, text)
    account.refresh_from_db()
    with pytest.raises(ValueError, match=r".+"):
        access_of(account)


def test_payment_belongs_to_the_account_of_its_type_and_currency() -> None:
    create_account()
    create_account(code="euro", currency="eur", provider_account="acct_2")
    create_account(channel_id=2, code="theirs", provider_account="acct_3")
    assert code_for(create_payment()) == "cards"
    assert code_for(create_payment(number="2", currency="eur")) == "euro"
    assert code_for(create_payment(number="3", currency="usd")) is None
    assert code_for(create_payment(number="4", update={"currency": "eur"})) == "euro"
    assert code_for(create_payment(number="5", update={"kind": "klarna"})) is None
    assert code_for(create_payment(number="6", channel_id=2)) == "theirs"


def test_named_account_counts_alone() -> None:
    create_account()
    create_account(code="named", provider_account="acct_2", payment_kinds=[], is_active=False)
    assert code_for(create_payment(update={"account": "named"})) == "named"
    assert code_for(create_payment(number="2", update={"account": "unknown"})) is None
    create_account(channel_id=2, code="theirs", provider_account="acct_3")
    assert code_for(create_payment(number="3", update={"account": "theirs"})) is None


def test_deactivated_account_serves_no_type() -> None:
    create_account(is_active=False)
    assert code_for(create_payment()) is None


def test_paused_account_keeps_its_payments() -> None:
    create_account(paused_because="staff")
    assert code_for(create_payment()) == "cards"


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://pay.example", True),
        ("http://127.0.0.1:8099", True),
        ("http://pay.example", False),
        ("", False),
        ("https://", False),
    ],
)
def test_credentials_are_sent_by_tls_only(url: str, is_safe: bool) -> None:
    assert is_safe_url(url) is is_safe
