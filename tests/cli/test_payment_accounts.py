"""Commands for payment accounts: what they store, print and refuse, and where secrets are not."""

import json
import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest
import typer
from django.db import connection
from typer.testing import CliRunner

from takeback.cli.main import app
from takeback.refund_providers import registry
from takeback.refunds.access import access_of
from takeback.refunds.models import PaymentAccount
from tests import factories
from tests.factories import NOW, create_channel
from tests.refunds.accounts import create_account, create_payment, create_refund
from tests.refunds.provider import MemoryProvider
from tests.rigs.serving import TAKEBACK, database_url, environment

pytestmark = [
    pytest.mark.allow_repeated_queries("several commands per test"),
    pytest.mark.django_db,
]

ADD = [
    *("add-payment-account", "cards", "--channel", "1", "--provider", "sandbox"),
    *("--provider-account", "acct_1", "--currency", "EUR"),
]


@pytest.fixture(autouse=True)
def _sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    adapters = {"loyalty": MemoryProvider("loyalty"), "sandbox": MemoryProvider()}
    monkeypatch.setattr(registry, "ADAPTERS", adapters)


def run(*words: str, **variables: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, words, env={"COLUMNS": "250", **variables})
    return result.exit_code, result.stdout, result.stderr


def table() -> list[str]:
    code, out, _ = run("list-payment-accounts")
    assert code == 0
    return [" ".join(line.split()) for line in out.splitlines()]


def credentials() -> dict[str, str]:
    return dict(access_of(PaymentAccount.objects.get()).credentials)


def test_account_is_added_with_secrets_from_a_file(tmp_path: Path) -> None:
    create_channel()
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps({"api_key": "sk-secret", "webhook_secret": "ğ"}))
    more = ["--kind", "credit_card", "--kind", "saved_card", "--limit-day", "5000.00"]
    words = [*ADD, *more, "--limit-each", "500", "--secrets-file", str(file), "--test"]
    assert run(*words, "--base-url", "http://127.0.0.1:8099") == (
        0,
        "",
        "Payment account cards added to channel 1.\n",
    )
    assert credentials() == {"api_key": "sk-secret", "webhook_secret": "ğ"}
    assert table() == [
        ("code channel provider account currency kinds mode each day paused under way active"),
        ("cards 1 sandbox acct_1 EUR credit_card, saved_card test 500.00 5000.00 - 0 yes"),
    ]


def test_secrets_come_from_a_variable() -> None:
    create_channel()
    assert run(*ADD, "--secrets-variable", "PAY", PAY='{"api_key": "sk"}')[0] == 0
    assert credentials() == {"api_key": "sk"}


def test_account_without_credentials_is_added_as_live() -> None:
    create_channel()
    assert run(*ADD)[0] == 0
    assert credentials() == {}
    assert table()[1] == "cards 1 sandbox acct_1 EUR - live - - - 0 yes"


REFUSED = [
    (
        [*ADD[:4], *ADD[4:], "--provider", "stripes"],
        "There is no provider stripes. Providers: loyalty, sandbox.",
    ),
    ([*ADD, "--channel", "7"], "There is no channel 7. Channels: 1 (Our shop)."),
    ([*ADD, "--currency", "EURO"], "EURO is no currency. Use a code of ISO 4217, such as EUR."),
    ([*ADD, "--limit-day", "5.001"], "5.001 is no amount in EUR, such as 500."),
    ([*ADD, "--limit-each", "x"], "x is no amount in EUR, such as 500."),
    ([*ADD, "--limit-each", "-5"], "A limit is an amount above 0. 0 removes it."),
    (
        [*ADD, "--base-url", "http://pay.example"],
        ("The address of a provider begins with https://; http:// is for this machine only."),
    ),
    (
        [*ADD, "--secret", "api_key=sk-secret"],
        "--secret takes the name only: other users can read the arguments of a command.",
    ),
    (
        [*ADD, "--secret", "api_key"],
        "--secret needs a terminal. Use --secrets-file or --secrets-variable.",
    ),
    ([*ADD, "--secrets-variable", "NO_PAY"], "There is no environment variable NO_PAY."),
    ([*ADD, "--secrets-variable", "TEXT"], "TEXT is no JSON."),
    ([*ADD, "--secrets-variable", "LIST"], 'LIST is no JSON object, such as {"api_key": "..."}.'),
    (
        [*ADD, "--secrets-variable", "NUMBER"],
        "Credentials are a JSON object of at most 20 texts, none of them empty.",
    ),
    (
        [*ADD, "--secret", "a", "--secrets-variable", "TEXT"],
        "Give the credentials by one of --secret, --secrets-file and --secrets-variable.",
    ),
    (
        ["change-payment-account", "cards"],
        "There is no payment account cards. `takeback list-payment-accounts` shows all.",
    ),
    (
        ["pause-payment-account", "cards"],
        "There is no payment account cards. `takeback list-payment-accounts` shows all.",
    ),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_wrong_argument_is_refused_with_a_sentence(words: list[str], sentence: str) -> None:
    create_channel(name="Our shop")
    variables = {"TEXT": "sk-secret", "LIST": '["sk-secret"]', "NUMBER": '{"sk-secret": 1}'}
    assert run(*words, **variables) == (2, "", f"Error: {sentence}\n")
    assert PaymentAccount.objects.count() == 0


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"sk-secret"])
def test_unreadable_file_is_refused_without_its_content(tmp_path: Path, content: bytes) -> None:
    create_channel()
    file = tmp_path / "secrets.json"
    file.write_bytes(content)
    expected = (2, "", f"Error: {file} is no JSON.\n")
    assert run(*ADD, "--secrets-file", str(file)) == expected


def test_missing_file_is_named(tmp_path: Path) -> None:
    create_channel()
    code, out, err = run(*ADD, "--secrets-file", str(tmp_path / "no.json"))
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: {tmp_path / 'no.json'} cannot be used (No such file")


def test_account_is_changed_and_the_changes_are_named() -> None:
    create_account()
    words = ["change-payment-account", "cards", "--limit-day", "900", "--kind", "klarna"]
    assert run(*words, "--secrets-variable", "PAY", PAY='{"a": "b"}') == (
        0,
        "",
        "Payment account cards: credentials, limit_day, payment_kinds changed.\n",
    )
    account = PaymentAccount.objects.get()
    assert (account.limit_day_minor, account.payment_kinds) == (90_000, ["klarna"])
    nothing = "Payment account cards: nothing changed.\n"
    assert run("change-payment-account", "cards", "--live") == (0, "", nothing)
    sentence = "Error: Name what to change, such as --limit-day or --secrets-file.\n"
    assert run("change-payment-account", "cards") == (2, "", sentence)


def test_account_is_paused_resumed_removed_and_activated_again() -> None:
    create_account()
    assert run("pause-payment-account", "cards")[::2] == (
        0,
        "Payment account cards paused. Planned refunds wait.\n",
    )
    assert table()[1].endswith("staff 0 yes")
    assert run("resume-payment-account", "cards")[::2] == (0, "Payment account cards resumed.\n")
    assert run("remove-payment-account", "cards")[::2] == (0, "Payment account cards removed.\n")
    assert table()[1].endswith("- 0 no")
    assert run("change-payment-account", "cards", "--active")[0] == 0
    assert table()[1].endswith("- 0 yes")


def test_account_with_a_refund_in_doubt_is_not_removed() -> None:
    account, payment = create_account(), create_payment()
    create_refund(payment, account, status="in_doubt")
    create_refund(payment, account)
    assert table()[1].endswith("- 2 yes")
    assert run("remove-payment-account", "cards") == (
        2,
        "",
        (
            "Error: Payment account cards has refunds that are not final: 2, of them in doubt: 1. "
            "Pause it, and deactivate it when `takeback list-payment-accounts` shows none under "
            "way.\n"
        ),
    )


def test_restored_account_is_not_resumed() -> None:
    create_account(paused_because="restored", reconcile_since=NOW)
    assert run("resume-payment-account", "cards") == (
        2,
        "",
        (
            "Error: The database was restored: the provider of payment account cards may have paid "
            "more than it knows. Run `takeback reconcile`.\n"
        ),
    )


def test_code_of_several_channels_needs_the_channel() -> None:
    create_account()
    create_account(channel_id=2, provider_account="acct_2")
    assert run("pause-payment-account", "cards") == (
        2,
        "",
        "Error: Several channels have an account cards: 1, 2. Name one with --channel.\n",
    )
    assert run("pause-payment-account", "cards", "--channel", "2")[0] == 0
    rows = PaymentAccount.objects.order_by("channel_id").values_list("paused_because", flat=True)
    assert list(rows) == ["", "staff"]


def test_empty_list_names_the_next_command() -> None:
    factories.create_channel()
    sentence = "No payment account yet. Run `takeback add-payment-account`.\n"
    assert run("list-payment-accounts") == (0, "", sentence)


def test_no_option_takes_a_secret() -> None:
    """Other users of the machine read the arguments of a command."""
    program = typer.main.get_command(app)
    names = {
        option
        for command in program.commands.values()  # type: ignore[attr-defined]
        for parameter in getattr(command, "params", [])
        for option in parameter.opts
        if any(word in option for word in ("secret", "credential", "password", "api-key"))
    }
    assert names == {"--secret", "--secrets-file", "--secrets-variable", "--new-password"}


@pytest.mark.heavy
@pytest.mark.django_db(transaction=True)
def test_prompted_secret_is_not_shown(tmp_path: Path) -> None:
    create_account()
    connection.close()
    terminal, inner = pty.openpty()
    words = ["change-payment-account", "cards", "--secret", "api_key"]
    variables = environment(tmp_path, DATABASE_URL=database_url(), **_keys())
    with subprocess.Popen(
        [*TAKEBACK, *words], env=variables, stdin=inner, stdout=inner, stderr=inner
    ) as process:
        os.close(inner)
        screen = _read_until(terminal, "api_key: ")
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        os.write(terminal, b"sk-secret\n")
        screen += _read_until(terminal, "credentials changed.")
        assert process.wait(timeout=60) == 0
    os.close(terminal)
    assert "sk-secret" not in screen
    assert b"sk-secret" not in arguments
    assert credentials() == {"api_key": "sk-secret"}


def _keys() -> dict[str, str]:
    return {name: os.environ[name] for name in ("SECRET_KEY", "DATA_KEYS")}


def _read_until(terminal: int, end: str) -> str:
    text, deadline = "", time.monotonic() + 60
    while end not in text:
        assert time.monotonic() < deadline, text
        if select.select([terminal], [], [], 1)[0]:
            text += os.read(terminal, 4096).decode()
    return text
