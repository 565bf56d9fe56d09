"""Lookups and transforms of our own, alike on both databases."""

from typing import Any

from django.db.models import CharField, Field, ForeignObject, Lookup, Transform


@ForeignObject.register_lookup
@Field.register_lookup
class AnyOf(Lookup):
    """`= ANY(array)` on PostgreSQL, `IN (SELECT … FROM json_each(…))` on SQLite; whole numbers."""

    lookup_name = "anyof"
    prepare_rhs = False

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        # Inside a question of its own, the planner cannot see how many numbers there are: it would
        # find a plan for one of them cheaper than one for all times, and make it anew every time.
        return f"{column} = ANY((SELECT %s::bigint[])::bigint[])", [
            *parameters,
            adapt(self.rhs, connection.vendor),
        ]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        listed = f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - a column of ours
        return listed, [*parameters, adapt(self.rhs, connection.vendor)]


def adapt(numbers: list[int], vendor: str) -> Any:
    """The list as the database driver takes it."""
    listed = ",".join(map(str, numbers))
    return f"{{{listed}}}" if vendor == "postgresql" else f"[{listed}]"


@CharField.register_lookup
class Folded(Transform):
    """`column__folded=folded(text)`, which an index over `Folded("column")` answers."""

    lookup_name = "folded"
    function = "LOWER"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # The order of bytes, in which only ASCII has cases: SQLite knows no other.
        template = '%(function)s(%(expressions)s COLLATE "C")'
        return self.as_sql(compiler, connection, template=template, **context)
