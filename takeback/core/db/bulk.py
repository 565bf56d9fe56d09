"""Bulk writes: COPY or one prepared statement for many rows, one INSERT for a few new objects."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, models

from takeback.core.db import connection as db_connection
from takeback.core.db.change_time import POSTGRESQL_TIME, sqlite_time

_json = msgspec.json.Encoder(decimal_format="number")


def reserve_ids(model: type[models.Model], count: int) -> Sequence[int]:
    """Unused primary keys; call it inside the transaction that inserts the rows."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "WITH sequence AS MATERIALIZED"  # otherwise PostgreSQL looks it up for each number
                " (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS name)"
                " SELECT nextval(name) FROM sequence, generate_series(1, %s)",
                [f'"{table}"', count],
            )
            return [row[0] for row in cursor.fetchall()]
        # The transaction is IMMEDIATE: no other writer takes a number until it ends.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = (cursor.fetchone() or [0])[0]
        return range(last + 1, last + 1 + count)


def continue_ids(model: type[models.Model], last: int) -> None:
    """Let the next ids follow `last`: rows with chosen, small ids have been inserted."""
    # SQLite remembers the largest id itself. On PostgreSQL the role of the service may take
    # numbers from a sequence, but not set it.
    if connection.vendor == "postgresql":
        (first,) = reserve_ids(model, 1)
        reserve_ids(model, max(0, last - first))


def insert_rows(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows of plain values; JSON columns come as text (`json_text`).

    Columns that are NULL in every row are left out, as most columns of an imported file are.
    """
    filled = {
        column: _adapted(values)
        for column, values in zip(columns, zip(*rows, strict=True), strict=False)
        if any(value is not None for value in values)
    }
    if not filled:
        return
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join(connection.ops.quote_name(column) for column in filled)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            copying = cursor.copy(f"COPY {table} ({names}) FROM STDIN")
            with connection.wrap_database_errors, copying as copy:
                for row in zip(*filled.values(), strict=True):
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(filled))
            cursor.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({places})",  # noqa: S608 - our own names
                list(zip(*filled.values(), strict=True)),
            )


def update_rows(
    model: type[models.Model],
    columns: Sequence[str],
    ids: Sequence[int],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Update these columns of the rows with these ids; JSON columns come as text (`json_text`).

    One prepared statement runs for every row; Django's `bulk_update` sends several large ones.
    """
    quote = connection.ops.quote_name
    values = [_adapted(column) for column in zip(*rows, strict=True)]
    assignments = ", ".join(f"{quote(column)} = %s" for column in columns)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {quote(model._meta.db_table)} SET {assignments} WHERE id = %s",  # noqa: S608 - our own names
            list(zip(*values, ids, strict=True)),
        )


def insert_objects(rows: Sequence[models.Model], *, change_time: str | None = None) -> None:
    """Insert a few new objects of one model in one statement and set their ids.

    The column `change_time` receives the time of the change (`ChangeTime`).

    The SQL is kept for each number of rows: `bulk_create` compiles it each time, which takes
    longer than the insert. Columns with a database default need a value.
    """
    database = db_connection.database()
    if change_time and database.vendor == "sqlite":
        for row in rows:
            setattr(row, change_time, sqlite_time(database))
        change_time = None
    values_of, sql = _insert_statement(type(rows[0]), len(rows), change_time)
    parameters = [values_of(row) for row in rows]
    if database.vendor == "sqlite":  # psycopg adapts datetimes and UUIDs itself
        parameters = [_adapted(row) for row in parameters]
    ids = db_connection.fetch_rows(database, sql, list(chain.from_iterable(parameters)))
    for row, (pk,) in zip(rows, ids, strict=True):
        row.pk = pk


@lru_cache(maxsize=256)
def _insert_statement(
    model: type[models.Model], count: int, change_time: str | None
) -> tuple[Callable[[models.Model], Sequence[Any]], str]:
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    sent = [field for field in fields if field.name != change_time]
    read = attrgetter(*(field.attname for field in sent))
    json_columns = [at for at, field in enumerate(sent) if isinstance(field, models.JSONField)]

    def values_of(row: models.Model) -> list[Any]:
        values = list(read(row))
        for at in json_columns:
            values[at] = json_text(values[at])
        return values

    names = ", ".join(f'"{field.column}"' for field in fields)
    values = ["%s" if field.name != change_time else POSTGRESQL_TIME for field in fields]
    places = ", ".join([f"({', '.join(values)})"] * count)
    into = f'"{model._meta.db_table}" ({names})'
    return values_of, f'INSERT INTO {into} VALUES {places} RETURNING "id"'  # noqa: S608 - our own


def delete_batch(queryset: "models.QuerySet[Any]", size: int) -> int:
    """Delete up to `size` rows of a queryset; returns their number."""
    batch = list(queryset.values_list("pk", flat=True)[:size])
    queryset.filter(pk__in=batch).delete()
    return len(batch)


def refresh_statistics(*tables: type[models.Model]) -> None:
    """Update the statistics after a bulk insert, so that the planner knows the new rows."""
    with connection.cursor() as cursor:
        for model in tables:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")


def json_text(value: Any) -> str | None:
    """A JSON column's text; None stays NULL."""
    return None if value is None else _json.encode(value).decode()


def _adapted(values: Sequence[Any]) -> Sequence[Any]:
    """Values in the text form that Django writes to SQLite; COPY accepts it as well."""
    if not _ADAPTERS.keys() & set(map(type, values)):
        return values
    return [
        _ADAPTERS[type(value)](value) if type(value) in _ADAPTERS else value for value in values
    ]


@lru_cache(maxsize=8192)
def _datetime_text(value: datetime) -> str:
    """Cached, because a batch repeats its time of arrival."""
    return str(connection.ops.adapt_datetimefield_value(value))


_ADAPTERS: dict[type, Callable[[Any], str]] = {
    datetime: _datetime_text,
    date: str,
    Decimal: str,
    UUID: lambda value: value.hex,
}
