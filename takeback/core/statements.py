"""Statements of our own, asked where every request passes."""

from collections.abc import Sequence
from threading import local
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_ours = local()


def database() -> BaseDatabaseWrapper:
    """The thread's connection itself: a look through Django's proxies costs four microseconds."""
    found: BaseDatabaseWrapper | None = getattr(_ours, "database", None)
    if found is None:
        found = _ours.database = connections[DEFAULT_DB_ALIAS]
    return found


def rows(connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Any]) -> list[Any]:
    """All that a statement finds; by the backend's short way, unless somebody listens."""
    short_way = getattr(connection, "rows", None)
    found: list[Any]
    if short_way and not (connection.queries_logged or connection.execute_wrappers):
        found = short_way(sql, parameters)
    else:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            found = cursor.fetchall()
    return found
