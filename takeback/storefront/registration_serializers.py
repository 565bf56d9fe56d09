"""The serializer of a registration."""

import re
from datetime import date
from typing import Any

from rest_framework import serializers

from takeback.api.fields import Password, StrictBoolean, StrictDate, StrictEmail, StrictText

_DATE = re.compile(r" *([0-9]{4})-([0-9]{1,2})-([0-9]{1,2}) *", re.ASCII)


class BirthDate(StrictDate):
    """A day as YYYY-MM-DD; profile pages leave out the zeros of month and day."""

    def to_internal_value(self, data: Any) -> date:
        match = _DATE.fullmatch(data) if isinstance(data, str) else None
        if match:
            year, month, day = match.groups()
            data = f"{year}-{month:0>2}-{day:0>2}"
        return super().to_internal_value(data)


class Registration(serializers.Serializer[Any]):
    """A new customer; other keys are ignored, and so are empty values."""

    example = {
        "email": "ada@example.com",
        "password": "correct horse battery",
        "first_name": "Ada",
        "last_name": "Demir",
    }

    email = StrictEmail()
    password = Password()
    first_name = StrictText(max_length=255, required=False)
    last_name = StrictText(max_length=255, required=False)
    phone = StrictText(max_length=128, required=False)
    gender = StrictText(max_length=16, required=False)
    date_of_birth = BirthDate(required=False)
    email_allowed = StrictBoolean(required=False)
    sms_allowed = StrictBoolean(required=False)
