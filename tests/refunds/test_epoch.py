"""A database that knows less than the provider: what is noticed, what follows, what is not."""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django import Settings

from takeback.refunds import epoch
from takeback.refunds.commands.epoch import (
    Request,
    adopt_requests,
    check_database,
    distrust_database,
    end_reconciliation,
    guard_database,
)
from takeback.refunds.epoch import Difference, record_request
from takeback.refunds.models import DatabaseEpoch, PaymentAccount, Refund
from takeback.refunds.statuses import Status
from tests.factories import NOW
from tests.refunds.accounts import create_account, create_payment, create_refund

pytestmark = [
    pytest.mark.allow_repeated_queries("several commands per test"),
    pytest.mark.django_db,
]

MINUTE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    """A data folder of this test, with no files of other workers."""
    settings.DATA_DIR = tmp_path
    return tmp_path


def row() -> DatabaseEpoch:
    return DatabaseEpoch.objects.get()


def pauses() -> dict[str, tuple[str, Any]]:
    accounts = PaymentAccount.objects.values_list("code", "paused_because", "reconcile_since")
    return {code: (reason, since) for code, reason, since in accounts}


def record(refund: Refund, sends: int = 1, payment: str = "pay_1") -> None:
    assert refund.account
    record_request(refund.uuid.hex, sends, account=refund.account.uuid, payment=payment, at=LATER)


def test_first_worker_trusts_the_database_that_it_finds(folder: Path) -> None:
    create_account()
    assert check_database(NOW) == []
    assert pauses() == {"cards": ("", None)}
    stored = row()
    assert (stored.generation, stored.trusted_at) == (1, NOW)
    assert stored.identity == epoch.identity()
    assert (folder / "database_generation").read_text() == "1\n"
    assert (folder / "database_generation").stat().st_mode & 0o077 == 0


def test_each_check_raises_the_generation() -> None:
    assert [guard_database(NOW + n * MINUTE) for n in range(3)] == [0, 0, 0]
    assert (row().generation, row().trusted_at) == (3, NOW + 2 * MINUTE)
    assert epoch.marked_generation() == 3


def test_identity_of_sqlite_is_empty_and_of_postgresql_has_four_parts() -> None:
    if connection.vendor == "sqlite":
        assert epoch.identity() == ""
        return
    system, timeline, database, table = epoch.identity().split(".")
    assert len(timeline) == 8
    with connection.cursor() as cursor:
        cursor.execute("SELECT timeline_id FROM pg_control_checkpoint()")
        assert cursor.fetchone() == (int(timeline, 16),)
    assert system.isdigit()
    assert database.isdigit()
    assert table.isdigit()


def test_role_of_the_service_may_read_the_identity() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no roles")
    role, known = f"takeback_probe_{os.getpid()}", epoch.identity()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role}")
        cursor.execute(f"SET LOCAL ROLE {role}")
        assert epoch.identity() == known
        cursor.execute("RESET ROLE")


def test_part_that_the_server_refuses_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no identity")
    monkeypatch.setattr(epoch, "_PARTS", ("SELECT 1", "SELECT no_such_function()"))
    with transaction.atomic():
        assert epoch.identity() == "1.-"
        assert DatabaseEpoch.objects.count() == 0


@pytest.mark.parametrize("part", range(4))
def test_other_server_timeline_database_or_table_pauses_all_accounts(part: int) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no identity")
    create_account()
    check_database(NOW)
    parts = epoch.identity().split(".")
    parts[part] = "1"
    DatabaseEpoch.objects.update(identity=".".join(parts))
    assert check_database(LATER) == [Difference.IDENTITY]
    assert pauses() == {"cards": ("restored", NOW)}
    assert row().identity == epoch.identity()
    assert check_database(LATER + MINUTE) == []
    assert pauses() == {"cards": ("restored", NOW)}


def test_older_generation_pauses_all_accounts() -> None:
    create_account()
    create_account(code="staff", provider_account="2", payment_kinds=[], paused_because="staff")
    create_account(code="gone", provider_account="3", payment_kinds=[], is_active=False)
    for _ in range(3):
        check_database(NOW)
    # The backup of the second check.
    DatabaseEpoch.objects.update(generation=2, trusted_at=NOW - MINUTE)
    assert check_database(LATER) == [Difference.MARKER]
    since = NOW - MINUTE
    assert pauses() == {
        "cards": ("restored", since),
        "staff": ("staff", since),
        "gone": ("", None),
    }
    assert (row().generation, epoch.marked_generation(), row().trusted_at) == (4, 4, LATER)
    assert check_database(LATER + MINUTE) == []


def test_crash_between_database_and_marker_is_no_difference() -> None:
    check_database(NOW)
    DatabaseEpoch.objects.update(generation=2)
    assert check_database(LATER) == []
    assert (row().generation, epoch.marked_generation()) == (3, 3)


def test_second_host_without_marker_is_no_difference(settings: Settings, tmp_path: Path) -> None:
    create_account()
    for _ in range(5):
        check_database(NOW)
    settings.DATA_DIR = tmp_path / "second"
    settings.DATA_DIR.mkdir()
    assert check_database(LATER) == []
    settings.DATA_DIR = tmp_path
    assert check_database(LATER) == []
    assert pauses() == {"cards": ("", None)}


@pytest.mark.parametrize("content", [b"", b"x\n", b"\xff\xfe"])
def test_unreadable_marker_counts_as_none(folder: Path, content: bytes) -> None:
    (folder / "database_generation").write_bytes(content)
    assert check_database(NOW) == []
    assert epoch.marked_generation() == 1


def test_known_requests_are_no_difference() -> None:
    account, payment = create_account(), create_payment()
    for number in range(3):
        refund = create_refund(payment, account, status="confirmed", sends=2)
        record(refund, 1 + number % 2)
    assert check_database(NOW) == []


def test_request_that_the_database_lacks_pauses_all_accounts(folder: Path) -> None:
    account, payment = create_account(), create_payment()
    check_database(NOW)
    known = create_refund(payment, account, status="confirmed", sends=1)
    record(known)
    lost = Refund(uuid=uuid4(), account=account)
    record(lost)
    assert check_database(LATER) == [Difference.JOURNAL]
    assert pauses() == {"cards": ("restored", NOW)}
    assert [request.key for request in epoch.pending_requests()] == [
        known.uuid.hex,
        lost.uuid.hex,
    ]
    assert not (folder / "refund_requests").exists()
    assert check_database(LATER + MINUTE) == []


def test_refund_that_was_sent_less_often_pauses_all_accounts() -> None:
    refund = create_refund(create_payment(), create_account(), status="in_doubt", sends=1)
    record(refund, sends=2)
    assert check_database(NOW) == [Difference.JOURNAL]


def test_request_has_its_time_account_and_payment(folder: Path) -> None:
    refund = create_refund(create_payment(), create_account())
    record(refund)
    assert refund.account
    line = [refund.uuid.hex, 1, LATER.isoformat(), refund.account.uuid.hex, "pay_1"]
    assert json.loads((folder / "refund_requests").read_text()) == line
    assert (folder / "refund_requests").stat().st_mode & 0o077 == 0
    (request,) = epoch.journal()
    assert (request.key, request.sends, request.sent_at, request.payment) == (
        refund.uuid.hex,
        1,
        LATER,
        "pay_1",
    )


CUT = [b'["0123", 1, "20', b"[]", b"{}", b"3", b"[1,2,3,4,5]", b"\xff\x00", b'["x",1,"y","z","z"]']


@pytest.mark.parametrize("cut", CUT)
def test_line_that_a_crash_has_cut_is_left_out(folder: Path, cut: bytes) -> None:
    refund = create_refund(create_payment(), create_account(), status="confirmed", sends=2)
    record(refund, 1)
    with (folder / "refund_requests").open("ab") as file:
        file.write(cut)
    record(refund, 2)
    assert [request.sends for request in epoch.journal()] == [1, 2]
    assert check_database(NOW) == []


def test_journal_keeps_its_newest_requests(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch, "_JOURNAL_BYTES", 500)
    account = create_account()
    keys = [uuid4() for _ in range(20)]
    for key in keys:
        record(Refund(uuid=key, account=account))
    stored = [request.key for request in epoch.journal()]
    assert stored == [key.hex for key in keys][-len(stored) :]
    assert 4 <= len(stored) <= 10
    assert sorted(path.name for path in folder.iterdir()) == [
        "refund_requests",
        "refund_requests.old",
    ]


def test_request_that_cannot_be_recorded_raises(settings: Settings, folder: Path) -> None:
    settings.DATA_DIR = folder / "missing"
    with pytest.raises(OSError, match="No such file"):
        record(Refund(uuid=uuid4(), account=create_account()))


def test_second_restore_keeps_the_earlier_moment_and_all_requests() -> None:
    account = create_account()
    check_database(NOW)
    first, second = (Refund(uuid=uuid4(), account=account) for _ in range(2))
    record(first)
    check_database(NOW + MINUTE)
    record(second)
    check_database(LATER)
    assert pauses() == {"cards": ("restored", NOW)}
    keys = [request.key for request in epoch.pending_requests()]
    assert keys == [first.uuid.hex, second.uuid.hex]


def test_operator_can_distrust_the_database() -> None:
    create_account()
    distrust_database(NOW, LATER)
    assert pauses() == {"cards": ("restored", NOW)}
    distrust_database(NOW - MINUTE, LATER)
    distrust_database(NOW + MINUTE, LATER)
    assert pauses() == {"cards": ("restored", NOW - MINUTE)}


def test_end_of_the_reconciliation_resumes_and_keeps_a_pause_by_staff() -> None:
    account = create_account(paused_because="restored", reconcile_since=NOW)
    other = create_account(
        code="b",
        provider_account="2",
        payment_kinds=[],
        paused_because="staff",
        reconcile_since=NOW,
    )
    refunds = [
        create_refund(create_payment(number=code.code), code, next_look_at=LATER + MINUTE)
        for code in (account, other)
    ]
    for pk in (account.pk, other.pk):
        end_reconciliation(pk, now=LATER)
    assert pauses() == {"cards": ("", None), "b": ("staff", None)}
    times = [Refund.objects.get(pk=refund.pk).next_look_at for refund in refunds]
    assert times == [LATER, LATER + MINUTE]


@pytest.mark.parametrize("status", Status)
def test_planned_refund_that_was_sent_is_in_doubt(status: Status) -> None:
    account, payment = create_account(), create_payment()
    refund = create_refund(payment, account, status=status.value)
    adopt_requests(
        payment.pk, {refund.uuid.hex: Request(2, NOW), uuid4().hex: Request(1, NOW)}, now=LATER
    )
    refund.refresh_from_db()
    is_open = status in (Status.PLANNED, Status.SENDING, Status.IN_DOUBT, Status.PENDING)
    assert refund.sends == (2 if is_open else 0)
    assert refund.status == (Status.IN_DOUBT if status is Status.PLANNED else status)
    expected = (NOW, LATER) if status is Status.PLANNED else (None, None)
    assert (refund.first_sent_at, refund.next_look_at) == expected


def test_refund_of_another_payment_is_not_adopted() -> None:
    account, payment = create_account(), create_payment()
    refund = create_refund(create_payment(number="2"), account)
    adopt_requests(payment.pk, {refund.uuid.hex: Request(1, NOW)}, now=LATER)
    refund.refresh_from_db()
    assert (refund.status, refund.sends) == (Status.PLANNED, 0)


@pytest.fixture
def database_file(transactional_db: None) -> Iterator[Path]:
    """The SQLite file of this test, whose copy is restored in the test."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no file that is copied")
    file = Path(connection.settings_dict["NAME"])
    yield file
    connection.close()


def back_up(file: Path, copy: Path) -> None:
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def restore(file: Path, copy: Path) -> None:
    """As docs/how-to/production.md says."""
    connection.close()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    shutil.copy(copy, file)


def test_restored_sqlite_file_with_lost_requests_is_noticed(
    database_file: Path, tmp_path: Path
) -> None:
    account, payment = create_account(), create_payment()
    refund = create_refund(payment, account)
    check_database(NOW)
    back_up(database_file, tmp_path / "backup")
    # Within the same minute a worker sends the refund and another one, which is planned later.
    Refund.objects.filter(pk=refund.pk).update(status="sending", sends=1, first_sent_at=LATER)
    record(refund)
    record(create_refund(payment, account, status="sending", sends=1))
    restore(database_file, tmp_path / "backup")

    assert Refund.objects.values_list("status", "sends").get() == ("planned", 0)
    assert check_database(LATER) == [Difference.JOURNAL]
    assert pauses() == {"cards": ("restored", NOW)}


def test_restored_sqlite_file_of_an_earlier_minute_is_noticed(
    database_file: Path, tmp_path: Path
) -> None:
    create_account()
    check_database(NOW)
    back_up(database_file, tmp_path / "backup")
    guard_database(NOW + MINUTE)
    restore(database_file, tmp_path / "backup")
    assert check_database(LATER) == [Difference.MARKER]
    assert pauses() == {"cards": ("restored", NOW)}


def test_restored_sqlite_file_without_lost_changes_is_trusted(
    database_file: Path, tmp_path: Path
) -> None:
    create_account()
    check_database(NOW)
    back_up(database_file, tmp_path / "backup")
    restore(database_file, tmp_path / "backup")
    assert check_database(LATER) == []


def test_snapshot_of_file_and_data_folder_is_not_noticed(
    database_file: Path, tmp_path: Path, settings: Settings
) -> None:
    """The documented limit: nothing outside of the snapshot remembers."""
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    account, payment = create_account(), create_payment()
    check_database(NOW)
    back_up(database_file, tmp_path / "backup")
    shutil.copytree(settings.DATA_DIR, tmp_path / "data.backup")
    record(create_refund(payment, account, status="sending", sends=1))
    restore(database_file, tmp_path / "backup")
    settings.DATA_DIR = tmp_path / "data.backup"
    assert check_database(LATER) == []
    assert pauses() == {"cards": ("", None)}


@pytest.mark.heavy("sqlite")
def test_dump_that_is_restored_has_another_identity() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite is copied as a file")
    known = epoch.identity()
    name = f"restored_{os.getpid()}"
    database = connection.settings_dict
    server = {
        "host": database["HOST"],
        "port": database["PORT"],
        "user": database["USER"],
        "password": database["PASSWORD"],
    }
    with psycopg.connect(dbname="postgres", autocommit=True, **server) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            with psycopg.connect(dbname=name, autocommit=True, **server) as restored:
                restored.execute("CREATE TABLE refunds_refund (id bigint)")
                parts = " || '.' || ".join(f"({part})" for part in epoch._PARTS)  # noqa: SLF001
                other = restored.execute(f"SELECT {parts}".encode()).fetchone()
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
    assert other
    ours, theirs = known.split("."), str(other[0]).split(".")
    assert ours[:2] == theirs[:2]
    assert (ours[2] != theirs[2], ours[3] != theirs[3]) == (True, True)


def test_keys_in_the_journal_are_those_of_refunds() -> None:
    refund = create_refund(create_payment(), create_account())
    record(refund)
    assert [UUID(request.key) for request in epoch.journal()] == [refund.uuid]
