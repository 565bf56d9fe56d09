"""Whether the database can serve us: it answers, it is migrated, its clock agrees."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from takeback.core import clock

SKEW_ALLOWED_SECONDS = 30


@cache
def _migrations() -> frozenset[tuple[str, str]]:
    """Every migration of this version of the code; names only, so that nothing is loaded."""
    found = set()
    for app in apps.get_app_configs():
        module, _ = MigrationLoader.migrations_module(app.label)
        if (
            module
            and app.module
            and "migrations" in {m.name for m in iter_modules(app.module.__path__)}
        ):
            found |= {(app.label, m.name) for m in iter_modules(import_module(module).__path__)}
    return frozenset(found)


def unapplied_migrations() -> list[str]:
    """Migrations the database still waits for, as `app.name`."""
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in _migrations() - applied.keys())


def clock_skew_seconds() -> float:
    """How far the database's clock is ahead of ours; 0 where both are the same clock."""
    if connection.vendor != "postgresql":
        return 0.0
    asked = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8")
        (told,) = cursor.fetchone() or (0.0,)
    halfway = asked + (clock.now() - asked) / 2
    return float(told) - halfway.timestamp()


def not_ready_reason() -> str | None:
    """Why we cannot serve now, or None; raises `django.db.Error` without a database."""
    if unapplied_migrations():
        return "migrations"
    if abs(clock_skew_seconds()) > SKEW_ALLOWED_SECONDS:
        return "clock"
    return None
