"""Serializer fields of an order as others tell it: amounts, rates, codes, whole objects."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty
from rest_framework.settings import api_settings

from takeback.api.fields import StrictInteger, StrictText
from takeback.core import money
from takeback.orders.statuses import status_of

AMOUNT_MAX = 10**14
"""In minor units: the sum over the largest order still fits a 64-bit column."""
MOST_DECIMALS = "kwd"
"""Stands in while the order's own currency is unknown, so that amounts are read all the same."""
REMOTE_ID_MAX = 128

_OBJECT = {"type": "object", "additionalProperties": {}}
_NUMBER = {"oneOf": [{"type": "number"}, {"type": "string"}]}
_ID = StrictInteger(min_value=0)
_PERCENT_MAX = Decimal("999.99")


def plain(value: Any) -> Any:
    """The value as a JSON column can keep it; amounts never come this way."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


class Payload(serializers.Serializer[Any]):
    """An object in which null and empty text mean "not told"; other keys are ignored.

    It looks only at what was told: an order has a hundred fields and names ten, and an import
    reads a hundred thousand of them.
    """

    @cached_property
    def _known(self) -> dict[str, Any]:
        return dict(self.fields)

    @cached_property
    def _required(self) -> list[str]:
        return [name for name, field in self._known.items() if field.required]

    def run_validation(self, data: Any = empty) -> Any:
        if data is None:
            self.fail("null")
        return self.validate(self.to_internal_value(data))

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            message = self.error_messages["invalid"].format(datatype=type(data).__name__)
            raise ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [message]})
        told: dict[str, Any] = {}
        faults: dict[str, Any] = {
            name: [self._known[name].error_messages["required"]]
            for name in self._required
            if data.get(name) is None
        }
        for name, value in data.items():
            if value is None or name not in self._known:
                continue
            try:
                found = self._known[name].run_validation(value)
            except ValidationError as error:
                faults[name] = error.detail
            else:
                if found != "":
                    told[name] = found
        if faults:
            raise ValidationError(faults)
        return told


class PayloadById(Payload):
    """An object, or only its number among those of whoever tells us."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, int | str):
            return {"pk": _ID.run_validation(data)}
        told = super().to_internal_value(data)
        number = told.pop("id", None)
        return {"pk": number} | told if number is not None else told


@extend_schema_field(_NUMBER)
class Amount(serializers.Field[int, Any, int, Any]):
    """Minor units of the currency that the serializer's context names; a number or its digits."""

    default_error_messages = {
        "invalid": _("A valid amount of this currency is required."),
        "range": _("This amount is out of range."),
    }

    def __init__(self, *, min_value: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.min_value = min_value

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | str | Decimal):
            self.fail("invalid")
        told = data.strip(" ") if isinstance(data, str) else data
        try:
            minor = money.parse(told, self.context.get("currency") or MOST_DECIMALS)
        except money.NotAnAmount:
            self.fail("invalid")
        if not self.min_value <= minor <= AMOUNT_MAX:
            self.fail("range")
        return minor

    def to_representation(self, value: int) -> int:
        return value


@extend_schema_field(_NUMBER)
class Percent(serializers.Field[Decimal, Any, Decimal, Any]):
    """A rate in percent with at most two decimals; a number or its digits."""

    default_error_messages = {"invalid": _("A rate in percent is required.")}

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, int | str | Decimal):
            self.fail("invalid")
        try:
            rate = Decimal(money.parse(data, "eur")).scaleb(-2)
        except money.NotAnAmount:
            self.fail("invalid")
        if not 0 <= rate <= _PERCENT_MAX:
            self.fail("invalid")
        return rate

    def to_representation(self, value: Decimal) -> Decimal:
        return value


@extend_schema_field({"type": "number"})
class Number(serializers.Field[Any, Any, Any, Any]):
    """A number that we only repeat."""

    default_error_messages = {"invalid": _("A valid number is required.")}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, int | Decimal):
            self.fail("invalid")
        return plain(data)

    def to_representation(self, value: Any) -> Any:
        return value


class Word(StrictText):
    """A short text, also as storefronts show choices: an object with a `value`."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data.get("value") if isinstance(data, dict) else data)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class IdText(StrictText):
    """A foreign id: text, or a whole number that becomes its digits."""

    def __init__(self, *, max_length: int = REMOTE_ID_MAX, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, int) and not isinstance(data, bool):
            data = str(data)
        return super().to_internal_value(data)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class StatusCode(serializers.Field[int, Any, int, Any]):
    """The code of a status: a number, its digits, a name in either spelling, or `{value}`."""

    default_error_messages = {"invalid": _("This status is not known.")}

    def to_internal_value(self, data: Any) -> int:
        code = status_of(data.get("value") if isinstance(data, dict) else data)
        if not code:
            self.fail("invalid")
        return code

    def to_representation(self, value: int) -> int:
        return value


@extend_schema_field({"type": "string"})
class Currency(serializers.Field[str, Any, str, Any]):
    """A lower-case ISO 4217 code; capitals and `{value}` are understood."""

    default_error_messages = {"invalid": _("This currency is not known.")}

    def to_internal_value(self, data: Any) -> str:
        code = currency_of(data)
        if code is None:
            self.fail("invalid")
        return code

    def to_representation(self, value: str) -> str:
        return value


def currency_of(value: object) -> str | None:
    """The currency that a value of the wire names, if there is one."""
    if isinstance(value, Mapping):
        value = value.get("value")
    code = value.strip(" ").lower() if isinstance(value, str) else ""
    return code if len(code) == 3 and code.isascii() and money.is_currency(code) else None  # noqa: PLR2004 - ISO 4217


@extend_schema_field(_OBJECT)
class FreeObject(serializers.Field[Any, Any, Any, Any]):
    """An object whose inside is not ours; it is repeated as it came."""

    default_error_messages = {"invalid": _("An object is required.")}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            self.fail("invalid")
        return plain(data)

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "array", "items": {}})
class FreeList(serializers.Field[Any, Any, Any, Any]):
    """A list whose inside is not ours."""

    default_error_messages = {"invalid": _("A list is required.")}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, list):
            self.fail("invalid")
        return plain(data)

    def to_representation(self, value: Any) -> Any:
        return value


class Uuid(serializers.UUIDField):
    """A UUID in one of its texts; numbers are not UUIDs."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)
