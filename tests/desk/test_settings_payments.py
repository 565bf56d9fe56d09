"""Payment accounts in the settings at the desk: who may see, pause and change them."""

from typing import Any

import pytest
import zeal

from takeback.accounts.models import Session
from takeback.core.encryption import decrypt
from takeback.desk.unsent_form import decrypt_form
from takeback.refunds.models import PaymentAccount
from tests import factories
from tests.channel import shop
from tests.desk.agents import agent, code_on, page_of
from tests.desk.settings_forms import submit
from tests.desk.test_decisions import text_of
from tests.refunds.rows import create_account, create_paid_order, create_refund
from tests.storefront.api import nothing_written

pytestmark = pytest.mark.django_db

ACCOUNTS = f"/desk/settings/{shop.SHOP}/payment-accounts"
FORM = {
    "code": "main",
    "provider": "sandbox",
    "provider_account": "acct-7",
    "currency": "EUR",
    "payment_kinds": "credit_card, masterpass",
    "base_url": "https://pay.example.com/",
    "secrets": "api_key = s3cret=value\r\n\r\nwebhook=abc",
    "limit_each": "250",
    "limit_day": "1000.50",
}
PAYING = ["read", "money"]


def account() -> PaymentAccount:
    with zeal.zeal_ignore():
        return PaymentAccount.objects.get()


def credentials_of(row: PaymentAccount) -> str:
    return decrypt(row.credentials_encrypted, str(row.uuid))


def test_account_is_added_with_limits_and_encrypted_credentials() -> None:
    client = agent()

    response = submit(client, f"{ACCOUNTS}/new", **FORM, is_test="on")

    assert (response.status_code, response["Location"]) == (303, f"{ACCOUNTS}?saved")
    row = account()
    assert (row.channel_id, row.code, row.provider) == (shop.SHOP, "main", "sandbox")
    assert (row.provider_account, row.currency, row.is_test) == ("acct-7", "eur", True)
    assert row.payment_kinds == ["credit_card", "masterpass"]
    assert row.base_url == "https://pay.example.com"
    assert (row.limit_each_minor, row.limit_day_minor) == (25_000, 100_050)
    assert credentials_of(row) == '{"api_key":"s3cret=value","webhook":"abc"}'
    text = text_of(client.get(ACCOUNTS))
    assert "main Sandbox (for tests) Active Test EUR" in text


def test_credentials_are_never_shown_again() -> None:
    client = agent()
    submit(client, f"{ACCOUNTS}/new", **FORM)
    path = f"{ACCOUNTS}/{account().pk}"
    refused = submit(client, path, **FORM | {"limit_each": "x"})
    for response in (client.get(path), client.get(ACCOUNTS), refused):
        page = page_of(response)
        assert "s3cret" not in page
        assert "webhook" not in page
    assert refused.status_code == 400
    assert "Credentials Stored" in text_of(client.get(path))


def test_credentials_of_an_ended_session_are_not_kept() -> None:
    client = agent()
    Session.objects.all().delete()
    response = submit(client, f"{ACCOUNTS}/new", **FORM)
    page = page_of(response)
    unsent = page.partition('name="unsent" value="')[2].partition('"')[0]
    values = decrypt_form(unsent, f"{ACCOUNTS}/new")
    assert values["provider_account"] == "acct-7"
    assert "secrets" not in values


def test_empty_credentials_keep_the_stored_ones() -> None:
    client = agent()
    submit(client, f"{ACCOUNTS}/new", **FORM)
    path = f"{ACCOUNTS}/{account().pk}"

    response = submit(
        client, path, **FORM | {"secrets": "", "limit_each": "", "is_active": "on", "limit_day": ""}
    )

    assert response.status_code == 303
    assert credentials_of(account()) == '{"api_key":"s3cret=value","webhook":"abc"}'
    assert (account().limit_each_minor, account().limit_day_minor) == (None, None)
    submit(client, path, **FORM | {"secrets": "api_key=new", "is_active": "on"})
    assert credentials_of(account()) == '{"api_key":"new"}'


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"code": ""}, "This field is required."),
        ({"code": "a b"}, "letters, digits, dots"),
        ({"provider": "nobody"}, "Choose an option from the list."),
        ({"provider": "manual"}, "Choose an option from the list."),
        ({"provider_account": ""}, "This field is required."),
        ({"currency": "xx"}, "Enter the three letters of a currency"),
        ({"currency": "jpy", "limit_each": "1.5", "limit_day": ""}, "Enter an amount above zero"),
        ({"limit_each": "0"}, "Enter an amount above zero"),
        ({"limit_day": "-1"}, "Enter an amount above zero"),
        ({"limit_each": "1.005"}, "Enter an amount above zero"),
        ({"secrets": "no equals sign"}, "Row 1: write a name, an equals sign and the value."),
        ({"secrets": "a=1\n=2"}, "Row 2: write a name, an equals sign and the value."),
        ({"base_url": "http://pay.example.com"}, "begins with https://"),
        ({"payment_kinds": "x" * 201}, "1 to 32 characters"),
        ({"provider_account": "a\u200bb"}, "invisible"),
    ],
)
def test_wrong_account_is_refused(form: dict[str, str], sentence: str) -> None:
    client = agent()
    with nothing_written():
        response = submit(client, f"{ACCOUNTS}/new", **FORM | form)
    assert response.status_code == 400
    assert sentence in text_of(response)


def test_code_and_account_of_another_account_are_refused_at_their_fields() -> None:
    create_account(provider_account="acct-7", payment_kinds=[])
    client = agent()
    for form, field in (
        ({}, "code"),
        ({"code": "other"}, "provider_account"),
    ):
        with nothing_written():
            response = submit(client, f"{ACCOUNTS}/new", **FORM | form)
        assert response.status_code == 400
        assert f'id="{field}_error"' in page_of(response)


def test_account_with_refunds_keeps_its_identity() -> None:
    row = create_account()
    create_refund(order=create_paid_order())
    client = agent()
    assert 'name="currency" value="eur"' in page_of(client.get(f"{ACCOUNTS}/{row.pk}"))
    changed = {"code": "x", "provider": "manual", "provider_account": "y", "currency": "usd"}

    response = submit(
        client, f"{ACCOUNTS}/{row.pk}", **FORM | changed, is_test="on", is_active="on"
    )

    assert response.status_code == 303
    now = account()
    assert (now.code, now.provider, now.currency) == ("main", "sandbox", "eur")
    assert (now.provider_account, now.is_test) == (row.provider_account, False)
    assert now.base_url == "https://pay.example.com"


def test_account_with_open_refunds_is_not_deactivated() -> None:
    row = create_account()
    create_refund(order=create_paid_order(), status="in_doubt")
    client = agent()
    with nothing_written():
        response = submit(client, f"{ACCOUNTS}/{row.pk}", **FORM)
    assert (response.status_code, code_on(response)) == (400, "payment_account_in_use")
    assert account().is_active


def test_account_is_deactivated_and_activated_again() -> None:
    row, client = create_account(), agent()
    create_refund(order=create_paid_order(), status="confirmed")
    assert submit(client, f"{ACCOUNTS}/{row.pk}", **FORM).status_code == 303
    assert account().is_active is False
    assert "main Sandbox (for tests) Inactive Live EUR" in text_of(client.get(ACCOUNTS))
    assert submit(client, f"{ACCOUNTS}/{row.pk}", **FORM, is_active="on").status_code == 303
    assert account().is_active is True


def test_sending_is_paused_with_a_reason_and_resumed() -> None:
    row, client = create_account(), agent()
    path = f"{ACCOUNTS}/{row.pk}"

    paused = submit(client, path, action="pause", reason="Provider is away")

    assert (paused.status_code, paused["Location"]) == (303, f"{path}?saved")
    assert account().paused_because == "Provider is away"
    assert "Sending Paused: Provider is away" in text_of(client.get(path))
    assert submit(client, path, action="resume").status_code == 303
    assert account().paused_because == ""
    assert "Sending Active" in text_of(client.get(path))


@pytest.mark.parametrize("reason", ["", " ", "x" * 201, "restored"])
def test_pause_needs_a_short_reason(reason: str) -> None:
    row, client = create_account(), agent()
    with nothing_written():
        response = submit(client, f"{ACCOUNTS}/{row.pk}", action="pause", reason=reason)
    assert response.status_code == 400
    assert 'id="reason_error"' in page_of(response)
    assert account().paused_because == ""


def test_account_of_before_a_restore_is_not_resumed() -> None:
    row = create_account(paused_because="restored", reconcile_since=factories.NOW)
    client = agent()
    path = f"{ACCOUNTS}/{row.pk}"
    assert "The database was restored" in text_of(client.get(path))
    with nothing_written():
        response = submit(client, path, action="resume")
    assert code_on(response) == "payment_account_needs_reconciliation"
    assert account().paused_because == "restored"


def test_agent_with_the_scope_money_sees_and_pauses_accounts_only() -> None:
    row, client = create_account(), agent(scopes=PAYING)
    path = f"{ACCOUNTS}/{row.pk}"
    listed, page = page_of(client.get(ACCOUNTS)), page_of(client.get(path))
    assert f'href="{path}"' in listed
    for text in ("payment-accounts/new", f'href="/desk/settings/{shop.SHOP}/staff"'):
        assert text not in listed
    assert 'name="secrets"' not in page
    assert submit(client, path, action="pause", reason="Strange payments").status_code == 303
    with nothing_written():
        for response in (
            client.get(f"{ACCOUNTS}/new"),
            submit(client, f"{ACCOUNTS}/new", **FORM),
            submit(client, path, **FORM),
            submit(client, path, action="resume"),
        ):
            assert (response.status_code, code_on(response)) == (403, "permission_denied")
    assert account().paused_because == "Strange payments"


@pytest.mark.parametrize("page", ["", "/new", "/1"])
def test_accounts_need_the_scope_money(page: str) -> None:
    client = agent(scopes=["read", "decide", "pii", "admin"])
    assert "/payment-accounts" not in page_of(client.get(f"/desk/settings/{shop.SHOP}"))
    with nothing_written():
        for response in (client.get(ACCOUNTS + page), submit(client, ACCOUNTS + page)):
            if response.status_code != 405:
                assert (response.status_code, code_on(response)) == (403, "permission_denied")


@pytest.mark.parametrize("pk", [0, "x", 10**40])
def test_unknown_account_is_not_found(pk: Any) -> None:
    assert agent().get(f"{ACCOUNTS}/{pk}").status_code == 404


def test_account_of_another_channel_is_not_found() -> None:
    row = create_account(channel_id=shop.OTHER)
    client = agent()
    with nothing_written():
        for response in (
            client.get(f"{ACCOUNTS}/{row.pk}"),
            submit(client, f"{ACCOUNTS}/{row.pk}", action="pause", reason="mine now"),
            client.get(f"/desk/settings/{shop.OTHER}/payment-accounts/{row.pk}"),
        ):
            assert (response.status_code, code_on(response)) == (404, "not_found")


@pytest.mark.parametrize("page", ["", "/new", "/{pk}"])
@pytest.mark.parametrize("language", ["tr", "en", "de", "ar"])
def test_page_is_shown_in_each_language(page: str, language: str) -> None:
    row = create_account(paused_because="restored")
    path = ACCOUNTS + page.format(pk=row.pk)
    response = agent().get(path, headers={"accept-language": language})
    assert response.status_code == 200
    assert f'lang="{language}"' in page_of(response)
