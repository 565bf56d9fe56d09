"""Lists: in which order, and by which filters, each known one read once by a strict field."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from takeback.api.fields import StrictBoolean, StrictInteger, StrictText
from takeback.channel import errors

TEXT_MAX = 8_000
"""More than any column holds: a long text finds nothing, it is no mistake."""
MOST_IDS = 500

NEWEST = ("-id",)
LAST_CHANGED = ("-modified_date", "-id")
AS_THEY_CHANGED = ("modified_date", "id")
"""The orders of lists; the last is for whoever follows changes."""

Condition = Callable[[Any], Q]


def validated_filters(call: Request, form: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """What the caller filters by; unknown parameters are ignored.

    Blank means not at all, but for a list: one that turned out empty wants no rows, and would be
    answered with all of them.
    """
    known = form()
    told: dict[str, str] = {}
    faults: dict[str, Any] = {}
    for name, values in call.query_params.lists():
        field = known.fields.get(name)
        words = {value.strip(" ") for value in values}
        if not isinstance(field, Listed):
            words -= {""}
        if field is None or not words:
            continue
        if len(words) > 1:
            faults[name] = [errors.AMBIGUOUS]
        told[name] = words.pop()
    if faults:
        raise ValidationError(faults)
    filled = form(data=told)
    filled.is_valid(raise_exception=True)
    return dict(filled.validated_data)


def text() -> StrictText:
    """Text that is looked for as it is."""
    controls = {"invisible": errors.NOT_TEXT}
    return StrictText(max_length=TEXT_MAX, required=False, error_messages=controls)


class Flag(StrictBoolean):
    """`true` or `false`, in capitals too: that is how some languages write them."""

    def to_internal_value(self, data: Any) -> bool:
        return super().to_internal_value(data.lower() if isinstance(data, str) else data)


@extend_schema_field({"type": "string"})
class Listed(serializers.Field[list[Any], Any, str, Any]):
    """At most so many values with commas between them, each read by `part`."""

    default_error_messages = {"many": _("Send at most {most} of them.")}

    def __init__(
        self, part: serializers.Field[Any, Any, Any, Any], *, most: int, **options: Any
    ) -> None:
        super().__init__(**options)
        self.part, self.most = part, most

    def to_internal_value(self, data: Any) -> list[Any]:
        words = [word.strip(" ") for word in str(data).split(",")]
        if len(words) > self.most:
            self.fail("many", most=self.most)
        return [self.part.run_validation(word) for word in words]

    def to_representation(self, value: list[Any]) -> str:
        return ",".join(map(str, value))


@extend_schema_field({"type": "string", "pattern": r"^\d+(,\d+)*$"})
class IdList(Listed):
    """Numbers of ours."""

    def __init__(self, *, most: int = MOST_IDS, **options: Any) -> None:
        super().__init__(StrictInteger(), most=most, **options)


class Filter(NamedTuple):
    """How a parameter is read, and which rows it leaves."""

    field: serializers.Field[Any, Any, Any, Any]
    condition: Condition


def equal(column: str, key: Callable[[Any], Any] = lambda value: value) -> Condition:
    """Rows whose column is what was told, or what `key` makes of it."""
    return lambda value: Q((column, key(value)))


def word(words: Iterable[str], condition: Condition, **options: Any) -> Filter:
    """One of these words."""
    return Filter(serializers.ChoiceField(list(words), required=False, **options), condition)


def filters_serializer(
    name: str, filters: Mapping[str, Filter]
) -> type[serializers.Serializer[Any]]:
    """What reads these filters by parameter, and describes them on the API page."""
    fields = {parameter: found.field for parameter, found in filters.items()}
    return type(name, (serializers.Serializer,), fields)


def build_filter(filters: Mapping[str, Filter], told: Mapping[str, Any]) -> Q:
    """Rows to which everything that was told applies."""
    condition = Q()
    for name, value in told.items():
        condition &= filters[name].condition(value)
    return condition
