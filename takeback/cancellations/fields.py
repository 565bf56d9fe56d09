"""Input fields that every way of asking has in common."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from takeback.cancellations import errors
from takeback.cancellations.states import Kind
from takeback.core.fields import INVISIBLE, StrictInteger, StrictText

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
        super().__init__(max_length=DESCRIPTION_MAX, allow_blank=True, lines=True, **options)

    def to_internal_value(self, data: Any) -> str:
        invisible = isinstance(data, str) and not _BLANK.sub("", INVISIBLE.sub("", data)).strip()
        return "" if invisible else super().to_internal_value(data)
