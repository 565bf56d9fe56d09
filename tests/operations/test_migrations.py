"""Migrations have time limits of their own, and leave unchanged triggers alone."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from takeback.core import triggers
from takeback.core.db.connection import database, fetch_rows
from takeback.operations import migrations
from takeback.orders.triggers import _WATCHED, statements
from tests.rigs.serving import database_url

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.allow_repeated_queries("a migration reads the catalog repeatedly"),
]
TABLES = ("orders_order", "orders_orderitem", "orders_snapshot", "cancellations_casehistory")
LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
on_postgresql = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks a file")


@contextmanager
def open_write() -> Iterator[Callable[[], None]]:
    """Another session has written and does not commit; yields a function that ends it."""
    if connection.vendor == "sqlite":
        other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        connection.cursor().execute("PRAGMA busy_timeout = 100")
        yield lambda: None
        other.close()
        connection.close()
        return
    with psycopg.connect(database_url()) as session:
        # What an INSERT or UPDATE holds until the end of its transaction.
        session.execute(f"LOCK TABLE {', '.join(TABLES)} IN ROW EXCLUSIVE MODE")
        yield session.rollback


def limits() -> list[str]:
    return [fetch_rows(database(), f"SHOW {name}", [])[0][0] for name in LIMITS]


def disable_trigger() -> str:
    """Make one trigger differ, and return its name."""
    if connection.vendor == "sqlite":
        connection.cursor().execute("DROP TRIGGER history_stays_update")
        return "cancellations_casehistory.history_stays_update"
    connection.cursor().execute(
        "ALTER TABLE cancellations_casehistory DISABLE TRIGGER history_stays"
    )
    return "cancellations_casehistory.history_stays"


def test_migrate_with_nothing_to_do_takes_no_lock() -> None:
    reports: list[str] = []
    with open_write():
        assert migrations.migrate(reports.append) == 0
    # A lock would have led to a report, and on SQLite to an error.
    assert reports == []


def test_migrate_replaces_a_trigger_that_differs() -> None:
    name = disable_trigger()
    assert triggers.missing() == [name]
    migrations.migrate()
    assert triggers.missing() == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("AFTER INSERT OR UPDATE OF {} ON", "AFTER UPDATE OF {} ON"),
        ("WHEN (NEW.is_finalized)", ""),
        ("takeback_order_adds_up()", "takeback_snapshot_changed()"),
    ],
)
@on_postgresql
def test_changed_definition_of_a_trigger_is_replaced(before: str, after: str) -> None:
    (created,) = (text for text in statements("postgresql") if "TRIGGER order_adds_up" in text)
    old, new = before.replace("{}", _WATCHED), after.replace("{}", _WATCHED)
    assert old in created
    definition = triggers.definitions(database())
    connection.cursor().execute(created.replace(old, new))
    assert triggers.definitions(database()) != definition
    migrations.migrate()
    assert triggers.definitions(database()) == definition


@on_postgresql
def test_migrate_waits_briefly_for_a_lock_and_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "LOCK_SECONDS", 1)
    monkeypatch.setattr(migrations, "PAUSES_SECONDS", (0, 0, 0))
    disable_trigger()
    before = limits()
    reports: list[str] = []
    during: list[list[str]] = []

    with open_write() as end_write:

        def report(sentence: str) -> None:
            reports.append(sentence)
            during.append(limits())
            if len(reports) == 2:
                end_write()

        migrations.migrate(report)

    locked = "A table is locked by another transaction; 0 migrations are left."
    assert reports == [f"{locked} Attempt {n} of 4 follows in 0 s." for n in (2, 3)]
    assert during == [["0", "1s", "0"]] * 2
    assert triggers.missing() == []
    # The first two are those of the tests' own connections (`tests/rigs/databases.py`).
    assert limits() == before == ["1min", "1min", "15s"]


@on_postgresql
def test_migrate_gives_up_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "LOCK_SECONDS", 1)
    monkeypatch.setattr(migrations, "PAUSES_SECONDS", (0,))
    name = disable_trigger()
    with open_write(), pytest.raises(migrations.Busy, match="pg_stat_activity shows it"):
        migrations.migrate()
    assert triggers.missing() == [name]
    triggers.install()


def test_pauses_grow_up_to_a_minute() -> None:
    assert migrations.PAUSES_SECONDS == (1, 2, 4, 8, 15, 30, 60, 60)
    assert migrations.LOCK_SECONDS == 2
