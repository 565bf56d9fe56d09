"""Querysets that are turned into SQL once.

Django spends half a millisecond making SQL out of a queryset; a hot page does that six
times. `Compiled` lets the queryset be written in the ORM, keeps its SQL and its
converters, and afterwards only fills in the arguments.
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
from takeback.core.db.connection import database, fetch_rows, fetch_rows_of_all

R = TypeVar("R")
Converter = tuple[int, list[Callable[..., Any]], Any]

# Two values per type: where the SQL parameters of the two differ, there is the argument's place.
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

    def filled(self, arguments: dict[str, Any], database: BaseDatabaseWrapper) -> list[Any]:
        """The parameters, with these arguments in their places."""
        parameters = list(self.constants)
        for index, name in self.slots:
            parameters[index] = _adapted(arguments[name], database)
        return parameters


class CompiledQuery(Generic[R]):
    """A queryset factory whose SQL is made at its first use and kept.

    `row` is the NamedTuple whose fields name the columns; rows come back as that type. A field
    that is itself a NamedTuple stands for a relation: its columns are asked for as
    `field__column`, and where it may be None it is None when its first column is.
    The factory's annotations (`int`, `str`, `datetime`, `list[int]`) say what its keyword
    arguments are. Places are found by comparing, never by position: Django orders parameters
    as it likes. `None` would change the SQL and is refused. OFFSET is a literal in Django's
    SQL, so a factory may only slice from the start. A test holds every compiled query
    equal to its queryset on both databases. JSON columns come as text, ready to be embedded
    in an answer or decoded where somebody looks inside.
    """

    def __init__(self, row: type[R], build: Callable[..., models.QuerySet[Any]]) -> None:
        self.row = row
        self.build = build
        self._arguments = {
            name: kind for name, kind in get_annotations(build).items() if name != "return"
        }
        self.columns = _columns(row)
        self._make = cast("Callable[[Any], R]", _maker(row))
        self._statements: dict[str, _Statement] = {}

    def __call__(self, **arguments: Any) -> list[R]:
        """The rows, in the queryset's order."""
        asked = database()
        statement = self.statement(asked)
        found = fetch_rows(asked, statement.sql, statement.filled(arguments, asked))
        return self.made(found, statement.converters, asked)

    def once(self, queryset: models.QuerySet[Any, Any]) -> list[R]:
        """The rows of a variation of `queryset(...)`: another page, more filters; not kept."""
        asked = database()
        try:
            statement = _sql(queryset, asked)
        except EmptyResultSet:
            return []  # Django knows without asking that nothing can be found
        sql, parameters, converters = statement
        return self.made(fetch_rows(asked, sql, parameters), converters, asked)

    def queryset(self, **arguments: Any) -> models.QuerySet[Any, Any]:
        """The same question through the ORM, for pages that are not the first and for tests."""
        return self.build(**arguments).values_list(*self.columns)

    def statement(self, database: BaseDatabaseWrapper) -> "_Statement":
        """What is asked of this kind of database; made at the first use."""
        return self._statements.get(database.vendor) or self._compile(database)

    def made(
        self,
        found: list[Any],
        converters: list[Converter],
        database: BaseDatabaseWrapper,
    ) -> list[R]:
        """The driver's rows as ours."""
        if converters:
            found = [_converted(row, converters, database) for row in found]
        return [self._make(row) for row in found]

    def _compile(self, database: BaseDatabaseWrapper) -> _Statement:
        first = {name: _MARKERS[kind][0] for name, kind in self._arguments.items()}
        sql, constants, converters = _sql(self.queryset(**first), database)
        slots = []
        for name, kind in self._arguments.items():
            other = first | {name: _MARKERS[kind][1]}
            _, others, _ = _sql(self.queryset(**other), database)
            found = [
                i for i, pair in enumerate(zip(constants, others, strict=True)) if _differ(pair)
            ]
            if not found or any(constants[i] != _adapted(first[name], database) for i in found):
                raise TypeError(
                    f"{self.build.__qualname__}: {name} does not reach the SQL as it is"
                )
            slots += [(index, name) for index in found]
        statement = _Statement(sql, constants, slots, converters)
        self._statements[database.vendor] = statement
        return statement


def fetch_together(*asked: "tuple[CompiledQuery[Any], dict[str, Any]]") -> list[list[Any]]:
    """The rows of several questions with their arguments, none of which waits for another.

    They are asked in one go where the database's driver can.
    """
    of = database()
    statements = [query.statement(of) for query, _ in asked]
    answers = fetch_rows_of_all(
        of,
        [
            (statement.sql, statement.filled(arguments, of))
            for statement, (_, arguments) in zip(statements, asked, strict=True)
        ],
    )
    return [
        query.made(found, statement.converters, of)
        for (query, _), statement, found in zip(asked, statements, answers, strict=True)
    ]


def _sql(
    queryset: models.QuerySet[Any, Any], database: BaseDatabaseWrapper
) -> tuple[str, list[Any], list[Converter]]:
    compiler = queryset.query.get_compiler(connection=database)
    sql, parameters = compiler.as_sql()
    columns = [column for column, _, _ in compiler.select]
    converters = [
        (index, list(functions), expression)
        for index, (functions, expression) in compiler.get_converters(columns).items()
        if not isinstance(expression.output_field, models.JSONField)
    ]
    return sql, list(parameters), converters


def _relation(kind: Any) -> tuple[Any, bool]:
    """The NamedTuple that a field's annotation stands for, if any, and whether it may be None."""
    options = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    rows = [option for option in options if hasattr(option, "_fields")]
    return (rows[0] if rows else None), type(None) in options


def _columns(row: Any) -> list[str]:
    columns = []
    for name, kind in get_type_hints(row).items():
        nested, _ = _relation(kind)
        columns += [f"{name}__{inner}" for inner in _columns(nested)] if nested else [name]
    return columns


def _maker(row: Any) -> Callable[[Any], Any]:
    """From a flat row to the tree that the NamedTuple describes."""
    # Neighbouring plain columns are taken in one slice: a page has a thousand of them.
    parts: list[tuple[int, int, Callable[[Any], Any] | None]] = []
    start = 0
    for kind in get_type_hints(row).values():
        nested, optional = _relation(kind)
        stop = start + (len(_columns(nested)) if nested else 1)
        if nested:
            inner = _maker(nested)
            parts.append((start, stop, _or_none(inner) if optional else inner))
        elif parts and parts[-1][2] is None:
            parts[-1] = (parts[-1][0], stop, None)
        else:
            parts.append((start, stop, None))
        start = stop
    if len(parts) == 1 and parts[0][2] is None:
        return cast("Callable[[Any], Any]", row._make)

    def make(flat: Any) -> Any:
        values: list[Any] = []
        for start, stop, inner in parts:
            if inner:
                values.append(inner(flat[start:stop]))
            else:
                values += flat[start:stop]
        return row._make(values)

    return make


def _or_none(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda flat: None if flat[0] is None else make(flat)


def _differ(pair: tuple[Any, Any]) -> bool:
    return bool(pair[0] != pair[1])


def _adapted(value: Any, database: BaseDatabaseWrapper) -> Any:
    """The argument as this database's driver takes it."""
    if isinstance(value, datetime):
        return database.ops.adapt_datetimefield_value(value)
    if isinstance(value, list):
        return lookups.adapt(value, database.vendor)
    if value is None:
        raise TypeError("None would change the SQL")
    return value


def _converted(row: Any, converters: list[Converter], database: BaseDatabaseWrapper) -> list[Any]:
    values = list(row)
    for index, functions, expression in converters:
        for function in functions:
            values[index] = function(values[index], expression, database)
    return values
