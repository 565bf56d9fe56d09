"""How the databases come to good plans for statements that depend on what is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection

_ROWS_LOOKED_AT = 1_000


@contextmanager
def custom_plan() -> Iterator[None]:
    """Have PostgreSQL plan what runs inside for its own values, every time.

    A prepared statement soon gets one plan for all values: for a status that half of the rows
    have and for one that nobody has. SQLite prepares anew as it is.
    """
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    psycopg = connection.connection
    usual, psycopg.prepare_threshold = psycopg.prepare_threshold, None
    try:
        yield
    finally:
        psycopg.prepare_threshold = usual


def analyze_tables(now: datetime) -> int:
    """Tell SQLite how large its tables are, as PostgreSQL finds out by itself; nothing is left.

    Untold it takes all indexes for equally good, and walks through a channel for a single code.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA analysis_limit = {_ROWS_LOOKED_AT}")
            cursor.execute("ANALYZE")
    return 0
