"""Row counts of all tables, for tests that expect no change."""

from functools import cache

from django.apps import apps
from django.db import connection


@cache
def _count_statement() -> tuple[tuple[str, ...], str]:
    """The names of all tables, and one statement that counts their rows."""
    models = apps.get_models(include_auto_created=True)
    names = tuple(sorted({model._meta.db_table for model in models}))
    quoted = map(connection.ops.quote_name, names)
    return names, "SELECT " + ", ".join(f"(SELECT COUNT(*) FROM {name})" for name in quoted)


def counts() -> dict[str, int]:
    """The number of rows of each table that is not empty."""
    names, statement = _count_statement()
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return {name: count for name, count in zip(names, row, strict=True) if count}
