"""Migrating the database and setting it up, one process at a time."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from takeback.operations import readiness

_WAIT_SECONDS, _PAUSE_SECONDS = 60, 0.1
_LOCK_ID = 7_230_041
"""The number of the lock among PostgreSQL's advisory locks; any other would do."""


class Busy(Exception):
    """Another process sets up this database; the text is a sentence."""


def migrate() -> int:
    """Apply the missing migrations, and return their number."""
    with one_at_a_time():
        missing = len(readiness.unapplied_migrations())
        # Also without missing migrations: it installs missing triggers.
        call_command("migrate", interactive=False, verbosity=0)
    return missing


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
