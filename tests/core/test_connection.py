"""Statements of our own: what they find, and what they keep of Django's way."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from takeback.core.db import connection as db_connection
from takeback.core.db.bulk import insert_objects
from takeback.outbox.models import Message
from tests import factories

pytestmark = pytest.mark.django_db


def found(sql: str, *parameters: object) -> list[tuple[object, ...]]:
    """What the statement finds."""
    return db_connection.fetch_rows(db_connection.database(), sql, parameters)


def found_of_all(*asked: db_connection.Statement) -> list[list[tuple[object, ...]]]:
    """What each of them finds."""
    return db_connection.fetch_rows_of_all(db_connection.database(), asked)


def told(key: str) -> Message:
    """A message that is not kept yet."""
    return Message(topic="t", key=key, payload={}, created_at=factories.NOW, due_at=factories.NOW)


def test_rows_are_all_there_whatever_was_asked_before() -> None:
    insert_objects([told("1"), told("2"), told("3")])

    assert found("SELECT key FROM outbox_message WHERE key = %s", "none") == []
    assert found("SELECT key FROM outbox_message ORDER BY key") == [("1",), ("2",), ("3",)]
    assert found("SELECT key FROM outbox_message WHERE key > %s ORDER BY key", "2") == [("3",)]


def test_several_are_answered_in_their_order() -> None:
    insert_objects([told("1"), told("2")])
    count = "SELECT count(*) FROM outbox_message WHERE key > %s"

    assert found_of_all((count, ["0"]), ("SELECT 7", []), (count, ["1"])) == [
        [(2,)],
        [(7,)],
        [(1,)],
    ]
    assert found_of_all() == []
    assert found("SELECT 8") == [(8,)]


def test_one_that_fails_fails_them_all_and_leaves_the_connection() -> None:
    insert_objects([told("1")])
    with pytest.raises(DatabaseError), transaction.atomic():
        found_of_all(("SELECT 1", []), ("SELECT * FROM no_such_table", []), ("SELECT 2", []))

    assert found("SELECT key FROM outbox_message") == [("1",)]
    assert found_of_all(("SELECT 3", []), ("SELECT 4", [])) == [[(3,)], [(4,)]]


def test_who_listens_hears_the_same_statements() -> None:
    with CaptureQueriesContext(connection) as heard:
        assert found("SELECT count(*) FROM outbox_message") == [(0,)]

        assert found_of_all(("SELECT 1", []), ("SELECT 2", [])) == [[(1,)], [(2,)]]

    asked = [entry["sql"] for entry in heard]
    assert asked == ["SELECT count(*) FROM outbox_message", "SELECT 1", "SELECT 2"]


def test_nothing_is_asked_in_a_transaction_that_is_broken() -> None:
    insert_objects([told("1")])
    with transaction.atomic():
        with pytest.raises(IntegrityError), transaction.atomic():
            insert_objects([told("1")])
        assert found("SELECT count(*) FROM outbox_message") == [(1,)]
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            found("SELECT 1")


@pytest.mark.django_db(transaction=True)
def test_a_closed_connection_is_opened_again() -> None:
    assert found("SELECT 1") == [(1,)]
    connection.close()

    assert found("SELECT 1") == [(1,)]
    connection.close()

    assert found_of_all(("SELECT 1", []), ("SELECT 2", [])) == [[(1,)], [(2,)]]
