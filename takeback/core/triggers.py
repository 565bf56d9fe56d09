"""What the database itself refuses: the triggers of rooms, put back after every migration.

SQLite loses triggers when Django rebuilds a table.
"""

import re
from collections.abc import Callable
from typing import Any

from django.apps import AppConfig, apps
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models.signals import post_migrate

_CREATED = re.compile(r"CREATE (?:OR REPLACE )?TRIGGER (\w+) .*? ON (\w+)", re.DOTALL)
# A trigger that was switched off guards nothing.
_POSTGRESQL = """
SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
 WHERE NOT tgisinternal AND tgenabled <> 'D'
"""
_SQLITE = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"


class GuardedConfig(AppConfig):
    """A room whose tables are guarded by triggers."""

    statements: Callable[[str], list[str]]
    """What a database of a vendor (`sqlite`, `postgresql`) is told; it may be told again."""

    def ready(self) -> None:
        post_migrate.connect(self.install, sender=self)

    def install(self, using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
        """Create the room's triggers, or replace them by themselves."""
        told = connections[using]
        tables = {model._meta.db_table for model in self.get_models()}
        # A migration back to the beginning leaves nothing to guard.
        if tables.issubset(told.introspection.table_names()):
            with told.cursor() as cursor:
                for statement in self.statements(told.vendor):
                    cursor.execute(statement)


def missing() -> list[str]:
    """The names (`table.trigger`) of triggers that should watch this database and do not."""
    wanted = {
        (found[1], found[2])
        for room in apps.get_app_configs()
        if isinstance(room, GuardedConfig)
        for statement in room.statements(connection.vendor)
        if (found := _CREATED.search(statement))
    }
    with connection.cursor() as cursor:
        cursor.execute(_POSTGRESQL if connection.vendor == "postgresql" else _SQLITE)
        watching = {(str(name), str(table)) for name, table in cursor.fetchall()}
    return sorted(f"{table}.{name}" for name, table in wanted - watching)


def install() -> None:
    """Put all triggers back into the default database."""
    for room in apps.get_app_configs():
        if isinstance(room, GuardedConfig):
            room.install()
