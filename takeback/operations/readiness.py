"""Whether the database can serve requests: it is migrated, writable and whole; its clock agrees."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from django.apps import apps
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from takeback.accounts.models import ApiKey, Session
from takeback.cancellations.models import CancellationRequest
from takeback.core import clock
from takeback.core.db import outages
from takeback.core.db.time_limits import response_within
from takeback.operations import pooler
from takeback.orders.models import Order, OrderItem
from takeback.outbox.models import WorkerRun

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


def try_requests() -> None:
    """Do what requests do, without an effect: read the newest rows, then write no row.

    Raises `django.db.Error` if that fails, as in a read-only database.
    """
    for model in (Order, OrderItem, CancellationRequest, Session, ApiKey):
        model.objects.order_by("-pk").values().first()
    try_write()


def try_write() -> None:
    """Write no row, which a read-only database refuses; raises `django.db.Error`.

    SQLite has one writer: while another process writes, the database is writable.
    """
    try:
        with _short_wait():
            WorkerRun.objects.filter(pk=0).update(ran_at=clock.now())
    except OperationalError as error:
        if "database is locked" not in str(error):
            raise


@contextmanager
def _short_wait() -> Iterator[None]:
    """Let SQLite wait a second for another writer; a health check must not take longer."""
    if connection.vendor != "sqlite":
        yield
        return
    usual = int(connection.settings_dict["OPTIONS"]["timeout"])
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 1000")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual * 1000}")


@response_within(MAX_SECONDS)
def not_ready_reason() -> str | None:
    """`migrations`, `clock`, `damage`, a sentence, or None when ready.

    Raises `django.db.Error` if the database cannot be used.
    """
    if unapplied_migrations():
        return "migrations"
    if outages.is_damaged():
        return "damage"
    try_requests()
    if abs(clock_skew_seconds()) > MAX_SKEW_SECONDS:
        return "clock"
    return pooler.prepared_problem()
