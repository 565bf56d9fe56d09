"""A data key's life: it seals, it only opens, and what it has sealed is sealed anew."""

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
from takeback.idempotency.commands import Answer, Call, run_idempotent
from takeback.operations import data_keys
from takeback.operations.data_keys import (
    COLUMNS,
    Reencrypted,
    older,
    reencrypt,
    reencrypt_text,
    texts_by_key,
)
from tests import factories
from tests.cancellations.cases import opened
from tests.channel import shop, sync
from tests.desk.agents import member, send
from tests.factories import Visitor

pytestmark = [
    pytest.mark.allow_repeated_queries("texts are read and written one at a time"),
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
]

NEW = {"2": "REVG" * 10 + "REU="}
ACCOUNT = BankAccount("TR330006100519786457841326", "Ayla Ray")
OTHER = BankAccount("DE89370400440532013000", "Jo Ray")
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CALL = Call("p" * 64, "POST asks/", "k-1", "f" * 64)
IBANS = next(column for column in COLUMNS if column.name == "iban_encrypted")
TEXTS = 6
"""What `everything` keeps sealed."""


def case() -> CancellationRequest:
    """The only one."""
    return CancellationRequest.objects.get()


def case_with_account() -> CancellationRequest:
    """A customer's case that names an account."""
    order = factories.make_order(customer=factories.make_customer())
    opened(factories.items_of(order)[0], bank_account=ACCOUNT)
    return case()


def everything() -> None:
    """One of each that is kept sealed, written as the service writes it."""
    case_with_account()
    caller = shop.client(shop.key(scopes=["read", "decide", "pii"]))
    sync.call(caller, "POST", "error_reports/", sync.report(raw_request="<a/>"))
    run_idempotent(CALL, lambda: Answer(201, b'{"id":1}'), factories.NOW)
    assert enable_totp(member().pk, SECRET, pyotp.TOTP(SECRET).at(factories.NOW), factories.NOW)
    member("without_a_second_factor")


def changed_key(settings: Settings) -> None:
    """A new key stands in front of the old one."""
    settings.DATA_KEYS = NEW | settings.DATA_KEYS


def test_every_sealed_column_is_known() -> None:
    kept = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.name.endswith("_encrypted") and isinstance(field, TextField)
    }
    assert {(column.model, column.name) for column in COLUMNS} == kept


def test_an_old_key_may_go_once_all_is_sealed_anew(settings: Settings) -> None:
    everything()
    before = texts_by_key()
    changed_key(settings)

    assert reencrypt() == Reencrypted(done=TEXTS, unreadable=0)
    settings.DATA_KEYS = NEW

    assert (before, texts_by_key()) == ({"1": TEXTS}, {"2": TEXTS})
    assert bank_account_of(case()) == ACCOUNT
    assert run_idempotent(CALL, lambda: Answer(500, b""), factories.NOW).body == b'{"id":1}'
    assert totp_secret(StaffMember.objects.get(user__username="ada").pk) == SECRET
    caller = shop.client(shop.key(scopes=["read", "pii"]))
    (report,) = sync.call(caller, "GET", "error_reports/").json()["results"]
    assert report["raw_request"] == "<a/>"
    assert report["raw_response"] == sync.report()["raw_response"]


def test_nothing_that_is_told_changes(settings: Settings) -> None:
    models: set[type[Model]] = {CaseHistory, *(column.model for column in COLUMNS)}
    sealed_names = {column.name for column in COLUMNS}

    def told() -> dict[type[Model], list[dict[str, Any]]]:
        rows = {model: list(model._default_manager.order_by("pk").values()) for model in models}
        return {
            model: [{name: row[name] for name in row.keys() - sealed_names} for row in found]
            for model, found in rows.items()
        }

    everything()
    before = told()
    changed_key(settings)

    assert reencrypt().done == TEXTS
    assert told() == before


def test_what_is_sealed_anew_already_is_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One text at a time is as good as a hundred.
    monkeypatch.setattr(data_keys, "AT_ONCE", 1)
    orders = [factories.make_order(number=str(number)) for number in range(3)]
    for order in orders:
        factories.make_request(item=factories.items_of(order)[0], iban=ACCOUNT.iban)
    changed_key(settings)
    fresh = CancellationRequest.objects.order_by("pk")[1]
    CancellationRequest.objects.filter(pk=fresh.pk).update(**encrypted_columns(OTHER, fresh.uuid))

    assert [reencrypt(), reencrypt()] == [Reencrypted(2, 0), Reencrypted(0, 0)]
    found = [bank_account_of(each) for each in CancellationRequest.objects.order_by("pk")]
    assert found == [BankAccount(ACCOUNT.iban, ""), OTHER, BankAccount(ACCOUNT.iban, "")]


def test_what_somebody_changes_meanwhile_stays_as_they_wrote_it(settings: Settings) -> None:
    written = case_with_account()
    changed_key(settings)
    (found,) = older(IBANS, after=0, most=10)
    CancellationRequest.objects.update(**encrypted_columns(OTHER, written.uuid))

    assert reencrypt_text(IBANS, found) is False

    assert bank_account_of(case()) == OTHER


def test_what_somebody_takes_away_meanwhile_does_not_come_back(settings: Settings) -> None:
    case_with_account()
    changed_key(settings)
    (found,) = older(IBANS, after=0, most=10)
    CancellationRequest.objects.update(iban_encrypted=None)

    assert reencrypt_text(IBANS, found) is False

    assert case().iban_encrypted is None


@pytest.mark.parametrize("text", ["1:AAAA", "1:" + "A" * 200, "9:AAAA", "1:\u00fc", ":"])
def test_what_nobody_can_open_is_counted_and_hinders_nothing(settings: Settings, text: str) -> None:
    everything()
    CancellationRequest.objects.update(iban_encrypted=text)
    changed_key(settings)

    assert reencrypt() == Reencrypted(done=TEXTS - 1, unreadable=1)
    assert case().iban_encrypted == text


def test_keys_are_told_apart_by_their_whole_names(settings: Settings) -> None:
    old = settings.DATA_KEYS["1"]
    settings.DATA_KEYS = {"a%": old}
    case_with_account()
    settings.DATA_KEYS = {"A": old, "a_": old, "a": old, "a%": old}

    assert texts_by_key() == Counter({"a%": 2})
    assert reencrypt().done == 2
    assert texts_by_key() == Counter({"A": 2})


def their_requests() -> Any:
    """The customer's list."""
    client = factories.client_of(case().order_item.order.user)
    return client.get("/users/orders/cancellation_requests/")


def reports() -> Any:
    """The channel's, with their traffic."""
    caller = shop.client(shop.key(scopes=["read", "pii"]))
    return sync.call(caller, "GET", "error_reports/")


def code_at_the_desk() -> Any:
    """The second step of signing in."""
    client, path = Visitor(), "/desk/login"
    password = send(client, path, username="ada", password="a-long-enough-password")
    return send(client, path, ticket=password.context["ticket"], code="000000")


@pytest.mark.parametrize("ask", [their_requests, reports, code_at_the_desk])
def test_without_the_key_the_service_is_not_available_and_no_fault(
    settings: Settings, ask: Callable[[], Any]
) -> None:
    everything()
    settings.DATA_KEYS = NEW

    assert ask().status_code == 503


def test_the_command_says_how_many(settings: Settings) -> None:
    everything()
    changed_key(settings)

    told = CliRunner().invoke(app, ["rotate-data-key"])
    assert (told.exit_code, told.output) == (0, f"{TEXTS} sealed anew.\n")

    settings.DATA_KEYS = {"3": NEW["2"]}
    told = CliRunner().invoke(app, ["rotate-data-key"])
    assert (told.exit_code, told.stdout) == (1, "0 sealed anew.\n")
    assert told.stderr.startswith(f"Error: {TEXTS} cannot be opened")
