"""Statements of our own, asked where every request passes."""

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper


def database() -> BaseDatabaseWrapper:
    """The connection itself: each look through Django's proxy costs four microseconds."""
    return connections[DEFAULT_DB_ALIAS]


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
