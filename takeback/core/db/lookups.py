"""Lookups and transforms that behave alike on both databases."""

from typing import Any

from django.db.models import CharField, Field, ForeignObject, Lookup, Transform


@ForeignObject.register_lookup
@Field.register_lookup
class AnyOf(Lookup):
    """A column within a list of integers that is one SQL parameter, whatever its length.

    `= ANY(array)` on PostgreSQL, `IN (SELECT … FROM json_each(…))` on SQLite.
    """

    lookup_name = "anyof"
    prepare_rhs = False

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        # The subquery hides the length of the array from the planner, which would otherwise prefer
        # a custom plan for one element to the generic plan, and plan the statement every time.
        return f"{column} = ANY((SELECT %s::bigint[])::bigint[])", [
            *parameters,
            adapt(self.rhs, connection.vendor),
        ]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        condition = f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - our own column
        return condition, [*parameters, adapt(self.rhs, connection.vendor)]


def adapt(numbers: list[int], vendor: str) -> Any:
    elements = ",".join(map(str, numbers))
    return f"{{{elements}}}" if vendor == "postgresql" else f"[{elements}]"


@CharField.register_lookup
class Folded(Transform):
    """`column__folded=folded(text)`; an index on `Folded("column")` serves it."""

    lookup_name = "folded"
    function = "LOWER"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # Collation "C" folds ASCII letters only, as SQLite does.
        template = '%(function)s(%(expressions)s COLLATE "C")'
        return self.as_sql(compiler, connection, template=template, **context)
