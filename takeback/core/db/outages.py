"""Which errors mean that the database cannot serve now, whatever the request (decision 0032)."""

from time import monotonic

import structlog
from django.db import DatabaseError, Error, InterfaceError, InternalError, OperationalError

from takeback.core.db.connection import database

log = structlog.get_logger(__name__)

_DAMAGE_SECONDS = 60
# By SQLSTATE, which psycopg's errors carry: importing psycopg costs an SQLite worker ten megabytes.
_OUTAGE_STATES = {
    "26000": "a pooler has exchanged the session: the prepared statement does not exist",
    "42P05": "a pooler has exchanged the session: the prepared statement exists",
    "42501": "rights were revoked, which only an operator can grant",
}
_FAILED_TRANSACTION = "25P02"  # the program went on after an error
_DAMAGE_STATES = {"XX001", "XX002"}


class _Damage:
    """When this process last read a damaged page or row."""

    read_at: float | None = None


def is_outage(error: BaseException) -> bool:
    """Whether the database is unreachable, read-only, full, damaged or disturbed by a pooler.

    Statements, values and constraints that the database refuses are defects of the program.
    """
    if isinstance(error, OperationalError):
        return True
    state = _state(error)
    if isinstance(error, InternalError):
        return state != _FAILED_TRANSACTION
    if isinstance(error, InterfaceError):
        # SQLite reports misuse by this class, psycopg a connection that is closed.
        return type(error.__cause__).__module__.startswith("psycopg")
    return isinstance(error, Error) and (state in _OUTAGE_STATES or _is_damage(error))


def outage_of(error: BaseException | None) -> BaseException | None:
    """The outage behind an error: itself, or one that it was raised from or during."""
    while error is not None and not is_outage(error):
        error = error.__cause__ or error.__context__
    return error


def record_outage(error: BaseException) -> None:
    """Log the outage and close the connection, which may be out of step with its server."""
    log.error("database", error=type(error).__name__, cause=type(error.__cause__).__name__)
    if _is_damage(error):
        _Damage.read_at = monotonic()
    connection = database()
    if not connection.in_atomic_block:
        connection.close()


def is_damaged() -> bool:
    """Whether this process has met a damaged page or row within the last minute."""
    return _Damage.read_at is not None and monotonic() - _Damage.read_at < _DAMAGE_SECONDS


def _is_damage(error: BaseException) -> bool:
    """SQLite's "disk image is malformed" and "file is not a database", and PostgreSQL's class XX.

    Django raises a plain DatabaseError, too, but without a cause.
    """
    is_plain = type(error) is DatabaseError and error.__cause__ is not None
    return is_plain or _state(error) in _DAMAGE_STATES


def _state(error: BaseException) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)
