"""The check-up: each check passes and fails."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from takeback.core import clock, triggers
from takeback.limits.commands import Bucket, count
from takeback.operations import doctor
from takeback.operations.findings import Finding, Severity
from takeback.orders import audit
from tests import factories
from tests.factories import create_channel, create_message, create_order, install_shop

FINE, WARNING, FAILURE = Severity.FINE, Severity.WARNING, Severity.FAILURE


def _examine(*, every_order: bool = False) -> dict[str, Finding]:
    findings = doctor.examine(every_order=every_order, progress=lambda done, total: None)
    return {finding.subject: finding for finding in findings}


def close_to_others(database: Path) -> None:
    """As the program makes its database; this one was made by Django's test runner."""
    if connection.vendor == "sqlite":
        database.chmod(0o600)


@pytest.mark.django_db
def test_healthy_local_installation_warns_of_missing_tls_only() -> None:
    install_shop()
    close_to_others(Path(connection.settings_dict["NAME"]))
    severities = {subject: finding.severity for subject, finding in _examine().items()}
    assert severities == {
        "database": FINE,
        "migrations": FINE,
        "triggers": FINE,
        "database role": FINE if connection.vendor == "sqlite" else WARNING,
        "storefront channel": FINE,
        "reasons": FINE,
        "carriers": FINE,
        "staff": FINE,
        "API key": FINE,
        "payment accounts": FINE,
        "test credentials": FINE,
        "paused accounts": FINE,
        "payment types": FINE,
        "second person": FINE,
        "refunds": FINE,
        "ledger anchors": FINE,
        "order totals": FINE,
        "worker": FINE,
        "outbox": FINE,
        "limits": FINE,
        "data keys": FINE,
        "shared keys": FINE,
        "images": FINE,
        "clock": FINE,
        "data folder": FINE,
        "file modes": FINE,
        "secret key": FINE,
        "debug": FINE,
        "hosts": FINE,
        "tls": WARNING,
        "mail": WARNING,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("subject", "changes", "severity", "message"),
    [
        ("debug", {"DEBUG": True}, FAILURE, "DEBUG is on: error pages show"),
        ("secret key", {"SECRET_KEY": "x" * 39}, FAILURE, "SECRET_KEY is shorter than 40"),
        ("hosts", {"ALLOWED_HOSTS": ["*"]}, FAILURE, "ALLOWED_HOSTS accepts every name."),
        (
            "hosts",
            {"SITE_URL": "https://a.example"},
            FAILURE,
            "Add SITE_URL's host a.example to ALLOWED_HOSTS.",
        ),
        (
            "hosts",
            {"SITE_URL": "https://shop.example", "ALLOWED_HOSTS": [".shop.example"]},
            FINE,
            "ALLOWED_HOSTS contains SITE_URL's host shop.example.",
        ),
        (
            "hosts",
            {"SITE_URL": "http://[::1]:80"},
            FINE,
            "ALLOWED_HOSTS contains SITE_URL's host ::1.",
        ),
        ("tls", {"TLS": True}, FINE, "TLS is on: cookies are secure and HSTS is sent."),
        (
            "tls",
            {"SITE_URL": "http://a.example"},
            FAILURE,
            "TLS is off, but SITE_URL is another machine.",
        ),
        ("storefront channel", {"STOREFRONT_CHANNEL": 7}, FAILURE, "No active channel 7. Run "),
        (
            "storefront channel",
            {"STOREFRONT_HOSTS": {"b": "9"}},
            FAILURE,
            "No active channel 9. Run ",
        ),
    ],
)
def test_setting_is_checked(
    settings: Settings,
    subject: str,
    changes: dict[str, Any],
    severity: Severity,
    message: str,
) -> None:
    create_channel()
    settings.ALLOWED_HOSTS = ["127.0.0.1", "[::1]"]
    for name, value in changes.items():
        setattr(settings, name, value)
    finding = _examine()[subject]
    assert finding.severity is severity
    assert finding.message.startswith(message)


@pytest.mark.django_db
def test_inactive_storefront_channel_is_a_failure() -> None:
    create_channel(is_active=False)
    assert _examine()["storefront channel"].severity is FAILURE


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("late", "parked", "severity", "message"),
    [
        (timedelta(minutes=5), False, FINE, "Waiting messages: 1. None is parked."),
        (
            timedelta(minutes=5, seconds=1),
            False,
            FAILURE,
            "A message is due since 2026-03-10 11:54. Start `takeback worker`.",
        ),
        (timedelta(days=1), True, WARNING, "Parked messages: 1. Run `takeback outbox list`."),
    ],
)
def test_late_and_parked_messages_are_reported(
    frozen_now: datetime, late: timedelta, parked: bool, severity: Severity, message: str
) -> None:
    create_channel()
    create_message(due_at=frozen_now - late, parked_at=frozen_now if parked else None)
    assert _examine()["outbox"] == ("outbox", severity, message)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("keys", "severity", "message"),
    [
        (["1"], FINE, "Key 1 encrypts all texts."),
        (
            ["2", "1"],
            WARNING,
            "Older keys encrypt 2 texts. Run `takeback rotate-data-key`.",
        ),
        (["1", "2"], FINE, "Key 1 encrypts all texts."),
        (["2"], FAILURE, "Add key 1 to DATA_KEYS: 2 texts cannot be decrypted."),
    ],
)
def test_older_and_missing_keys_are_reported(
    settings: Settings, keys: list[str], severity: Severity, message: str
) -> None:
    factories.create_case(
        item=factories.items_of(create_order())[0],
        iban="DE89370400440532013000",
        holder_name="Jo Ray",
    )
    settings.DATA_KEYS = dict.fromkeys(keys, settings.DATA_KEYS["1"])
    assert _examine()["data keys"] == ("data keys", severity, message)


@pytest.mark.django_db
def test_role_that_can_truncate_a_table_is_a_warning() -> None:
    create_channel()
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no roles")
    role = f"takeback_probe_{os.getpid()}"
    rows = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role}")
        cursor.execute(f"GRANT {rows} IN SCHEMA public TO {role}")
        cursor.execute(f"SET LOCAL ROLE {role}")
        documented_role = _examine()["database role"]
        cursor.execute("RESET ROLE")
        cursor.execute(f"GRANT TRUNCATE ON cancellations_casehistory TO {role}")
        cursor.execute(f"SET LOCAL ROLE {role}")
        role_with_truncate = _examine()["database role"]
    assert documented_role == ("database role", FINE, "This role can only read and write rows.")
    message = (
        "This role can also empty or alter cancellations_casehistory. Use one that cannot: "
        "correct DATABASE_URL."
    )
    assert role_with_truncate == ("database role", WARNING, message)


@pytest.mark.django_db
def test_missing_and_disabled_triggers_are_named() -> None:
    assert triggers.missing() == []
    if connection.vendor == "postgresql":
        disabled = "orders_payment.part_changed"
        statements = [
            "ALTER TABLE orders_payment DISABLE TRIGGER part_changed",
            "DROP TRIGGER transition_of_a_case ON cancellations_cancellationrequest",
        ]
    else:
        disabled = "orders_payment.orders_payment_part_update"
        statements = [
            "DROP TRIGGER orders_payment_part_update",
            "DROP TRIGGER transition_of_a_case",
        ]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    missing = ["cancellations_cancellationrequest.transition_of_a_case", disabled]
    assert triggers.missing() == missing
    assert _examine()["triggers"].message == (
        f"Missing or disabled: {', '.join(missing)}. Run `takeback migrate`."
    )


@pytest.mark.django_db
def test_limits_that_are_half_used_up_are_named() -> None:
    install_shop()
    now = clock.now()
    for kind, window_seconds in {"lookup-shop": 3600, "lookup-number": 900, "old": 1}.items():
        past = now - timedelta(seconds=2)
        count([Bucket(f"{kind}:x", 1, window_seconds)], past)
    assert _examine()["limits"] == (
        "limits",
        WARNING,
        "Half of these limits is used up: lookup-number, lookup-shop. See the log.",
    )


@pytest.mark.django_db
def test_order_whose_parts_differ_from_its_total_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    create_channel()
    balanced, unbalanced, newest = (create_order(number=number) for number in ("S-1", "B-2", "N-3"))
    _change_without_triggers(unbalanced.pk)
    assert list(audit.id_ranges()) == [(balanced.pk, newest.pk)]
    assert audit.unbalanced_orders(balanced.pk, newest.pk) == ["B-2"]
    monkeypatch.setattr(doctor, "SAMPLE_SIZE", 1)
    sample = _examine()["order totals"]
    assert sample.message == "The totals of the newest 1 orders equal the sums of their parts."
    assert _examine(every_order=True)["order totals"] == (
        "order totals",
        FAILURE,
        (
            "1 of all orders differ from their parts: B-2. Restore a backup and run "
            "`takeback doctor --all`."
        ),
    )


def _change_without_triggers(order_id: int) -> None:
    """A change by somebody with the database's password."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE orders_orderitem DISABLE TRIGGER USER")
        else:
            cursor.execute("DROP TRIGGER orders_orderitem_part_update")
        cursor.execute(
            "UPDATE orders_orderitem SET goods_minor = goods_minor + 1 WHERE order_id = %s",
            [order_id],
        )
    triggers.install()


@pytest.mark.django_db
def test_orders_are_checked_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(audit.id_ranges()) == []
    first = create_order(number="1").pk
    for number in range(2, 6):
        create_order(number=str(number))
    monkeypatch.setattr(audit, "RANGE_SIZE", 2)
    assert list(audit.id_ranges()) == [
        (first, first + 1),
        (first + 2, first + 3),
        (first + 4, first + 4),
    ]
    assert list(audit.id_ranges(newest=2)) == [(first + 3, first + 4)]


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export /srv nfs4 rw 0 0
/dev/sdb1 /srv/local\\040disk xfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/takeback", "ext4"),
        ("/srv/takeback", "nfs4"),
        ("/srv/local disk/takeback", "xfs"),
        ("/srvx", "ext4"),
    ],
)
def test_file_system_of_a_folder_is_its_nearest_mount(
    tmp_path: Path, folder: str, kind: str
) -> None:
    table = tmp_path / "mounts"
    table.write_text(MOUNTS)
    assert doctor.file_system(Path(folder), table) == kind


@pytest.mark.django_db
def test_sqlite_on_a_network_file_system_is_a_failure(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"server:/export {tmp_path} nfs4 rw 0 0\n")
    is_sqlite = connection.vendor == "sqlite"
    severity, message = doctor.data_folder(tmp_path, table)
    assert severity is (FAILURE if is_sqlite else FINE)
    assert "nfs4" in message


def test_read_only_data_folder_is_a_failure(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert doctor.data_folder(missing, tmp_path / "mounts") == (
        FAILURE,
        f"There is no {missing} yet. Run `takeback init`, or correct DATA_DIR.",
    )


@pytest.mark.django_db
def test_folder_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    close_to_others(Path(connection.settings_dict["NAME"]))
    tmp_path.chmod(0o700)
    assert doctor.file_modes(tmp_path)[0] is FINE
    tmp_path.chmod(0o750)
    sentence = f"Others can read {tmp_path}. Run `chmod 700 {tmp_path}`."
    assert doctor.file_modes(tmp_path) == (WARNING, sentence)


@pytest.mark.django_db
def test_database_file_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no file of ours")
    database = Path(connection.settings_dict["NAME"])
    database.chmod(0o644)
    tmp_path.chmod(0o700)
    sentence = f"Others can read {database}. Run `chmod 600 {database}`."
    assert doctor.file_modes(tmp_path) == (WARNING, sentence)
