"""Raw statements on the thread's connection, for code that runs in every request."""

from collections.abc import Callable, Sequence
from threading import local
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

# SQL and its parameters.
Statement = tuple[str, Sequence[Any]]

_thread = local()


def database() -> BaseDatabaseWrapper:
    """The thread's connection itself: each access through Django's proxies costs four µs."""
    connection: BaseDatabaseWrapper | None = getattr(_thread, "connection", None)
    if connection is None:
        connection = _thread.connection = connections[DEFAULT_DB_ALIAS]
    return connection


def fetch_rows(connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Any]) -> list[Any]:
    """All rows of a statement; on the backend's fast path unless queries are logged or wrapped."""
    rows: list[Any]
    if fast_path := _fast_path(connection, "fetch_rows"):
        rows = fast_path(sql, parameters)
    else:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            rows = cursor.fetchall()
    return rows


def fetch_rows_together(
    connection: BaseDatabaseWrapper, statements: Sequence[Statement]
) -> list[list[Any]]:
    """The rows of independent statements, in one round trip where the backend supports it."""
    if fast_path := _fast_path(connection, "fetch_rows_together"):
        results: list[list[Any]] = fast_path(statements)
        return results
    return [fetch_rows(connection, *statement) for statement in statements]


def _fast_path(connection: BaseDatabaseWrapper, name: str) -> Callable[..., Any] | None:
    is_observed = connection.queries_logged or connection.execute_wrappers
    return None if is_observed else getattr(connection, name, None)
