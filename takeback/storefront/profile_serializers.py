"""The input of a customer's profile, in the forms that storefronts send."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from takeback.api.fields import StrictBoolean, StrictText
from takeback.core import clock
from takeback.storefront.registration_serializers import BirthDate

_PHONE = re.compile(r"[0-9+() ./-]*", re.ASCII)
_LANGUAGE = re.compile(r"([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?", re.ASCII)
_FIRST_YEAR = 1900


class PastBirthDate(BirthDate):
    """A date of birth that a living customer can have."""

    default_error_messages = {"range": _("Enter a date of birth from 1900 until today.")}

    def to_internal_value(self, data: Any) -> date:
        day = super().to_internal_value(data)
        if not date(_FIRST_YEAR, 1, 1) <= day <= clock.now().date():
            self.fail("range")
        return day


def _text(maximum: int) -> StrictText:
    return StrictText(max_length=maximum, required=False, allow_blank=True, allow_null=True)


class Profile(serializers.Serializer[Any]):
    """The changes of a profile: missing, unknown and protected keys change nothing.

    An empty value clears a text or a date, and leaves a permission as it is.
    """

    example = {"first_name": "Ada", "last_name": "Demir", "sms_allowed": False}

    first_name = _text(255)
    last_name = _text(255)
    phone = _text(128)
    gender = _text(16)
    date_of_birth = PastBirthDate(required=False, allow_null=True)
    email_allowed = StrictBoolean(required=False)
    sms_allowed = StrictBoolean(required=False)
    call_allowed = StrictBoolean(required=False)
    language_code = _text(16)

    def to_internal_value(self, data: Any) -> Any:
        """Drop empty permissions and read an empty date as null: forms send untouched inputs."""
        if isinstance(data, Mapping):
            data = {
                name: None if name == "date_of_birth" and value == "" else value
                for name, value in data.items()
                if not (name.endswith("_allowed") and value in ("", None))
            }
        return super().to_internal_value(data)

    def validate_phone(self, value: str | None) -> str:
        if not _PHONE.fullmatch(value or ""):
            raise serializers.ValidationError(
                _("Enter a phone number of digits, such as +905321112233.")
            )
        return value or ""

    def validate_language_code(self, value: str | None) -> str:
        if not _LANGUAGE.fullmatch(value or ""):
            raise serializers.ValidationError(_("Enter a language code, such as en or pt-BR."))
        return value or ""

    def validate_first_name(self, value: str | None) -> str:
        return value or ""

    def validate_last_name(self, value: str | None) -> str:
        return value or ""

    def validate_gender(self, value: str | None) -> str | None:
        return value or None
