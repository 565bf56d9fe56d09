"""Commands for channels, reasons, carriers, staff and keys: what they print and refuse."""

import pytest
from typer.testing import CliRunner

from takeback.accounts.api_keys import issue_key
from takeback.accounts.models import Channel
from takeback.cancellations.models import CancellationReason
from takeback.cli.main import app
from takeback.core import clock
from takeback.logistics.models import EasyReturnShippingCompany
from tests.factories import create_carrier, create_channel, create_reason, install_shop

pytestmark = pytest.mark.django_db


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    return result.exit_code, result.stdout, result.stderr


def table(command: str) -> list[str]:
    code, out, _ = run(command)
    assert code == 0
    return [" ".join(line.split()) for line in out.splitlines()]


def test_second_channel_gets_an_id_and_a_storefront() -> None:
    create_channel(name="Our shop")
    code, out, err = run("add-channel", " Second ", "--storefront-url", "https://b.example")
    channel = Channel.objects.get(name="Second")
    assert (code, out, err) == (0, f"{channel.pk}\n", f"Channel {channel.pk} added: Second.\n")
    assert channel.storefront_url == "https://b.example"
    assert table("list-channels") == [
        "id name storefront active",
        "1 Our shop - yes",
        f"{channel.pk} Second https://b.example yes",
    ]


REFUSED = [
    (["add-channel", ""], "The name of a channel has 1 to 255 characters."),
    (["add-channel", "  "], "The name of a channel has 1 to 255 characters."),
    (["add-channel", "x" * 256], "The name of a channel has 1 to 255 characters."),
    (["add-channel", "OUR shop "], "A channel with this name exists: 1."),
    (
        ["add-channel", "B", "--storefront-url", "b"],
        (
            "The storefront URL must be an http:// or https:// URL, such as "
            "https://returns.shop.example."
        ),
    ),
    (
        ["issue-key", "--name", "erp", "--scope", "read"],
        "No channel is named. Channels: 1 (Our shop).",
    ),
    (
        ["issue-key", "--name", "erp", "--channel", "1"],
        "No scope is named. Scopes: read, decide, money, pii, admin.",
    ),
    (
        ["issue-key", "--name", "erp", "--channel", "1", "--scope", "banana"],
        "There is no scope banana. Scopes: read, decide, money, pii, admin.",
    ),
    (
        ["issue-key", "--name", "erp", "--channel", "7", "--scope", "read"],
        "There is no channel 7. Channels: 1 (Our shop).",
    ),
    (["issue-key"], "Name the new key with --name, or the key to replace with --rotate."),
    (
        ["revoke-key", "missing"],
        "No active key has the public id missing. `takeback list-keys` shows all.",
    ),
    (
        ["change-staff", "missing", "--inactive"],
        "No staff account has the name missing. `takeback list-staff` shows all.",
    ),
    (
        ["add-staff", "otto", "--channel", "1", "--scope", "read", "--email", "otto"],
        "otto is no e-mail address.",
    ),
    (["add-reason", "X", "--type", "swap"], "The type of a reason is cancel or refund."),
    (["add-reason", " ", "--type", "cancel"], "A subject has 1 to 100 characters."),
    (
        ["add-reason", "X", "--type", "cancel", "--channel", "7"],
        "There is no channel 7. Channels: 1 (Our shop).",
    ),
    (
        ["add-reason", "X", "--type", "cancel", "--translation", "klein"],
        "--translation klein has not the form LANGUAGE=SUBJECT, such as de=Zu klein.",
    ),
    (["add-carrier", ""], "The name of a carrier has 1 to 255 characters."),
    (["add-carrier", "X", "--channel", "7"], "There is no channel 7. Channels: 1 (Our shop)."),
    (
        ["add-carrier", "X", "--country", "Turkey"],
        "“TURKEY” is not a country code. Send two letters of ISO 3166, such as TR or DE.",
    ),
    (["change-carrier", "7"], "Name what to change, such as --name or --inactive."),
    (
        ["change-carrier", "7", "--inactive"],
        "There is no carrier 7. `takeback list-carriers` shows all.",
    ),
]


@pytest.mark.parametrize(
    ("words", "sentence"), REFUSED, ids=[" ".join(words)[:40] for words, _ in REFUSED]
)
def test_wrong_argument_is_refused_with_a_sentence(words: list[str], sentence: str) -> None:
    create_channel(name="Our shop")
    assert run(*words) == (2, "", f"Error: {sentence}\n")


def test_first_key_needs_a_channel() -> None:
    words = ["issue-key", "--name", "erp", "--channel", "1", "--scope", "read"]
    sentence = "There is no channel 1. There is none yet: run `takeback init`."
    assert run(*words) == (2, "", f"Error: {sentence}\n")


def test_lists_of_an_empty_installation_name_the_next_command() -> None:
    lists = ["channels", "keys", "staff", "reasons", "carriers"]
    assert [run(f"list-{name}") for name in lists] == [
        (0, "", "No channel yet. Run `takeback init`.\n"),
        (0, "", "No key yet. Run `takeback issue-key`.\n"),
        (0, "", "No staff account yet. Run `takeback add-staff`.\n"),
        (0, "", "No reason yet. Run `takeback init`.\n"),
        (0, "", "No carrier yet. Run `takeback add-carrier`.\n"),
    ]


def test_lists_show_what_init_made_without_secrets() -> None:
    install_shop()
    public_id = table("list-keys")[1].split()[0]
    assert table("list-keys") == [
        "public id name channels scopes last used expires",
        f"{public_id} erp 1 read, decide never never",
    ]
    assert table("list-staff") == [
        "user name e-mail channels scopes two-step active",
        "admin admin@shop.example 1 read, decide, money, pii, admin no yes",
    ]
    assert table("list-carriers") == [
        "id channel carrier name pickup countries categories active",
        "1 all counter Counter no all all yes",
        "2 all courier Courier yes all all yes",
    ]
    assert table("list-reasons")[1] == (
        "1 all cancel I changed my mind ar-sa, de-de, en-us, es-es, fr-fr, it-it, nl-nl, tr-tr yes"
    )


def test_revoked_key_leaves_the_list() -> None:
    create_channel()
    key = issue_key("erp", channel_ids=[1], scopes=["read"], now=clock.now())
    assert run("revoke-key", key.public_id) == (0, "", f"Revoked {key.public_id}.\n")
    assert run("list-keys")[1] == ""


def test_reason_is_added_in_several_languages() -> None:
    create_channel()
    translations = ["--translation", "de=Zu klein", "--translation", "tr=Çok küçük"]
    words = ["add-reason", "Too small", "--type", "refund", "--channel", "1", *translations]
    code, out, err = run(*words, "--needs-description")
    reason = CancellationReason.objects.get()
    assert (code, out) == (0, f"{reason.pk}\n")
    assert err == f"Reason {reason.pk} added for channel 1: Too small.\n"
    assert (reason.cancellation_type, reason.extra_information_needed) == ("refund", True)
    assert reason.translations == {"de": {"subject": "Zu klein"}, "tr": {"subject": "Çok küçük"}}


def test_carrier_is_added_with_rules_and_changed() -> None:
    create_channel()
    words = ["add-carrier", "Yurtiçi Kargo", "--pickup", "--country", "tr", "--category", "Shoes"]
    code, out, err = run(*words, "--channel", "1")
    carrier = EasyReturnShippingCompany.objects.get()
    assert (code, out) == (0, f"{carrier.pk}\n")
    assert err == f"Carrier {carrier.pk} added: Yurtiçi Kargo.\n"
    assert (carrier.channel_id, carrier.carrier) == (1, "yurtici-kargo")
    assert (carrier.needs_pickup, carrier.countries, carrier.categories) == (
        True,
        ["TR"],
        ["Shoes"],
    )
    words = ["change-carrier", str(carrier.pk), "--drop-off", "--inactive", "--name", "Counter"]
    changed = f"Carrier {carrier.pk}: changed name, needs_pickup, is_active.\n"
    assert run(*words) == (0, "", changed)
    carrier.refresh_from_db()
    assert (carrier.name, carrier.needs_pickup, carrier.is_active) == ("Counter", False, False)


def test_shared_carrier_and_reason_serve_a_later_channel() -> None:
    create_channel(name="Our shop")
    create_carrier(channel=None)
    create_reason()
    assert run("add-channel", "Second")[0] == 0
    assert [line.split()[1] for line in table("list-carriers")[1:]] == ["all"]
