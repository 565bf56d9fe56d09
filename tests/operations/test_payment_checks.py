"""What the check-up says of payment accounts, refunds and the ledger's anchors."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django import Settings

from takeback.core import clock
from takeback.operations import payment_checks
from takeback.operations.findings import Result, Severity
from takeback.refund_providers import registry
from takeback.refunds.models import LedgerAnchor, LedgerEntry, PaymentAccount
from tests import factories
from tests.refunds.accounts import (
    create_account,
    create_payment,
    create_refund,
    replace_credentials,
)
from tests.refunds.provider import MemoryProvider
from tests.rigs.ledger import without_triggers

pytestmark = [
    pytest.mark.allow_repeated_queries("several commands per test"),
    pytest.mark.django_db,
]

FINE, WARNING, FAILURE = Severity.FINE, Severity.WARNING, Severity.FAILURE
OTHER_KEYS = {"2": "REVG" * 10 + "REU="}


@pytest.fixture(autouse=True)
def _sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    adapters = {**registry.ADAPTERS, "sandbox": MemoryProvider()}
    monkeypatch.setattr(payment_checks, "ADAPTERS", adapters)


def check(subject: str) -> Result:
    return payment_checks.CHECKS[subject]()


def test_shop_without_accounts_and_payments_is_fine() -> None:
    factories.create_channel()
    assert {subject: check(subject) for subject in payment_checks.CHECKS} == {
        "payment accounts": (
            FINE,
            "There is no payment account. `takeback add-payment-account` adds one.",
        ),
        "test credentials": (FINE, "No account of a live shop has test credentials."),
        "paused accounts": (FINE, "No payment account is paused."),
        "payment types": (FINE, "The newest card payments have an account."),
        "second person": (FINE, "SECOND_PERSON_ABOVE names known currencies."),
        "refunds": (FINE, "No refund waits for a person."),
        "ledger anchors": (FINE, "All entries of the ledger up to yesterday are anchored."),
    }


def test_usable_accounts_are_counted() -> None:
    create_account(base_url="http://127.0.0.1:1")
    create_account(code="b", provider_account="2", payment_kinds=[], base_url="https://b.example")
    sentence = "Payment accounts: 2. Their addresses and credentials are usable."
    assert check("payment accounts") == (FINE, sentence)


def _no_key(settings: Settings) -> None:
    settings.DATA_KEYS = OTHER_KEYS


DAMAGED = (
    "The credentials of account cards are damaged. Run `takeback change-payment-account cards`."
)
BROKEN: list[tuple[Callable[[Settings], object], str]] = [
    (
        lambda _: PaymentAccount.objects.update(provider="stripes"),
        (
            "This version has no provider stripes for account cards. Run "
            "`takeback remove-payment-account cards`."
        ),
    ),
    (
        lambda _: PaymentAccount.objects.update(base_url="http://pay.example"),
        "The address of account cards is not https. Run `takeback change-payment-account cards`.",
    ),
    (_no_key, "Add the key of account cards's credentials to DATA_KEYS."),
    (
        lambda _: replace_credentials(PaymentAccount.objects.get(), "[]"),
        DAMAGED,
    ),
    (
        lambda _: PaymentAccount.objects.update(credentials_encrypted="1:A"),
        DAMAGED,
    ),
]


@pytest.mark.parametrize(("break_account", "sentence"), BROKEN)
def test_unusable_account_is_a_failure(
    settings: Settings, break_account: Callable[[Settings], object], sentence: str
) -> None:
    create_account()
    break_account(settings)
    assert check("payment accounts") == (FAILURE, sentence)
    PaymentAccount.objects.update(is_active=False)
    assert check("payment accounts")[0] is FINE


@pytest.mark.parametrize(
    ("site_url", "is_test", "severity"),
    [
        ("https://returns.shop.example", True, WARNING),
        ("https://returns.shop.example", False, FINE),
        ("http://127.0.0.1:8000", True, FINE),
    ],
)
def test_test_credentials_of_a_live_shop_are_a_warning(
    settings: Settings, site_url: str, is_test: bool, severity: Severity
) -> None:
    settings.SITE_URL = site_url
    create_account(is_test=is_test)
    result = check("test credentials")
    assert result[0] is severity
    if severity is WARNING:
        assert result[1] == (
            "Test credentials move no money: cards. Replace them by `takeback add-payment-account` "
            "with live ones."
        )


def test_paused_and_restored_accounts_are_named() -> None:
    create_account(paused_because="staff")
    assert check("paused accounts") == (
        WARNING,
        "Paused: cards. Refunds wait. Run `takeback resume-payment-account`.",
    )
    create_account(code="b", provider_account="2", payment_kinds=[], reconcile_since=factories.NOW)
    assert check("paused accounts") == (
        FAILURE,
        "The database was restored: b may have paid more than it knows. Run `takeback reconcile`.",
    )


def test_card_payments_without_an_account_are_named() -> None:
    create_account()
    create_payment()
    create_payment(number="2", captured=0, currency="usd")
    assert check("payment types")[0] is FINE
    create_payment(number="3", currency="eur")
    create_payment(number="4", currency="eur")
    create_payment(number="5", update={"account": "old"})
    assert check("payment types") == (
        WARNING,
        (
            "Payments without an account: credit_card in EUR (channel 1), old in TRY (channel 1). "
            "Staff must pay them back by hand, until you run `takeback add-payment-account`."
        ),
    )


def test_unknown_currency_of_the_second_person_is_a_failure(settings: Settings) -> None:
    settings.SECOND_PERSON_ABOVE = {"eur": 1, "xxy": 1}
    assert check("second person") == (
        FAILURE,
        "SECOND_PERSON_ABOVE has no effect for xxy: no such currency.",
    )


def test_refunds_that_wait_for_a_person_are_counted_by_reason() -> None:
    payment = create_payment()
    for attention in ("refused", "refused", "key_expired", ""):
        create_refund(payment, None, attention=attention)
    create_refund(payment, None, needs_second_person=True)
    create_refund(payment, None, needs_second_person=True, approved_by_number=1)
    create_refund(payment, None, needs_second_person=True, status="cancelled")
    assert check("refunds") == (
        WARNING,
        (
            "Refunds wait for a person: key_expired (1), refused (2), second_person (1). "
            "Open SITE_URL/desk/."
        ),
    )


def test_entries_without_an_anchor_for_two_days_are_a_failure() -> None:
    payment, now = create_payment(), clock.now()
    entry = {
        "order_id": payment.order_id,
        "payment": payment,
        "account_code": "x",
        "amount_minor": 0,
        "currency": "try",
        "cause": "plan",
        "hash": "0" * 64,
    }
    day = timedelta(days=1)
    with without_triggers():
        LedgerEntry.objects.create(seq=1, side=1, at=now - day, **entry)
    assert check("ledger anchors")[0] is FINE
    with without_triggers():
        late = LedgerEntry.objects.create(seq=1, side=2, at=now - 3 * day, **entry)
    assert check("ledger anchors") == (
        FAILURE,
        "Entries of the ledger have no anchor for two days. Start `takeback worker`.",
    )
    LedgerAnchor.objects.create(
        day=(now - 2 * day).date(), last_entry=late.pk, entries=2, hash="0" * 64
    )
    assert check("ledger anchors")[0] is FINE
