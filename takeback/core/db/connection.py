"""Raw statements on the thread's connection, for code that runs in every request."""

from collections.abc import Sequence
from threading import local
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

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
    is_observed = connection.queries_logged or connection.execute_wrappers
    if not is_observed and (fast_path := getattr(connection, "fetch_rows", None)):
        rows = fast_path(sql, parameters)
    else:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            rows = cursor.fetchall()
    return rows
