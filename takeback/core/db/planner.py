"""Query plans for statements whose best plan depends on their values."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection

# Rows of an index that SQLite reads to estimate it.
_ANALYSIS_LIMIT = 1_000


@contextmanager
def custom_plan() -> Iterator[None]:
    """Have PostgreSQL plan every statement inside for its own values.

    A prepared statement soon gets one generic plan, for a status of half the rows as for a status
    of none. SQLite prepares each statement again.
    """
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    psycopg = connection.connection
    threshold, psycopg.prepare_threshold = psycopg.prepare_threshold, None
    try:
        yield
    finally:
        psycopg.prepare_threshold = threshold


def analyze_tables(now: datetime) -> int:
    """Update SQLite's table statistics; PostgreSQL does so by itself. Returns 0: nothing is left.

    Without statistics SQLite rates all indexes equally and scans a whole channel for one code.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA analysis_limit = {_ANALYSIS_LIMIT}")
            cursor.execute("ANALYZE")
    return 0
