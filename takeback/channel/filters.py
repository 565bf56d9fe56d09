"""Filters of lists: each known one at most once, each read by a strict field."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from takeback.channel import errors
from takeback.core.fields import StrictBoolean, StrictInteger, StrictText

TEXT_MAX = 8_000
"""More than any column holds: a long text finds nothing, it is no mistake."""
MOST_IDS = 500

_ID = StrictInteger()


def asked(call: Request, form: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """What the caller filters by; unknown parameters are ignored.

    Blank means not at all, but for a list of numbers: one that turned out empty wants no rows,
    and would be answered with all of them.
    """
    known = form()
    told: dict[str, str] = {}
    faults: dict[str, Any] = {}
    for name, values in call.query_params.lists():
        field = known.fields.get(name)
        words = {value.strip(" ") for value in values}
        if not isinstance(field, IdList):
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


@extend_schema_field({"type": "string", "pattern": r"^\d+(,\d+)*$"})
class IdList(serializers.Field[list[int], Any, str, Any]):
    """Up to five hundred numbers with commas between them."""

    default_error_messages = {"many": _("Name at most {most} numbers.")}

    def to_internal_value(self, data: Any) -> list[int]:
        words = [word.strip(" ") for word in str(data).split(",")]
        if len(words) > MOST_IDS:
            self.fail("many", most=MOST_IDS)
        return [_ID.run_validation(word) for word in words]

    def to_representation(self, value: list[int]) -> str:
        return ",".join(map(str, value))
