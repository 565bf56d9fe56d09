"""Columns without their case: an index over them answers what `folding.folded` has folded."""

from typing import Any

from django.db.models import CharField, Transform


@CharField.register_lookup
class Folded(Transform):
    """`column__folded=folded(text)`, which an index over `Folded("column")` answers."""

    lookup_name = "folded"
    function = "LOWER"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # The order of bytes, in which only ASCII has cases: SQLite knows no other.
        template = '%(function)s(%(expressions)s COLLATE "C")'
        return self.as_sql(compiler, connection, template=template, **context)
