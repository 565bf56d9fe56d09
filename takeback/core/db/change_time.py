"""The time of a change, and the time up to which all changes are visible (decision 0028).

A client continues after the last `modified_date` that it received. It misses a change that becomes
visible later with an earlier time. So a writer announces itself before it takes the time, and a
list of changes ends before the earliest writer that still runs.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError

from takeback.core import clock
from takeback.core.db.connection import database, fetch_rows

# The announcement is a shared advisory lock: it blocks nobody, ends after the commit is visible,
# and every role can read it. Its key is the start of the transaction in microseconds, with a prefix
# that distinguishes it from other locks.
_PREFIX = 0x54B << 52
_LOCK = (
    "pg_try_advisory_xact_lock_shared("
    f"{_PREFIX} + (extract(epoch FROM transaction_timestamp()) * 1000000)::bigint)"
)
# CASE evaluates the lock first. The database's clock counts: the clocks of two hosts differ.
POSTGRESQL_TIME = f"CASE WHEN {_LOCK} THEN clock_timestamp() END"

_ANNOUNCED = f"""
SELECT statement_timestamp(), min(((classid::bigint << 32) | objid::bigint) - {_PREFIX})
FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND mode = 'ShareLock' AND pid <> pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) BETWEEN {_PREFIX} AND {_PREFIX + (1 << 52) - 1}
"""  # noqa: S608 - constants
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ChangeTime(models.Expression):
    """`modified_date` of a row that systems follow; only within a transaction.

    On SQLite the transaction is the only writer from its start, so the process's clock is enough.
    """

    output_field = models.DateTimeField()

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        _ensure_transaction(connection)
        return POSTGRESQL_TIME, []

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        return "%s", [connection.ops.adapt_datetimefield_value(sqlite_time(connection))]


def sqlite_time(connection: BaseDatabaseWrapper) -> datetime:
    """The time of a change on SQLite."""
    _ensure_transaction(connection)
    return clock.now()


def visible_before() -> datetime | None:
    """A time: no change with an earlier one becomes visible after this call.

    None on SQLite, where changes become visible in the order of their times. Read the rows in a
    later statement: a statement does not see what is committed after its start.
    """
    connection = database()
    if connection.vendor != "postgresql":
        return None
    [(now, announced)] = fetch_rows(connection, _ANNOUNCED, ())
    return min(now, started_at(announced)) if announced is not None else now  # type: ignore[no-any-return]


def started_at(microseconds: int) -> datetime:
    """The start of an announced transaction."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _ensure_transaction(connection: BaseDatabaseWrapper) -> None:
    if not connection.in_atomic_block:
        raise TransactionManagementError("The time of a change needs a transaction.")
