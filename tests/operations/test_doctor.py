"""The check-up: each finding seen both ways."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from takeback.core import triggers
from takeback.operations import doctor
from takeback.operations.doctor import Finding, Severity
from takeback.orders import audit
from tests import factories
from tests.factories import create_channel, create_message, create_order

FINE, WARNING, FAILURE = Severity.FINE, Severity.WARNING, Severity.FAILURE


def _examined(*, every_order: bool = False) -> dict[str, Finding]:
    findings = doctor.examine(every_order=every_order, progress=lambda done, of: None)
    return {finding.subject: finding for finding in findings}


@pytest.mark.django_db
def test_a_sound_installation_has_one_warning_on_this_machine() -> None:
    create_channel()
    verdicts = {subject: finding.verdict for subject, finding in _examined().items()}
    assert verdicts == {
        "database": FINE,
        "migrations": FINE,
        "triggers": FINE,
        "rights": FINE if connection.vendor == "sqlite" else WARNING,
        "storefront channel": FINE,
        "sums": FINE,
        "outbox": FINE,
        "data keys": FINE,
        "clock": FINE,
        "data folder": FINE,
        "secret key": FINE,
        "debug": FINE,
        "hosts": FINE,
        "tls": WARNING,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("subject", "changed", "verdict", "sentence"),
    [
        ("debug", {"DEBUG": True}, FAILURE, "DEBUG is on: faults would show our insides."),
        ("secret key", {"SECRET_KEY": "x" * 39}, FAILURE, "SECRET_KEY is shorter than 40"),
        ("hosts", {"ALLOWED_HOSTS": ["*"]}, FAILURE, "ALLOWED_HOSTS lets every name in."),
        ("hosts", {"SITE_URL": "https://a.example"}, FAILURE, "ALLOWED_HOSTS lacks a.example"),
        (
            "hosts",
            {"SITE_URL": "https://shop.example", "ALLOWED_HOSTS": [".shop.example"]},
            FINE,
            "SITE_URL's shop.example is allowed.",
        ),
        ("hosts", {"SITE_URL": "http://[::1]:80"}, FINE, "SITE_URL's ::1 is allowed."),
        ("tls", {"TLS": True}, FINE, "On: cookies are secure, HSTS is sent."),
        ("tls", {"SITE_URL": "http://a.example"}, FAILURE, "Off, but SITE_URL is not this"),
        ("storefront channel", {"STOREFRONT_CHANNEL": 7}, FAILURE, "No active channel 7: "),
        ("storefront channel", {"STOREFRONT_HOSTS": {"b": "9"}}, FAILURE, "No active channel 9: "),
    ],
)
def test_what_is_wrong_is_found(
    settings: Settings,
    subject: str,
    changed: dict[str, Any],
    verdict: Severity,
    sentence: str,
) -> None:
    create_channel()
    settings.ALLOWED_HOSTS = ["127.0.0.1", "[::1]"]
    for name, value in changed.items():
        setattr(settings, name, value)
    found = _examined()[subject]
    assert found.verdict is verdict
    assert found.sentence.startswith(sentence)


@pytest.mark.django_db
def test_a_closed_channel_is_as_good_as_none() -> None:
    create_channel(is_active=False)
    assert _examined()["storefront channel"].verdict is FAILURE


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("late", "parked", "verdict", "sentence"),
    [
        (timedelta(minutes=5), False, FINE, "1 messages wait, none is parked."),
        (
            timedelta(minutes=5, seconds=1),
            False,
            FAILURE,
            "A message is due since 2026-03-10 11:54: is `takeback worker` running?",
        ),
        (timedelta(days=1), True, WARNING, "1 parked; see `takeback outbox list`."),
    ],
)
def test_messages_that_nobody_delivers_are_told_of(
    frozen_now: datetime, late: timedelta, parked: bool, verdict: Severity, sentence: str
) -> None:
    create_channel()
    create_message(due_at=frozen_now - late, parked_at=frozen_now if parked else None)
    found = _examined()["outbox"]
    assert (found.verdict, found.sentence) == (verdict, sentence)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("keys", "verdict", "sentence"),
    [
        (["1"], FINE, "All that is sealed is sealed with key 1."),
        (
            ["2", "1"],
            WARNING,
            "2 texts are sealed with older keys: run `takeback rotate-data-key`.",
        ),
        (["1", "2"], FINE, "All that is sealed is sealed with key 1."),
        (["2"], FAILURE, "DATA_KEYS lacks 1: 2 texts cannot be opened."),
    ],
)
def test_keys_that_are_old_or_gone_are_told_of(
    settings: Settings, keys: list[str], verdict: Severity, sentence: str
) -> None:
    factories.create_case(
        item=factories.items_of(create_order())[0],
        iban="DE89370400440532013000",
        holder_name="Jo Ray",
    )
    settings.DATA_KEYS = dict.fromkeys(keys, settings.DATA_KEYS["1"])
    found = _examined()["data keys"]
    assert (found.verdict, found.sentence) == (verdict, sentence)


@pytest.mark.django_db
def test_a_role_that_can_do_more_than_work_with_rows_is_told_of() -> None:
    create_channel()
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no roles")
    role = f"takeback_probe_{os.getpid()}"
    rows = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role}")
        cursor.execute(f"GRANT {rows} IN SCHEMA public TO {role}")
        cursor.execute(f"SET LOCAL ROLE {role}")
        as_documented = _examined()["rights"]
        cursor.execute("RESET ROLE")
        cursor.execute(f"GRANT TRUNCATE ON cancellations_casehistory TO {role}")
        cursor.execute(f"SET LOCAL ROLE {role}")
        with_one_right_more = _examined()["rights"]
    assert as_documented == ("rights", FINE, "This role works with rows only.")
    sentence = "This role may also empty or alter cancellations_casehistory."
    assert with_one_right_more == ("rights", WARNING, sentence)


@pytest.mark.django_db
def test_triggers_that_are_gone_or_off_are_named() -> None:
    assert triggers.missing() == []
    if connection.vendor == "postgresql":
        gone = "orders_tender.part_changed"
        broken = [
            "ALTER TABLE orders_tender DISABLE TRIGGER part_changed",
            "DROP TRIGGER transition_of_a_case ON cancellations_cancellationrequest",
        ]
    else:
        gone = "orders_tender.orders_tender_part_update"
        broken = [
            "DROP TRIGGER orders_tender_part_update",
            "DROP TRIGGER transition_of_a_case",
        ]
    with connection.cursor() as cursor:
        for statement in broken:
            cursor.execute(statement)
    missing = ["cancellations_cancellationrequest.transition_of_a_case", gone]
    assert triggers.missing() == missing
    assert _examined()["triggers"].sentence == (
        f"Missing or off: {', '.join(missing)}. Run `takeback migrate`."
    )


@pytest.mark.django_db
def test_an_order_that_no_longer_adds_up_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    create_channel()
    sound, broken, newest = (create_order(number=number) for number in ("S-1", "B-2", "N-3"))
    _change_behind_the_guards(broken.pk)
    assert list(audit.id_ranges()) == [(sound.pk, newest.pk)]
    assert audit.unbalanced_orders(sound.pk, newest.pk) == ["B-2"]
    monkeypatch.setattr(doctor, "SAMPLE", 1)
    assert (
        _examined()["sums"].sentence == "Looked at the newest 1 orders: the parts equal the whole."
    )
    whole = _examined(every_order=True)["sums"]
    assert (whole.verdict, whole.sentence) == (
        FAILURE,
        "Of every order, 1 do not add up: B-2.",
    )


def _change_behind_the_guards(order_id: int) -> None:
    """As somebody with the database's password could."""
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
def test_all_orders_are_looked_at_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_the_file_system_of_a_folder_is_its_nearest_mount(
    tmp_path: Path, folder: str, kind: str
) -> None:
    table = tmp_path / "mounts"
    table.write_text(MOUNTS)
    assert doctor.file_system(Path(folder), table) == kind


@pytest.mark.django_db
def test_sqlite_on_a_network_is_a_failure(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"server:/export {tmp_path} nfs4 rw 0 0\n")
    embedded = connection.vendor == "sqlite"
    verdict, sentence = doctor.data_folder(tmp_path, table)
    assert verdict is (FAILURE if embedded else FINE)
    assert "nfs4" in sentence


def test_a_folder_that_cannot_be_written_to_is_a_failure(tmp_path: Path) -> None:
    verdict, sentence = doctor.data_folder(tmp_path / "gone", tmp_path / "mounts")
    assert (verdict, sentence) == (
        FAILURE,
        f"{tmp_path / 'gone'} cannot be written to: No such file or directory.",
    )
