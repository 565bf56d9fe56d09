"""The tables of refunds without their triggers: as an intruder with the database's password."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from takeback.core import triggers
from takeback.refunds.models import LedgerAnchor, LedgerEntry, LedgerHead, RefundPart

_TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'refunds_%'"


@contextmanager
def without_triggers() -> Iterator[None]:
    """No trigger of the tables of refunds runs inside; on PostgreSQL no trigger at all."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET session_replication_role = replica")
        else:
            cursor.execute(_TRIGGERS)
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
        try:
            yield
        finally:
            if connection.vendor == "postgresql":
                cursor.execute("RESET session_replication_role")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            else:
                triggers.install()


def delete_ledger() -> None:
    """Delete the rows that triggers keep, so that emptying the tables succeeds."""
    guarded = (LedgerAnchor, LedgerHead, LedgerEntry, RefundPart)
    if any(model.objects.exists() for model in guarded):
        with without_triggers():
            for model in guarded:
                model.objects.all().delete()
