"""Serializer fields that take what the contract says and nothing that merely looks like it."""

import re
from datetime import UTC, date, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

ID_MAX = 2**63 - 1

_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# C0 and C1 controls, zero-width and bidirectional marks, line separators, tags.
INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]{1,64}"
    r"@(?=.{1,253}\Z)[A-Za-z0-9\u0080-\U0010ffff-]+(?:\.[A-Za-z0-9\u0080-\U0010ffff-]+)+"
)
EMAIL_MAX = 254
MOMENT_MAX = 40
PASSWORD_MAX = 1024


class StrictInteger(serializers.Field[int, Any, int, Any]):
    """A whole number, or the same in ASCII digits (clients send ids as strings)."""

    default_error_messages = {
        "invalid": _("A whole number is required."),
        "range": _("This number is out of range."),
    }

    def __init__(self, *, min_value: int = 1, max_value: int = ID_MAX, **options: Any) -> None:
        super().__init__(**options)
        self.min_value, self.max_value = min_value, max_value

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and _DIGITS.fullmatch(data):
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        if not self.min_value <= data <= self.max_value:
            self.fail("range")
        return data

    def to_representation(self, value: int) -> int:
        return value


class StrictBoolean(serializers.Field[bool, Any, bool, Any]):
    """`true` or `false`, or the same words as a string."""

    default_error_messages = {"invalid": _("Must be true or false.")}
    WORDS = {"true": True, "false": False}

    def to_internal_value(self, data: Any) -> bool:
        told = self.WORDS.get(data) if isinstance(data, str) else data
        if not isinstance(told, bool):
            self.fail("invalid")
        return told

    def to_representation(self, value: bool) -> bool:  # noqa: FBT001 - signature is the framework's
        return value


class StrictText(serializers.Field[str, Any, str, Any]):
    """Visible text of bounded length without outer spaces; `multiline` allows line breaks."""

    default_error_messages = {
        "invalid": _("Not a valid string."),
        "blank": _("This field may not be blank."),
        "max_length": _("Ensure this field has no more than {max_length} characters."),
        "invisible": _("Control and invisible characters are not allowed."),
    }

    def __init__(
        self,
        *,
        max_length: int,
        allow_blank: bool = False,
        multiline: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.max_length, self.allow_blank, self.multiline = max_length, allow_blank, multiline

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = data.strip(" ")
        if not text and not self.allow_blank:
            self.fail("blank")
        if len(text) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        visible = re.sub(r"\r\n?|\n|\t", " ", text) if self.multiline else text
        if INVISIBLE.search(visible):
            self.fail("invisible")
        return text

    def to_representation(self, value: str) -> str:
        return value


class StrictEmail(StrictText):
    """An address in the usual form; what it means is decided elsewhere."""

    default_error_messages = {"email": _("Enter a valid email address.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=EMAIL_MAX, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = data.strip(" ")
        if not text and self.allow_blank:
            return ""
        if not text:
            self.fail("blank")
        if len(text) > EMAIL_MAX or INVISIBLE.search(text) or not _EMAIL.fullmatch(text):
            self.fail("email")
        if any(character.isspace() for character in text):
            self.fail("email")
        return text


class Password(serializers.CharField):
    """Text exactly as it was typed; a number is no text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=PASSWORD_MAX, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class StrictDate(serializers.Field[date, Any, str, Any]):
    """A day as YYYY-MM-DD and in no other of ISO's spellings."""

    default_error_messages = {"invalid": _("Use the form YYYY-MM-DD.")}

    def to_internal_value(self, data: Any) -> date:
        if not isinstance(data, str) or not _DATE.fullmatch(data.strip(" ")):
            self.fail("invalid")
        try:
            return date.fromisoformat(data.strip(" "))
        except ValueError:
            self.fail("invalid")

    def to_representation(self, value: date) -> str:
        return value.isoformat()


class StrictMoment(serializers.Field[datetime, Any, datetime, Any]):
    """A day or an aware ISO 8601 time; a day is its first moment, a naive time is UTC."""

    default_error_messages = {"invalid": _("Use an ISO 8601 date or date and time.")}

    def to_internal_value(self, data: Any) -> datetime:
        fits = isinstance(data, str) and len(data) <= MOMENT_MAX and data.isascii()
        moment = _moment(data.strip(" ")) if fits else None
        if moment is None:
            self.fail("invalid")
        return moment

    def to_representation(self, value: datetime) -> datetime:
        return value


def _moment(text: str) -> datetime | None:
    try:
        if _DATE.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        moment = parse_datetime(text) if _DATE.match(text) else None
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC) if moment else None
    except (ValueError, OverflowError):
        return None
