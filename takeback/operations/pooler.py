"""Whether a pooler between us and PostgreSQL keeps the prepared statements of a session."""

from functools import cache
from typing import Any, cast

from django.db import connection

_STATEMENTS_LOST = (
    "A pooler gives each transaction another session, without its prepared statements. Set "
    "DATABASE_PREPARED=off, or use PgBouncer 1.21 or newer with max_prepared_statements."
)


def prepared_problem() -> str | None:
    """Why requests would fail at times; raises `django.db.Error` without a database."""
    if connection.vendor != "postgresql" or _remember_success.cache_info().currsize:
        return None
    backend = cast("Any", connection)
    backend.ensure_connection()
    if backend.connection.prepare_threshold is None or not _has_pooler(backend):
        return None
    with connection.wrap_database_errors:
        if not backend.keeps_prepared_statements():
            return _STATEMENTS_LOST
    _remember_success()
    return None


def _has_pooler(backend: Any) -> bool:
    """A pooler invents the process number that it sends at the start of a session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (process,) = cursor.fetchone() or (0,)
    return bool(process != backend.connection.info.backend_pid)


@cache
def _remember_success() -> None:
    """Called when the pooler stored them: the check opens a connection, so it runs until then."""
