"""Whether what the database promises about orders still holds: its triggers and its sums."""

import re
from collections.abc import Iterator

from django.db import connection

from takeback.orders import triggers
from takeback.orders.models import Order

_CREATED = re.compile(r"CREATE (?:OR REPLACE )?TRIGGER (\w+) .*? ON (\w+)", re.DOTALL)
_SLICE = 5_000

# A trigger that was switched off guards nothing.
_POSTGRESQL = """
SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
 WHERE NOT tgisinternal AND tgenabled <> 'D'
"""
_SQLITE = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
_UNEQUAL = f"""
SELECT o.number FROM orders_order o
 WHERE o.id BETWEEN %s AND %s AND o.is_sealed AND ({triggers.SUMS.format(new="o")})
 ORDER BY o.id
"""  # noqa: S608 - our own text, no input


def missing_triggers() -> list[str]:
    """The names (`table.trigger`) of triggers that should watch this database and do not."""
    wanted = {
        (found[1], found[2])
        for statement in triggers.statements(connection.vendor)
        if (found := _CREATED.search(statement))
    }
    with connection.cursor() as cursor:
        cursor.execute(_POSTGRESQL if connection.vendor == "postgresql" else _SQLITE)
        watching = {(str(name), str(table)) for name, table in cursor.fetchall()}
    return sorted(f"{table}.{name}" for name, table in wanted - watching)


def unequal(first_id: int, last_id: int) -> list[str]:
    """The numbers of sealed orders in this range of ids whose parts do not equal the whole."""
    with connection.cursor() as cursor:
        cursor.execute(_UNEQUAL, [first_id, last_id])
        return [str(number) for (number,) in cursor.fetchall()]


def slices(newest: int | None = None) -> Iterator[tuple[int, int]]:
    """Ranges of ids that hold the `newest` orders, or all, a few thousand at a time."""
    ids = Order.objects.order_by("-id").values_list("id", flat=True)
    last = ids.first()
    if last is None:
        return
    first = ids.last() if newest is None else list(ids[:newest])[-1]
    assert first is not None
    for start in range(first, last + 1, _SLICE):
        yield start, min(start + _SLICE - 1, last)
