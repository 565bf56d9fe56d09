"""Serializer fields of order payloads: amounts, rates, codes, nested objects."""

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
"""In minor units: the sum of the largest order still fits a 64-bit column."""
_FALLBACK_CURRENCY = "clf"
"""Validates amounts while the order's currency is unknown: no currency has more decimals."""
REMOTE_ID_MAX = 128

_NUMBER = {"oneOf": [{"type": "number"}, {"type": "string"}]}
_ID = StrictInteger(min_value=0)
_THREE_DECIMALS = "kwd"  # rates have as many decimals as amounts of this currency
_PERCENT_MAX = Decimal("999.999")


def _json_value(value: Any) -> Any:
    """The value with floats instead of decimals, for a JSON column; amounts are not among them."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _json_value(inner) for key, inner in value.items()}
    return [_json_value(inner) for inner in value] if isinstance(value, list) else value


class Payload(serializers.Serializer[Any]):
    """An object whose null and empty values count as missing; unknown keys are ignored.

    Only the keys of the input are visited: an order has a hundred fields, a document names ten of
    them, and an import reads a hundred thousand documents.
    """

    @cached_property
    def _fields_by_name(self) -> dict[str, Any]:
        return dict(self.fields)

    @cached_property
    def _required(self) -> list[str]:
        return [name for name, field in self._fields_by_name.items() if field.required]

    def run_validation(self, data: Any = empty) -> Any:
        if data is None:
            self.fail("null")
        return self.validate(self.to_internal_value(data))

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            message = self.error_messages["invalid"].format(datatype=type(data).__name__)
            raise ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [message]})
        validated: dict[str, Any] = {}
        errors: dict[str, Any] = {
            name: [self._fields_by_name[name].error_messages["required"]]
            for name in self._required
            if data.get(name) is None
        }
        for name, value in data.items():
            if value is None or name not in self._fields_by_name:
                continue
            try:
                result = self._fields_by_name[name].run_validation(value)
            except ValidationError as error:
                errors[name] = error.detail
            else:
                if result != "":
                    validated[name] = result
        if errors:
            raise ValidationError(errors)
        return validated


class PayloadById(Payload):
    """An object, or only its id in the sender's system."""

    id = StrictInteger(min_value=0, required=False)
    pk = StrictInteger(min_value=0, required=False)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, int | str):
            return {"pk": _ID.run_validation(data)}
        validated = super().to_internal_value(data)
        pk = validated.pop("id", None)
        return {"pk": pk} | validated if pk is not None else validated


@extend_schema_field(_NUMBER)
class Amount(serializers.IntegerField):
    """An amount in the currency of the serializer's context, as a number or its digits.

    Its value is minor units. `min_value` is 0 by default.
    """

    default_error_messages = {
        "invalid": _("A valid amount of this currency is required."),
        "range": _("This amount is out of range."),
    }

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | str | Decimal):
            self.fail("invalid")
        amount = data.strip(" ") if isinstance(data, str) else data
        try:
            minor = money.parse(amount, self.context.get("currency") or _FALLBACK_CURRENCY)
        except money.NotAnAmount:
            self.fail("invalid")
        if not (self.min_value or 0) <= minor <= AMOUNT_MAX:
            self.fail("range")
        return minor


@extend_schema_field(_NUMBER)
class Percent(serializers.Field[Decimal, Any, Decimal, Any]):
    """A rate in percent, as a number or its digits."""

    default_error_messages = {
        "invalid": _("Enter a rate between 0 and 999.999 with at most three decimals.")
    }

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, int | str | Decimal):
            self.fail("invalid")
        try:
            rate = Decimal(money.parse(data, _THREE_DECIMALS)).scaleb(-3)
        except money.NotAnAmount:
            self.fail("invalid")
        if not 0 <= rate <= _PERCENT_MAX:
            self.fail("invalid")
        return rate


@extend_schema_field({"type": "number"})
class Number(serializers.Field[Any, Any, Any, Any]):
    default_error_messages = {"invalid": _("A valid number is required.")}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, int | Decimal):
            self.fail("invalid")
        return _json_value(data)


class Word(StrictText):
    """A short text, or an object with a `value`, as storefronts show choices."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data.get("value") if isinstance(data, dict) else data)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class IdText(StrictText):
    """An id of another system: text, or an integer that becomes its digits."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, int) and not isinstance(data, bool):
            data = str(data)
        return super().to_internal_value(data)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class StatusCode(serializers.IntegerField):
    """The code of a status: a number, its digits, a name in either spelling, or `{value}`."""

    default_error_messages = {
        "invalid": _("This status is unknown. Send a status code or its name.")
    }

    def to_internal_value(self, data: Any) -> int:
        code = status_of(data.get("value") if isinstance(data, dict) else data)
        if not code:
            self.fail("invalid")
        return code


_UNKNOWN_CURRENCY = _("This currency is unknown. Send an ISO 4217 code.")


class Currency(serializers.CharField):
    """An ISO 4217 code in any case, or an object with it as `value`; becomes lower case."""

    default_error_messages = {"invalid": _UNKNOWN_CURRENCY, "blank": _UNKNOWN_CURRENCY}

    def to_internal_value(self, data: Any) -> str:
        code = currency_of(data)
        if code is None:
            self.fail("invalid")
        return code


def currency_of(value: object) -> str | None:
    """The currency in the value of a document; None if it is unknown."""
    if isinstance(value, Mapping):
        value = value.get("value")
    code = value.strip(" ").lower() if isinstance(value, str) else ""
    return code if len(code) == 3 and code.isascii() and money.is_currency(code) else None  # noqa: PLR2004 - ISO 4217


class FreeObject(serializers.DictField):
    """An object with any content; it is returned unchanged."""

    default_error_messages = {"invalid": _("An object is required.")}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            self.fail("invalid")
        return _json_value(data)


class FreeList(serializers.ListField):
    """A list with any content; it is returned unchanged."""

    default_error_messages = {"invalid": _("A list is required.")}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, list):
            self.fail("invalid")
        return _json_value(data)


class Uuid(serializers.UUIDField):
    """A UUID as text; integers are refused."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)
