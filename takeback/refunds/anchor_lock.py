"""Keeps bookings that still run out of an anchor.

Ids are given out in the order of the inserts, not of the commits: an anchor over all ids up to
the newest would miss an entry that commits later. On SQLite a booking is the only writer until it
commits, so nothing is locked there.
"""

from django.db import connection

from takeback.core.db.connection import database, fetch_rows

_LOCK_ID = 7_230_044
"""The number of the lock among PostgreSQL's advisory locks; any other would do."""


def announce_booking() -> None:
    """Take a shared lock until the transaction ends; it waits for no other booking."""
    if connection.vendor == "postgresql":
        fetch_rows(database(), "SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK_ID])


def are_bookings_settled() -> bool:
    """Whether no booking runs; if so, a new one waits until this transaction ends.

    It does not wait for running bookings: new ones would have to wait behind it, and could hold
    a lock for which a running one waits.
    """
    if connection.vendor != "postgresql":
        return True
    [(is_free,)] = fetch_rows(database(), "SELECT pg_try_advisory_xact_lock(%s)", [_LOCK_ID])
    return bool(is_free)
