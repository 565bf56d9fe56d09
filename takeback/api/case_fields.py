"""Serializer fields that every way of opening a case shares."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from takeback.api.fields import INVISIBLE, StrictInteger, StrictText
from takeback.bank_accounts.bank_account import IBAN_MAX, NotAnIban, is_holder_name, normalize_iban
from takeback.cancellations import errors
from takeback.cancellations.statuses import Kind

HOLDER_MAX = 255
BOTH_NEEDED = _("A bank account needs both its IBAN and the name of its holder.")


@extend_schema_field({"type": "string", "maxLength": IBAN_MAX})
class IbanField(serializers.Field[str, Any, str, Any]):
    """An account number as people write it; empty means none."""

    default_error_messages = {
        "invalid": _("This is not a valid IBAN."),
    }

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or len(data) > 2 * IBAN_MAX:
            self.fail("invalid")
        if not data.strip():
            return ""
        try:
            return normalize_iban(data.strip())
        except NotAnIban:
            self.fail("invalid")

    def to_representation(self, value: str) -> str:
        return value


class HolderNameField(StrictText):
    """Who holds the account: a name has at least two characters, and a letter among them."""

    default_error_messages = {"name": _("Write the name as the bank knows it.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=HOLDER_MAX, allow_blank=True, **options)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name and not is_holder_name(name):
            self.fail("name")
        return name


def require_complete_bank_account(told: Mapping[str, Any]) -> None:
    """The IBAN and its holder come together; without the other either is refused."""
    if bool(told.get("iban")) == bool(told.get("holder_name")):
        return
    missing = "holder_name" if told.get("iban") else "iban"
    raise serializers.ValidationError({missing: [BOTH_NEEDED]})


DESCRIPTION_MAX = 2000
# A number beyond every row's is as unknown as any other.
NO_ITEM = {"range": errors.UNKNOWN_ITEM.message}
NO_REASON = {"range": errors.UNKNOWN_REASON.message}


def _plain(data: Any) -> Any:
    """Clients send back what they were shown: `{"value": 1, "label": "..."}` is 1."""
    return data["value"] if isinstance(data, dict) and "value" in data else data


class Number(StrictInteger):
    """A number, the same in digits, or either inside a `{value}` object."""

    def to_internal_value(self, data: Any) -> int:
        return super().to_internal_value(_plain(data))


@extend_schema_field({"type": "string", "enum": [kind.value for kind in Kind]})
class KindField(serializers.Field[Kind, Any, str, Any]):
    """`cancel` or `refund`, plain or inside a `{value}` object."""

    default_error_messages = {"invalid": _("Choose cancel or refund.")}
    KINDS = {kind.value: kind for kind in Kind}

    def to_internal_value(self, data: Any) -> Kind:
        told = _plain(data)
        found = self.KINDS.get(told) if isinstance(told, str) else None
        if found is None:
            self.fail("invalid")
        return found

    def to_representation(self, value: Kind) -> str:
        return value.value


# Letters that are drawn as nothing: they stand in for words where words are wanted.
_BLANK = re.compile("[\u034f\u115f\u1160\u2800\u3164\uffa0]")


class Words(StrictText):
    """What somebody has to say; text of which nothing can be seen says nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=DESCRIPTION_MAX, allow_blank=True, multiline=True, **options)

    def to_internal_value(self, data: Any) -> str:
        invisible = isinstance(data, str) and not _BLANK.sub("", INVISIBLE.sub("", data)).strip()
        return "" if invisible else super().to_internal_value(data)
