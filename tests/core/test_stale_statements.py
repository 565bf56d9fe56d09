"""A prepared statement that became invalid is prepared again and repeated once."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import NotSupportedError, OperationalError, connection, transaction

from takeback.core.db import connection as db_connection
from tests import factories
from tests.channel import shop
from tests.rigs.databases import POSTGRESQL
from tests.rigs.serving import database_url, serving

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite prepares by itself"),
    pytest.mark.allow_repeated_queries("a statement is prepared when it is repeated"),
]

ROWS = [("one",)]


def execute(sql: str) -> None:
    """Run a statement in another session, which commits."""
    with psycopg.connect(database_url(), autocommit=True) as other:
        other.execute(sql)


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    execute("CREATE TABLE narrow (word varchar(5)); INSERT INTO narrow VALUES ('one')")
    yield
    execute("DROP TABLE narrow")


def fetch() -> list[tuple[object, ...]]:
    """On the fast path."""
    sql = "SELECT word FROM narrow WHERE word <> %s"
    return db_connection.fetch_rows(db_connection.database(), sql, ["two"])


def fetch_by_cursor() -> list[tuple[object, ...]]:
    """As the ORM does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT word FROM narrow WHERE word <> %s", ["two"])
        return list(cursor.fetchall())


@transaction.atomic
def fetch_in_transaction() -> list[tuple[object, ...]]:
    """As its second statement."""
    db_connection.fetch_rows(db_connection.database(), "SELECT 1", [])
    return fetch()


def prepare() -> int:
    """Have both prepared; returns the number of prepared statements of the session."""
    for _ in range(4):
        assert fetch() == fetch_by_cursor() == ROWS
    sql = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%narrow%%'"
    ((count,),) = db_connection.fetch_rows(db_connection.database(), sql, [])
    return int(str(count))


def test_statement_is_repeated_after_its_result_type_changed() -> None:
    assert prepare() == 1
    execute("ALTER TABLE narrow ALTER COLUMN word TYPE varchar(50)")
    assert fetch() == ROWS
    assert prepare() == 1
    execute("ALTER TABLE narrow ALTER COLUMN word TYPE text")
    assert fetch_by_cursor() == ROWS


def test_statement_is_repeated_after_it_was_deallocated() -> None:
    assert prepare() == 1
    # psycopg does not notice: a pooler would do so in another session.
    connection.connection.pgconn.exec_(b"DEALLOCATE ALL")
    assert fetch() == ROWS
    assert prepare() == 1
    connection.connection.pgconn.exec_(b"DISCARD ALL")
    assert fetch_by_cursor() == ROWS


def test_first_statement_of_a_transaction_is_repeated() -> None:
    prepare()
    execute("ALTER TABLE narrow ALTER COLUMN word TYPE varchar(50)")
    with transaction.atomic():
        assert fetch() == ROWS
        execute("INSERT INTO narrow VALUES ('new')")
        assert fetch_by_cursor() == [*ROWS, ("new",)]


def test_later_statement_of_a_transaction_ends_it_and_the_next_one_works() -> None:
    prepare()
    execute("ALTER TABLE narrow ALTER COLUMN word TYPE varchar(50)")
    # Requests return 503 with Retry-After for this class.
    with pytest.raises(OperationalError, match="cached plan"):
        fetch_in_transaction()
    assert fetch_in_transaction() == ROWS


def test_statement_that_postgresql_does_not_support_fails() -> None:
    with pytest.raises(NotSupportedError, match="FOR UPDATE is not allowed"):
        db_connection.fetch_rows(
            db_connection.database(), "SELECT count(*) FROM narrow FOR UPDATE", []
        )


@pytest.mark.thorough
@pytest.mark.heavy(POSTGRESQL)
def test_widened_column_breaks_no_request_of_a_running_server(tmp_path: Path) -> None:
    authorization = f"Token {shop.key()}"
    factories.create_order()
    paths = (f"/api/v1/channel/{shop.SHOP}/orders/", f"/api/v1/channel/{shop.SHOP}/order_items/")
    statuses: list[int] = []
    stop = threading.Event()
    with serving(tmp_path, "--workers", "2", DATABASE_URL=database_url()) as server:

        def load() -> None:
            while not stop.is_set():
                responses = [server.request(path, authorization=authorization) for path in paths]
                statuses.extend(response.status for response in responses)

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for size in (200, 300, 128):
                count = len(statuses)
                while len(statuses) < count + 60:
                    assert not stop.wait(0.05)
                execute(f"ALTER TABLE orders_order ALTER COLUMN number TYPE varchar({size})")
            count = len(statuses)
            while len(statuses) < count + 60:
                assert not stop.wait(0.05)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert set(statuses) == {200}
