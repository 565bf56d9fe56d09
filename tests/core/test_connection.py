"""Raw statements return their rows and keep Django's connection handling."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from takeback.core.db import connection as db_connection
from takeback.core.db.bulk import insert_objects
from takeback.outbox.models import Message
from tests import factories

pytestmark = pytest.mark.django_db


def fetch(sql: str, *parameters: object) -> list[tuple[object, ...]]:
    """The rows of a statement."""
    return db_connection.fetch_rows(db_connection.database(), sql, parameters)


def message(key: str) -> Message:
    """An unsaved message."""
    return Message(topic="t", key=key, payload={}, created_at=factories.NOW, due_at=factories.NOW)


def test_each_statement_returns_all_its_rows_on_a_reused_cursor() -> None:
    insert_objects([message("1"), message("2"), message("3")])

    assert fetch("SELECT key FROM outbox_message WHERE key = %s", "none") == []
    assert fetch("SELECT key FROM outbox_message ORDER BY key") == [("1",), ("2",), ("3",)]
    assert fetch("SELECT key FROM outbox_message WHERE key > %s ORDER BY key", "2") == [("3",)]


def test_failed_statement_keeps_the_connection_usable() -> None:
    insert_objects([message("1")])
    with pytest.raises(DatabaseError), transaction.atomic():
        fetch("SELECT * FROM no_such_table")

    assert fetch("SELECT key FROM outbox_message") == [("1",)]


def test_query_capture_sees_the_same_statements() -> None:
    with CaptureQueriesContext(connection) as captured:
        assert fetch("SELECT count(*) FROM outbox_message") == [(0,)]
        assert fetch("SELECT 1") == [(1,)]

    executed = [entry["sql"] for entry in captured]
    assert executed == ["SELECT count(*) FROM outbox_message", "SELECT 1"]


def test_broken_transaction_runs_no_statement() -> None:
    insert_objects([message("1")])
    with transaction.atomic():
        with pytest.raises(IntegrityError), transaction.atomic():
            insert_objects([message("1")])
        assert fetch("SELECT count(*) FROM outbox_message") == [(1,)]
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            fetch("SELECT 1")


@pytest.mark.django_db(transaction=True)
def test_closed_connection_is_opened_again() -> None:
    assert fetch("SELECT 1") == [(1,)]
    connection.close()

    assert fetch("SELECT 1") == [(1,)]
    connection.close()

    assert fetch("SELECT 1") == [(1,)]
