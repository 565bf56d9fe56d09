"""What other systems send about reasons, and what they filter by."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from takeback.api.case_fields import KindField
from takeback.api.fields import StrictBoolean, StrictInteger, StrictText
from takeback.cancellations.statuses import Kind
from takeback.channel.filters import Flag

SUBJECT_MAX = 100
MOST_LANGUAGES = 50
_PLACE_MAX = 2**31 - 1
_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,2}", re.ASCII)
_SUBJECT = StrictText(max_length=SUBJECT_MAX)
_TRANSLATIONS = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {"subject": {"type": "string", "maxLength": SUBJECT_MAX}},
        "required": ["subject"],
    },
    "example": {"tr": {"subject": "Fikrimi değiştirdim"}},
}


@extend_schema_field(_TRANSLATIONS)
class Translations(serializers.Field[dict[str, dict[str, str]], Any, Any, Any]):
    """The subject by language tag, in the form in which it is shown; told as a whole."""

    default_error_messages = {
        "invalid": _("Send an object of language tags, each with a subject."),
    }

    def to_internal_value(self, data: Any) -> dict[str, dict[str, str]]:
        if not isinstance(data, dict) or len(data) > MOST_LANGUAGES:
            self.fail("invalid")
        found = {}
        for tag, words in data.items():
            name = tag.lower().replace("_", "-")
            if not _TAG.fullmatch(name) or not isinstance(words, dict) or "subject" not in words:
                self.fail("invalid")
            found[name] = {"subject": _SUBJECT.run_validation(words["subject"])}
        return found

    def to_representation(self, value: Any) -> Any:
        return value


class ReasonEntry(serializers.Serializer[Any]):
    """A reason; what else is sent along is ignored."""

    cancellation_type = KindField(default=Kind.CANCEL)
    subject = StrictText(max_length=SUBJECT_MAX)
    translations = Translations(required=False)
    extra_information_needed = StrictBoolean(required=False)
    order = StrictInteger(min_value=0, max_value=_PLACE_MAX, required=False)
    is_active = StrictBoolean(required=False)
    send_to_remote = StrictBoolean(required=False)
    send_to_oms = StrictBoolean(required=False)


class ReasonFilters(serializers.Serializer[Any]):
    """Which reasons are listed."""

    cancellation_type = KindField(required=False)
    is_active = Flag(required=False)
