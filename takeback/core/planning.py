"""Statements whose best plan depends on what is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def planned_for_its_values() -> Iterator[None]:
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
