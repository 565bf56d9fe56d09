"""Migrating the database and setting it up, one process at a time."""

import fcntl
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection

from takeback.core.db.time_limits import without_statement_limit
from takeback.operations import readiness

Report = Callable[[str], None]
"""Receives sentences on the progress."""

LOCK_SECONDS = 2
"""How long a migration waits for a lock. Writers of the same table wait behind it meanwhile."""

PAUSES_SECONDS = (1, 2, 4, 8, 15, 30, 60, 60)
_WAIT_SECONDS, _PAUSE_SECONDS = 60, 0.1
_LOCK_ID = 7_230_041
"""The number of the lock among PostgreSQL's advisory locks; any other would do."""


class Busy(Exception):
    """Another process sets up this database; the text is a sentence."""


def migrate(report: Report = lambda _: None) -> int:
    """Apply the missing migrations, and return their number."""
    with one_at_a_time(), without_statement_limit(lock_seconds=LOCK_SECONDS):
        missing = len(readiness.unapplied_migrations())
        for attempt in itertools.count():
            try:
                # Also without missing migrations: it installs missing triggers.
                call_command("migrate", interactive=False, verbosity=0)
            except OperationalError as error:
                if not _is_lock_timeout(error):
                    raise
                _pause(attempt, report)
            else:
                break
    return missing


def _pause(attempt: int, report: Report) -> None:
    """Let writers finish before the next attempt; `Busy` after the last one."""
    if attempt == len(PAUSES_SECONDS):
        raise Busy(
            "Another transaction keeps a table locked, so the migration is not complete. End that "
            "transaction (pg_stat_activity shows it), then run `takeback migrate` again."
        )
    seconds = PAUSES_SECONDS[attempt]
    left = len(readiness.unapplied_migrations())
    report(
        f"A table is locked by another transaction; {left} migrations are left. Attempt "
        f"{attempt + 2} of {len(PAUSES_SECONDS) + 1} follows in {seconds} s."
    )
    time.sleep(seconds)


def _is_lock_timeout(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == "55P03"  # lock_not_available


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait until no other process migrates or sets up this database; `Busy` after a minute."""
    lock = _advisory_lock if connection.vendor == "postgresql" else _file_lock
    with lock():
        yield


@contextmanager
def _advisory_lock() -> Iterator[None]:
    with connection.cursor() as cursor:

        def is_taken() -> bool:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_ID])
            return bool((cursor.fetchone() or (False,))[0])

        _wait_for(is_taken)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK_ID])


@contextmanager
def _file_lock() -> Iterator[None]:
    with (settings.DATA_DIR / "setup.lock").open("w") as file:

        def is_taken() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        _wait_for(is_taken)
        yield


def _wait_for(is_taken: Callable[[], bool]) -> None:
    end = time.monotonic() + _WAIT_SECONDS
    while not is_taken():
        if time.monotonic() > end:
            raise Busy("Another process is setting up this database. Wait until it ends.")
        time.sleep(_PAUSE_SECONDS)
