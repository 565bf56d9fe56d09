"""What the database holds, for tests in which nothing may change."""

from functools import cache

from django.apps import apps
from django.db import connection


@cache
def _counting() -> tuple[tuple[str, ...], str]:
    """Every table, and one statement that counts the rows of them all."""
    models = apps.get_models(include_auto_created=True)
    names = tuple(sorted({model._meta.db_table for model in models}))
    quoted = map(connection.ops.quote_name, names)
    return names, "SELECT " + ", ".join(f"(SELECT COUNT(*) FROM {name})" for name in quoted)


def counts() -> dict[str, int]:
    """How many rows each table has, where it has any."""
    names, statement = _counting()
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchone()
    return {name: count for name, count in zip(names, found, strict=True) if count}
