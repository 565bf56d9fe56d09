"""Data keys: the newest encrypts, older ones decrypt, and their texts are re-encrypted."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from django.apps import apps
from django.db.models import Model, TextField
from pytest_django import Settings
from typer.testing import CliRunner

from takeback.accounts.models import StaffMember
from takeback.accounts.totp import enable_totp, totp_secret
from takeback.bank_accounts.bank_account import BankAccount, bank_account_of, encrypted_columns
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cli.main import app
from takeback.idempotency.commands import IdempotentCall, IdempotentResponse, run_idempotent
from takeback.operations import data_keys
from takeback.operations.data_keys import (
    COLUMNS,
    count_texts_by_key,
    reencrypt,
    reencrypt_text,
    texts_with_older_keys,
)
from takeback.refunds.access import access_of
from takeback.refunds.models import PaymentAccount
from tests import factories
from tests.cancellations.factories import open_case as opened
from tests.channel import shop, sync
from tests.desk.agents import member, send
from tests.factories import HttpClient
from tests.refunds.accounts import CREDENTIALS, create_account

pytestmark = [
    pytest.mark.allow_repeated_queries("texts are read and written one at a time"),
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
]

NEW = {"2": "REVG" * 10 + "REU="}
ACCOUNT = BankAccount("TR330006100519786457841326", "Ayla Ray")
OTHER = BankAccount("DE89370400440532013000", "Jo Ray")
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
REPLY = IdempotentCall("p" * 64, "POST asks/", "k-1", "f" * 64)
IBANS = next(column for column in COLUMNS if column.name == "iban_encrypted")
TEXTS = 7
"""The number of texts that `encrypt_everything` writes."""


def only_case() -> CancellationRequest:
    return CancellationRequest.objects.get()


def case_with_account() -> CancellationRequest:
    """A customer's case with a bank account."""
    order = factories.create_order(customer=factories.create_customer())
    opened(factories.items_of(order)[0], bank_account=ACCOUNT)
    return only_case()


def encrypt_everything() -> None:
    """A text in every encrypted column, written by the service itself."""
    case_with_account()
    client = shop.client(shop.key(scopes=["read", "decide", "pii"]))
    sync.send(client, "POST", "error_reports/", sync.error_report(raw_request="<a/>"))
    run_idempotent(REPLY, lambda: IdempotentResponse(201, b'{"id":1}'), factories.NOW)
    assert enable_totp(member().pk, SECRET, pyotp.TOTP(SECRET).at(factories.NOW), factories.NOW)
    member("without_a_second_factor")
    account = create_account()
    PaymentAccount.objects.create(channel_id=account.channel_id, code="without_credentials")


def add_new_key(settings: Settings) -> None:
    """Put a new key before the old one."""
    settings.DATA_KEYS = NEW | settings.DATA_KEYS


def test_all_encrypted_columns_of_the_models_are_listed() -> None:
    columns = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.name.endswith("_encrypted") and isinstance(field, TextField)
    }
    assert {(column.model, column.name) for column in COLUMNS} == columns


def test_old_key_can_be_removed_after_reencryption(settings: Settings) -> None:
    encrypt_everything()
    before = count_texts_by_key()
    add_new_key(settings)

    assert reencrypt() == (TEXTS, 0)
    settings.DATA_KEYS = NEW

    assert (before, count_texts_by_key()) == ({"1": TEXTS}, {"2": TEXTS})
    assert bank_account_of(only_case()) == ACCOUNT
    assert (
        run_idempotent(REPLY, lambda: IdempotentResponse(500, b""), factories.NOW).body
        == b'{"id":1}'
    )
    assert totp_secret(StaffMember.objects.get(user__username="ada").pk) == SECRET
    assert access_of(PaymentAccount.objects.get(code="cards")).credentials == CREDENTIALS
    client = shop.client(shop.key(scopes=["read", "pii"]))
    (report,) = sync.send(client, "GET", "error_reports/").json()["results"]
    assert report["raw_request"] == "<a/>"
    assert report["raw_response"] == sync.error_report()["raw_response"]


def test_reencryption_changes_no_other_column(settings: Settings) -> None:
    models: set[type[Model]] = {CaseHistory, *(column.model for column in COLUMNS)}
    encrypted_names = {column.name for column in COLUMNS}

    def other_columns() -> dict[type[Model], list[dict[str, Any]]]:
        tables = {model: list(model._default_manager.order_by("pk").values()) for model in models}
        return {
            model: [{name: row[name] for name in row.keys() - encrypted_names} for row in rows]
            for model, rows in tables.items()
        }

    encrypt_everything()
    before = other_columns()
    add_new_key(settings)

    assert reencrypt() == (TEXTS, 0)
    assert other_columns() == before


def test_texts_of_the_newest_key_are_not_reencrypted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_keys, "BATCH_SIZE", 1)
    orders = [factories.create_order(number=str(number)) for number in range(3)]
    for order in orders:
        factories.create_case(item=factories.items_of(order)[0], iban=ACCOUNT.iban)
    add_new_key(settings)
    newest = CancellationRequest.objects.order_by("pk")[1]
    columns = encrypted_columns(OTHER, newest.uuid)
    CancellationRequest.objects.filter(pk=newest.pk).update(**columns)

    assert [reencrypt(), reencrypt()] == [(2, 0), (0, 0)]
    accounts = [bank_account_of(case) for case in CancellationRequest.objects.order_by("pk")]
    assert accounts == [BankAccount(ACCOUNT.iban, ""), OTHER, BankAccount(ACCOUNT.iban, "")]


def test_concurrently_changed_text_is_not_overwritten(settings: Settings) -> None:
    case = case_with_account()
    add_new_key(settings)
    (text,) = texts_with_older_keys(IBANS, after=0, limit=10)
    CancellationRequest.objects.update(**encrypted_columns(OTHER, case.uuid))

    assert reencrypt_text(IBANS, text) is False

    assert bank_account_of(only_case()) == OTHER


def test_concurrently_deleted_text_stays_deleted(settings: Settings) -> None:
    case_with_account()
    add_new_key(settings)
    (text,) = texts_with_older_keys(IBANS, after=0, limit=10)
    CancellationRequest.objects.update(iban_encrypted=None)

    assert reencrypt_text(IBANS, text) is False

    assert only_case().iban_encrypted is None


@pytest.mark.parametrize("text", ["1:AAAA", "1:" + "A" * 200, "9:AAAA", "1:\u00fc", ":"])
def test_unreadable_text_is_counted_and_skipped(settings: Settings, text: str) -> None:
    encrypt_everything()
    CancellationRequest.objects.update(iban_encrypted=text)
    add_new_key(settings)

    assert reencrypt() == (TEXTS - 1, 1)
    assert only_case().iban_encrypted == text


def test_key_ids_are_compared_exactly(settings: Settings) -> None:
    old = settings.DATA_KEYS["1"]
    settings.DATA_KEYS = {"a%": old}
    case_with_account()
    settings.DATA_KEYS = {"A": old, "a_": old, "a": old, "a%": old}

    assert count_texts_by_key() == Counter({"a%": 2})
    assert reencrypt() == (2, 0)
    assert count_texts_by_key() == Counter({"A": 2})


def customer_cases() -> Any:
    client = factories.client_of(only_case().order_item.order.user)
    return client.get("/users/orders/cancellation_requests/")


def error_reports() -> Any:
    client = shop.client(shop.key(scopes=["read", "pii"]))
    return sync.send(client, "GET", "error_reports/")


def desk_code() -> Any:
    client, path = HttpClient(), "/desk/login"
    password = send(client, path, username="ada", password="a-long-enough-password")
    return send(client, path, ticket=password.context["ticket"], code="000000")


@pytest.mark.parametrize("send_request", [customer_cases, error_reports, desk_code])
def test_response_without_the_needed_key_is_unavailable(
    settings: Settings, send_request: Callable[[], Any]
) -> None:
    encrypt_everything()
    settings.DATA_KEYS = NEW

    assert send_request().status_code == 503


def test_command_prints_the_number_of_texts(settings: Settings) -> None:
    encrypt_everything()
    add_new_key(settings)

    result = CliRunner().invoke(app, ["rotate-data-key"])
    assert (result.exit_code, result.output) == (0, f"{TEXTS} texts encrypted again.\n")

    settings.DATA_KEYS = {"3": NEW["2"], "1": settings.DATA_KEYS["1"]}
    result = CliRunner().invoke(app, ["rotate-data-key"])
    assert (result.exit_code, result.stdout) == (1, "0 texts encrypted again.\n")
    assert result.stderr.startswith(f"Error: {TEXTS} texts cannot be decrypted.")
