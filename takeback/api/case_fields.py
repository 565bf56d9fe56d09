"""Serializer fields of new cases, for all APIs and the desk."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from takeback.api.complete_errors import CompleteErrors
from takeback.api.fields import StrictInteger, StrictText
from takeback.bank_accounts.bank_account import IBAN_MAX, NotAnIban, is_holder_name, normalize_iban
from takeback.cancellations import errors
from takeback.cancellations.statuses import Kind
from takeback.core.normalize import INVISIBLE

HOLDER_MAX = 255
BOTH_NEEDED = _("Send both the IBAN and the name of the account holder.")


@extend_schema_field({"type": "string", "maxLength": IBAN_MAX})
class IbanField(StrictText):
    """An IBAN, normalized; blank means none."""

    default_error_messages = {"invalid": _("This is not a valid IBAN.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=2 * IBAN_MAX, allow_blank=True, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or len(data) > self.max_length:
            self.fail("invalid")
        if not data.strip():
            return ""
        try:
            return normalize_iban(data.strip())
        except NotAnIban:
            self.fail("invalid")


class HolderNameField(StrictText):
    """The account holder: at least two characters, one of them a letter."""

    default_error_messages = {
        "name": _("Enter the account holder's name: at least two characters, one of them a letter.")
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=HOLDER_MAX, allow_blank=True, **options)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name and not is_holder_name(name):
            self.fail("name")
        return name


class CompleteBankAccount(CompleteErrors):
    """A serializer that refuses an IBAN without its holder, and a holder without an IBAN."""

    def missing(self, data: Mapping[str, Any]) -> dict[str, Any]:
        if bool(data.get("iban")) == bool(data.get("holder_name")):
            return {}
        return {"holder_name" if data.get("iban") else "iban": [BOTH_NEEDED]}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if missing := self.missing(attrs):
            raise serializers.ValidationError(missing)
        return attrs


DESCRIPTION_MAX = 2000
# An id above the range of the column gets the refusal of an unknown id.
NO_ITEM = {"range": errors.UNKNOWN_ITEM.message}
NO_REASON = {"range": errors.UNKNOWN_REASON.message}


def _unwrapped(data: Any) -> Any:
    """1 for `{"value": 1, "label": "..."}`: clients send choices back as they received them."""
    return data["value"] if isinstance(data, dict) and "value" in data else data


class Number(StrictInteger):
    """An integer, its digits, or a `{value}` object with either."""

    def to_internal_value(self, data: Any) -> int:
        return super().to_internal_value(_unwrapped(data))


@extend_schema_field({"type": "string", "enum": [kind.value for kind in Kind]})
class KindField(serializers.Field[Kind, Any, str, Any]):
    """`cancel` or `refund`, or a `{value}` object with either."""

    default_error_messages = {"invalid": _("Choose cancel or refund.")}
    KINDS = {kind.value: kind for kind in Kind}

    def to_internal_value(self, data: Any) -> Kind:
        value = _unwrapped(data)
        kind = self.KINDS.get(value) if isinstance(value, str) else None
        if kind is None:
            self.fail("invalid")
        return kind


# All but white space, invisible characters, and letters without a glyph.
_VISIBLE = re.compile(rf"[^\s{INVISIBLE.pattern[1:-1]}\u034f\u115f\u1160\u2800\u3164\uffa0]")


class DescriptionField(StrictText):
    """The requester's description; text without a visible character is blank."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=DESCRIPTION_MAX, allow_blank=True, multiline=True, **options)

    def to_internal_value(self, data: Any) -> str:
        is_blank = isinstance(data, str) and not _VISIBLE.search(data)
        return "" if is_blank else super().to_internal_value(data)
