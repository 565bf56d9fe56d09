"""Filters of lists: a query parameter is a strict field and a condition on the rows."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from takeback.api.fields import StrictBoolean, StrictInteger, StrictMoment, StrictText
from takeback.channel import errors

TEXT_MAX = 8_000
"""Longer than any column: a long text matches no row instead of being refused."""
MAX_IDS = 500

NEWEST = ("-id",)
LAST_CHANGED = ("-modified_date", "-id")
OLDEST_CHANGE = ("modified_date", "id")
"""For clients that follow changes: they continue after the last row of a page."""

AnyField = serializers.Field[Any, Any, Any, Any]
Condition = Callable[[Any], Q]


class Filter(NamedTuple):
    """How a query parameter is read, and the rows that its value selects."""

    field: AnyField
    condition: Condition


Filters = Mapping[str, Filter]
"""The query parameters of a list; no other name that a client sends reaches a query."""


def validated_filters(request: Request, filters: Filters) -> dict[str, Any]:
    """The values of the query parameters; unknown and blank parameters are ignored.

    A blank list counts: it selects no row, and ignoring it would select every row.
    """
    values: dict[str, Any] = {}
    problems: dict[str, Any] = {}
    for name, (field, _condition) in filters.items():
        texts = {text.strip(" ") for text in request.query_params.getlist(name)}
        if not isinstance(field, Listed):
            texts.discard("")
        if not texts:
            continue
        try:
            values[name] = _value(field, texts)
        except ValidationError as error:
            problems[name] = error.detail
    if problems:
        raise ValidationError(problems)
    return values


def _value(field: AnyField, texts: set[str]) -> Any:
    if isinstance(field, Repeated):
        return field.run_validation(sorted(texts))
    if len(texts) > 1:
        raise ValidationError([errors.AMBIGUOUS])
    return field.run_validation(texts.pop())


def build_filter(filters: Filters, values: Mapping[str, Any]) -> Q:
    """The condition for rows that match every value."""
    condition = Q()
    for name, value in values.items():
        condition &= filters[name].condition(value)
    return condition


def filters_serializer(name: str, filters: Filters) -> type[serializers.Serializer[Any]]:
    """A serializer of these parameters, for the API page."""
    return type(name, (serializers.Serializer,), {key: row.field for key, row in filters.items()})


def equal(column: str, key: Callable[[Any], Any] = lambda value: value) -> Condition:
    """Rows whose column equals the value, or the key that is stored for it."""
    return lambda value: Q((column, key(value)))


def all_rows(value: object) -> Q:
    """For parameters of the contract that do not restrict the list."""
    return Q()


def no_rows(value: object) -> Q:
    """For parameters of the contract that match no row: we store no such value."""
    return Q(pk__in=[])


def by_text(column: str, key: Callable[[Any], Any] = lambda value: value) -> Filter:
    """A text that is compared as it is, or by its key."""
    return Filter(text(), equal(column, key))


def by_id(column: str) -> Filter:
    """A whole number."""
    return Filter(StrictInteger(required=False), equal(column))


def by_ids(column: str) -> Filter:
    """Up to 500 ids, separated by commas."""
    return Filter(IdList(required=False), equal(column))


def by_moment(column: str) -> Filter:
    """A day or a time."""
    return Filter(StrictMoment(required=False), equal(column))


def by_range(name: str, column: str) -> dict[str, Filter]:
    """`<name>__gt`, `__gte`, `__lt` and `__lte`, each with a moment."""
    return {f"{name}__{way}": by_moment(f"{column}__{way}") for way in ("gt", "gte", "lt", "lte")}


def by_choice(choices: Iterable[str], condition: Condition, **options: Any) -> Filter:
    """One of these words."""
    return Filter(serializers.ChoiceField(list(choices), required=False, **options), condition)


BY_SORT = by_choice(("id", "-id"), all_rows)
"""`sort` selects no rows; the list reads its order from it."""


def text() -> StrictText:
    """Text that is compared as it is."""
    controls = {"invisible": errors.NOT_TEXT}
    return StrictText(max_length=TEXT_MAX, required=False, error_messages=controls)


class Flag(StrictBoolean):
    """`true` or `false` in any case: some languages write `True`."""

    def to_internal_value(self, data: Any) -> bool:
        return super().to_internal_value(data.lower() if isinstance(data, str) else data)


@extend_schema_field({"type": "string"})
class Listed(serializers.Field[list[Any], Any, str, Any]):
    """Values separated by commas, each read by `part`."""

    default_error_messages = {"many": _("Send at most {max} values.")}

    def __init__(self, part: AnyField, *, max_values: int = MAX_IDS, **options: Any) -> None:
        super().__init__(**options)
        self.part, self.max_values = part, max_values

    def to_internal_value(self, data: str) -> list[Any]:
        words = [word.strip(" ") for word in data.split(",")]
        if len(words) > self.max_values:
            self.fail("many", max=self.max_values)
        return [self.part.run_validation(word) for word in words]


@extend_schema_field({"type": "string", "pattern": r"^\d+(,\d+)*$"})
class IdList(Listed):
    """Ids separated by commas."""

    def __init__(self, **options: Any) -> None:
        super().__init__(StrictInteger(), **options)


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class Repeated(serializers.Field[list[Any], Any, Any, Any]):
    """A parameter that may be sent more than once, each value read by `part`."""

    def __init__(self, part: AnyField, **options: Any) -> None:
        super().__init__(**options)
        self.part = part

    def to_internal_value(self, data: Iterable[str]) -> list[Any]:
        return [self.part.run_validation(text) for text in data]
