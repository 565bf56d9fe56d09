"""Payment accounts: their values, what makes them unique, and what their refunds prevent."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from takeback.core.encryption import decrypt
from takeback.core.errors import NOT_FOUND, Problem, Refused
from takeback.refunds import account_errors as errors
from takeback.refunds.access import access_of
from takeback.refunds.commands.accounts import (
    AccountChange,
    add_account,
    change_account,
    deactivate_account,
)
from takeback.refunds.models import PaymentAccount
from takeback.refunds.statuses import Status
from tests import factories
from tests.factories import NOW, SHOP
from tests.refunds.accounts import (
    CREDENTIALS,
    create_account,
    create_payment,
    create_refund,
    new_account,
)

pytestmark = [
    pytest.mark.allow_repeated_queries("several commands per test"),
    pytest.mark.django_db,
]

LATER = NOW + timedelta(hours=1)


def refusal(caught: pytest.ExceptionInfo[Refused]) -> tuple[str, str]:
    problem = caught.value.problem
    return problem.code, str(problem.message)


def test_account_is_stored_with_encrypted_credentials() -> None:
    account = create_account(
        payment_kinds=["saved_card", " credit_card", "credit_card"],
        base_url="https://pay.example/v1/",
        is_test=True,
        limit_each_minor=50_000,
        limit_day_minor=900_000,
    )
    assert (account.code, account.provider, account.provider_account) == (
        "cards",
        "sandbox",
        "acct_1",
    )
    assert (account.currency, account.payment_kinds) == ("try", ["credit_card", "saved_card"])
    assert (account.base_url, account.is_test) == ("https://pay.example/v1", True)
    assert (account.limit_each_minor, account.limit_day_minor) == (50_000, 900_000)
    assert (account.is_active, account.paused_because, account.created_date) == (True, "", NOW)
    text = decrypt(account.credentials_encrypted, str(account.uuid))
    assert text == '{"api_key":"sk-very-secret"}'
    assert "secret" not in account.credentials_encrypted


def test_limits_of_zero_are_no_limits() -> None:
    account = create_account()
    assert (account.limit_each_minor, account.limit_day_minor) == (None, None)


INVALID: list[tuple[dict[str, Any], Problem]] = [
    *(({"code": text}, errors.CODE_INVALID) for text in ("", "a b", "x" * 65, "é", "a/b")),
    *(({"provider": text}, errors.PROVIDER_INVALID) for text in ("", "Stripe", "x" * 33)),
    *(
        ({"provider_account": text}, errors.PROVIDER_ACCOUNT_INVALID)
        for text in ("", " ", "x" * 256, "a\nb")
    ),
    *(({"currency": text}, errors.CURRENCY_UNKNOWN) for text in ("", "XXY", "euro", "12")),
    ({"payment_kinds": [""]}, errors.KIND_INVALID),
    ({"payment_kinds": ["x" * 33]}, errors.KIND_INVALID),
    ({"payment_kinds": [str(n) for n in range(21)]}, errors.KIND_INVALID),
    *(
        ({"base_url": text}, errors.BASE_URL_INVALID)
        for text in (
            "pay.example",
            "http://pay.example",
            "ftp://pay.example",
            "https://user:password@pay.example",
            "https://pay.example?a=b",
            "http://127.0.0.1.example",
            "https://" + "x" * 500,
        )
    ),
    ({"limit_each_minor": -1}, errors.LIMIT_INVALID),
    ({"limit_day_minor": -1}, errors.LIMIT_INVALID),
    *(
        ({"credentials": value}, errors.CREDENTIALS_INVALID)
        for value in (
            {"a": ""},
            {"": "a"},
            {"a": 1},
            {"a": None},
            {"a": {"b": "c"}},
            {"a": "x" * 8_193},
            {str(n): "x" for n in range(21)},
        )
    ),
]


@pytest.mark.parametrize(("values", "problem"), INVALID)
def test_invalid_value_is_refused(values: dict[str, Any], problem: Problem) -> None:
    factories.create_channel()
    with pytest.raises(Refused) as caught:
        add_account(SHOP, new_account(**values), now=NOW)
    assert caught.value.problem.code == problem.code
    assert PaymentAccount.objects.count() == 0


@pytest.mark.parametrize(
    "url", ["http://localhost:8099", "http://127.0.0.1:1", "http://[::1]:1", "https://a.example"]
)
def test_address_is_https_or_this_machine(url: str) -> None:
    assert create_account(base_url=url).base_url == url


def test_credentials_are_in_no_representation() -> None:
    assert "secret" not in repr(new_account())
    assert "secret" not in repr(AccountChange(credentials=CREDENTIALS))


TAKEN: list[tuple[dict[str, Any], str]] = [
    ({"code": "cards"}, "This channel has a payment account cards already. Choose another code."),
    (
        {"code": "new", "provider_account": "acct_1"},
        "Payment account cards of channel 1 already uses acct_1.",
    ),
    (
        {"code": "new", "payment_kinds": ["x", "credit_card"]},
        "Payment account cards serves credit_card in TRY already. A type has one account.",
    ),
]


@pytest.mark.parametrize(("values", "sentence"), TAKEN)
def test_second_account_of_the_same_kind_is_refused(values: dict[str, Any], sentence: str) -> None:
    create_account()
    others: dict[str, Any] = {"provider_account": "acct_2", "payment_kinds": []}
    with pytest.raises(Refused) as caught:
        add_account(SHOP, new_account(**others | values), now=NOW)
    assert refusal(caught)[1] == sentence


def test_two_accounts_with_one_provider_id_are_refused_across_channels() -> None:
    create_account()
    factories.create_channel(pk=2)
    with pytest.raises(Refused) as caught:
        add_account(2, new_account(), now=NOW)
    assert refusal(caught) == (
        "payment_account_provider_account_taken",
        "Payment account cards of channel 1 already uses acct_1.",
    )


def test_another_channel_currency_or_provider_has_accounts_of_its_own() -> None:
    create_account()
    create_account(channel_id=2, provider_account="acct_2")
    create_account(code="euro", currency="eur", provider_account="acct_3")
    create_account(code="loyal", provider="loyalty", payment_kinds=["points"])
    assert PaymentAccount.objects.count() == 4


def test_constraint_stands_behind_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another transaction takes the id between the check and the insert."""
    create_account()
    checks: list[PaymentAccount] = []
    from takeback.refunds.commands import accounts

    ensure_unique = accounts._ensure_unique  # noqa: SLF001 - the race is between its two calls

    def late(account: PaymentAccount) -> None:
        checks.append(account)
        if len(checks) > 1:
            ensure_unique(account)

    monkeypatch.setattr(accounts, "_ensure_unique", late)
    with pytest.raises(Refused) as caught:
        add_account(SHOP, new_account(code="new"), now=NOW)
    assert refusal(caught)[0] == "payment_account_provider_account_taken"
    assert len(checks) == 2


def test_values_are_changed_and_named() -> None:
    account = create_account(limit_day_minor=500)
    change = AccountChange(
        base_url="https://b.example",
        credentials={"api_key": "other"},
        limit_day_minor=0,
        limit_each_minor=200,
        payment_kinds=["saved_card"],
        currency="TRY",
    )
    names = change_account(SHOP, account.pk, change, now=LATER)
    assert names == ["base_url", "credentials", "limit_day", "limit_each", "payment_kinds"]
    account.refresh_from_db()
    assert access_of(account).credentials == {"api_key": "other"}
    assert (account.limit_each_minor, account.limit_day_minor) == (200, None)
    assert (account.payment_kinds, account.modified_date) == (["saved_card"], LATER)


def test_change_without_a_difference_writes_nothing() -> None:
    account = create_account()
    change = AccountChange(currency="try", base_url="", is_test=False, is_active=True)
    assert change_account(SHOP, account.pk, change, now=LATER) == []
    account.refresh_from_db()
    assert account.modified_date == NOW


def test_account_of_another_channel_is_not_known() -> None:
    account = create_account()
    factories.create_channel(pk=2)
    with pytest.raises(Refused) as caught:
        change_account(2, account.pk, AccountChange(is_test=True), now=LATER)
    assert caught.value.problem is NOT_FOUND


@pytest.mark.parametrize(
    "change",
    [
        AccountChange(provider_account="acct_9"),
        AccountChange(currency="eur"),
        AccountChange(is_test=True),
    ],
)
def test_account_with_refunds_stays_the_same_at_the_provider(change: AccountChange) -> None:
    account = create_account()
    assert change_account(SHOP, account.pk, change, now=LATER) != []
    account = create_account(code="second", provider_account="acct_2", payment_kinds=[])
    create_refund(create_payment(), account, status=Status.CONFIRMED.value)
    with pytest.raises(Refused) as caught:
        change_account(SHOP, account.pk, change, now=LATER)
    assert refusal(caught)[0] == "payment_account_has_refunds"
    rotated = AccountChange(credentials={"api_key": "new"})
    assert change_account(SHOP, account.pk, rotated, now=LATER) == ["credentials"]


UNDER_WAY = [Status.PLANNED, Status.SENDING, Status.IN_DOUBT, Status.PENDING]


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("way", ["deactivate", "change"])
def test_account_with_a_refund_under_way_is_not_deactivated(status: Status, way: str) -> None:
    account = create_account()
    create_refund(create_payment(), account, status=status.value)

    def deactivate() -> None:
        if way == "deactivate":
            deactivate_account(SHOP, account.pk, now=LATER)
        else:
            change_account(SHOP, account.pk, AccountChange(is_active=False), now=LATER)

    if status not in UNDER_WAY:
        deactivate()
        deactivate()
    else:
        with pytest.raises(Refused) as caught:
            deactivate()
        in_doubt = int(status in (Status.SENDING, Status.IN_DOUBT))
        assert refusal(caught) == (
            "payment_account_in_use",
            (
                "Payment account cards has refunds that are not final: 1, of them in doubt: "
                f"{in_doubt}. Pause it, and deactivate it when `takeback list-payment-accounts` "
                "shows none under way."
            ),
        )
    account.refresh_from_db()
    assert account.is_active is (status in UNDER_WAY)


def test_deactivated_account_frees_its_id_and_returns_only_if_both_are_free() -> None:
    old = create_account()
    deactivate_account(SHOP, old.pk, now=LATER)
    new = create_account(code="new")
    with pytest.raises(Refused) as caught:
        change_account(SHOP, old.pk, AccountChange(is_active=True), now=LATER)
    assert refusal(caught)[0] == "payment_account_provider_account_taken"
    deactivate_account(SHOP, new.pk, now=LATER)
    assert change_account(SHOP, old.pk, AccountChange(is_active=True), now=LATER) == ["is_active"]


def test_time_of_the_change_is_the_callers(frozen_now: datetime) -> None:
    account = create_account()
    change_account(
        SHOP, account.pk, AccountChange(limit_day_minor=1), now=frozen_now + LATER.resolution
    )
    account.refresh_from_db()
    assert account.modified_date == frozen_now + LATER.resolution
