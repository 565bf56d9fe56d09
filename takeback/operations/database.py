"""Why the database cannot be used, in one sentence that names the remedy."""

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db import Error, OperationalError, connection

from takeback.core.db.outages import is_outage
from takeback.operations import pooler, readiness

_MAX_NAMES = 5
_NOT_MIGRATED = "The database is not migrated. Run `takeback migrate` first."
_DAMAGED = "The database {name} is damaged. Stop the service and restore a backup."
_REASONS = {
    "no such table": _NOT_MIGRATED,
    "no such column": _NOT_MIGRATED,
    "UndefinedTable": _NOT_MIGRATED,
    "UndefinedColumn": _NOT_MIGRATED,
    "database or disk is full": "The disk is full. Free space, then run the command again.",
    "DiskFull": "The disk of the database is full. Free space, then run the command again.",
    "readonly database": "The database file {name} is read-only. Correct its owner and mode.",
    "ReadOnlySqlTransaction": (
        "The database is read-only. Make it writable (default_transaction_read_only), or connect "
        "to the primary server."
    ),
    "malformed": _DAMAGED,
    "DataCorrupted": _DAMAGED,
    "IndexCorrupted": _DAMAGED,
    "disk I/O error": (
        "The database file {name} cannot be read or written. Check the disk, and restore a backup."
    ),
    "unable to open database file": (
        "The database file {name} cannot be opened. Correct DATABASE_URL or DATA_DIR, or the "
        "owner and mode of its folder."
    ),
    "file is not a database": "The file {name} is no SQLite database. Correct DATABASE_URL.",
    "database is locked": (
        "Another process has been writing to the database for too long. Run the command again."
    ),
    "InsufficientPrivilege": (
        "The database role may not do this. Grant it the rights that docs/how-to/production.md "
        "names, or use another DATABASE_URL."
    ),
}
"""Sentences by a part of SQLite's message, or by the class of psycopg's error."""


def connection_problem() -> str | None:
    """Why the database does not respond as it must; nothing is created."""
    if (file := sqlite_file()) and not file.exists():
        return f"There is no database {file} yet. Run `takeback init` or `takeback migrate` first."
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return pooler.prepared_problem()
    except Error as error:
        return explain(error) or _no_response(error)


def write_problem() -> str | None:
    """Why the database accepts no write; None for a database without tables, too."""
    try:
        if not readiness.unapplied_migrations():
            readiness.try_requests()
    except Error as error:
        return explain(error) or _no_response(error)
    return None


def sqlite_file() -> Path | None:
    """The file of an SQLite database, which SQLite would create by opening it."""
    name = str(connection.settings_dict["NAME"])
    is_file = connection.vendor == "sqlite" and not name.startswith((":memory:", "file:"))
    return Path(name) if is_file else None


def version_problem() -> str | None:
    """Why a database that responds does not fit this version."""
    return newer_version_problem() or (_NOT_MIGRATED if readiness.unapplied_migrations() else None)


def newer_version_problem() -> str | None:
    """Why this version must leave the database alone: a newer one has migrated it."""
    if unknown := readiness.unknown_migrations():
        return (
            "The database belongs to a newer version of Takeback, which has applied "
            f"{names(unknown)}. Install that version, or restore a backup of this one."
        )
    return None


def explain(error: Error) -> str | None:
    """The sentence for an ordinary error of a database; None for a defect of the program."""
    cause = error.__cause__
    signs = f"{type(cause).__name__} {error}"
    for sign, sentence in _REASONS.items():
        if sign in signs:
            return sentence.format(name=settings.DATABASES["default"]["NAME"])
    # Other operational errors, such as a time limit, say nothing about the server.
    is_lost = type(cause).__name__ in ("OperationalError", "ConnectionTimeout", "AdminShutdown")
    is_disturbed = is_outage(error) and not isinstance(error, OperationalError)
    is_postgresql = connection.vendor == "postgresql"
    return _no_response(error) if is_postgresql and (is_lost or is_disturbed) else None


def _no_response(error: Error) -> str:
    reason = without_secrets(str(error)).rstrip(".") or type(error).__name__
    return f"{connection.display_name} does not respond: {reason}. Check DATABASE_URL."


def without_secrets(text: str) -> str:
    """The first line of a driver's message, without the database's password."""
    line = next(iter(text.strip().splitlines()), "")
    password = str(connection.settings_dict.get("PASSWORD") or "")
    return line.replace(password, "***") if password else line


def names(texts: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(texts) - _MAX_NAMES} more" if len(texts) > _MAX_NAMES else ""
    return ", ".join(texts[:_MAX_NAMES]) + more
