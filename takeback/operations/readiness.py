"""Whether the database can serve requests: it responds, is migrated, and its clock agrees."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from takeback.core import clock
from takeback.core.db.time_limits import response_within
from takeback.operations import pooler

MAX_SKEW_SECONDS = 30
MAX_SECONDS = 2
"""How long the check waits for PostgreSQL: a load balancer must learn soon that it is frozen."""


@cache
def _migrations() -> frozenset[tuple[str, str]]:
    """Every migration of this version by name; no migration is imported."""
    packages = {
        app.label: MigrationLoader.migrations_module(app.label)[0] for app in apps.get_app_configs()
    }
    return frozenset(
        (label, migration.name)
        for label, package in packages.items()
        if package and find_spec(package)
        for migration in iter_modules(import_module(package).__path__)
    )


def unapplied_migrations() -> list[str]:
    """The missing migrations as `app.name`."""
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in _migrations() - applied.keys())


def unknown_migrations() -> list[str]:
    """The applied migrations that this version does not have, as `app.name`."""
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in applied.keys() - _migrations())


def clock_skew_seconds() -> float:
    """How far the database's clock is ahead of ours; SQLite uses ours."""
    if connection.vendor != "postgresql":
        return 0.0
    before = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8")
        (timestamp,) = cursor.fetchone() or (0.0,)
    halfway = before + (clock.now() - before) / 2
    return float(timestamp) - halfway.timestamp()


@response_within(MAX_SECONDS)
def not_ready_reason() -> str | None:
    """`migrations`, `clock`, a sentence, or None when ready.

    Raises `django.db.Error` without a database.
    """
    if unapplied_migrations():
        return "migrations"
    if abs(clock_skew_seconds()) > MAX_SKEW_SECONDS:
        return "clock"
    return pooler.prepared_problem()
