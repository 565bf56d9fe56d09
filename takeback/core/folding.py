"""Codes, numbers and addresses without their case, in Python and in both databases alike."""

from string import ascii_lowercase, ascii_uppercase
from typing import Any

from django.db.models import CharField, Transform

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def folded(text: str) -> str:
    """Only ASCII letters lose their case.

    Anything more would fold look-alikes of other alphabets into ASCII.

    >>> folded("TR-\\u0130X"), folded("\\u212aate") == folded("kate")
    ('tr-İx', False)
    """
    return text.translate(_LOWER)


@CharField.register_lookup
class Folded(Transform):
    """`column__folded=folded(text)`, which an index over `Folded("column")` answers."""

    lookup_name = "folded"
    function = "LOWER"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # The order of bytes, in which only ASCII has cases: SQLite knows no other.
        template = '%(function)s(%(expressions)s COLLATE "C")'
        return self.as_sql(compiler, connection, template=template, **context)
