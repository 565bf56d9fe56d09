"""Database triggers of the rooms, created again after every migration.

SQLite drops the triggers of a table when Django rebuilds it.
"""

import re
from collections.abc import Callable
from typing import Any

from django.apps import AppConfig, apps
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models.signals import post_migrate

_CREATED = re.compile(r"CREATE (?:OR REPLACE )?TRIGGER (\w+) .*? ON (\w+)", re.DOTALL)
# A disabled trigger counts as missing.
_POSTGRESQL = """
SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
 WHERE NOT tgisinternal AND tgenabled <> 'D'
"""
_SQLITE = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"


class GuardedConfig(AppConfig):
    """The configuration of a room whose tables have triggers."""

    # The SQL for a vendor (`sqlite`, `postgresql`); it may run repeatedly.
    statements: Callable[[str], list[str]]

    def ready(self) -> None:
        post_migrate.connect(self.install, sender=self)

    def install(self, using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
        database = connections[using]
        tables = {model._meta.db_table for model in self.get_models()}
        # After a migration back to zero the tables are gone.
        if tables.issubset(database.introspection.table_names()):
            with database.cursor() as cursor:
                for statement in self.statements(database.vendor):
                    cursor.execute(statement)


def missing() -> list[str]:
    """The names (`table.trigger`) of triggers that this database lacks."""
    expected = {
        (match[1], match[2])
        for room in apps.get_app_configs()
        if isinstance(room, GuardedConfig)
        for statement in room.statements(connection.vendor)
        if (match := _CREATED.search(statement))
    }
    with connection.cursor() as cursor:
        cursor.execute(_POSTGRESQL if connection.vendor == "postgresql" else _SQLITE)
        active = {(str(name), str(table)) for name, table in cursor.fetchall()}
    return sorted(f"{table}.{name}" for name, table in expected - active)


def install() -> None:
    """Create or replace the triggers of all rooms in the default database."""
    for room in apps.get_app_configs():
        if isinstance(room, GuardedConfig):
            room.install()
