"""Database triggers of the rooms, created after a migration unless they are there unchanged.

SQLite drops the triggers of a table when Django rebuilds it. Replacing a trigger locks its table:
writers would wait for every older transaction that has written to it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.apps import AppConfig, apps
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_migrate

Trigger = tuple[str, str]
"""The name of a trigger and of its table."""

_CREATED = re.compile(r"CREATE (?:OR REPLACE |CONSTRAINT )?TRIGGER (\w+) .*? ON (\w+)", re.DOTALL)
_DROPPED = "DROP TRIGGER"
_SCHEMA = re.compile(r" ON (?:\w+|\"[^\"]+\")\.")
# A disabled trigger counts as missing.
_POSTGRESQL = """
SELECT tgname, relname, pg_get_triggerdef(pg_trigger.oid)
  FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
 WHERE NOT tgisinternal AND tgenabled <> 'D' AND pg_table_is_visible(pg_class.oid)
"""
_SQLITE = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"


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
        if not tables.issubset(database.introspection.table_names()):
            return
        statements = [statement.strip() for statement in self.statements(database.vendor)]
        with database.cursor() as cursor:
            # Functions first: the definition of a trigger refers to one. Replacing a function
            # locks no table.
            for statement in filter(_is_function, statements):
                cursor.execute(statement)
            unchanged = _unchanged(statements, database)
            for statement in _changes(statements, unchanged):
                cursor.execute(statement)


def missing() -> list[str]:
    """The names (`table.trigger`) of triggers that this database lacks."""
    expected = {
        trigger
        for room in apps.get_app_configs()
        if isinstance(room, GuardedConfig)
        for statement in room.statements(connection.vendor)
        if (trigger := _created(statement))
    }
    return sorted(f"{table}.{name}" for name, table in expected - definitions(connection).keys())


def install() -> None:
    """Create or replace the triggers of all rooms in the default database."""
    for room in apps.get_app_configs():
        if isinstance(room, GuardedConfig):
            room.install()


def _is_function(statement: str) -> bool:
    return not (_created(statement) or statement.startswith(_DROPPED))


def _created(statement: str) -> Trigger | None:
    match = _CREATED.search(statement)
    return (match[1], match[2]) if match else None


def definitions(database: BaseDatabaseWrapper) -> dict[Trigger, str]:
    """The definitions of the active triggers."""
    with database.cursor() as cursor:
        cursor.execute(_POSTGRESQL if database.vendor == "postgresql" else _SQLITE)
        return {
            (str(name), str(table)): _SCHEMA.sub(" ON ", str(definition))
            for name, table, definition in cursor.fetchall()
        }


def _unchanged(statements: Iterable[str], database: BaseDatabaseWrapper) -> set[Trigger]:
    """The triggers that the database has as these statements define them."""
    created = {trigger: text for text in statements if (trigger := _created(text))}
    present = definitions(database)
    if database.vendor == "postgresql":
        created = _normalized(created, database)
    return {trigger for trigger, text in created.items() if present.get(trigger) == text}


def _normalized(
    statements: dict[Trigger, str], database: BaseDatabaseWrapper
) -> dict[Trigger, str]:
    """The definitions as PostgreSQL shows them: it creates the triggers on temporary tables.

    A temporary table hides the one of its name, on which this takes no lock against writers.
    """
    with transaction.atomic(using=database.alias), database.cursor() as cursor:
        for table in {table for _, table in statements}:
            cursor.execute(f"CREATE TEMPORARY TABLE {table} (LIKE {table})")
        for statement in statements.values():
            cursor.execute(statement)
        normalized = definitions(database)
        transaction.set_rollback(True, using=database.alias)
    return {trigger: normalized[trigger] for trigger in statements}


def _changes(statements: Iterable[str], unchanged: set[Trigger]) -> Iterator[str]:
    """The statements of triggers that differ.

    SQLite's triggers and PostgreSQL's constraint triggers cannot be replaced: the statement before
    theirs drops the old one.
    """
    dropping: list[str] = []
    for statement in statements:
        if statement.startswith(_DROPPED):
            dropping = [statement]
        elif trigger := _created(statement):
            if trigger not in unchanged:
                yield from (*dropping, statement)
            dropping = []
