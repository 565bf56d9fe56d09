"""Queries that return NamedTuples, and queries whose SQL Django compiles only once.

Django takes half a millisecond to compile a queryset to SQL, and a hot page runs six of them.
`CompiledQuery` keeps the SQL and the converters and afterwards only fills in the arguments.
"""

from collections.abc import Callable
from datetime import datetime
from inspect import get_annotations
from types import UnionType
from typing import Any, Generic, NamedTuple, TypeVar, cast, get_args, get_type_hints

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from takeback.core.db import lookups
from takeback.core.db.connection import database, fetch_rows

R = TypeVar("R")
Converter = tuple[int, list[Callable[..., Any]], Any]

# Two values per type: an argument's places are where the SQL parameters of the two differ.
_MARKERS: dict[Any, tuple[Any, Any]] = {
    int: (31_001, 31_002),
    str: ("marker-one", "marker-two"),
    datetime: (
        datetime.fromisoformat("2001-02-03T04:05:06.700001+00:00"),
        datetime.fromisoformat("2002-02-03T04:05:06.700002+00:00"),
    ),
    list[int]: ([31_001], [31_002]),
}


class _Statement(NamedTuple):
    sql: str
    constants: list[Any]
    slots: list[tuple[int, str]]
    converters: list[Converter]

    def filled(self, arguments: dict[str, Any], connection: BaseDatabaseWrapper) -> list[Any]:
        parameters = list(self.constants)
        for index, name in self.slots:
            parameters[index] = _adapted(arguments[name], connection)
        return parameters


class RowQuery(Generic[R]):
    """Runs querysets and returns their rows as a NamedTuple; Django compiles each one.

    The fields of `row` name the columns. A field that is itself a NamedTuple is a relation: its
    columns are selected as `field__column`. An optional relation is None when its first column
    is None. JSON columns come as text: the caller embeds them in a response or decodes them.
    """

    def __init__(self, row: type[R]) -> None:
        self.row = row
        self.columns = _columns(row)
        self._row_from = cast("Callable[[Any], R]", _row_factory(row))

    def fetch(self, queryset: models.QuerySet[Any, Any]) -> list[R]:
        """Run a queryset once; its SQL is not kept."""
        connection = database()
        try:
            sql, parameters, converters = _sql(queryset.values_list(*self.columns), connection)
        except EmptyResultSet:
            return []  # Django knows without a query that no row matches
        return self.convert(fetch_rows(connection, sql, parameters), converters, connection)

    def first(self, queryset: models.QuerySet[Any, Any]) -> R | None:
        """The first row of a queryset; None if there is none."""
        return next(iter(self.fetch(queryset)), None)

    def convert(
        self, rows: list[Any], converters: list[Converter], connection: BaseDatabaseWrapper
    ) -> list[R]:
        if converters:
            rows = [_converted(row, converters, connection) for row in rows]
        row_from = self._row_from
        return [row_from(row) for row in rows]


class CompiledQuery(RowQuery[R]):
    """A queryset factory whose SQL is compiled at its first call and kept.

    The factory's annotations (`int`, `str`, `datetime`, `list[int]`) give the types of its keyword
    arguments. Their places in the SQL are found by comparing two compilations, never by position:
    Django orders parameters as it likes. `None` would change the SQL and is refused. OFFSET is a
    literal in Django's SQL, so a factory may only slice from the start. A test compares
    every compiled query with its queryset on both databases.
    """

    def __init__(self, row: type[R], build: Callable[..., models.QuerySet[Any]]) -> None:
        super().__init__(row)
        self.build = build
        self._arguments = {
            name: kind for name, kind in get_annotations(build).items() if name != "return"
        }
        self._statements: dict[str, _Statement] = {}

    def __call__(self, **arguments: Any) -> list[R]:
        connection = database()
        statement = self._statements.get(connection.vendor) or self._compile(connection)
        rows = fetch_rows(connection, statement.sql, statement.filled(arguments, connection))
        return self.convert(rows, statement.converters, connection)

    def queryset(self, **arguments: Any) -> models.QuerySet[Any, Any]:
        return self.build(**arguments).values_list(*self.columns)

    def _compile(self, connection: BaseDatabaseWrapper) -> _Statement:
        first = {name: _MARKERS[kind][0] for name, kind in self._arguments.items()}
        sql, constants, converters = _sql(self.queryset(**first), connection)
        slots = []
        for name, kind in self._arguments.items():
            second = first | {name: _MARKERS[kind][1]}
            _, others, _ = _sql(self.queryset(**second), connection)
            pairings = enumerate(zip(constants, others, strict=True))
            places = [index for index, (value, other) in pairings if value != other]
            marker = _adapted(first[name], connection)
            if not places or any(constants[index] != marker for index in places):
                raise TypeError(f"{self.build.__qualname__}: {name} is not in the SQL unchanged")
            slots += [(index, name) for index in places]
        statement = _Statement(sql, constants, slots, converters)
        self._statements[connection.vendor] = statement
        return statement


def _sql(
    queryset: models.QuerySet[Any, Any], connection: BaseDatabaseWrapper
) -> tuple[str, list[Any], list[Converter]]:
    compiler = queryset.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    columns = [column for column, _, _ in compiler.select]
    converters = [
        (index, list(functions), expression)
        for index, (functions, expression) in compiler.get_converters(columns).items()
        if not isinstance(expression.output_field, models.JSONField)
    ]
    return sql, list(parameters), converters


def _relation(kind: Any) -> tuple[Any, bool]:
    """The NamedTuple in a field's annotation, if there is one, and whether it may be None."""
    options = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    rows = [option for option in options if hasattr(option, "_fields")]
    return (rows[0] if rows else None), type(None) in options


def _columns(row: Any) -> list[str]:
    columns = []
    for name, kind in get_type_hints(row).items():
        nested, _ = _relation(kind)
        columns += [f"{name}__{inner}" for inner in _columns(nested)] if nested else [name]
    return columns


def _row_factory(row: Any) -> Callable[[Any], Any]:
    """A function from a flat row to the tree that the NamedTuple describes."""
    # Neighbouring plain columns are taken in one slice: a page has a thousand of them.
    parts: list[tuple[int, int, Callable[[Any], Any] | None]] = []
    start = 0
    for kind in get_type_hints(row).values():
        nested, optional = _relation(kind)
        stop = start + (len(_columns(nested)) if nested else 1)
        if nested:
            inner = _row_factory(nested)
            parts.append((start, stop, _or_none(inner) if optional else inner))
        elif parts and parts[-1][2] is None:
            parts[-1] = (parts[-1][0], stop, None)
        else:
            parts.append((start, stop, None))
        start = stop
    if len(parts) == 1 and parts[0][2] is None:
        return cast("Callable[[Any], Any]", row._make)

    def row_from(flat: Any) -> Any:
        values: list[Any] = []
        for start, stop, inner in parts:
            if inner:
                values.append(inner(flat[start:stop]))
            else:
                values += flat[start:stop]
        return row._make(values)

    return row_from


def _or_none(row_from: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda flat: None if flat[0] is None else row_from(flat)


def _adapted(value: Any, connection: BaseDatabaseWrapper) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, list):
        return lookups.adapt(value, connection.vendor)
    if value is None:
        raise TypeError("None would change the SQL")
    return value


def _converted(row: Any, converters: list[Converter], connection: BaseDatabaseWrapper) -> list[Any]:
    values = list(row)
    for index, functions, expression in converters:
        for function in functions:
            values[index] = function(values[index], expression, connection)
    return values
