"""Time limits of the thread's connection that differ from the usual ones; SQLite has none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import connection


@contextmanager
def response_within(seconds: float | None) -> Iterator[None]:
    """Wait at most this long for each response, and for a new connection; None: without limit."""
    if connection.vendor != "postgresql":
        yield
        return
    backend = cast("Any", connection)
    before = backend.limit_response(seconds)
    try:
        yield
    finally:
        backend.limit_response(before)


@contextmanager
def without_statement_limit(*, lock_seconds: int) -> Iterator[None]:
    """Let a statement take its time, but wait for a lock only this long."""
    if connection.vendor != "postgresql":
        yield
        return
    limits = {
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
        "lock_timeout": f"{lock_seconds}s",
    }
    with response_within(None), connection.cursor() as cursor:
        for name, value in limits.items():
            cursor.execute(f"SET {name} = '{value}'")
        try:
            yield
        finally:
            for name in limits:
                cursor.execute(f"RESET {name}")
